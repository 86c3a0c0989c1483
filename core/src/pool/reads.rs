//! Decides which server a read goes to: by role, by distance, by zone, and among equals to the less busy of two.

use std::sync::Arc;

/// Where reads go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReadFrom {
    /// The master alone: what was written is read. The default.
    #[default]
    Master,
    /// The master; a replica while there is none.
    MasterPreferred,
    /// A replica; [`ErrorKind::NoReplica`](crate::error::ErrorKind::NoReplica) when none may be read from.
    Replica,
    /// A replica; the master when none may be read from.
    ReplicaPreferred,
    /// Any server.
    Any,
    /// The server that answers PING fastest.
    Nearest,
    /// A replica in this zone, else the master in this zone, else any replica, else the master.
    Zone(Arc<str>),
}

impl ReadFrom {
    /// The policy of that name: `master`, `master_preferred`, `replica`, `replica_preferred`, `any`, `nearest`,
    /// `zone:<name>`. Hyphens are as good as underscores.
    ///
    /// ```
    /// use sentinelle::pool::ReadFrom;
    /// assert_eq!(ReadFrom::parse("replica-preferred"), Some(ReadFrom::ReplicaPreferred));
    /// assert_eq!(ReadFrom::parse("zone:eu-1a"), Some(ReadFrom::Zone("eu-1a".into())));
    /// assert_eq!(ReadFrom::parse("zone:"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(zone) = text.strip_prefix("zone:") {
            return (!zone.is_empty()).then(|| Self::Zone(zone.into()));
        }
        match text.to_ascii_lowercase().replace('-', "_").as_str() {
            "master" => Some(Self::Master),
            "master_preferred" => Some(Self::MasterPreferred),
            "replica" => Some(Self::Replica),
            "replica_preferred" => Some(Self::ReplicaPreferred),
            "any" => Some(Self::Any),
            "nearest" => Some(Self::Nearest),
            _ => None,
        }
    }

    /// Whether servers have to be asked before it can choose well.
    pub(super) fn wants_measures(&self) -> bool {
        matches!(self, Self::Nearest | Self::Zone(_))
    }

    /// Whether a replica may be read from at all.
    pub fn wants_replicas(&self) -> bool {
        *self != Self::Master
    }
}

/// What is known of a server that may be read from.
pub(super) trait Place {
    /// Where it stands, as it says itself.
    fn zone(&self) -> Option<&str>;
    /// Its usual answer to PING in microseconds.
    fn round_trip(&self) -> Option<u64>;
    /// Commands it has not answered yet.
    fn in_flight(&self) -> usize;
}

/// The server a read goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice<'a, P> {
    pub(super) place: &'a P,
    /// Whether the policy would rather have had another kind of server.
    pub(super) is_fallback: bool,
}

/// Chooses by `policy` from the master and the replicas that may be read from; `draw` is any random number.
pub(super) fn choose<'a, P: Place>(
    policy: &ReadFrom,
    master: Option<&'a P>,
    replicas: &'a [P],
    draw: u64,
) -> Option<Choice<'a, P>> {
    let replica = || less_busy(replicas, |_| true, draw);
    let first = |place: Option<&'a P>| place.map(|place| Choice { place, is_fallback: false });
    let second = |place: Option<&'a P>| place.map(|place| Choice { place, is_fallback: true });
    match policy {
        ReadFrom::Master => first(master),
        ReadFrom::MasterPreferred => first(master).or_else(|| second(replica())),
        ReadFrom::Replica => first(replica()),
        ReadFrom::ReplicaPreferred => first(replica()).or_else(|| second(master)),
        ReadFrom::Any => first(any(master, replicas, draw)),
        ReadFrom::Nearest => first(nearest(master, replicas)),
        ReadFrom::Zone(zone) => {
            let is_near = |place: &P| place.zone() == Some(zone);
            first(less_busy(replicas, is_near, draw))
                .or_else(|| second(master.filter(|master| is_near(master))))
                .or_else(|| second(replica()))
                .or_else(|| second(master))
        }
    }
}

/// Two at random, and of them the one with less to do: nearly as even as asking all, and never all to the same one.
fn less_busy<P: Place>(places: &[P], may: impl Fn(&P) -> bool, draw: u64) -> Option<&P> {
    let count = places.iter().filter(|place| may(place)).count();
    if count == 0 {
        return None;
    }
    let nth = |index: usize| places.iter().filter(|place| may(place)).nth(index);
    let first = (draw as u32) as usize % count;
    let second = (first + 1 + (draw >> 32) as usize % count.max(2).saturating_sub(1)) % count;
    let (first, second) = (nth(first)?, nth(second)?);
    Some(if second.in_flight() < first.in_flight() { second } else { first })
}

fn any<'a, P: Place>(master: Option<&'a P>, replicas: &'a [P], draw: u64) -> Option<&'a P> {
    let count = (replicas.len() + usize::from(master.is_some())) as u64;
    let takes_master = master.is_some() && draw.rotate_left(17).is_multiple_of(count);
    if takes_master { master } else { less_busy(replicas, |_| true, draw) }
}

/// The fastest; one that was not measured yet comes last, and differences that are noise do not count.
fn nearest<'a, P: Place>(master: Option<&'a P>, replicas: &'a [P]) -> Option<&'a P> {
    let mut best: Option<&P> = None;
    for place in master.into_iter().chain(replicas) {
        let is_better = match (best.map(Place::round_trip), place.round_trip()) {
            (None, _) | (Some(None), Some(_)) => true,
            (Some(Some(best)), Some(round_trip)) => is_clearly_less(round_trip, best),
            (Some(_), None) => false,
        };
        if is_better {
            best = Some(place);
        }
    }
    best
}

/// More than a fifth and more than a millisecond.
fn is_clearly_less(round_trip: u64, than: u64) -> bool {
    round_trip.saturating_add(1000) < than && round_trip.saturating_mul(5) < than.saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Place, ReadFrom, choose};

    #[derive(Debug, PartialEq)]
    struct Server {
        name: &'static str,
        zone: &'static str,
        round_trip: u64,
        in_flight: usize,
    }

    impl Place for Server {
        fn zone(&self) -> Option<&str> {
            Some(self.zone)
        }

        fn round_trip(&self) -> Option<u64> {
            Some(self.round_trip)
        }

        fn in_flight(&self) -> usize {
            self.in_flight
        }
    }

    fn server(name: &'static str, zone: &'static str) -> Server {
        Server { name, zone, round_trip: 5000, in_flight: 0 }
    }

    /// Every server that any draw leads to, and whether it was a fallback.
    fn choices(policy: &ReadFrom, master: Option<&Server>, replicas: &[Server]) -> BTreeSet<(&'static str, bool)> {
        let draws = (0..200_u64).map(|draw| draw.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let chosen = draws.filter_map(|draw| choose(policy, master, replicas, draw));
        chosen.map(|choice| (choice.place.name, choice.is_fallback)).collect()
    }

    #[test]
    fn a_policy_leads_to_the_servers_it_names_and_no_others() {
        let master = server("m", "a");
        let replicas = [server("r1", "a"), server("r2", "b")];
        let zone = |name: &str| ReadFrom::Zone(name.into());
        for (policy, expected) in [
            (ReadFrom::Master, &[("m", false)][..]),
            (ReadFrom::MasterPreferred, &[("m", false)]),
            (ReadFrom::Replica, &[("r1", false), ("r2", false)]),
            (ReadFrom::ReplicaPreferred, &[("r1", false), ("r2", false)]),
            (ReadFrom::Any, &[("m", false), ("r1", false), ("r2", false)]),
            (zone("b"), &[("r2", false)]),
            (zone("c"), &[("r1", true), ("r2", true)]),
        ] {
            assert_eq!(choices(&policy, Some(&master), &replicas), expected.iter().copied().collect(), "{policy:?}");
        }
        assert_eq!(choices(&zone("a"), Some(&master), &replicas[1..]), [("m", true)].into());
    }

    #[test]
    fn a_policy_falls_back_only_where_it_says_so() {
        let master = server("m", "a");
        let replicas = [server("r", "a")];
        for (policy, without_replicas, without_master) in [
            (ReadFrom::Master, Some(("m", false)), None),
            (ReadFrom::MasterPreferred, Some(("m", false)), Some(("r", true))),
            (ReadFrom::Replica, None, Some(("r", false))),
            (ReadFrom::ReplicaPreferred, Some(("m", true)), Some(("r", false))),
            (ReadFrom::Any, Some(("m", false)), Some(("r", false))),
            (ReadFrom::Nearest, Some(("m", false)), Some(("r", false))),
        ] {
            let only = |choice: Option<(&'static str, bool)>| choice.into_iter().collect::<BTreeSet<_>>();
            assert_eq!(choices(&policy, Some(&master), &[]), only(without_replicas), "{policy:?}");
            assert_eq!(choices(&policy, None, &replicas), only(without_master), "{policy:?}");
        }
    }

    #[test]
    fn the_less_busy_of_two_is_read_from() {
        let replicas = [Server { in_flight: 9, ..server("busy", "a") }, server("free", "a")];

        assert_eq!(choices(&ReadFrom::Replica, None, &replicas), [("free", false)].into());
    }

    #[test]
    fn a_server_is_nearer_only_when_the_difference_is_clear() {
        let master = server("m", "a");
        let close = [Server { round_trip: 4500, ..server("r", "a") }];
        let near = [Server { round_trip: 1000, ..server("r", "a") }];

        assert_eq!(choices(&ReadFrom::Nearest, Some(&master), &close), [("m", false)].into());
        assert_eq!(choices(&ReadFrom::Nearest, Some(&master), &near), [("r", false)].into());
    }
}

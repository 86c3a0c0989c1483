//! Decides how fast the sentinels of a group act.

use crate::{config::Periods, types::Millis};

/// How fast the sentinels of a group act.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// A failover takes well under 600 ms; the default.
    ///
    /// `down-after-milliseconds` 200, `failover-timeout` 5000, PING each 100 ms, INFO each second, hellos each 500 ms.
    /// Stock sentinels are given the same periods (`SENTINEL DEBUG`), except that they ping each 250 ms.
    #[default]
    Fast,
    /// The values a sentinel has when its file says nothing: 30 s until a master is down, hellos each 2 s.
    Stock,
    /// Values of your own.
    Custom(Pace),
}

/// The spans a group's sentinels use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Silence that makes an instance down.
    pub down_after: Millis,
    /// Patience with a failover.
    pub failover_timeout: Millis,
    /// Between recurring acts.
    pub periods: Periods,
}

impl Profile {
    /// The spans it stands for.
    pub fn pace(&self) -> Pace {
        match self {
            Self::Fast => Pace {
                down_after: Millis::new(200),
                failover_timeout: Millis::new(5_000),
                periods: Periods {
                    info: Millis::new(1_000),
                    ping: Millis::new(100),
                    ask: Millis::new(200),
                    publish: Millis::new(500),
                    min_link_reconnect: Millis::new(1_000),
                    election: Millis::new(1_000),
                    replica_reconf: Millis::new(2_000),
                    tilt: Millis::new(1_000),
                    ..Periods::default()
                },
            },
            Self::Stock => {
                let periods = Periods::default();
                Pace {
                    down_after: periods.default_down_after,
                    failover_timeout: periods.default_failover_timeout,
                    periods,
                }
            }
            Self::Custom(pace) => pace.clone(),
        }
    }
}

impl Pace {
    /// The words behind `SENTINEL DEBUG` that give a sentinel these periods; it pings no more often than each `slowest_ping`.
    pub(super) fn debug_words(&self, slowest_ping: Millis) -> Vec<String> {
        let Periods { info, ping, ask, publish, tilt, replica_reconf, min_link_reconnect, election, .. } = self.periods;
        let words = [
            ("INFO-PERIOD", info),
            ("PING-PERIOD", ping.max(slowest_ping)),
            ("ASK-PERIOD", ask),
            ("PUBLISH-PERIOD", publish),
            ("MIN-LINK-RECONNECT-PERIOD", min_link_reconnect),
            ("ELECTION-TIMEOUT", election),
            ("SLAVE-RECONF-TIMEOUT", replica_reconf),
            ("TILT-PERIOD", tilt),
        ];
        words.into_iter().flat_map(|(name, span)| [name.to_owned(), span.as_ms().to_string()]).collect()
    }

    /// The same, but who waits for news of the others has it soon.
    pub(super) fn hurried(&self) -> Self {
        let periods = Periods { info: HURRIED_INFO, publish: HURRIED_HELLO, ..self.periods.clone() };
        Self { periods, ..self.clone() }
    }
}

const HURRIED_INFO: Millis = Millis::new(50);
const HURRIED_HELLO: Millis = Millis::new(100);

#[cfg(test)]
mod tests {
    use super::Profile;
    use crate::types::Millis;

    #[test]
    fn a_sentinel_does_not_ping_more_often_than_it_may() {
        let words = Profile::Fast.pace().debug_words(Millis::new(250));

        let at = words.iter().position(|word| word == "PING-PERIOD").expect("it is told");
        assert_eq!(words[at + 1], "250");
    }
}

//! Decides how fast the sentinels of a group act.

use crate::{config::Periods, types::Millis};

/// How fast the sentinels of a group act.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// A failover takes well under 600 ms; the default.
    ///
    /// `down-after-milliseconds` 200, `failover-timeout` 5000, PING each 100 ms, INFO each second, hellos each 500 ms.
    /// Stock sentinels are given the same periods (`SENTINEL DEBUG`), except that they ping each 250 ms: in a failover they
    /// want each replica's INFO to be younger than five of these periods, and ask for it once a second.
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
    pub(super) fn pace(&self) -> Pace {
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
    /// The words behind `SENTINEL DEBUG` that give a stock sentinel these periods.
    pub(super) fn debug_words(&self) -> Vec<String> {
        // 5 x ping must exceed the second between two INFO of a stock sentinel, or no replica is ever good enough.
        let ping = self.periods.ping.max(Millis::new(250));
        let words = [
            ("INFO-PERIOD", self.periods.info),
            ("PING-PERIOD", ping),
            ("ASK-PERIOD", self.periods.ask),
            ("PUBLISH-PERIOD", self.periods.publish),
            ("MIN-LINK-RECONNECT-PERIOD", self.periods.min_link_reconnect),
            ("ELECTION-TIMEOUT", self.periods.election),
            ("SLAVE-RECONF-TIMEOUT", self.periods.replica_reconf),
            ("TILT-PERIOD", self.periods.tilt),
        ];
        words.into_iter().flat_map(|(name, span)| [name.to_owned(), span.as_ms().to_string()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Profile;

    #[test]
    fn a_stock_sentinel_does_not_ping_so_often_that_no_replica_is_good_enough() {
        let words = Profile::Fast.pace().debug_words();

        let at = words.iter().position(|word| word == "PING-PERIOD").expect("it is told");
        assert_eq!(words[at + 1], "250");
    }
}

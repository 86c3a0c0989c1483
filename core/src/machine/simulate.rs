//! Decides at which points of its work a sentinel crashes when it was ordered to (`SENTINEL SIMULATE-FAILURE`).

use std::collections::BTreeSet;

use super::{Machine, Output};
use crate::config::LogLevel;

/// A point at which a sentinel can be told to crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CrashPoint {
    /// A vote is decided, its own candidacy included, and not stored.
    BeforeVote,
    /// The vote is stored, and nobody was told.
    AfterVote,
    /// It was elected, and has promoted nobody.
    AfterElection,
    /// The new master is certain, and nobody was told.
    AfterPromotion,
}

/// The points at which this sentinel is to crash.
pub(super) type CrashPoints = BTreeSet<CrashPoint>;

impl CrashPoint {
    /// All of them, in the order of a failover.
    pub const ALL: [Self; 4] = [Self::BeforeVote, Self::AfterVote, Self::AfterElection, Self::AfterPromotion];

    /// Its word behind `SENTINEL SIMULATE-FAILURE`. The reference knows the last two.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BeforeVote => "crash-before-vote",
            Self::AfterVote => "crash-after-vote",
            Self::AfterElection => "crash-after-election",
            Self::AfterPromotion => "crash-after-promotion",
        }
    }

    /// Whether stock sentinels have it too.
    pub const fn is_stock(self) -> bool {
        matches!(self, Self::AfterElection | Self::AfterPromotion)
    }

    /// Its bit in `sentinel_simulate_failure_flags`; those of the reference as there.
    pub(super) fn flag(self) -> u8 {
        match self {
            Self::AfterElection => 1,
            Self::AfterPromotion => 2,
            Self::BeforeVote => 4,
            Self::AfterVote => 8,
        }
    }

    /// What the log says when it is ordered.
    pub(super) fn announcement(self) -> String {
        let when = match self {
            Self::BeforeVote => "before storing a vote",
            Self::AfterVote => "after storing a vote and before telling it",
            Self::AfterElection => "after being successfully elected as failover leader",
            Self::AfterPromotion => "after promoting the selected replica to master",
        };
        format!("Failure simulation: this Sentinel will crash {when}")
    }
}

impl Machine {
    /// Ends the process if it was ordered to crash here, and tells whether it was.
    pub(super) fn crashes(&mut self, point: CrashPoint) -> bool {
        let is_ordered = self.crash_points.contains(&point);
        if is_ordered {
            self.log(LogLevel::Warning, "Sentinel CRASH because of SENTINEL simulate-failure".into());
            self.outputs.push_back(Output::Exit { code: 99 });
        }
        is_ordered
    }
}

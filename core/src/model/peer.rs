//! Decides what is remembered of another sentinel alone.

use crate::types::{Epoch, RunId, Tick};

/// What another sentinel has said of one master.
#[derive(Clone, Debug)]
pub struct PeerFacts {
    /// When its last hello came.
    pub last_hello: Tick,
    /// When it last answered a question about the master.
    pub answered: Tick,
    /// Whether it called the master down in its last answer.
    pub says_down: bool,
    /// Whom it voted for, and in which epoch, as it told us.
    pub vote: Option<(RunId, Epoch)>,
    /// The newest epoch in which it was asked for its vote and gave none.
    pub declined: Option<Epoch>,
    /// The configuration epoch its last hello carried.
    pub config_epoch: Epoch,
}

impl PeerFacts {
    /// A peer that has said nothing yet.
    pub fn new(now: Tick) -> Self {
        Self { last_hello: now, answered: now, says_down: false, vote: None, declined: None, config_epoch: Epoch::ZERO }
    }
}

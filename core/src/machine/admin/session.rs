//! Decides what is remembered of one client of this sentinel's port.

use std::collections::BTreeSet;

use crate::resp::Protocol;

/// One client's connection.
#[derive(Clone, Debug)]
pub(in crate::machine) struct Session {
    /// The protocol it chose.
    pub(super) protocol: Protocol,
    /// The channels it listens to.
    pub(super) channels: BTreeSet<Vec<u8>>,
    /// The patterns it listens to.
    pub(super) patterns: BTreeSet<Vec<u8>>,
}

//! Decides what is remembered of a replica alone.

use crate::types::{Millis, Tick};

/// What INFO tells of a replica, and how far its reconfiguration has come.
#[derive(Clone, Debug)]
pub struct ReplicaFacts {
    /// The master it follows, as it says; `None` = unknown.
    pub master_host: Option<String>,
    /// The port of the master it follows; 0 = unknown.
    pub master_port: u16,
    /// Whether its replication link is up.
    pub master_link: MasterLink,
    /// How long its replication link has been down; 0 while up.
    pub link_down_for: Millis,
    /// `slave_priority`; 0 = never promote; default 100.
    pub priority: i64,
    /// `slave_repl_offset`
    pub offset: u64,
    /// `replica_announced`; default yes.
    pub announced: bool,
    /// When the master it follows last changed.
    pub changed: Tick,
    /// Whether it was the master, or was told to be, and has not been seen as a replica since.
    pub former_master: bool,
    /// When it was last told to follow the master, outside of a failover.
    pub corrected: Option<Tick>,
    /// How far a failover has come in moving it.
    pub reconfiguration: Reconfiguration,
}

/// The state of a replication link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterLink {
    /// `master_link_status:up`
    Up,
    /// Anything else.
    Down,
}

/// How far a failover has come in moving a replica to the new master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconfiguration {
    /// Not begun.
    None,
    /// The command was sent then.
    Sent(Tick),
    /// It says it follows the new master.
    InProgress,
    /// Its link to the new master is up, or time ran out.
    Done,
}

impl ReplicaFacts {
    /// A replica of which nothing is known yet.
    pub fn new(now: Tick) -> Self {
        Self {
            master_host: None,
            master_port: 0,
            master_link: MasterLink::Down,
            link_down_for: Millis::ZERO,
            priority: 100,
            offset: 0,
            announced: true,
            changed: now,
            former_master: false,
            corrected: None,
            reconfiguration: Reconfiguration::None,
        }
    }
}

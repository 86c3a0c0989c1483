//! Decides what waits for the disk: consequences are held until the state they rest on is stored.
//!
//! At most one store is under way. What is decided meanwhile is gathered and written by the next one,
//! so that however many votes wait, one write serves them all.

use super::{Event, Machine, Output};
use crate::{
    config::{LogLevel, Settings},
    model::{DataFacts, Node},
    resp::Value,
    types::{ClientId, GroupId, NodeId, Now, StoreId},
};

/// What happens once the state is on disk, and what if it cannot be.
#[derive(Clone, Debug)]
pub(super) enum Consequence {
    /// A client hears the outcome.
    Reply { client: ClientId, stored: Value, failed: Value },
    /// An event is published either way.
    Publish(Event),
    /// A vote for another sentinel takes effect.
    Vote { client: ClientId, group: GroupId },
    /// The attempt of this group, with this sentinel's own vote, may ask for votes.
    Campaign { group: GroupId },
    /// The promotion seen of this group may be told.
    Announce { group: GroupId },
}

/// The stores under way and wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct StoreDesk {
    last: u64,
    under_way: Option<StoreId>,
    waiting: Vec<Consequence>,
    wanted: bool,
    gathered: Vec<Consequence>,
}

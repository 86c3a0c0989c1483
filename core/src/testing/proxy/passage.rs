//! Decides how bytes fare on their way from one member of a group to another.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use tokio::sync::watch;

use super::super::group::Member;
use crate::types::Millis;

/// From whom to whom.
pub(in crate::testing) type Lane = (Member, Member);

/// How bytes fare in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Whether they arrive at all.
    pub fate: Fate,
    /// How long they take.
    pub latency: Millis,
    /// By how much more, at most, each piece is late; pieces stay in order.
    pub jitter: Millis,
    /// How many bytes pass in a second; `None` = as many as come.
    pub bytes_per_second: Option<u64>,
    /// In which pieces they arrive; `None` = as they come.
    pub slices: Option<Slices>,
    /// After how many bytes, from now on, each connection is ended both ways; `None` = never.
    pub allowance: Option<u64>,
    /// How much later than the bytes before it the end of a connection arrives.
    pub end_delay: Millis,
}

/// Pieces that bytes are cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slices {
    /// How many bytes each has at most; 0 counts as 1.
    pub bytes: usize,
    /// How long the next one waits.
    pub pause: Millis,
}

/// Whether bytes arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They do.
    Carried,
    /// They are held back without a word, as behind a broken switch; they arrive when that is mended.
    Held,
    /// Open connections are reset, and new ones too.
    Reset,
    /// Open connections stay, new ones are reset.
    Refused,
}

impl Passage {
    /// As if there were nothing between the two.
    pub const CLEAR: Self = Self {
        fate: Fate::Carried,
        latency: Millis::ZERO,
        jitter: Millis::ZERO,
        bytes_per_second: None,
        slices: None,
        allowance: None,
        end_delay: Millis::ZERO,
    };

    /// A passage of that fate, else clear.
    pub const fn of(fate: Fate) -> Self {
        Self { fate, ..Self::CLEAR }
    }
}

/// The passages of a group that are not clear.
#[derive(Debug)]
pub(in crate::testing) struct Passages {
    marked: Mutex<BTreeMap<Lane, Passage>>,
    changed: watch::Sender<()>,
}

impl Passages {
    /// All clear.
    pub(in crate::testing) fn clear() -> Self {
        Self { marked: Mutex::default(), changed: watch::Sender::new(()) }
    }

    /// How bytes fare there at this moment.
    pub(super) fn at(&self, lane: Lane) -> Passage {
        let marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        marked.get(&lane).copied().unwrap_or(Passage::CLEAR)
    }

    /// Changes passages; all connections learn of it at once.
    pub(in crate::testing) fn change(&self, change: impl FnOnce(&mut BTreeMap<Lane, Passage>)) {
        change(&mut self.marked.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_replace(());
    }

    /// Tells of changes from this moment on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Returns when nothing is held back there.
    pub(super) async fn pass(&self, lane: Lane, changes: &mut watch::Receiver<()>) {
        while self.at(lane).fate == Fate::Held {
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }
}

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

/// One direction of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) lane: Lane,
    pub(super) lot: Lot,
}

/// What decides whether a connection is among those that a passage befalls; drawn when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lot(u16);

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
    /// Which part of the connections all this befalls; for the others the passage is clear.
    pub toxicity: Toxicity,
}

/// Which part of the connections a passage befalls, drawn for each connection when it is made.
///
/// The lots are even: of any ten connections that one member makes in a row, a toxicity of a half befalls four to six.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Toxicity(u32);

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
        toxicity: Toxicity::ALL,
    };

    /// A passage of that fate, else clear.
    pub const fn of(fate: Fate) -> Self {
        Self { fate, ..Self::CLEAR }
    }
}

impl Toxicity {
    /// It befalls every connection.
    pub const ALL: Self = Self(LOTS);

    /// It befalls that part of them, between 0 (none) and 1 (all); what lies outside counts as the nearer of the two.
    pub fn of(part: f64) -> Self {
        Self((part.clamp(0.0, 1.0) * f64::from(LOTS)).round() as u32)
    }

    fn befalls(self, lot: Lot) -> bool {
        u32::from(lot.0) < self.0
    }
}

impl Lot {
    /// The lot of the connection with that number.
    pub(super) fn of(number: u16) -> Self {
        Self(number.wrapping_mul(GOLDEN))
    }
}

/// How many different lots there are.
const LOTS: u32 = 1 << u16::BITS;

/// The golden section of all lots; its multiples lie as evenly as can be, however many are drawn.
const GOLDEN: u16 = 40_503;

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
    pub(super) fn at(&self, way: Way) -> Passage {
        let marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        marked.get(&way.lane).copied().filter(|passage| passage.toxicity.befalls(way.lot)).unwrap_or(Passage::CLEAR)
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
    pub(super) async fn pass(&self, way: Way, changes: &mut watch::Receiver<()>) {
        while self.at(way).fate == Fate::Held {
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lot, Toxicity};

    #[test]
    fn a_toxicity_befalls_its_part_of_any_connections_in_a_row() {
        for (part, fewest, most) in [(0.0, 0, 0), (0.1, 0, 2), (0.5, 4, 6), (0.9, 8, 10), (1.0, 10, 10)] {
            let toxicity = Toxicity::of(part);
            for first in [0, 1, 77, 65_530] {
                let numbers = (0..10).map(|step: u16| step.wrapping_add(first));

                let befallen = numbers.filter(|&number| toxicity.befalls(Lot::of(number))).count();

                assert!((fewest..=most).contains(&befallen), "{befallen} of 10 from {first} at {part}");
            }
        }
        assert_eq!((Toxicity::of(-1.0), Toxicity::of(7.0)), (Toxicity::of(0.0), Toxicity::ALL));
    }
}

//! Decides what the task and its users share: a snapshot of each master, the events, and what users want done.
//!
//! Users never wait for the task, and nothing they do grows without bound: what they want is kept once for each master.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::{Notify, oneshot};

use super::bell::Bell;
use crate::{
    finder::{Event, Phase, Sign, Topology},
    types::{Generation, MasterName, Tick},
};

/// What the task and its users share.
#[derive(Debug, Default)]
pub(super) struct Board {
    slots: Mutex<BTreeMap<MasterName, Arc<Slot>>>,
    wishes: Mutex<Wishes>,
    wished: Notify,
    pub(super) feed: Feed,
    is_closed: AtomicBool,
    pub(super) ended: Bell,
}

/// The snapshot of one master.
#[derive(Debug)]
pub(super) struct Slot {
    topology: Mutex<Arc<Topology>>,
    users: AtomicUsize,
    pub(super) bell: Bell,
}

/// What users want done.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// Masters whose users have become some, or none.
    pub(super) interest: BTreeSet<MasterName>,
    /// Signs met, the latest of each kind.
    pub(super) signs: BTreeMap<(MasterName, &'static str), (Generation, Sign)>,
    /// Masters to look at afresh.
    pub(super) refresh: BTreeSet<MasterName>,
    /// Those who wait for the list of masters.
    pub(super) surveys: Vec<oneshot::Sender<Vec<MasterName>>>,
    /// Whether it is time to end.
    pub(super) close: bool,
}

/// The events of late, for any number of readers.
#[derive(Debug, Default)]
pub(super) struct Feed {
    kept: Mutex<Kept>,
    pub(super) bell: Bell,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Event>,
    /// The number of the first event kept.
    first: u64,
}

impl Board {
    /// The slot of a master, with one more user.
    pub(super) fn use_slot(&self, name: &MasterName) -> Arc<Slot> {
        let mut slots = self.slots();
        let slot = slots.entry(name.clone()).or_insert_with(|| Arc::new(Slot::new(name.clone())));
        if slot.users.fetch_add(1, Ordering::AcqRel) == 0 {
            self.wish(|wishes| {
                wishes.interest.insert(name.clone());
            });
        }
        if self.is_closed() {
            slot.close();
        }
        Arc::clone(slot)
    }

    /// One user less of a slot.
    pub(super) fn leave_slot(&self, name: &MasterName, slot: &Slot) {
        if slot.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.wish(|wishes| {
                wishes.interest.insert(name.clone());
            });
        }
    }

    /// Whether anybody uses the master's slot.
    pub(super) fn is_used(&self, name: &MasterName) -> bool {
        self.slots().get(name).is_some_and(|slot| slot.users.load(Ordering::Acquire) > 0)
    }

    /// Forgets the slot, unless somebody uses it; whether it is gone.
    pub(super) fn forget(&self, name: &MasterName) -> bool {
        let mut slots = self.slots();
        let is_unused = slots.get(name).is_none_or(|slot| slot.users.load(Ordering::Acquire) == 0);
        if is_unused {
            slots.remove(name);
        }
        is_unused
    }

    /// Shows a newer snapshot. That of a master that nobody wants to know is shown to nobody.
    pub(super) fn show(&self, topology: Arc<Topology>) {
        if topology.phase == Phase::Closed {
            self.forget(&topology.name);
            return;
        }
        let slot = {
            let mut slots = self.slots();
            let name = topology.name.clone();
            Arc::clone(slots.entry(name).or_insert_with_key(|name| Arc::new(Slot::new(name.clone()))))
        };
        slot.show(topology);
    }

    /// Says what is wanted, and wakes the task.
    pub(super) fn wish(&self, say: impl FnOnce(&mut Wishes)) {
        say(&mut self.wishes.lock().unwrap_or_else(PoisonError::into_inner));
        self.wished.notify_one();
    }

    /// Waits until something is wanted.
    pub(super) async fn wished(&self) {
        self.wished.notified().await;
    }

    /// Takes what is wanted.
    pub(super) fn take_wishes(&self) -> Wishes {
        std::mem::take(&mut *self.wishes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the task has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// The task has ended: nobody waits any longer.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let slots = std::mem::take(&mut *self.slots());
        for slot in slots.values() {
            slot.close();
        }
        // Whoever waits for the list of masters sees the sender go.
        drop(self.take_wishes());
        self.feed.bell.ring();
        self.ended.ring();
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<MasterName, Arc<Slot>>> {
        // Nothing is left half done while it is locked, so a panic elsewhere does not spoil it.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn new(name: MasterName) -> Self {
        let topology = Mutex::new(Arc::new(Topology::unknown(name, Tick::from_ms(0))));
        Self { topology, users: AtomicUsize::new(0), bell: Bell::default() }
    }

    /// The snapshot of the moment.
    pub(super) fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.topology.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn show(&self, topology: Arc<Topology>) {
        *self.topology.lock().unwrap_or_else(PoisonError::into_inner) = topology;
        self.bell.ring();
    }

    fn close(&self) {
        let last = self.topology();
        self.show(Arc::new(Topology { phase: Phase::Closed, ..(*last).clone() }));
    }
}

impl Feed {
    /// Adds an event; the oldest goes when there are too many.
    pub(super) fn publish(&self, event: Event) {
        let mut kept = self.kept();
        kept.events.push_back(event);
        if kept.events.len() > MAX_EVENTS {
            kept.events.pop_front();
            kept.first += 1;
        }
        drop(kept);
        self.bell.ring();
    }

    /// The number that the next event will have.
    pub(super) fn end(&self) -> u64 {
        let kept = self.kept();
        kept.first + kept.events.len() as u64
    }

    /// The event of that number, or the first kept behind it, with its own number.
    pub(super) fn read(&self, number: u64) -> Option<(u64, Event)> {
        let kept = self.kept();
        let number = number.max(kept.first);
        let event = kept.events.get(usize::try_from(number - kept.first).ok()?)?;
        Some((number, event.clone()))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many events are kept for readers that are slow.
const MAX_EVENTS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::{Board, Feed, MAX_EVENTS};
    use crate::{
        finder::{Event, EventKind, Phase},
        types::{MasterName, Now, Tick, UnixMs},
    };

    #[test]
    fn a_slow_reader_is_given_the_newest_events_with_their_numbers() {
        let feed = Feed::default();
        let at = Now { tick: Tick::from_ms(0), unix: UnixMs::from_ms(0) };

        for _ in 0..MAX_EVENTS + 3 {
            feed.publish(Event { at, master: None, kind: EventKind::FenceWeak });
        }

        assert_eq!(feed.read(0).map(|(number, _)| number), Some(3));
        assert!(feed.read(feed.end() - 1).is_some() && feed.read(feed.end()).is_none());
    }

    #[test]
    fn a_master_is_forgotten_once_nobody_uses_it() {
        let board = Board::default();
        let name = MasterName::parse("cart").expect("it is a name");

        let slot = board.use_slot(&name);
        let kept = board.forget(&name);
        board.leave_slot(&name, &slot);

        assert!(!kept && !board.is_used(&name) && board.forget(&name));
        assert_eq!(board.take_wishes().interest.into_iter().collect::<Vec<_>>(), [name]);
    }

    #[test]
    fn who_comes_after_the_end_sees_that_it_is_closed() {
        let board = Board::default();
        let name = MasterName::parse("cart").expect("it is a name");
        let before = board.use_slot(&name);

        board.close();

        assert_eq!(before.topology().phase, Phase::Closed);
        assert_eq!(board.use_slot(&name).topology().phase, Phase::Closed);
    }
}

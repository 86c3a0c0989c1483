//! Decides how things that happen wait to be fetched: a bounded queue, the newest kept, with a descriptor to poll.

use std::{
    collections::VecDeque,
    io::{PipeReader, PipeWriter, Read as _, Write as _, pipe},
    os::fd::{AsRawFd as _, RawFd},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::{Notify, watch};

use super::{
    failure::{Failure, Result},
    patience::Patience,
};
use crate::error::ErrorKind;

/// What a look into a queue gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// The oldest thing that waits.
    Item(T),
    /// Nothing came in the time given.
    Empty,
    /// Nothing waits and nothing will come.
    Closed,
}

/// The side that fetches; clones share one queue.
pub(super) struct Mailbox<T>(Arc<Shared<T>>);

/// The side that fills; it does not keep the queue alive.
pub(super) struct Sender<T> {
    shared: Weak<Shared<T>>,
    alive: watch::Receiver<()>,
}

struct Shared<T> {
    what: &'static str,
    pid: u32,
    capacity: usize,
    state: Mutex<State<T>>,
    arrived: Condvar,
    told: Notify,
    room: Notify,
    /// It is dropped with the last handle.
    life: watch::Sender<()>,
}

struct State<T> {
    waiting: VecDeque<T>,
    lost: u64,
    is_closed: bool,
    bell: Option<Bell>,
}

/// A pipe that holds one byte while there is something to fetch.
struct Bell {
    reader: PipeReader,
    writer: PipeWriter,
    rings: bool,
}

impl<T> Mailbox<T> {
    /// An empty queue that keeps the newest `capacity` things; `what` names it in failures.
    pub(super) fn new(what: &'static str, capacity: usize) -> Self {
        let state = State { waiting: VecDeque::new(), lost: 0, is_closed: false, bell: None };
        Self(Arc::new(Shared {
            what,
            pid: std::process::id(),
            capacity,
            state: Mutex::new(state),
            arrived: Condvar::new(),
            told: Notify::new(),
            room: Notify::new(),
            life: watch::Sender::new(()),
        }))
    }

    /// Where things are put in.
    pub(super) fn sender(&self) -> Sender<T> {
        Sender { shared: Arc::downgrade(&self.0), alive: self.0.life.subscribe() }
    }

    /// The oldest thing, and how many were lost before it; waits until there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`], [`ErrorKind::Forked`]
    pub(super) fn next(&self, patience: &Patience<'_>) -> Result<Next<(T, u64)>> {
        self.check_process()?;
        let deadline = patience.begin();
        let mut state = self.0.state();
        loop {
            if let Some(found) = state.take() {
                self.0.room.notify_one();
                return Ok(found);
            }
            let Some(slice) = deadline.next_slice()? else { return Ok(Next::Empty) };
            state = self.0.arrived.wait_timeout(state, slice).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The oldest thing; `None` when nothing will come.
    pub(super) async fn wait(&self) -> Option<(T, u64)> {
        loop {
            let told = self.0.told.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            match self.0.state().take() {
                Some(Next::Item(item)) => {
                    self.0.room.notify_one();
                    return Some(item);
                }
                Some(Next::Closed) => return None,
                Some(Next::Empty) | None => {}
            }
            told.await;
        }
    }

    /// Up to `most` things at once, the oldest first.
    ///
    /// # Errors
    /// [`ErrorKind::Forked`]
    pub(super) fn drain(&self, most: usize) -> Result<Vec<T>> {
        self.check_process()?;
        let mut state = self.0.state();
        let count = most.min(state.waiting.len());
        let taken = state.waiting.drain(..count).collect();
        state.set_bell();
        self.0.room.notify_one();
        Ok(taken)
    }

    /// A descriptor that is readable while something waits, and when nothing will come any more.
    ///
    /// It is only for polling; it belongs to the queue and is closed with it.
    ///
    /// # Errors
    /// [`ErrorKind::Forked`]; [`ErrorKind::File`] when the system has no more descriptors.
    pub(super) fn fd(&self) -> Result<RawFd> {
        self.check_process()?;
        let mut state = self.0.state();
        if state.bell.is_none() {
            let (reader, writer) =
                pipe().map_err(|error| Failure::new(ErrorKind::File, "make a pipe", error.to_string()))?;
            state.bell = Some(Bell { reader, writer, rings: false });
            state.set_bell();
        }
        Ok(state.bell.as_ref().map_or(-1, |bell| bell.reader.as_raw_fd()))
    }

    /// Refuses a child of the process that made the queue.
    ///
    /// # Errors
    /// [`ErrorKind::Forked`]
    pub(super) fn check_process(&self) -> Result<()> {
        if self.0.pid == std::process::id() { Ok(()) } else { Err(Failure::forked(self.0.what)) }
    }
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Sender<T> {
    /// Puts a thing in; the oldest one is lost when the queue is full. Says whether anybody can still fetch it.
    pub(super) fn put(&self, item: T) -> Audience {
        let Some(shared) = self.shared.upgrade() else { return Audience::Gone };
        let mut state = shared.state();
        if state.is_closed {
            return Audience::Gone;
        }
        if state.waiting.len() >= shared.capacity {
            state.waiting.pop_front();
            state.lost += 1;
        }
        state.waiting.push_back(item);
        state.set_bell();
        drop(state);
        shared.tell();
        Audience::There
    }

    /// Returns when the queue has room, or when nobody can fetch anything any more.
    pub(super) async fn room(&self) {
        loop {
            let Some(shared) = self.shared.upgrade() else { return };
            let made = shared.room.notified();
            tokio::pin!(made);
            made.as_mut().enable();
            let is_full = shared.state().waiting.len() >= shared.capacity;
            if !is_full {
                return;
            }
            // The last handle may go while this waits: what is waited for must not keep the queue alive.
            tokio::select! {
                () = made => {}
                () = self.gone() => return,
            }
        }
    }

    /// Adds to the number of those lost.
    pub(super) fn lose(&self, count: u64) {
        if let Some(shared) = self.shared.upgrade() {
            let mut state = shared.state();
            state.lost = state.lost.saturating_add(count);
        }
    }

    /// Says that nothing will come any more.
    pub(super) fn close(&self) {
        if let Some(shared) = self.shared.upgrade() {
            let mut state = shared.state();
            state.is_closed = true;
            state.set_bell();
            drop(state);
            shared.tell();
        }
    }

    /// Returns when nobody can fetch anything any more.
    pub(super) async fn gone(&self) {
        let mut alive = self.alive.clone();
        while alive.changed().await.is_ok() {}
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { shared: Weak::clone(&self.shared), alive: self.alive.clone() }
    }
}

/// Whether anybody can fetch what is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Somebody can.
    There,
    /// The queue is gone or closed.
    Gone,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.arrived.notify_one();
        self.told.notify_one();
    }
}

impl<T> State<T> {
    /// What there is to say at once; `None` when one has to wait.
    fn take(&mut self) -> Option<Next<(T, u64)>> {
        let Some(item) = self.waiting.pop_front() else { return self.is_closed.then_some(Next::Closed) };
        let lost = std::mem::take(&mut self.lost);
        self.set_bell();
        Some(Next::Item((item, lost)))
    }

    /// Lets the bell ring exactly while there is something to say.
    fn set_bell(&mut self) {
        let should_ring = self.is_closed || !self.waiting.is_empty();
        let Some(bell) = &mut self.bell else { return };
        if bell.rings == should_ring {
            return;
        }
        // The pipe holds one byte at most, so neither end can block.
        let done = if should_ring { bell.writer.write_all(&[1]) } else { bell.reader.read_exact(&mut [0]) };
        if done.is_ok() {
            bell.rings = should_ring;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mailbox, Next};
    use crate::facade::Patience;

    #[test]
    fn the_newest_are_kept_and_the_lost_are_counted() {
        let mailbox = Mailbox::new("queue", 2);
        let sender = mailbox.sender();

        (0..5).for_each(|number| {
            sender.put(number);
        });

        assert_eq!(mailbox.next(&Patience::ms(0)), Ok(Next::Item((3, 3))));
        assert_eq!(mailbox.next(&Patience::ms(0)), Ok(Next::Item((4, 0))));
        assert_eq!(mailbox.next(&Patience::ms(0)), Ok(Next::Empty));
    }

    #[test]
    fn a_closed_queue_gives_what_it_has_and_then_says_so() {
        let mailbox = Mailbox::new("queue", 2);
        let sender = mailbox.sender();
        sender.put(1);
        sender.close();
        sender.put(2);

        assert_eq!(mailbox.next(&Patience::endless()), Ok(Next::Item((1, 0))));
        assert_eq!(mailbox.next(&Patience::endless()), Ok(Next::Closed));
    }

    #[tokio::test]
    async fn who_fills_a_queue_learns_that_nobody_fetches_any_more() {
        let mailbox = Mailbox::<u8>::new("queue", 1);
        let sender = mailbox.sender();
        let clone = mailbox.clone();

        drop(mailbox);
        drop(clone);

        sender.gone().await;
        sender.room().await;
    }
}

//! Decides how events are fetched: one by one with a patience, by a descriptor, awaited, or by a function that is called.

use std::{fmt, os::fd::RawFd};

use super::{
    call::Call,
    event::Event,
    failure::Result,
    mailbox::{Mailbox, Next, Sender},
    patience::Patience,
    runtime,
};

/// A stream of events; clones share it, so each event is fetched once.
///
/// The newest 1024 wait; what is lost before an event is told by [`Event::lost`].
#[derive(Clone)]
pub struct Events {
    mailbox: Mailbox<Event>,
}

impl Events {
    /// An empty stream, and where it is filled.
    pub(super) fn new(what: &'static str) -> (Self, Sender<Event>) {
        let mailbox = Mailbox::new(what, KEPT);
        let sender = mailbox.sender();
        (Self { mailbox }, sender)
    }

    /// The next event; waits until there is one.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Cancelled`] when the wait is interrupted, [`crate::error::ErrorKind::Forked`].
    pub fn next(&self, patience: &Patience<'_>) -> Result<Next<Event>> {
        Ok(match self.mailbox.next(patience)? {
            Next::Item((event, lost)) => Next::Item(Event { lost, ..event }),
            Next::Empty => Next::Empty,
            Next::Closed => Next::Closed,
        })
    }

    /// The next event, awaited; `None` when none will come.
    pub fn next_call(&self) -> Call<Option<Event>> {
        let mailbox = self.mailbox.clone();
        Call::start_own(async move { Ok(mailbox.wait().await.map(|(event, lost)| Event { lost, ..event })) })
    }

    /// A descriptor that is readable while an event waits or when none will come; only to be polled.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::File`] when the system has no more descriptors, [`crate::error::ErrorKind::Forked`].
    pub fn fd(&self) -> Result<RawFd> {
        self.mailbox.fd()
    }

    /// Has `listener` called with each event, on a thread of the library, until there are no more or it is told to stop.
    ///
    /// The listener must not wait. Events that it takes are not given by [`Events::next`].
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Stopped`] when the system gives no threads.
    pub fn listen(&self, mut listener: impl FnMut(Event) -> Listen + Send + 'static) -> Result<()> {
        let mailbox = self.mailbox.clone();
        runtime::handle()?.spawn(async move {
            while let Some((event, lost)) = mailbox.wait().await {
                if listener(Event { lost, ..event }) == Listen::Stop {
                    return;
                }
            }
        });
        Ok(())
    }
}

/// Whether a listener wants further events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// It wants more.
    On,
    /// It wants no more.
    Stop,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

/// How many events wait at most.
const KEPT: usize = 1024;

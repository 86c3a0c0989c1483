//! Decides how many callers share one connection: what they send goes out together, and each gets its own reply.
//!
//! One task writes and reads. It knows of each command whether any byte of it has left, so a connection that ends tells
//! every caller either that nothing was sent or that nobody knows.

mod driver;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::oneshot,
};

use self::driver::{Driver, Pace};
use super::{
    broken::{Broken, Cause, Replied},
    class::Class,
    parcel::Parcel,
};
use crate::{
    net::Clock,
    resp::{Value, ValueDecoder},
    types::{Millis, Tick},
};

/// A connection that many callers use at once; the last clone closes it.
#[derive(Clone, Debug)]
pub(super) struct Multiplexer {
    shared: Arc<Shared>,
    _open: Arc<Open>,
}

/// Closes the connection when the last handle is gone.
#[derive(Debug)]
struct Open(Arc<Shared>);

/// Takes a command's replies, or why there are none.
pub(super) enum Done {
    Channel(oneshot::Sender<Replied>),
    Call(Box<dyn FnOnce(Replied) + Send>),
}

/// What a caller asks of the connection, besides the bytes.
pub(super) struct Terms {
    pub(super) class: Class,
    /// When the caller has no more time.
    pub(super) deadline: Tick,
    pub(super) done: Done,
}

#[derive(Debug)]
struct Shared {
    outbox: Mutex<Outbox>,
    in_flight: AtomicUsize,
}

/// What callers have handed over and the task has not taken.
#[derive(Debug, Default)]
struct Outbox {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    waker: Option<Waker>,
    standing: Standing,
}

/// Whether commands are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Open,
    /// Writes end at once, reads at this moment at the latest.
    Cut(Tick),
    Ended(Cause),
}

/// A command on its way.
struct Entry {
    class: Class,
    length: u64,
    /// Where in the stream of all bytes it begins; known once the task has taken it.
    begin: u64,
    missing: usize,
    replies: Vec<Value>,
    deadline: Tick,
    sent: Tick,
    /// None once the caller knows its fate.
    done: Option<Done>,
}

impl Multiplexer {
    /// Begins to use `stream`, on the current runtime.
    ///
    /// `decoder` holds what was received already. A command that is not answered within `silence` ends the connection.
    pub(super) fn start<S>(stream: S, decoder: ValueDecoder, clock: Clock, silence: Millis) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let shared = Arc::new(Shared { outbox: Mutex::default(), in_flight: AtomicUsize::new(0) });
        let driver = Driver::new(Arc::clone(&shared), stream, decoder, Pace { clock, silence });
        tokio::spawn(driver);
        Self { _open: Arc::new(Open(Arc::clone(&shared))), shared }
    }

    /// Hands a parcel over; its replies come by `terms.done`.
    ///
    /// # Errors
    /// Gives `terms` back, with the reason, when the connection takes nothing.
    pub(super) fn send(&self, parcel: Parcel<'_>, terms: Terms, now: Tick) -> Result<(), (Terms, Broken)> {
        let waker = {
            let mut outbox = self.shared.outbox();
            let refusal = match &outbox.standing {
                Standing::Open if outbox.bytes.len() > MOST_BYTES => Some(Cause::Full),
                Standing::Open => None,
                Standing::Cut(_) => Some(Cause::Cut),
                Standing::Ended(cause) => Some(cause.clone()),
            };
            if let Some(cause) = refusal {
                return Err((terms, Broken::not_sent(cause)));
            }
            let begin = outbox.bytes.len();
            parcel.write_to(&mut outbox.bytes);
            let Terms { class, deadline, done } = terms;
            let entry = Entry {
                class,
                length: (outbox.bytes.len() - begin) as u64,
                begin: 0,
                missing: parcel.expected(),
                replies: Vec::new(),
                deadline,
                sent: now,
                done: Some(done),
            };
            outbox.entries.push(entry);
            outbox.waker.take()
        };
        self.shared.in_flight.fetch_add(1, Ordering::Relaxed);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Whether it takes commands.
    pub(super) fn is_open(&self) -> bool {
        self.shared.outbox().standing == Standing::Open
    }

    /// Commands that have no reply yet.
    pub(super) fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::Relaxed)
    }

    /// Ends it: writes at once, with an unknown outcome; reads may finish until `until`.
    pub(super) fn cut(&self, until: Tick) {
        self.shared.end(Standing::Cut(until));
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Whoever still waits has given up with its handle, or has one.
        self.0.end(Standing::Cut(Tick::START));
    }
}

impl Shared {
    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, standing: Standing) {
        let mut outbox = self.outbox();
        if outbox.standing == Standing::Open {
            outbox.standing = standing;
        }
        if let Some(waker) = outbox.waker.take() {
            waker.wake();
        }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("class", &self.class).field("begin", &self.begin).finish_non_exhaustive()
    }
}

impl Entry {
    /// Tells the caller that no reply comes, unless it knows.
    fn abandon(&mut self, written: u64, cause: &Cause) {
        if let Some(done) = self.done.take() {
            let is_sent = self.begin < written;
            let broken = if is_sent { Broken::unknown(cause.clone()) } else { Broken::not_sent(cause.clone()) };
            done.finish(Err(broken));
        }
    }
}

impl Done {
    pub(super) fn finish(self, result: Replied) {
        match self {
            // The caller may have gone.
            Self::Channel(sender) => drop(sender.send(result)),
            Self::Call(call) => call(result),
        }
    }
}

/// What a caller may add to while this much waits to be written.
const MOST_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests;

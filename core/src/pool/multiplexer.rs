//! Decides how many callers share one connection: what they send goes out together, and each gets its own reply.
//!
//! One task writes and reads. It knows of each command whether any byte of it has left, so a connection that ends tells
//! every caller either that nothing was sent or that nobody knows.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
    time::Sleep,
};

use super::{
    broken::{Broken, Cause, Replied},
    class::Class,
    parcel::{Parcel, Replies},
};
use crate::{
    net::{Clock, reason},
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
        let driver = Driver {
            shared: Arc::clone(&shared),
            stream,
            decoder,
            clock,
            silence,
            writing: Vec::new(),
            at: 0,
            base: 0,
            sent: VecDeque::new(),
            room: vec![0; ROOM].into_boxed_slice(),
            timer: Box::pin(tokio::time::sleep_until(clock.instant(clock.tick().after(silence)))),
            next_look: clock.tick().after(silence),
            cut: None,
        };
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

/// What the task took of what callers handed over.
enum Taken {
    All,
    /// There is more, but the bytes before it are not written.
    Later,
    Nothing,
}

/// The task that owns the socket.
struct Driver<S> {
    shared: Arc<Shared>,
    stream: S,
    decoder: ValueDecoder,
    clock: Clock,
    silence: Millis,
    /// The bytes being written, and how many of them are.
    writing: Vec<u8>,
    at: usize,
    /// Where in the stream of all bytes `writing` begins.
    base: u64,
    sent: VecDeque<Entry>,
    room: Box<[u8]>,
    timer: Pin<Box<Sleep>>,
    next_look: Tick,
    cut: Option<Tick>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Driver<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        match this.turn(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(cause) => {
                this.finish(&cause);
                Poll::Ready(())
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// Does all that can be done at once; ready when the connection has ended.
    fn turn(&mut self, context: &mut Context<'_>) -> Poll<Cause> {
        loop {
            let taken = self.take_over(context);
            if let Poll::Ready(cause) = self.obey_cut() {
                return Poll::Ready(cause);
            }
            let is_written = match self.write(context) {
                Poll::Ready(Err(cause)) => return Poll::Ready(cause),
                Poll::Ready(Ok(())) => true,
                Poll::Pending => false,
            };
            if let Poll::Ready(cause) = self.read(context) {
                return Poll::Ready(cause);
            }
            if let Poll::Ready(cause) = self.look_at_clock(context) {
                return Poll::Ready(cause);
            }
            match taken {
                Taken::Nothing => return Poll::Pending,
                Taken::Later if !is_written => return Poll::Pending,
                Taken::Later | Taken::All => {}
            }
        }
    }

    /// Takes what callers handed over, once the bytes before it are written; the next caller wakes the task.
    fn take_over(&mut self, context: &mut Context<'_>) -> Taken {
        let mut outbox = self.shared.outbox();
        if !outbox.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            outbox.waker = Some(context.waker().clone());
        }
        if let Standing::Cut(until) = outbox.standing {
            self.cut.get_or_insert(until);
        }
        if outbox.entries.is_empty() {
            return Taken::Nothing;
        }
        if self.at < self.writing.len() && self.cut.is_none() {
            return Taken::Later;
        }
        let mut begin = self.base + self.writing.len() as u64;
        if self.cut.is_none() {
            self.base = begin;
            self.writing.clear();
            self.at = 0;
            if self.writing.capacity() > KEPT_CAPACITY {
                self.writing = Vec::new();
            }
            std::mem::swap(&mut self.writing, &mut outbox.bytes);
        }
        let mut earliest = self.next_look;
        for mut entry in outbox.entries.drain(..) {
            entry.begin = begin;
            begin += entry.length;
            earliest = earliest.min(entry.deadline);
            self.sent.push_back(entry);
        }
        drop(outbox);
        self.look_again(earliest);
        Taken::All
    }

    fn write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        if self.cut.is_some() {
            return Poll::Ready(Ok(()));
        }
        while self.at < self.writing.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(context, &self.writing[self.at..])) {
                Ok(0) => return Poll::Ready(Err(Cause::Closed("the connection takes no more bytes".into()))),
                Ok(count) => self.at += count,
                Err(error) => return Poll::Ready(Err(Cause::Closed(reason(&error)))),
            }
        }
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(Cause::Closed(reason(&error)))),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(())),
        }
    }

    /// Reads until nothing is there; ready when nothing more will come.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<Cause> {
        loop {
            let mut room = ReadBuf::new(&mut self.room);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut room)) {
                Ok(()) if room.filled().is_empty() => return Poll::Ready(Cause::Closed("the server hung up".into())),
                Ok(()) => self.decoder.feed(room.filled()),
                Err(error) => return Poll::Ready(Cause::Closed(reason(&error))),
            }
            loop {
                match self.decoder.poll_value() {
                    Ok(Some(Value::Push(_))) => {}
                    Ok(Some(value)) => {
                        if let Poll::Ready(cause) = self.answer(value) {
                            return Poll::Ready(cause);
                        }
                    }
                    Ok(None) => break,
                    Err(error) => return Poll::Ready(Cause::Malformed(error.subject().to_owned())),
                }
            }
            if self.cut.is_some() && !self.awaits_reads() {
                return Poll::Ready(Cause::Cut);
            }
        }
    }

    fn answer(&mut self, value: Value) -> Poll<Cause> {
        let Some(front) = self.sent.front_mut() else {
            return Poll::Ready(Cause::Malformed("a reply to nothing".into()));
        };
        front.missing -= 1;
        if front.missing > 0 {
            front.replies.push(value);
            return Poll::Pending;
        }
        let Some(mut entry) = self.sent.pop_front() else { return Poll::Pending };
        self.shared.in_flight.fetch_sub(1, Ordering::Relaxed);
        if let Some(done) = entry.done.take() {
            let replies = if entry.replies.is_empty() {
                Replies::One(value)
            } else {
                entry.replies.push(value);
                Replies::Several(entry.replies)
            };
            done.finish(Ok(replies));
        }
        Poll::Pending
    }

    /// Where the master was replaced: writes end here, and what was not sent is not sent.
    fn obey_cut(&mut self) -> Poll<Cause> {
        if self.cut.is_none() {
            return Poll::Pending;
        }
        let written = self.written();
        for entry in &mut self.sent {
            let may_finish = entry.class == Class::Read && entry.begin + entry.length <= written;
            if !may_finish {
                entry.abandon(written, &Cause::Cut);
            }
        }
        if self.awaits_reads() { Poll::Pending } else { Poll::Ready(Cause::Cut) }
    }

    /// How many bytes have left, of all that were ever handed over.
    fn written(&self) -> u64 {
        self.base + self.at as u64
    }

    fn awaits_reads(&self) -> bool {
        self.sent.iter().any(|entry| entry.done.is_some())
    }

    fn look_again(&mut self, at: Tick) {
        if at < self.next_look {
            self.next_look = at;
            self.timer.as_mut().reset(self.clock.instant(at));
        }
    }

    /// Ends what took too long; ready when the connection must end for it.
    fn look_at_clock(&mut self, context: &mut Context<'_>) -> Poll<Cause> {
        if let Some(until) = self.cut {
            self.look_again(until);
        }
        while self.timer.as_mut().poll(context).is_ready() {
            let now = self.clock.tick();
            if self.cut.is_some_and(|until| now >= until) {
                return Poll::Ready(Cause::Cut);
            }
            if self.sent.front().is_some_and(|oldest| now.since(oldest.sent) >= self.silence) {
                return Poll::Ready(Cause::Silent);
            }
            let mut next = now.after(self.silence);
            if let Some(oldest) = self.sent.front() {
                next = next.min(oldest.sent.after(self.silence));
            }
            for entry in self.sent.iter_mut().filter(|entry| entry.done.is_some()) {
                if now < entry.deadline {
                    next = next.min(entry.deadline);
                } else if let Some(done) = entry.done.take() {
                    done.finish(Err(Broken::unknown(Cause::Expired)));
                }
            }
            self.next_look = next;
            self.timer.as_mut().reset(self.clock.instant(next));
        }
        Poll::Pending
    }

    /// Tells everybody who waits.
    fn finish(&mut self, cause: &Cause) {
        let waiting = {
            let mut outbox = self.shared.outbox();
            outbox.standing = Standing::Ended(cause.clone());
            outbox.bytes = Vec::new();
            std::mem::take(&mut outbox.entries)
        };
        let written = self.written();
        self.sent.iter_mut().for_each(|entry| entry.abandon(written, cause));
        for mut entry in waiting {
            entry.begin = u64::MAX;
            entry.abandon(written, cause);
        }
        self.shared.in_flight.store(0, Ordering::Relaxed);
    }
}

/// What a caller may add to while this much waits to be written.
const MOST_BYTES: usize = 16 << 20;
const KEPT_CAPACITY: usize = 256 << 10;
const ROOM: usize = 16 << 10;

#[cfg(test)]
mod tests;

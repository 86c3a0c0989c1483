//! Decides what the one task does that owns a shared connection's socket: hand over, write, read, watch the clock.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

use super::{Entry, Shared, Standing};
use crate::{
    net::{Clock, reason},
    pool::{
        broken::{Broken, Cause},
        class::Class,
        parcel::Replies,
    },
    resp::{Value, ValueDecoder},
    types::{Millis, Tick},
};

/// The clock, and how much silence of a server ends the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) clock: Clock,
    pub(super) silence: Millis,
}

/// What the task took of what callers handed over.
enum Taken {
    All,
    /// There is more, but the bytes before it are not written.
    Later,
    Nothing,
}

/// The task that owns the socket.
pub(super) struct Driver<S> {
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
    /// Whether those who were answered last had their turn.
    has_let_others: bool,
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
    /// A task for a stream whose first bytes may be in `decoder`.
    pub(super) fn new(shared: Arc<Shared>, stream: S, decoder: ValueDecoder, pace: Pace) -> Self {
        let Pace { clock, silence } = pace;
        let next_look = clock.tick().after(silence);
        Self {
            shared,
            stream,
            decoder,
            clock,
            silence,
            writing: Vec::new(),
            at: 0,
            base: 0,
            sent: VecDeque::new(),
            room: vec![0; ROOM].into_boxed_slice(),
            timer: Box::pin(tokio::time::sleep_until(clock.instant(next_look))),
            next_look,
            cut: None,
            has_let_others: false,
        }
    }

    /// Does all that can be done at once; ready when the connection has ended.
    fn turn(&mut self, context: &mut Context<'_>) -> Poll<Cause> {
        if self.lets_others(context) {
            return self.read(context);
        }
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

    /// Whether it comes back a moment later, because many share the connection: those who were just answered send again
    /// at once, and what they send leaves in one write.
    fn lets_others(&mut self, context: &Context<'_>) -> bool {
        let is_crowded = self.cut.is_none() && self.shared.in_flight.load(Ordering::Relaxed) >= CROWD;
        self.has_let_others = is_crowded && !self.has_let_others;
        if self.has_let_others {
            context.waker().wake_by_ref();
        }
        self.has_let_others
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

/// So many commands without a reply are a crowd; a caller alone never waits for others.
const CROWD: usize = 4;
const KEPT_CAPACITY: usize = 256 << 10;
const ROOM: usize = 16 << 10;

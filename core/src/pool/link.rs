//! Decides how one task at a time uses a connection of its own: write, then read, with nothing in between.

use std::{future::Future, io, pin::Pin, sync::Arc, task::Poll};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf},
    time::{Instant, timeout_at},
};

use super::{
    broken::{Broken, Cause, Replied},
    class::Class,
    leash::Leash,
    parcel::{Parcel, Replies},
};
use crate::{
    discovery::Connection,
    net::{Clock, Stream, reason},
    resp::{Value, ValueDecoder},
    types::{Millis, Tick},
};

/// A connection that is used by one task at a time.
#[derive(Debug)]
pub(super) struct Link {
    stream: Stream,
    decoder: ValueDecoder,
    out: Vec<u8>,
    leash: Arc<Leash>,
    age: Age,
    /// Whether nothing is under way on it, and nothing went wrong.
    is_clean: bool,
}

/// When a connection was made and used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Age {
    pub(super) born: Tick,
    /// How long it may live.
    pub(super) life: Millis,
    pub(super) used: Tick,
    /// When it was last known to be open: used, or looked at.
    pub(super) seen: Tick,
}

impl Age {
    pub(super) fn new(now: Tick, life: Millis) -> Self {
        Self { born: now, life, used: now, seen: now }
    }

    /// Takes note that it is used at this moment.
    pub(super) fn touch(&mut self, now: Tick) {
        self.used = now;
        self.seen = now;
    }

    /// Whether it is too old, or was idle for too long.
    pub(super) fn is_over(&self, now: Tick, idle: Millis) -> bool {
        now.since(self.born) >= self.life || now.since(self.used) >= idle
    }
}

impl Link {
    pub(super) fn new(connection: Connection, age: Age) -> Self {
        let Connection { stream, decoder, .. } = connection;
        Self { stream, decoder, out: Vec::new(), leash: Arc::default(), age, is_clean: true }
    }

    pub(super) fn leash(&self) -> &Arc<Leash> {
        &self.leash
    }

    pub(super) fn age(&self) -> Age {
        self.age
    }

    pub(super) fn age_mut(&mut self) -> &mut Age {
        &mut self.age
    }

    /// Whether it can be used by somebody else.
    pub(super) fn is_clean(&self) -> bool {
        self.is_clean && !self.leash.is_cut()
    }

    /// Sends a parcel and waits for its replies, until `deadline` where there is one.
    ///
    /// A future that is dropped leaves the connection of no more use.
    pub(super) async fn run(&mut self, parcel: Parcel<'_>, class: Class, deadline: Option<Instant>) -> Replied {
        if !self.is_clean {
            return Err(Broken::not_sent(Cause::Closed("an earlier command was not finished".into())));
        }
        self.leash.begin(class)?;
        self.is_clean = false;
        let leash = Arc::clone(&self.leash);
        let exchanged = tokio::select! {
            biased;
            exchanged = within(deadline, self.exchange(parcel)) => exchanged,
            () = leash.pulled() => Err(Cause::Cut),
        };
        leash.end();
        match exchanged {
            Ok(replies) => {
                self.is_clean = true;
                Ok(replies)
            }
            Err(_) if leash.is_cut() => Err(Broken::unknown(Cause::Cut)),
            Err(cause) => Err(Broken::unknown(cause)),
        }
    }

    async fn exchange(&mut self, parcel: Parcel<'_>) -> Result<Replies, Cause> {
        self.out.clear();
        parcel.write_to(&mut self.out);
        self.stream.write_all(&self.out).await.map_err(|error| closed(&error))?;
        self.stream.flush().await.map_err(|error| closed(&error))?;
        let expected = parcel.expected();
        if expected == 1 {
            return self.value().await.map(Replies::One);
        }
        let mut replies = Vec::new();
        while replies.len() < expected {
            replies.push(self.value().await?);
        }
        Ok(Replies::Several(replies))
    }

    async fn value(&mut self) -> Result<Value, Cause> {
        loop {
            match self.decoder.poll_value() {
                Ok(Some(Value::Push(_))) => continue,
                Ok(Some(value)) => return Ok(value),
                Ok(None) => {}
                Err(error) => return Err(Cause::Malformed(error.subject().to_owned())),
            }
            let mut room = [0; ROOM];
            match self.stream.read(&mut room).await {
                Ok(0) => return Err(Cause::Closed("the server hung up".into())),
                Ok(count) => self.decoder.feed(&room[..count]),
                Err(error) => return Err(closed(&error)),
            }
        }
    }

    /// Whether the server has neither hung up nor said anything unasked, as far as can be told without waiting.
    pub(super) async fn is_quiet(&mut self) -> bool {
        let mut room = [0; 1];
        std::future::poll_fn(|context| {
            let mut buffer = ReadBuf::new(&mut room);
            let is_pending = Pin::new(&mut self.stream).poll_read(context, &mut buffer).is_pending();
            Poll::Ready(is_pending)
        })
        .await
    }
}

/// The future's result, or that the time is over.
async fn within<T>(deadline: Option<Instant>, exchange: impl Future<Output = Result<T, Cause>>) -> Result<T, Cause> {
    match deadline {
        Some(deadline) => timeout_at(deadline, exchange).await.unwrap_or(Err(Cause::Silent)),
        None => exchange.await,
    }
}

fn closed(error: &io::Error) -> Cause {
    Cause::Closed(reason(error))
}

/// The moment of a tick, when there is one.
pub(super) fn moment(clock: &Clock, deadline: Option<Tick>) -> Option<Instant> {
    deadline.map(|deadline| clock.instant(deadline))
}

const ROOM: usize = 4 << 10;

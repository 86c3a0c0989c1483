//! Decides how a thread without a runtime uses a connection of its own: write, then read, in the kernel.
//!
//! The socket's own timeout is set once, to a slice: after each the thread looks at the clock and asks its caller whether
//! to go on, which is how signals of a host language are seen.

use std::{
    io::{self, Read as _, Write as _},
    sync::Arc,
    time::Duration,
};

use nix::sys::socket::{MsgFlags, recv};

use super::{
    broken::{Broken, Cause, Replied},
    class::Class,
    leash::Leash,
    link::Age,
    parcel::{Parcel, Replies},
};
use crate::{
    discovery::BlockingConnection,
    net::{BlockingStream, Clock, reason},
    resp::{Value, ValueDecoder},
    types::Tick,
};

/// Asked while a thread waits: whether to give up.
pub(super) type Interrupt<'a> = &'a dyn Fn() -> bool;

/// A connection that is used by one thread at a time.
#[derive(Debug)]
pub(super) struct ThreadLink {
    stream: BlockingStream,
    decoder: ValueDecoder,
    out: Vec<u8>,
    room: Box<[u8]>,
    /// The timeout that the socket has.
    slice: Option<Duration>,
    leash: Arc<Leash>,
    age: Age,
    is_clean: bool,
}

/// How long a thread may wait, and who is asked meanwhile.
pub(super) struct Patience<'a> {
    pub(super) clock: &'a Clock,
    /// This moment.
    pub(super) now: Tick,
    /// `None` = without end.
    pub(super) deadline: Option<Tick>,
    pub(super) interrupt: Interrupt<'a>,
}

impl ThreadLink {
    /// Takes a connection over.
    ///
    /// # Errors
    /// The system's, when it has no descriptor left.
    pub(super) fn new(connection: BlockingConnection, age: Age) -> io::Result<Self> {
        let BlockingConnection { stream, decoder, .. } = connection;
        let leash = Arc::new(Leash::on(stream.socket().try_clone()?));
        let room = vec![0; ROOM].into_boxed_slice();
        Ok(Self { stream, decoder, out: Vec::new(), room, slice: None, leash, age, is_clean: true })
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

    pub(super) fn is_clean(&self) -> bool {
        self.is_clean && !self.leash.is_cut()
    }

    /// Sends a parcel and waits for its replies.
    pub(super) fn run(&mut self, parcel: Parcel<'_>, class: Class, patience: &Patience<'_>) -> Replied {
        if !self.is_clean {
            return Err(Broken::not_sent(Cause::Closed("an earlier command was not finished".into())));
        }
        self.leash.begin(class)?;
        self.is_clean = false;
        self.out.clear();
        parcel.write_to(&mut self.out);
        let exchanged = self.write(patience).and_then(|()| self.read(parcel.expected(), patience));
        self.leash.end();
        match exchanged {
            Ok(replies) => {
                self.is_clean = true;
                Ok(replies)
            }
            Err(_) if self.leash.is_cut() => Err(Broken::unknown(Cause::Cut)),
            Err(cause) => Err(Broken::unknown(cause)),
        }
    }

    fn write(&mut self, patience: &Patience<'_>) -> Result<(), Cause> {
        let left = patience.deadline.map_or(SLICE, |deadline| deadline.since(patience.now).into());
        self.set_slice(SLICE.min(left))?;
        let mut at = 0;
        while at < self.out.len() {
            match self.stream.write(&self.out[at..]) {
                Ok(0) => return Err(Cause::Closed("the connection takes no more bytes".into())),
                Ok(count) => at += count,
                Err(error) => self.go_on(&error, patience)?,
            }
        }
        loop {
            match self.stream.flush() {
                Ok(()) => return Ok(()),
                Err(error) => self.go_on(&error, patience)?,
            }
        }
    }

    fn read(&mut self, expected: usize, patience: &Patience<'_>) -> Result<Replies, Cause> {
        if expected == 1 {
            return self.value(patience).map(Replies::One);
        }
        let mut replies = Vec::new();
        while replies.len() < expected {
            replies.push(self.value(patience)?);
        }
        Ok(Replies::Several(replies))
    }

    fn value(&mut self, patience: &Patience<'_>) -> Result<Value, Cause> {
        loop {
            match self.decoder.poll_value() {
                Ok(Some(Value::Push(_))) => continue,
                Ok(Some(value)) => return Ok(value),
                Ok(None) => {}
                Err(error) => return Err(Cause::Malformed(error.subject().to_owned())),
            }
            match self.stream.read(&mut self.room) {
                Ok(0) => return Err(Cause::Closed("the server hung up".into())),
                Ok(count) => self.decoder.feed(&self.room[..count]),
                Err(error) => self.go_on(&error, patience)?,
            }
        }
    }

    /// Whether a wait that ended without bytes may begin again.
    fn go_on(&mut self, error: &io::Error, patience: &Patience<'_>) -> Result<(), Cause> {
        let is_pause = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut, io::ErrorKind::Interrupted];
        if !is_pause.contains(&error.kind()) {
            return Err(Cause::Closed(reason(error)));
        }
        if (patience.interrupt)() {
            return Err(Cause::Withdrawn);
        }
        let Some(deadline) = patience.deadline else { return Ok(()) };
        let left = deadline.since(patience.clock.tick());
        if left.as_ms() == 0 {
            return Err(Cause::Silent);
        }
        self.set_slice(SLICE.min(left.into()))
    }

    fn set_slice(&mut self, slice: Duration) -> Result<(), Cause> {
        if self.slice != Some(slice) {
            self.stream.set_patience(Some(slice)).map_err(|error| Cause::Closed(reason(&error)))?;
            self.slice = Some(slice);
        }
        Ok(())
    }

    /// Whether the server has neither hung up nor said anything unasked, as far as can be told without waiting.
    pub(super) fn is_quiet(&self) -> bool {
        use std::os::fd::AsRawFd as _;
        let mut room = [0; 1];
        let looked = recv(self.stream.socket().as_raw_fd(), &mut room, MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT);
        matches!(looked, Err(nix::errno::Errno::EAGAIN))
    }
}

/// How long a thread waits before it looks whether to go on.
const SLICE: Duration = Duration::from_millis(100);

const ROOM: usize = 16 << 10;

//! Decides how a connection of one's own is used: transactions and waits on it, and the end of it when the master changes.

use std::sync::Arc;

use super::{
    Atomicity, Command,
    broken::Replied,
    class::Class,
    command::ServerWait,
    core::Core,
    link::{Link, moment},
    node::Seat,
    parcel::{Parcel, Replies},
    run,
    thread_link::{Interrupt, Patience, ThreadLink},
};
use crate::{
    error::{Error, ErrorKind, Outcome, Result},
    resp::Value,
    types::{Endpoint, Generation, Millis, Tick},
};

/// What a lease is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaseFor {
    /// The master. The default.
    #[default]
    Writes,
    /// The server the pool's policy for reads chooses.
    Reads,
}

/// A connection that nobody else uses, for a task.
///
/// It stays with one server: once another one is master, every use of it fails with [`ErrorKind::Moved`], and what was
/// watched or begun with MULTI is gone. Nothing is tried again here. Dropping it gives the connection back, unless a
/// session was left open on it (MULTI, WATCH, SUBSCRIBE, SELECT...): then it is closed.
#[derive(Debug)]
pub struct Lease {
    core: Arc<Core>,
    seat: Option<Seat>,
    link: Option<Link>,
    session: Session,
}

/// A connection that nobody else uses, for a thread without a runtime; else as a [`Lease`].
#[derive(Debug)]
pub struct BlockingLease {
    core: Arc<Core>,
    seat: Option<Seat>,
    link: Option<ThreadLink>,
    session: Session,
}

/// Whether the connection's state is what others expect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Session {
    #[default]
    None,
    /// Between WATCH and MULTI, or MULTI and EXEC.
    Transaction,
    /// Changed in a way that is not undone.
    Changed,
}

impl Session {
    /// The session after a command that was answered.
    fn after(self, command: &Command) -> Self {
        if self == Self::Changed || command.class() != Class::Session {
            return self;
        }
        let name = command.words().next().map(<[u8]>::to_ascii_uppercase).unwrap_or_default();
        match name.as_slice() {
            b"MULTI" | b"WATCH" => Self::Transaction,
            b"EXEC" | b"DISCARD" => Self::None,
            // UNWATCH inside of MULTI is only queued.
            b"UNWATCH" => self,
            _ => Self::Changed,
        }
    }
}

macro_rules! shared_methods {
    ($name:ident) => {
        impl $name {
            /// Whether its server is still the one to use: one comparison.
            pub fn is_current(&self) -> bool {
                self.seat.as_ref().is_some_and(|seat| !seat.node().is_retired())
            }

            /// Which master it belongs to.
            pub fn generation(&self) -> Generation {
                self.seat.as_ref().map_or(Generation::NONE, |seat| seat.node().generation())
            }

            /// The server it leads to.
            pub fn address(&self) -> Option<&Endpoint> {
                self.seat.as_ref().map(|seat| seat.node().address())
            }

            /// Closes the connection instead of giving it back.
            pub fn discard(mut self) {
                self.link = None;
            }

            #[cfg(feature = "redis")]
            pub(super) fn database(&self) -> i64 {
                i64::from(self.core.means().settings.database)
            }

            /// How delicate a parcel is; inside of a transaction nothing is only a read.
            fn class(&self, parcel: Parcel<'_>) -> Class {
                let class = parcel.class_on_lease();
                if self.session == Session::None { class } else { class.max(Class::Write) }
            }

            /// When the answer to `parcel` has to be there; `None` = whenever.
            fn deadline(&self, parcel: Parcel<'_>, now: Tick) -> Option<Tick> {
                let settings = &self.core.means().settings;
                let first = parcel.commands().first()?;
                match (first.own_timeout(), first.server_wait()) {
                    (Some(timeout), _) => Some(now.after(timeout)),
                    (None, Some(ServerWait::AtMost(wait))) => Some(now.after(wait).after(SERVER_GRACE)),
                    (None, Some(ServerWait::Endless)) => None,
                    (None, None) => Some(now.after(settings.response_timeout)),
                }
            }

            fn told(&self, parcel: Parcel<'_>, replied: Replied) -> Result<Replies> {
                let Some(seat) = &self.seat else { return Err(moved()) };
                run::judge(seat.node(), parcel, replied).map_err(|(error, course)| {
                    self.core.note_failure(seat.node(), &error, &course);
                    error
                })
            }

            fn note(&mut self, commands: &[Command]) {
                self.session = commands.iter().fold(self.session, Session::after);
            }
        }
    };
}

shared_methods!(Lease);
shared_methods!(BlockingLease);

impl Lease {
    pub(super) fn new(core: Arc<Core>, seat: Seat, link: Link) -> Self {
        Self { core, seat: Some(seat), link: Some(link), session: Session::None }
    }

    /// Runs a command.
    ///
    /// A future that is dropped before it is done ends the connection.
    ///
    /// # Errors
    /// Those of [`super::Pool::execute`]; [`ErrorKind::Moved`] when another server is master.
    pub async fn execute(&mut self, command: &Command) -> Result<Value> {
        self.run(Parcel::one(command)).await.map(Replies::one)
    }

    /// Sends several commands together.
    ///
    /// # Errors
    /// Those of [`Lease::execute`]. Errors of single commands are among the replies.
    pub async fn pipeline(&mut self, commands: &[Command], atomicity: Atomicity) -> Result<Vec<Value>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        self.run(Parcel::several(commands, atomicity)).await.map(Replies::several)
    }

    pub(super) async fn run(&mut self, parcel: Parcel<'_>) -> Result<Replies> {
        let now = self.core.means().tick();
        let deadline = moment(&self.core.means().clock, self.deadline(parcel, now));
        let class = self.class(parcel);
        let Some(link) = &mut self.link else { return Err(moved()) };
        let replied = link.run(parcel, class, deadline).await;
        link.age_mut().touch(now);
        if replied.is_ok() {
            self.note(parcel.commands());
        }
        self.told(parcel, replied)
    }
}

impl BlockingLease {
    pub(super) fn new(core: Arc<Core>, seat: Seat, link: ThreadLink) -> Self {
        Self { core, seat: Some(seat), link: Some(link), session: Session::None }
    }

    /// Runs a command.
    ///
    /// # Errors
    /// Those of [`Lease::execute`].
    pub fn execute(&mut self, command: &Command) -> Result<Value> {
        self.execute_interruptible(command, &|| false)
    }

    /// Runs a command; `interrupt` is asked at least each 100 ms of waiting whether to give up.
    ///
    /// # Errors
    /// Those of [`Lease::execute`], and [`ErrorKind::Cancelled`]; the connection ends with it.
    pub fn execute_interruptible(&mut self, command: &Command, interrupt: &dyn Fn() -> bool) -> Result<Value> {
        self.run(Parcel::one(command), interrupt).map(Replies::one)
    }

    /// Sends several commands together.
    ///
    /// # Errors
    /// Those of [`Lease::pipeline`].
    pub fn pipeline(&mut self, commands: &[Command], atomicity: Atomicity) -> Result<Vec<Value>> {
        self.pipeline_interruptible(commands, atomicity, &|| false)
    }

    /// Sends several commands together; `interrupt` is asked at least each 100 ms of waiting whether to give up.
    ///
    /// # Errors
    /// Those of [`BlockingLease::execute_interruptible`].
    pub fn pipeline_interruptible(
        &mut self,
        commands: &[Command],
        atomicity: Atomicity,
        interrupt: &dyn Fn() -> bool,
    ) -> Result<Vec<Value>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        self.run(Parcel::several(commands, atomicity), interrupt).map(Replies::several)
    }

    pub(super) fn run(&mut self, parcel: Parcel<'_>, interrupt: Interrupt<'_>) -> Result<Replies> {
        let now = self.core.means().tick();
        let deadline = self.deadline(parcel, now);
        let class = self.class(parcel);
        let Some(link) = &mut self.link else { return Err(moved()) };
        let patience = Patience { clock: &self.core.means().clock, now, deadline, interrupt };
        let replied = link.run(parcel, class, &patience);
        link.age_mut().touch(now);
        if replied.is_ok() {
            self.note(parcel.commands());
        }
        self.told(parcel, replied)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(seat), Some(link), Session::None) = (self.seat.take(), self.link.take(), self.session) {
            seat.put_back(link);
        }
    }
}

impl Drop for BlockingLease {
    fn drop(&mut self) {
        if let (Some(seat), Some(link), Session::None) = (self.seat.take(), self.link.take(), self.session) {
            seat.put_back_thread_link(link);
        }
    }
}

fn moved() -> Error {
    Error::new(ErrorKind::Moved, "run a command", "another server is master").with_outcome(Outcome::NotSent)
}

/// How long a server may take to say that a blocking command's time is over.
const SERVER_GRACE: Millis = Millis::new(500);

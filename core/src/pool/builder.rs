//! Decides how a pool is set up.

use std::sync::{Arc, Mutex, atomic::AtomicBool};

use tokio::runtime::Handle;

use super::{
    Pool, ReadFrom, RetryIdempotent, WriteFence, core::Core, keeper, node::Means, settings::PoolSettings,
    stats::Counters,
};
use crate::{
    discovery::Discovery,
    error::{Error, ErrorKind, Result},
    net,
    types::{Chance, MasterName, Millis},
};

/// A pool to be set up; each method sets one option.
#[derive(Clone, Debug)]
pub struct PoolBuilder {
    discovery: Discovery,
    name: String,
    settings: PoolSettings,
}

impl PoolBuilder {
    pub(super) fn new(discovery: &Discovery, name: &str) -> Self {
        Self { discovery: discovery.clone(), name: name.to_owned(), settings: PoolSettings::default() }
    }

    /// The database (`SELECT`); default 0.
    #[must_use]
    pub fn database(mut self, number: u32) -> Self {
        self.settings.database = number;
        self
    }

    /// The most connections to one server that are in use or idle, the shared ones not counted; 1 to 10,000, default 16.
    #[must_use]
    pub fn max(mut self, connections: usize) -> Self {
        self.settings.max = connections;
        self
    }

    /// How many connections to the master are kept ready, of each kind that is used; 0 to `max`, default 1.
    #[must_use]
    pub fn min_idle(mut self, connections: usize) -> Self {
        self.settings.min_idle = connections;
        self
    }

    /// How many callers may wait for a connection; more are told [`ErrorKind::PoolExhausted`] at once; default 1,000.
    #[must_use]
    pub fn max_waiters(mut self, callers: usize) -> Self {
        self.settings.max_waiters = callers;
        self
    }

    /// How long a caller waits for a connection, its own time permitting; default 1 s.
    #[must_use]
    pub fn checkout_wait(mut self, span: Millis) -> Self {
        self.settings.checkout_wait = span;
        self
    }

    /// How long an unused connection is kept; default 5 minutes.
    #[must_use]
    pub fn idle_ttl(mut self, span: Millis) -> Self {
        self.settings.idle_ttl = span;
        self
    }

    /// How long a connection is used, give or take a tenth; default 1 hour.
    #[must_use]
    pub fn max_life(mut self, span: Millis) -> Self {
        self.settings.max_life = span;
        self
    }

    /// After how long unused a connection has to answer PING before it is used; default 15 s.
    #[must_use]
    pub fn ping_after(mut self, span: Millis) -> Self {
        self.settings.ping_after = span;
        self
    }

    /// How many shared connections to each server carry the commands of tasks; 1 to 64, default 1.
    ///
    /// With one, the commands of a task that are sent in order are executed in order.
    #[must_use]
    pub fn multiplexed(mut self, connections: usize) -> Self {
        self.settings.multiplexed = connections;
        self
    }

    /// How long a call may take in all, waits and retries included; default 5 s.
    ///
    /// A whole failover fits when it is longer than `down-after-milliseconds` and one second more.
    #[must_use]
    pub fn timeout(mut self, span: Millis) -> Self {
        self.settings.deadline = span;
        self
    }

    /// How long a server may be silent to one attempt before the connection is given up; default 2 s.
    #[must_use]
    pub fn response_timeout(mut self, span: Millis) -> Self {
        self.settings.response_timeout = span;
        self
    }

    /// How long reads on a replaced master may go on; default 250 ms. Writes end at once.
    #[must_use]
    pub fn drain_reads(mut self, span: Millis) -> Self {
        self.settings.drain_reads = span;
        self
    }

    /// How many commands, and how many bytes of them, may wait for a master; more are told
    /// [`ErrorKind::Backpressure`]; default 10,000 and 16 MiB.
    #[must_use]
    pub fn held(mut self, commands: usize, bytes: usize) -> Self {
        self.settings.held_commands = commands;
        self.settings.held_bytes = bytes;
        self
    }

    /// Where reads go that do not say it themselves; default [`ReadFrom::Master`].
    #[must_use]
    pub fn read_from(mut self, read_from: ReadFrom) -> Self {
        self.settings.read_from = read_from;
        self
    }

    /// How many bytes a replica may be behind the foremost one to be read from; default: any number.
    #[must_use]
    pub fn max_lag(mut self, bytes: u64) -> Self {
        self.settings.max_lag = Some(bytes);
        self
    }

    /// Whether a [`Class::Idempotent`](super::Class::Idempotent) command that may have been executed is tried again;
    /// default yes.
    #[must_use]
    pub fn retry_idempotent(mut self, retry: RetryIdempotent) -> Self {
        self.settings.retry_idempotent = retry;
        self
    }

    /// What makes a write safe against a failover that was not planned; default [`WriteFence::None`].
    #[must_use]
    pub fn write_fence(mut self, fence: WriteFence) -> Self {
        self.settings.write_fence = fence;
        self
    }

    /// Sets an option by its name: the name of its method here, spans in milliseconds.
    ///
    /// `held_commands` and `held_bytes` are two; `write_fence` is `none`, `min_replicas` or
    /// `wait:<replicas>:<milliseconds>`; `read_from` is as [`ReadFrom::parse`] takes it.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the option and its value.
    pub fn set(mut self, option: &str, value: &str) -> Result<Self> {
        self.settings.set(option, value)?;
        Ok(self)
    }

    /// The pool. It looks for the master at once and does not wait for it. Its tasks run on the current tokio runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for values that cannot be, [`ErrorKind::State`] outside of a tokio runtime.
    pub fn build(self) -> Result<Pool> {
        let no_runtime = |error| Error::new(ErrorKind::State, "set up a pool", "no tokio runtime").because(error);
        let runtime = Handle::try_current().map_err(no_runtime)?;
        let settings = self.settings.checked()?;
        let name = MasterName::parse(&self.name).ok_or_else(|| {
            Error::new(ErrorKind::Config, "set up a pool", format!("no master can have the name {:?}", self.name))
        })?;
        let means = Arc::new(Means {
            settings,
            dialer: self.discovery.data().clone(),
            clock: self.discovery.clock(),
            counters: Counters::default(),
            chance: Mutex::new(Chance::seeded(net::seed()?)),
            is_measuring: AtomicBool::default(),
        });
        means.note_policy(&means.settings.read_from);
        let watch = self.discovery.watch(&self.name)?;
        let core = Arc::new(Core::new(name, self.discovery, runtime.clone(), means));
        let keeping = runtime.spawn(keeper::keep(Arc::clone(&core), watch));
        Ok(Pool::new(core, keeping.abort_handle()))
    }
}

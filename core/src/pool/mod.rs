//! Pools of connections to the master and its replicas, that survive a failover without losing what was acknowledged.
//!
//! A [`Pool`] works for tasks and for threads alike. It follows a [`crate::discovery::Discovery`]: writes wait while a
//! replica is being promoted, connections to the new master are made before the old ones are cut, and what failed is tried
//! again where that is harmless. [`crate::manual::pools`] tells it all.

mod board;
mod broken;
mod builder;
mod call;
mod class;
mod command;
mod core;
mod fence;
mod health;
mod keeper;
mod lease;
mod leash;
mod link;
mod multiplexer;
mod node;
mod parcel;
mod reads;
#[cfg(feature = "redis")]
mod redis_crate;
mod reply;
mod retry;
mod run;
mod settings;
mod stats;
mod stock;
mod submit;
mod subscriber;
mod thread_link;
mod upkeep;
mod verdict;

use std::sync::Arc;

use tokio::task::AbortHandle;

pub use builder::PoolBuilder;
pub use class::Class;
pub use command::{Command, Words};
pub use lease::{BlockingLease, Lease, LeaseFor};
pub use parcel::Atomicity;
pub use reads::ReadFrom;
pub use retry::RetryIdempotent;
pub use settings::WriteFence;
pub use stats::PoolStats;
pub use subscriber::{Delivery, Gap, Message, Subscriber, Subscription};
pub use verdict::{Retries, Verdict};

use self::{
    core::Core,
    parcel::{Parcel, Replies},
};
use crate::{
    discovery::{ClientUrl, Discovery},
    error::{Error, ErrorKind, Result},
    resp::Value,
    types::{Generation, MasterName},
};

/// Connections to the master of one name, and to its replicas.
///
/// Clones are the same pool; it is closed when the last is dropped, or by [`Pool::close`]. Calls may be made from any
/// task and any thread; those whose names end in `_blocking` need no runtime and use the calling thread for all they do.
///
/// # Example
/// ```no_run
/// use sentinelle::{discovery::Discovery, pool::{Command, Pool}};
///
/// # async fn run() -> sentinelle::error::Result<()> {
/// let discovery = Discovery::builder().sentinel("10.0.0.1", 26379)?.sentinel("10.0.0.2", 26379)?.start()?;
/// let pool = Pool::builder(&discovery, "mymaster").build()?;
///
/// pool.execute(Command::new(["SET", "colour", "green"])).await?;
/// let colour = pool.execute(Command::new(["GET", "colour"])).await?;
/// assert_eq!(colour.as_text(), Some("green"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Pool {
    core: Arc<Core>,
    _life: Arc<Life>,
}

/// Ends the pool when its last handle is gone.
#[derive(Debug)]
struct Life {
    core: Arc<Core>,
    keeping: AbortHandle,
}

impl Pool {
    /// A pool for the master of that name, to be set up.
    pub fn builder(discovery: &Discovery, name: &str) -> PoolBuilder {
        PoolBuilder::new(discovery, name)
    }

    /// A pool for the master of a URL, with a discovery of its own; on the current tokio runtime.
    ///
    /// [`ClientUrl`] tells how a URL is read, and [`PoolBuilder::set`] which of its options are the pool's.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a URL that cannot be used or names no master, and those of [`PoolBuilder::build`].
    pub fn open(url: &str) -> Result<Self> {
        let ClientUrl { discovery, master, database, pool, .. } = ClientUrl::parse(url)?;
        let nameless = || Error::new(ErrorKind::Config, "open a pool", "the URL names no master");
        let master = master.ok_or_else(nameless)?;
        let builder = Self::builder(&discovery.start()?, master.as_str()).database(database);
        let builder = pool.iter().try_fold(builder, |builder, (option, value)| builder.set(option, value))?;
        builder.build()
    }

    fn new(core: Arc<Core>, keeping: AbortHandle) -> Self {
        let life = Life { core: Arc::clone(&core), keeping };
        Self { core, _life: Arc::new(life) }
    }

    /// Runs a command on the master, or where it wants to be read from, and gives the reply.
    ///
    /// It waits for a master, and is tried again, as its class allows, until its time is over.
    ///
    /// # Errors
    /// Each tells by [`outcome`](crate::error::Error::outcome) whether the command may have been executed.
    /// [`Server`](crate::error::ErrorKind::Server), [`NoPermission`](crate::error::ErrorKind::NoPermission) and
    /// [`Auth`](crate::error::ErrorKind::Auth) for error replies, whose text is the
    /// [`subject`](crate::error::Error::subject); [`Timeout`](crate::error::ErrorKind::Timeout),
    /// [`Connection`](crate::error::ErrorKind::Connection), [`Moved`](crate::error::ErrorKind::Moved) (a command that
    /// was under way, or waited on the server, when the master was replaced),
    /// [`PoolExhausted`](crate::error::ErrorKind::PoolExhausted), [`Backpressure`](crate::error::ErrorKind::Backpressure),
    /// the reasons of [`Discovery::master`] when there is no master, and
    /// [`Argument`](crate::error::ErrorKind::Argument) for a command without words.
    pub async fn execute(&self, command: Command) -> Result<Value> {
        run::execute(&self.core, Parcel::one(&command)).await.map(Replies::one)
    }

    /// Runs a command on the calling thread; it must not be one of a tokio runtime's.
    ///
    /// # Errors
    /// Those of [`Pool::execute`].
    pub fn execute_blocking(&self, command: &Command) -> Result<Value> {
        self.execute_interruptible(command, &|| false)
    }

    /// Runs a command on the calling thread; `interrupt` is asked at least each 100 ms of waiting whether to give up.
    ///
    /// # Errors
    /// Those of [`Pool::execute`], and [`Cancelled`](crate::error::ErrorKind::Cancelled).
    pub fn execute_interruptible(&self, command: &Command, interrupt: &dyn Fn() -> bool) -> Result<Value> {
        run::execute_blocking(&self.core, Parcel::one(command), interrupt).map(Replies::one)
    }

    /// Sends several commands together and gives their replies, error replies among them.
    ///
    /// It is treated as its most delicate command: one write in it, and it is tried again only when nothing of it can
    /// have been executed.
    ///
    /// # Errors
    /// Those of [`Pool::execute`]; [`Argument`](crate::error::ErrorKind::Argument) for commands that need a connection of
    /// their own. A [`Atomicity::Transaction`] that the server throws away fails as a whole.
    pub async fn pipeline(&self, commands: &[Command], atomicity: Atomicity) -> Result<Vec<Value>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        run::execute(&self.core, Parcel::several(commands, atomicity)).await.map(Replies::several)
    }

    /// Sends several commands together from the calling thread.
    ///
    /// # Errors
    /// Those of [`Pool::pipeline`].
    pub fn pipeline_blocking(&self, commands: &[Command], atomicity: Atomicity) -> Result<Vec<Value>> {
        self.pipeline_interruptible(commands, atomicity, &|| false)
    }

    /// Sends several commands together from the calling thread; `interrupt` is asked at least each 100 ms of waiting.
    ///
    /// # Errors
    /// Those of [`Pool::pipeline`], and [`Cancelled`](crate::error::ErrorKind::Cancelled).
    pub fn pipeline_interruptible(
        &self,
        commands: &[Command],
        atomicity: Atomicity,
        interrupt: &dyn Fn() -> bool,
    ) -> Result<Vec<Value>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        run::execute_blocking(&self.core, Parcel::several(commands, atomicity), interrupt).map(Replies::several)
    }

    /// Runs a command and tells `on_done` its reply; returns at once. May be called from any thread.
    ///
    /// `on_done` runs on a thread of the pool's runtime and must not wait. Commands submitted one after the other are
    /// sent in that order while the master is in place and they share a connection.
    pub fn submit(&self, command: Command, on_done: impl FnOnce(Result<Value>) + Send + 'static) {
        submit::submit(&self.core, command, Box::new(on_done));
    }

    /// A connection of one's own, for transactions with WATCH, blocking commands and all that changes a connection.
    ///
    /// # Errors
    /// Those of [`Pool::execute`] before a command is sent.
    pub async fn lease(&self, purpose: LeaseFor) -> Result<Lease> {
        run::lease(&self.core, purpose).await
    }

    /// A connection of one's own, for a thread.
    ///
    /// # Errors
    /// Those of [`Pool::lease`].
    pub fn lease_blocking(&self, purpose: LeaseFor) -> Result<BlockingLease> {
        self.lease_interruptible(purpose, &|| false)
    }

    /// A connection of one's own, for a thread; `interrupt` is asked at least each 100 ms of waiting.
    ///
    /// # Errors
    /// Those of [`Pool::lease`], and [`Cancelled`](crate::error::ErrorKind::Cancelled).
    pub fn lease_interruptible(&self, purpose: LeaseFor, interrupt: &dyn Fn() -> bool) -> Result<BlockingLease> {
        run::lease_blocking(&self.core, purpose, interrupt)
    }

    /// A subscriber that listens to nothing yet. It has a connection of its own, which does not count as the pool's.
    pub fn subscribe(&self) -> Subscriber {
        Subscriber::start(Arc::clone(&self.core))
    }

    /// What the pool tells of itself.
    pub fn stats(&self) -> PoolStats {
        self.core.stats()
    }

    /// The name of the master.
    pub fn name(&self) -> &MasterName {
        self.core.name()
    }

    /// The discovery it follows.
    pub fn discovery(&self) -> &Discovery {
        self.core.discovery()
    }

    /// Which master it works with.
    pub fn generation(&self) -> Generation {
        self.core.view().generation
    }

    /// Closes it for all clones: nothing begins any more, what is under way ends, connections are closed.
    pub fn close(&self) {
        self.core.close();
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.core.view().gate == board::Gate::Closed
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.keeping.abort();
        self.core.close();
    }
}

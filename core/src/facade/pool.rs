//! Decides what a pool is to a binding: commands that reach the master, now on this thread, later as a call, or in a queue.

use std::fmt;

use super::{
    call::Call,
    command::{Command, ReadFrom},
    completions::Completions,
    discovery::{Discovery, unfinished},
    failure::Result,
    lease::{Lease, LeaseFor},
    options::Options,
    patience::Patience,
    reply::Reply,
    subscriber::Subscriber,
};

/// Connections to one master and its replicas; clones stand for the same pool.
///
/// Pools with the same sentinels share one discovery. In a forked child a pool is built anew on its first use.
#[derive(Clone)]
pub struct Pool {
    options: Options,
}

/// Whether commands sent together are executed together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Atomicity {
    /// Others' commands may come between.
    #[default]
    Loose,
    /// As one transaction (`MULTI`, `EXEC`): all or none.
    Atomic,
}

impl Pool {
    /// Opens a pool; it connects at the first command.
    ///
    /// Options: those of [`super::Scope::Discovery`] and [`super::Scope::Pool`]; `master` has to be among them.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Config`] for what cannot be used, [`crate::error::ErrorKind::Tls`] for certificates.
    pub fn open(options: &Options) -> Result<Self> {
        Ok(Self { options: options.clone() })
    }

    /// Opens a pool for a URL, as [`Options::from_url`] reads it.
    ///
    /// # Errors
    /// As [`Pool::open`].
    pub fn open_url(url: &str) -> Result<Self> {
        Self::open(&Options::from_url(url)?)
    }

    /// Opens a pool over a discovery that is open; `options` are those of [`super::Scope::Pool`].
    ///
    /// # Errors
    /// As [`Pool::open`].
    pub fn open_over(discovery: &Discovery, master: &str, options: &Options) -> Result<Self> {
        Self::open(&discovery.options().overlaid(options).with("master", master)?)
    }

    /// The discovery behind it.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Stopped`]
    pub fn discovery(&self) -> Result<Discovery> {
        Discovery::open(&self.options)
    }

    /// The name of the master.
    pub fn master(&self) -> &str {
        self.options.get("master").unwrap_or_default()
    }

    /// Runs a command, waiting on this thread, without another thread in between; tries again as its class allows.
    ///
    /// The patience shortens the command's own time; an error reply is a failure of its kind.
    ///
    /// # Errors
    /// With [`Failure::outcome`] of the last attempt: those of the servers, [`crate::error::ErrorKind::Timeout`],
    /// [`crate::error::ErrorKind::Cancelled`], [`crate::error::ErrorKind::Backpressure`].
    pub fn execute(&self, command: &Command, patience: &Patience<'_>) -> Result<Reply> {
        let _ = (command, patience);
        Err(unfinished("execute"))
    }

    /// Runs a command on the library's threads.
    ///
    /// # Errors
    /// As [`Pool::execute`].
    pub fn call(&self, command: Command) -> Call<Reply> {
        drop(command);
        Call::done(Err(unfinished("call")))
    }

    /// Runs a command; its result comes into the queue with the tag.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Backpressure`] when too many results are outstanding.
    pub fn submit(&self, command: Command, completions: &Completions, tag: u64) -> Result<()> {
        let _ = (command, completions, tag);
        Err(unfinished("submit"))
    }

    /// Runs commands together, waiting on this thread; an error reply is a reply.
    ///
    /// # Errors
    /// As [`Pool::execute`].
    pub fn pipeline(&self, commands: &[Command], atomicity: Atomicity, patience: &Patience<'_>) -> Result<Vec<Reply>> {
        let _ = (commands, atomicity, patience);
        Err(unfinished("pipeline"))
    }

    /// Runs commands together on the library's threads; an error reply is a reply.
    ///
    /// # Errors
    /// As [`Pool::execute`].
    pub fn pipeline_call(&self, commands: Vec<Command>, atomicity: Atomicity) -> Call<Vec<Reply>> {
        let _ = (commands, atomicity);
        Call::done(Err(unfinished("pipeline")))
    }

    /// Takes a connection for oneself: for `WATCH`, `MULTI`, commands that wait on the server.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::PoolExhausted`], and as [`Discovery::master`].
    pub fn lease(&self, purpose: LeaseFor, limit_ms: u64) -> Call<Lease> {
        let _ = (purpose, limit_ms);
        Call::done(Err(unfinished("lease")))
    }

    /// Opens a subscription to channels; it moves with the master.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Stopped`]
    pub fn subscribe(&self) -> Result<Subscriber> {
        Err(unfinished("subscribe"))
    }

    /// Its figures as one JSON object.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Stopped`]
    pub fn stats_json(&self) -> Result<String> {
        Err(unfinished("stats"))
    }

    /// Closes it: waits for commands under way, as long as they may take.
    pub fn close(&self) -> Call<()> {
        Call::done(Ok(()))
    }

    /// Who answers reads that say nothing themselves.
    pub fn read_from(&self) -> ReadFrom {
        self.options.get("read_from").and_then(ReadFrom::parse).unwrap_or_default()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({})", self.master())
    }
}

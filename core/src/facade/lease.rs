//! Decides what a leased connection is to a binding: one connection to oneself, until it is given back or the master moves.

use std::{fmt, mem, sync::Arc};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{
    Address,
    call::Call,
    failure::{Failure, Result},
    patience::Patience,
    pool::Atomicity,
    reply::Reply,
    runtime,
};
use crate::{
    error::ErrorKind,
    pool::{self, BlockingLease, Command},
};

/// A connection to oneself; used by one thread at a time, another one is told [`ErrorKind::Busy`].
pub struct Lease {
    pid: u32,
    generation: u64,
    address: Option<Address>,
    connection: Arc<Mutex<Option<Connection>>>,
}

enum Connection {
    OfTasks(pool::Lease),
    OfThreads(BlockingLease),
}

/// What a lease is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaseFor {
    /// Writes, transactions and commands that wait: a connection to the master.
    #[default]
    Master,
    /// Reads: a connection to a server that the pool's `read_from` chooses.
    Replica,
}

impl Lease {
    pub(super) fn of_tasks(lease: pool::Lease) -> Self {
        let (generation, address) = (lease.generation().as_u64(), lease.address().map(Address::from));
        Self::new(generation, address, Connection::OfTasks(lease))
    }

    pub(super) fn of_threads(lease: BlockingLease) -> Self {
        let (generation, address) = (lease.generation().as_u64(), lease.address().map(Address::from));
        Self::new(generation, address, Connection::OfThreads(lease))
    }

    fn new(generation: u64, address: Option<Address>, connection: Connection) -> Self {
        let connection = Arc::new(Mutex::new(Some(connection)));
        Self { pid: std::process::id(), generation, address, connection }
    }

    /// Runs a command on the connection and waits for it; an error reply is a failure of its kind.
    ///
    /// # Errors
    /// [`ErrorKind::Moved`] once the master was replaced, [`ErrorKind::Connection`], [`ErrorKind::Busy`],
    /// [`ErrorKind::Cancelled`] (the connection ends with it), [`ErrorKind::Forked`].
    pub fn execute(&self, command: &Command, patience: &Patience<'_>) -> Result<Reply> {
        let mut held = self.hold()?;
        if let Some(Connection::OfThreads(lease)) = held.as_mut() {
            return patience.run(|interrupt| lease.execute_interruptible(command, interrupt));
        }
        drop(held);
        self.call(command.clone()).wait(patience)
    }

    /// The same on the library's threads.
    ///
    /// # Errors
    /// As [`Lease::execute`].
    pub fn call(&self, command: Command) -> Call<Reply> {
        let held = match self.hold() {
            Ok(held) => held,
            Err(failure) => return Call::done(Err(failure)),
        };
        if matches!(*held, Some(Connection::OfThreads(_))) {
            return Call::start_blocking(move || with_threads(held, |lease| lease.execute(&command)));
        }
        Call::start(async move {
            let mut held = held;
            let Some(Connection::OfTasks(lease)) = held.as_mut() else { return Err(given_back()) };
            lease.execute(&command).await
        })
    }

    /// Runs commands together and waits for them; an error reply is a reply.
    ///
    /// # Errors
    /// As [`Lease::execute`].
    pub fn pipeline(&self, commands: &[Command], atomicity: Atomicity, patience: &Patience<'_>) -> Result<Vec<Reply>> {
        let mut held = self.hold()?;
        if let Some(Connection::OfThreads(lease)) = held.as_mut() {
            return patience.run(|interrupt| lease.pipeline_interruptible(commands, atomicity.told(), interrupt));
        }
        drop(held);
        self.pipeline_call(commands.to_vec(), atomicity).wait(patience)
    }

    /// The same on the library's threads.
    ///
    /// # Errors
    /// As [`Lease::execute`].
    pub fn pipeline_call(&self, commands: Vec<Command>, atomicity: Atomicity) -> Call<Vec<Reply>> {
        let held = match self.hold() {
            Ok(held) => held,
            Err(failure) => return Call::done(Err(failure)),
        };
        let atomicity = atomicity.told();
        if matches!(*held, Some(Connection::OfThreads(_))) {
            return Call::start_blocking(move || with_threads(held, |lease| lease.pipeline(&commands, atomicity)));
        }
        Call::start(async move {
            let mut held = held;
            let Some(Connection::OfTasks(lease)) = held.as_mut() else { return Err(given_back()) };
            lease.pipeline(&commands, atomicity).await
        })
    }

    /// Whether its server is still the one to talk to; while a command is under way, as far as that is known.
    pub fn is_current(&self) -> bool {
        let Ok(held) = self.hold() else { return self.pid == std::process::id() };
        match &*held {
            Some(Connection::OfTasks(lease)) => lease.is_current(),
            Some(Connection::OfThreads(lease)) => lease.is_current(),
            None => false,
        }
    }

    /// The generation it belongs to.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The server it leads to.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// Gives the connection back to the pool, as if it was new; dropping the lease does the same.
    pub fn release(self) {}

    /// Closes the connection.
    pub fn discard(self) {
        match self.hold().ok().and_then(|mut held| held.take()) {
            Some(Connection::OfTasks(lease)) => lease.discard(),
            Some(Connection::OfThreads(lease)) => lease.discard(),
            None => {}
        }
    }

    fn hold(&self) -> Result<OwnedMutexGuard<Option<Connection>>> {
        if self.pid != std::process::id() {
            return Err(Failure::forked("leased connection"));
        }
        let busy = |_| Failure::new(ErrorKind::Busy, "use a connection", "a command is under way on it");
        Arc::clone(&self.connection).try_lock_owned().map_err(busy)
    }
}

impl LeaseFor {
    pub(super) fn told(self) -> pool::LeaseFor {
        match self {
            Self::Master => pool::LeaseFor::Writes,
            Self::Replica => pool::LeaseFor::Reads,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            // It stays in memory: its threads are in the parent.
            mem::forget(Arc::clone(&self.connection));
            return;
        }
        // A connection that goes back may start a task.
        let runtime = runtime::running();
        let _inside = runtime.as_ref().map(tokio::runtime::Handle::enter);
        let taken = self.hold().ok().and_then(|mut held| held.take());
        drop(taken);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({:?})", self.address)
    }
}

fn with_threads<T>(
    mut held: OwnedMutexGuard<Option<Connection>>,
    work: impl FnOnce(&mut BlockingLease) -> crate::error::Result<T>,
) -> crate::error::Result<T> {
    let Some(Connection::OfThreads(lease)) = held.as_mut() else { return Err(given_back()) };
    work(lease)
}

fn given_back() -> crate::error::Error {
    crate::error::Error::new(ErrorKind::State, "use a connection", "it was given back")
}

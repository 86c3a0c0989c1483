//! Decides what a pool is to a binding: commands that reach the master, now on this thread, later as a call, or in a queue.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    call::Call,
    completions::Completions,
    discovery::Discovery,
    failure::{Failure, Result},
    hubs::{Hub, HubPlace},
    lease::{Lease, LeaseFor},
    options::{Options, Scope, refused},
    patience::Patience,
    process::PerProcess,
    reply::Reply,
    runtime::{self, Round},
    subscriber::Subscriber,
};
use crate::{
    error::ErrorKind,
    pool::{self, Command, PoolStats},
    types::Millis,
};

/// Connections to one master and its replicas; clones stand for the same pool.
///
/// Pools with the same sentinels share one discovery. In a forked child a pool is built anew on its first use.
///
/// # Example
/// ```no_run
/// use sentinelle::facade::{Command, Patience, Pool};
///
/// # fn main() -> Result<(), sentinelle::facade::Failure> {
/// let pool = Pool::open_url("redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/cart")?;
/// pool.execute(&Command::new(["SET", "colour", "green"]), &Patience::endless())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    master: String,
    place: HubPlace,
    here: PerProcess<Mutex<Option<Built>>>,
    is_closed: AtomicBool,
}

/// The pool of one process.
struct Built {
    round: Round,
    pool: pool::Pool,
    _hub: Arc<Hub>,
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

/// The pools that this process keeps, by their options.
static SHARED: PerProcess<Mutex<BTreeMap<Options, Pool>>> = PerProcess::new();

/// How many pools a process keeps.
const MOST_SHARED: usize = 100;

impl Pool {
    /// Opens a pool; it looks for the master at the first use.
    ///
    /// Options: those of [`super::Scope::Discovery`] and [`super::Scope::Pool`]; `master` has to be among them.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for what cannot be used.
    pub fn open(options: &Options) -> Result<Self> {
        options.check_scopes("pool", &[Scope::Discovery, Scope::Pool])?;
        let master = options.get("master").ok_or_else(|| refused("option master is missing"))?.to_owned();
        let shared = Shared {
            place: HubPlace::new(options)?,
            options: options.clone(),
            master,
            here: PerProcess::new(),
            is_closed: AtomicBool::new(false),
        };
        shared.pool()?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Opens a pool for a URL, as [`Options::from_url`] reads it.
    ///
    /// # Errors
    /// As [`Pool::open`].
    pub fn open_url(url: &str) -> Result<Self> {
        Self::open(&Options::from_url(url)?)
    }

    /// The pool of this process with these options: opened by the first who asks, kept until somebody closes it.
    ///
    /// It is for hosts whose own values end with each request, such as PHP. A process keeps 100 of them at most.
    ///
    /// # Errors
    /// As [`Pool::open`], and [`ErrorKind::Busy`] for one more than a process keeps.
    pub fn shared(options: &Options) -> Result<Self> {
        let mut pools = SHARED.here().lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|_, pool| !pool.shared.is_closed.load(Ordering::Acquire));
        if let Some(pool) = pools.get(options) {
            return Ok(pool.clone());
        }
        if pools.len() >= MOST_SHARED {
            return Err(Failure::new(ErrorKind::Busy, "share a pool", format!("{MOST_SHARED} are kept already")));
        }
        let pool = Self::open(options)?;
        pools.insert(options.clone(), pool.clone());
        Ok(pool)
    }

    /// Opens a pool with the options of a discovery and further ones; the two share their connections to the sentinels unless
    /// the further options say how servers are found.
    ///
    /// # Errors
    /// As [`Pool::open`].
    pub fn open_over(discovery: &Discovery, master: &str, options: &Options) -> Result<Self> {
        Self::open(&discovery.options().overlaid(options).with("master", master)?)
    }

    /// The discovery behind it.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] as [`Discovery::open`].
    pub fn discovery(&self) -> Result<Discovery> {
        Discovery::open(&self.shared.options)
    }

    /// The name of the master.
    pub fn master(&self) -> &str {
        &self.shared.master
    }

    /// Runs a command, waiting on this thread, without another thread in between; tries again as its class allows.
    ///
    /// The time is over when the command's own time or the patience is, the latter give or take 100 ms. An error reply is a
    /// failure of its kind.
    ///
    /// # Errors
    /// With `outcome` of the last attempt: those of the servers, [`ErrorKind::Timeout`], [`ErrorKind::Cancelled`],
    /// [`ErrorKind::Backpressure`].
    pub fn execute(&self, command: &Command, patience: &Patience<'_>) -> Result<Reply> {
        let pool = self.shared.pool()?;
        patience.run(|interrupt| pool.execute_interruptible(command, interrupt))
    }

    /// Runs a command on the library's threads.
    ///
    /// # Errors
    /// As [`Pool::execute`].
    pub fn call(&self, command: Command) -> Call<Reply> {
        self.ask(|pool| async move { pool.execute(command).await })
    }

    /// Runs a command; its result comes into the queue with the tag.
    ///
    /// # Errors
    /// [`ErrorKind::Backpressure`] when too many results are outstanding, [`ErrorKind::Stopped`], [`ErrorKind::Forked`].
    pub fn submit(&self, command: Command, completions: &Completions, tag: u64) -> Result<()> {
        let pool = self.shared.pool()?;
        let ticket = completions.expect(tag)?;
        pool.submit(command, move |result| ticket.complete(result.map_err(Failure::from)));
        Ok(())
    }

    /// Runs commands together, waiting on this thread; an error reply is a reply.
    ///
    /// # Errors
    /// As [`Pool::execute`].
    pub fn pipeline(&self, commands: &[Command], atomicity: Atomicity, patience: &Patience<'_>) -> Result<Vec<Reply>> {
        let pool = self.shared.pool()?;
        patience.run(|interrupt| pool.pipeline_interruptible(commands, atomicity.told(), interrupt))
    }

    /// Runs commands together on the library's threads; an error reply is a reply.
    ///
    /// # Errors
    /// As [`Pool::execute`].
    pub fn pipeline_call(&self, commands: Vec<Command>, atomicity: Atomicity) -> Call<Vec<Reply>> {
        self.ask(move |pool| async move { pool.pipeline(&commands, atomicity.told()).await })
    }

    /// Runs commands together; their replies come into the queue as one array, with the tag.
    ///
    /// # Errors
    /// As [`Pool::submit`].
    pub fn submit_pipeline(
        &self,
        commands: Vec<Command>,
        atomicity: Atomicity,
        completions: &Completions,
        tag: u64,
    ) -> Result<()> {
        let ticket = completions.expect(tag)?;
        self.pipeline_call(commands, atomicity).then(move |result| ticket.complete(result.map(Reply::Array)));
        Ok(())
    }

    /// Takes a connection for oneself, to be used from an event loop: for `WATCH`, `MULTI`, commands that wait on the server.
    ///
    /// # Errors
    /// [`ErrorKind::PoolExhausted`], [`ErrorKind::Timeout`] after `limit_ms`, and as [`Discovery::master`].
    pub fn lease(&self, purpose: LeaseFor, limit_ms: u64) -> Call<Lease> {
        self.ask(move |pool| async move {
            let leased = tokio::time::timeout(Millis::new(limit_ms).into(), pool.lease(purpose.told())).await;
            let lease = leased.map_err(|_| too_late(limit_ms))??;
            Ok(Lease::of_tasks(lease))
        })
    }

    /// Takes a connection for oneself, to be used from threads: what is run on it goes through no other thread.
    ///
    /// # Errors
    /// As [`Pool::lease`], and [`ErrorKind::Cancelled`].
    pub fn lease_blocking(&self, purpose: LeaseFor, patience: &Patience<'_>) -> Result<Lease> {
        let pool = self.shared.pool()?;
        let lease = patience.run(|interrupt| pool.lease_interruptible(purpose.told(), interrupt))?;
        Ok(Lease::of_threads(lease))
    }

    /// Opens a subscription to channels; it moves with the master.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`]
    pub fn subscribe(&self) -> Result<Subscriber> {
        let pool = self.shared.pool()?;
        Subscriber::start(&pool)
    }

    /// Its figures as one JSON object.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`]
    pub fn stats_json(&self) -> Result<String> {
        Ok(stats_json(&self.shared.pool()?.stats()))
    }

    /// Closes it, for all clones: nothing begins any more, what is under way ends, connections are closed.
    pub fn close(&self) -> Call<()> {
        self.shared.is_closed.store(true, Ordering::Release);
        let built = self.shared.here.here().lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(built) = built {
            built.pool.close();
        }
        self.shared.place.close();
        Call::done(Ok(()))
    }

    fn ask<T, F>(&self, question: impl FnOnce(pool::Pool) -> F) -> Call<T>
    where
        T: Send + 'static,
        F: Future<Output = crate::error::Result<T>> + Send + 'static,
    {
        match self.shared.pool() {
            Ok(pool) => Call::start(question(pool)),
            Err(failure) => Call::done(Err(failure)),
        }
    }
}

impl Shared {
    /// The pool of this process, built when there is none.
    fn pool(&self) -> Result<pool::Pool> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Failure::new(ErrorKind::Stopped, "use a pool", "the pool is closed"));
        }
        let (runtime, round) = runtime::current()?;
        let mut here = self.here.here().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(built) = here.as_ref().filter(|built| built.round == round) {
            return Ok(built.pool.clone());
        }
        let hub = self.place.hub()?;
        let mut builder = pool::Pool::builder(&hub.discovery, &self.master);
        let own = self.options.part(Scope::Pool);
        for key in own.keys().filter(|key| *key != "master") {
            builder = builder.set(key.trim_end_matches("_ms"), own.get(key).unwrap_or_default())?;
        }
        let entered = runtime.enter();
        let pool = builder.build()?;
        drop(entered);
        *here = Some(Built { round, pool: pool.clone(), _hub: hub });
        Ok(pool)
    }
}

impl Atomicity {
    pub(super) fn told(self) -> pool::Atomicity {
        match self {
            Self::Loose => pool::Atomicity::Pipeline,
            Self::Atomic => pool::Atomicity::Transaction,
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({})", self.master())
    }
}

fn too_late(limit_ms: u64) -> crate::error::Error {
    crate::error::Error::new(ErrorKind::Timeout, "take a connection", format!("not within {limit_ms} ms"))
}

fn stats_json(stats: &PoolStats) -> String {
    serde_json::json!({
        "generation": stats.generation.as_u64(),
        "phase": stats.phase,
        "master": stats.master,
        "replicas": stats.replicas,
        "in_use": stats.in_use,
        "idle": stats.idle,
        "waiting": stats.waiting,
        "in_flight": stats.in_flight,
        "held": stats.held,
        "calls": stats.calls,
        "retries": stats.retries,
        "failures": stats.failures,
        "unknown": stats.unknown,
        "waits": stats.waits,
        "timeouts": stats.timeouts,
        "dials": stats.dials,
        "failed_dials": stats.failed_dials,
        "fallbacks": stats.fallbacks,
        "switches": stats.switches,
        "last_switch_ms": stats.last_switch.as_ms(),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Options, Patience, Pool};

    fn options(master: &str) -> Options {
        // Nobody listens there: opening a pool connects nowhere.
        Options::from_url(&format!("redis+sentinel://127.0.0.1:1/{master}")).expect("the URL is legal")
    }

    #[test]
    fn a_shared_pool_is_opened_once_and_anew_after_it_was_closed() {
        let first = Pool::shared(&options("kept")).expect("the options are legal");
        let again = Pool::shared(&options("kept")).expect("the options are legal");
        let other = Pool::shared(&options("another")).expect("the options are legal");
        first.close().wait(&Patience::endless()).expect("closing waits for nobody");
        let anew = Pool::shared(&options("kept")).expect("the options are legal");

        assert!(Arc::ptr_eq(&first.shared, &again.shared));
        assert!(!Arc::ptr_eq(&first.shared, &other.shared));
        assert!(!Arc::ptr_eq(&first.shared, &anew.shared));
        other.close().wait(&Patience::endless()).expect("closing waits for nobody");
        anew.close().wait(&Patience::endless()).expect("closing waits for nobody");
    }
}

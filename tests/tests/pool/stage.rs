//! A group with a pool that follows it.

use sentinelle::{
    config::Periods,
    discovery::Discovery,
    error::Result,
    pool::{Command, Pool, PoolBuilder},
    resp::Value,
    testing::{Backend, HaGroup, HaGroupBuilder, Pace, Profile, wait_until},
    types::{Endpoint, Millis},
};
use tokio::runtime::Runtime;

/// How long anything may take that takes no time on an idle machine.
pub(crate) const SOON: Millis = Millis::new(10_000);

/// A group, the sentinels' view of it, and a pool.
pub(crate) struct Stage {
    pub(crate) pool: Pool,
    pub(crate) runtime: Runtime,
    pub(crate) group: HaGroup,
}

impl Stage {
    /// The usual group and the usual pool.
    pub(crate) fn usual() -> Self {
        Self::with(HaGroup::builder(), |pool| pool)
    }

    pub(crate) fn with(group: HaGroupBuilder, set_up: impl FnOnce(PoolBuilder) -> PoolBuilder) -> Self {
        let group = group.start().expect("the group starts");
        let runtime = Runtime::new().expect("there are threads");
        let pool = runtime.block_on(async {
            let seeds = group.sentinel_addresses().into_iter().map(Endpoint::numeric);
            let discovery = Discovery::builder().seeds(seeds).start().expect("the seeds are addresses");
            set_up(Pool::builder(&discovery, group.name())).build().expect("the pool's options are right")
        });
        let stage = Self { pool, runtime, group };
        stage.run(["PING"]).expect("the master is found");
        stage
    }

    /// A group whose failovers are quick, but not so quick that a busy machine has one without a reason.
    pub(crate) fn calm(backend: Backend) -> HaGroupBuilder {
        let periods = Periods {
            info: Millis::new(1_000),
            ping: Millis::new(100),
            ask: Millis::new(200),
            publish: Millis::new(500),
            min_link_reconnect: Millis::new(1_000),
            election: Millis::new(1_000),
            replica_reconf: Millis::new(2_000),
            tilt: Millis::new(1_000),
            ..Periods::default()
        };
        let pace = Pace { down_after: Millis::new(1_000), failover_timeout: Millis::new(5_000), periods };
        HaGroup::builder().backend(backend).profile(Profile::Custom(pace)).patience(SOON)
    }

    /// Runs a command on this thread.
    pub(crate) fn run<const N: usize>(&self, words: [&str; N]) -> Result<Value> {
        self.pool.execute_blocking(&Command::new(words))
    }

    /// Runs a command on the runtime.
    pub(crate) fn run_async<const N: usize>(&self, words: [&str; N]) -> Result<Value> {
        self.runtime.block_on(self.pool.execute(Command::new(words)))
    }

    /// Waits until the pool works with a newer master than the one of `generation`.
    pub(crate) fn wait_switched(&self) {
        let generation = self.pool.generation();
        self.wait("the pool has switched", |pool| pool.generation() > generation);
    }

    pub(crate) fn wait(&self, what: &str, is_true: impl Fn(&Pool) -> bool) {
        let waited = wait_until(SOON, what, || is_true(&self.pool));
        waited.unwrap_or_else(|error| panic!("{error}; {:?}\n{}", self.pool.stats(), self.group.snapshot()));
    }
}

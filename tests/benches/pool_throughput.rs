//! How fast a pool is beside the bare `redis` crate, on one server over loopback.
//!
//! Both sides take turns, and the ratio is that of the medians: above 1, ours is faster. A checkout is measured in
//! nanoseconds. `cargo bench -p sentinelle-tests --bench pool_throughput -- --rounds 9`.

use std::hint::black_box;

use redis::{AsyncCommands as _, Commands as _};
use sentinelle::{
    discovery::Discovery,
    error::{Error, ErrorKind, Result},
    pool::{Command, LeaseFor, Pool},
    testing::{HaGroup, Stopwatch},
    types::Endpoint,
};
use sentinelle_tests::{asked_for, is_bench};
use tokio::runtime::Runtime;

use self::figures::Figures;

mod figures;

/// Calls of each measurement.
const CALLS: u64 = 20_000;
/// Tasks that share one connection.
const TASKS: u64 = 64;
const CHECKOUTS: u64 = 1_000_000;

/// Both clients of one server.
struct Bench {
    group: HaGroup,
    runtime: Runtime,
    pool: Pool,
    client: redis::Client,
}

/// Measures one client: calls a second.
type Side = fn(&Bench) -> Result<i64>;

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let rounds = asked_for("rounds", 5);
    let bench = Bench::start()?;
    let cases: [(&str, Side, Side); 4] = [
        ("GET, lease of a thread", Bench::our_thread, Bench::their_thread),
        ("GET, execute_blocking", Bench::our_blocking, Bench::their_thread),
        ("GET, lease of a task", Bench::our_task, Bench::their_task),
        ("GET, 64 tasks share", Bench::our_tasks, Bench::their_tasks),
    ];
    for (name, ours, theirs) in cases {
        let (mut our_rates, mut their_rates) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            our_rates.push(Some(ours(&bench)?));
            their_rates.push(Some(theirs(&bench)?));
        }
        let (ours, theirs) = (Figures::of(our_rates), Figures::of(their_rates));
        let ratio = ours.median().unwrap_or(0) as f64 / theirs.median().unwrap_or(1).max(1) as f64;
        report(&format!("{name:24} ours {ours}/s  redis crate {theirs}/s  ratio {ratio:.2}"));
    }
    let checkouts = Figures::of((0..rounds).map(|_| bench.checkout().ok()));
    let (largest, spread) = (checkouts.largest().unwrap_or(0), checkouts.spread().unwrap_or(0));
    report(&format!("checkout and return      {checkouts} ns, largest {largest}, spread {spread}"));
    drop(bench.group);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a benchmark's output is its result")]
fn report(line: &str) {
    println!("{line}");
}

impl Bench {
    fn start() -> Result<Self> {
        let group = HaGroup::builder().start()?;
        let runtime = Runtime::new().map_err(|error| failed(&error))?;
        let pool = runtime.block_on(async {
            let seeds = group.sentinel_addresses().into_iter().map(Endpoint::numeric);
            Pool::builder(&Discovery::builder().seeds(seeds).start()?, group.name()).build()
        })?;
        pool.execute_blocking(&Command::new(["SET", "k", "some value of no great length"]))?;
        let address = group.address(group.master()?)?;
        let client = redis::Client::open(format!("redis://{address}")).map_err(|error| failed(&error))?;
        Ok(Self { group, runtime, pool, client })
    }

    fn our_thread(&self) -> Result<i64> {
        let mut lease = self.pool.lease_blocking(LeaseFor::Writes)?;
        rate(|| black_box(lease.get::<_, Vec<u8>>("k")).map(drop).map_err(|error| failed(&error)))
    }

    fn our_blocking(&self) -> Result<i64> {
        let get = Command::new(["GET", "k"]);
        rate(|| black_box(self.pool.execute_blocking(&get)).map(drop))
    }

    fn their_thread(&self) -> Result<i64> {
        let mut connection = self.client.get_connection().map_err(|error| failed(&error))?;
        rate(|| black_box(connection.get::<_, Vec<u8>>("k")).map(drop).map_err(|error| failed(&error)))
    }

    fn our_task(&self) -> Result<i64> {
        self.runtime.block_on(async {
            let mut lease = self.pool.lease(LeaseFor::Writes).await?;
            let watch = Stopwatch::start();
            for _ in 0..CALLS {
                black_box(lease.get::<_, Vec<u8>>("k").await).map_err(|error| failed(&error))?;
            }
            Ok(per_second(CALLS, watch))
        })
    }

    fn their_task(&self) -> Result<i64> {
        self.runtime.block_on(async {
            let connection = self.client.get_multiplexed_async_connection().await;
            let mut connection = connection.map_err(|error| failed(&error))?;
            let watch = Stopwatch::start();
            for _ in 0..CALLS {
                black_box(connection.get::<_, Vec<u8>>("k").await).map_err(|error| failed(&error))?;
            }
            Ok(per_second(CALLS, watch))
        })
    }

    fn our_tasks(&self) -> Result<i64> {
        self.runtime.block_on(async {
            let watch = Stopwatch::start();
            let tasks = (0..TASKS).map(|_| {
                let pool = self.pool.clone();
                tokio::spawn(async move {
                    for _ in 0..CALLS / TASKS {
                        black_box(pool.execute(Command::new(["GET", "k"])).await)?;
                    }
                    Ok::<(), Error>(())
                })
            });
            join(tasks.collect()).await?;
            Ok(per_second(CALLS, watch))
        })
    }

    fn their_tasks(&self) -> Result<i64> {
        self.runtime.block_on(async {
            let connection = self.client.get_multiplexed_async_connection().await;
            let connection = connection.map_err(|error| failed(&error))?;
            let watch = Stopwatch::start();
            let tasks = (0..TASKS).map(|_| {
                let mut connection = connection.clone();
                tokio::spawn(async move {
                    for _ in 0..CALLS / TASKS {
                        black_box(connection.get::<_, Vec<u8>>("k").await).map_err(|error| failed(&error))?;
                    }
                    Ok::<(), Error>(())
                })
            });
            join(tasks.collect()).await?;
            Ok(per_second(CALLS, watch))
        })
    }

    fn checkout(&self) -> Result<i64> {
        let watch = Stopwatch::start();
        for _ in 0..CHECKOUTS {
            drop(black_box(self.pool.lease_blocking(LeaseFor::Writes)?));
        }
        Ok((watch.elapsed().as_nanos() / u128::from(CHECKOUTS)) as i64)
    }
}

async fn join(tasks: Vec<tokio::task::JoinHandle<Result<()>>>) -> Result<()> {
    for task in tasks {
        task.await.map_err(|error| failed(&error))??;
    }
    Ok(())
}

fn rate(mut call: impl FnMut() -> Result<()>) -> Result<i64> {
    let watch = Stopwatch::start();
    for _ in 0..CALLS {
        call()?;
    }
    Ok(per_second(CALLS, watch))
}

fn per_second(calls: u64, watch: Stopwatch) -> i64 {
    (calls as f64 / watch.elapsed().as_secs_f64()) as i64
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Connection, "measure", error.to_string())
}

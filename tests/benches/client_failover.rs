//! What a failover costs writers: our pool beside a client of the `redis` crate that follows the official guide.
//!
//! Each round is a fresh group with three stock sentinels (`--ours` for three of ours), 500 writes a second from four
//! threads, and `SENTINEL FAILOVER`; with `--killed` the master is killed, with `--paused` it is stopped for 9 s. The round
//! ends when the old master has become a replica, because only then it is known what was lost. The two clients take turns.
//! `cargo bench -p sentinelle-tests --bench client_failover -- --rounds 20`.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::Duration,
};

use redis::ConnectionLike as _;
use sentinelle::{
    config::Periods,
    discovery::Discovery,
    error::{Error, ErrorKind, Result},
    pool::{Command, Pool},
    resp::Value,
    testing::{Backend, EventLog, HaGroup, Member, Pace, Profile, Stopwatch, wait_until},
    types::{Endpoint, Millis},
};
use sentinelle_tests::{asked_for, is_bench};

use self::figures::Figures;

mod figures;

/// Whose client writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Ours,
    Guide,
}

/// What happens to the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// An operator orders a failover.
    Planned,
    Killed,
    /// It is stopped in its tracks, and goes on when another one has long been promoted.
    Paused,
}

/// Something of a round that can be counted.
type Figure = fn(&Round) -> Option<i64>;

/// What one round came to.
struct Round {
    acknowledged: usize,
    lost: i64,
    errors: i64,
    longest_pause: i64,
    /// From the first sentinel that tells a new master until the first write that is acknowledged after the fault.
    first_write: Option<i64>,
}

const WRITERS: usize = 4;
/// Between two writes of one writer.
const PACE: Duration = Duration::from_millis(8);
/// As the official guide for clients says: a few hundred milliseconds.
const GUIDE_PATIENCE: Duration = Duration::from_millis(500);
const LONGEST_ROUND: Millis = Millis::new(60_000);
/// How long a master is stopped: as the transcript of the reference in the client's specification.
const STOPPED: Millis = Millis::new(9_000);
/// What a sentinel says when it names the new master from then on: one that follows, one of ours that leads, and one of
/// the reference's that leads, which says `+switch-master` only when all replicas follow.
const TELLS: [&str; 2] = ["+switch-master", "+failover-state-reconf-slaves"];

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let rounds = asked_for("rounds", 3);
    let is_asked = |flag: &str| std::env::args().any(|word| word == flag);
    let backend = if is_asked("--ours") { Backend::Real } else { Backend::RealSentinels };
    let case = match (is_asked("--killed"), is_asked("--paused")) {
        (true, _) => Case::Killed,
        (_, true) => Case::Paused,
        _ => Case::Planned,
    };
    report(&format!("{case:?}, {backend:?}"));
    let mut measured: Vec<(Side, Round)> = Vec::new();
    for _ in 0..rounds {
        for side in [Side::Ours, Side::Guide] {
            measured.push((side, play(side, backend, case)?));
        }
    }
    for side in [Side::Ours, Side::Guide] {
        let of = |figure: Figure| {
            Figures::of(measured.iter().filter(|(whose, _)| *whose == side).map(|(_, round)| figure(round)))
        };
        report(&format!("{side:?}: {rounds} rounds, median (10%..90%)"));
        let lines: [(&str, Figure); 5] = [
            ("acknowledged", |round| Some(round.acknowledged as i64)),
            ("lost", |round| Some(round.lost)),
            ("errors", |round| Some(round.errors)),
            ("longest pause in ms", |round| Some(round.longest_pause)),
            ("first write after a sentinel tells, in ms", |round| round.first_write),
        ];
        for (name, figure) in lines {
            let figures = of(figure);
            let (largest, spread) = (figures.largest().unwrap_or(0), figures.spread().unwrap_or(0));
            report(&format!("  {name:42} {figures}, largest {largest}, spread {spread}"));
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a benchmark's output is its result")]
fn report(line: &str) {
    println!("{line}");
}

fn play(side: Side, backend: Backend, case: Case) -> Result<Round> {
    let pace =
        Pace { down_after: Millis::new(1_000), failover_timeout: Millis::new(60_000), periods: Periods::default() };
    let group = HaGroup::builder().backend(backend).profile(Profile::Custom(pace)).patience(LONGEST_ROUND).start()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| failed("start a runtime", &error))?;
    let pool = runtime.block_on(async {
        let seeds = group.sentinel_addresses().into_iter().map(Endpoint::numeric);
        Pool::builder(&Discovery::builder().seeds(seeds).start()?, group.name()).build()
    })?;
    pool.execute_blocking(&Command::named("PING"))?;
    let tally = Tally::new(group.events());
    let old = group.master()?;
    std::thread::scope(|scope| {
        let mut ends = Vec::new();
        for _ in 0..WRITERS {
            let (end, ended) = channel();
            ends.push(end);
            let (tally, pool, group) = (&tally, &pool, &group);
            scope.spawn(move || match side {
                Side::Ours => {
                    tally.write(&ended, |key| pool.execute_blocking(&Command::new(["SET", key, "1"])).is_ok());
                }
                Side::Guide => {
                    let mut client = Guide { sentinels: group.sentinel_addresses(), name: group.name(), held: None };
                    tally.write(&ended, |key| client.set(key).is_some());
                }
            });
        }
        wait_until(LONGEST_ROUND, "writes are acknowledged", || tally.count() > 250)?;
        disturb(&group, old, case)?;
        let before = tally.count();
        wait_until(LONGEST_ROUND, "writes are acknowledged", || tally.count() > before + 250)?;
        tally.is_over.store(true, Ordering::Relaxed);
        drop(ends);
        Ok::<(), Error>(())
    })?;
    Ok(Round {
        acknowledged: tally.count(),
        lost: tally.lost(&pool)?,
        errors: tally.errors.load(Ordering::Relaxed) as i64,
        longest_pause: tally.longest_pause.load(Ordering::Relaxed) as i64,
        first_write: tally.first_write(),
    })
}

/// Does to the master what the case is, until it is a replica or gone.
fn disturb(group: &HaGroup, old: Member, case: Case) -> Result<()> {
    match case {
        Case::Planned => group.failover()?,
        Case::Killed => {
            group.kill(old)?;
            return group.wait_master_other_than(old).map(drop);
        }
        Case::Paused => {
            let stopped = Stopwatch::start();
            group.pause(old)?;
            wait_until(LONGEST_ROUND, "it was stopped long enough", || stopped.elapsed_ms() >= STOPPED)?;
            group.resume(old)?;
        }
    }
    group.wait_master_other_than(old)?;
    group.wait_role(old, "slave")
}

/// What the writers were told.
struct Tally<'a> {
    events: &'a EventLog,
    next: AtomicU64,
    /// Each with its moment, by the clock of the events.
    acknowledged: Mutex<BTreeMap<u64, Millis>>,
    errors: AtomicU64,
    longest_pause: AtomicU64,
    is_over: AtomicBool,
}

impl<'a> Tally<'a> {
    fn new(events: &'a EventLog) -> Self {
        Self {
            events,
            next: AtomicU64::default(),
            acknowledged: Mutex::default(),
            errors: AtomicU64::default(),
            longest_pause: AtomicU64::default(),
            is_over: AtomicBool::default(),
        }
    }

    fn write(&self, ended: &Receiver<()>, mut set: impl FnMut(&str) -> bool) {
        let mut last = Stopwatch::start();
        while ended.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if set(&key(number)) {
                self.acknowledged().insert(number, self.events.elapsed());
                self.longest_pause.fetch_max(last.elapsed_ms().as_ms(), Ordering::Relaxed);
                last = Stopwatch::start();
            } else if !self.is_over.load(Ordering::Relaxed) {
                self.errors.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn count(&self) -> usize {
        self.acknowledged().len()
    }

    /// How long after the first sentinel told a new master the next write was acknowledged.
    fn first_write(&self) -> Option<i64> {
        let told = self.events.events().into_iter().filter(|event| TELLS.contains(&event.channel.as_str()));
        let told = told.map(|event| event.at).min()?;
        let written = self.acknowledged().values().copied().filter(|at| *at >= told).min()?;
        Some(written.as_ms() as i64 - told.as_ms() as i64)
    }

    fn acknowledged(&self) -> MutexGuard<'_, BTreeMap<u64, Millis>> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self, pool: &Pool) -> Result<i64> {
        let mut lost = 0;
        for number in self.acknowledged().keys() {
            let reply = pool.execute_blocking(&Command::new(["EXISTS", &key(*number)]))?;
            lost += i64::from(reply != Value::Integer(1));
        }
        Ok(lost)
    }
}

/// A client as the official guide describes it: asks a sentinel, checks ROLE, and asks again only when a call fails.
struct Guide<'a> {
    sentinels: Vec<SocketAddr>,
    name: &'a str,
    held: Option<redis::Connection>,
}

impl Guide<'_> {
    fn set(&mut self, key: &str) -> Option<()> {
        if self.held.is_none() {
            self.held = self.connect();
        }
        let held = self.held.as_mut()?;
        let set = redis::cmd("SET").arg(key).arg("1").exec(held);
        if set.is_err() || !held.is_open() {
            self.held = None;
        }
        set.ok()
    }

    fn connect(&self) -> Option<redis::Connection> {
        self.sentinels.iter().find_map(|sentinel| {
            let mut asked = open(&sentinel.to_string())?;
            let question = redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(self.name).to_owned();
            let (host, port): (String, u16) = question.query(&mut asked).ok()?;
            let mut master = open(&format!("{host}:{port}"))?;
            let role: Vec<redis::Value> = redis::cmd("ROLE").query(&mut master).ok()?;
            let role: String = redis::from_redis_value(role.into_iter().next()?).ok()?;
            (role == "master").then_some(master)
        })
    }
}

fn open(address: &str) -> Option<redis::Connection> {
    let client = redis::Client::open(format!("redis://{address}")).ok()?;
    let connection = client.get_connection_with_timeout(GUIDE_PATIENCE).ok()?;
    connection.set_read_timeout(Some(GUIDE_PATIENCE)).ok()?;
    connection.set_write_timeout(Some(GUIDE_PATIENCE)).ok()?;
    Some(connection)
}

fn key(number: u64) -> String {
    format!("written:{number}")
}

fn failed(operation: &'static str, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::File, operation, error.to_string())
}

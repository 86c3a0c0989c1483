//! How long it takes until all is well again after a host with many masters died, and how often a sentinel writes to disk.
//!
//! Every master has one replica elsewhere; three sentinels watch them all. `cargo bench -p sentinelle-tests --bench
//! many_masters -- --masters 20` for a smaller host.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use sentinelle::{
    error::{Error, ErrorKind, Result},
    resp::Value,
    testing::{
        Client, DataServer, Deadline, Flavour, SentinelPlan, SentinelProcess, ServerPlan, Stopwatch, Watched,
        wait_until,
    },
    types::Millis,
};
use sentinelle_tests::{asked_for, built_sentinelle, is_bench};

const SENTINELS: usize = 3;
const DOWN_AFTER: Millis = Millis::new(1_000);
const FAILOVER_TIMEOUT: Millis = Millis::new(10_000);
/// How many pairs of servers are started at a time.
const LANES: usize = 8;
const DISCOVERY: Millis = Millis::new(60_000);
const LIMIT: Millis = Millis::new(120_000);
/// How long a listener waits for an event before it looks at its deadline.
const GLANCE: Millis = Millis::new(100);

/// What both kinds of sentinel write when the configuration is on disk.
const SAVED: &str = "new configuration saved on disk";

/// A master and its replica.
struct Pair {
    master: DataServer,
    /// Where the master's data live on; held so that it runs.
    replica: DataServer,
}

/// What one round came to.
struct Round {
    /// For each sentinel, when it published each switch, in milliseconds since the death of the last master.
    switches: Vec<Vec<i64>>,
    /// For each sentinel, how often it wrote its configuration during the failovers.
    stores: Vec<usize>,
    /// How many replicas are masters in the end.
    promoted: usize,
}

#[expect(clippy::print_stdout, reason = "a bench shows its figures")]
fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let masters = asked_for("masters", 100);
    println!("{masters} masters with one replica each, {SENTINELS} sentinels, quorum 2, down-after {DOWN_AFTER};");
    println!(
        "all masters are killed at once; milliseconds since death + down-after, the last of {SENTINELS} sentinels"
    );
    println!("\n{:<16} {:>12} {:>12} {:>12}   writes to disk of each sentinel", "", "half", "last", "switched");
    for (name, flavour) in [("sentinelle", Flavour::Sentinelle), ("redis-sentinel", Flavour::Redis)] {
        println!("{}", measure(flavour, masters)?.line(name, masters));
    }
    Ok(())
}

impl Round {
    fn line(&self, name: &str, masters: usize) -> String {
        let down_after = DOWN_AFTER.as_ms() as i64;
        // The slowest sentinel's time of its n-th switch; one that did not come that far has none.
        let moment = |count: usize| {
            let all: Option<Vec<i64>> = self.switches.iter().map(|times| times.get(count - 1).copied()).collect();
            all.and_then(|times| times.into_iter().max()).map_or("-".into(), |at| (at - down_after).to_string())
        };
        let fewest = self.switches.iter().map(Vec::len).min().unwrap_or(0);
        let switched = format!("{}/{masters}", fewest.min(self.promoted));
        let stores: Vec<String> = self.stores.iter().map(usize::to_string).collect();
        let (half, last) = (moment(masters.div_ceil(2)), moment(masters));
        format!("{name:<16} {half:>12} {last:>12} {switched:>12}   {}", stores.join(", "))
    }
}

fn measure(flavour: Flavour, masters: usize) -> Result<Round> {
    let mut pairs = start_pairs(masters)?;
    let sentinels = start_sentinels(flavour, &pairs)?;
    wait_discovered(&sentinels, masters)?;
    let stores = |sentinel: &SentinelProcess| sentinel.log().matches(SAVED).count();
    let before: Vec<usize> = sentinels.iter().map(stores).collect();
    let watch = Stopwatch::start();
    let listeners: Vec<_> =
        sentinels.iter().map(|sentinel| listen(sentinel.address(), masters, watch)).collect::<Result<_>>()?;
    for pair in &mut pairs {
        pair.master.kill();
    }
    let dead = watch.elapsed_ms().as_ms() as i64;
    let mut switches = Vec::new();
    for listener in listeners {
        let times = listener.join().map_err(|_| failed("a listener panicked"))?;
        switches.push(times.into_iter().map(|at| at - dead).collect());
    }
    let stores = sentinels.iter().zip(before).map(|(sentinel, before)| stores(sentinel) - before).collect();
    let promoted = pairs.iter().filter(|pair| pair.replica.role().is_ok_and(|role| role == "master")).count();
    Ok(Round { switches, stores, promoted })
}

/// Starts all pairs, several at a time.
fn start_pairs(count: usize) -> Result<Vec<Pair>> {
    let (done, pairs) = mpsc::channel();
    let lanes: Vec<JoinHandle<()>> = (0..LANES.min(count))
        .map(|lane| {
            let done = done.clone();
            thread::spawn(move || {
                for _ in (lane..count).step_by(LANES) {
                    // Nobody listens any more when another lane has failed.
                    let _ = done.send(start_pair());
                }
            })
        })
        .collect();
    drop(done);
    let pairs = pairs.into_iter().collect();
    for lane in lanes {
        lane.join().map_err(|_| failed("a lane panicked"))?;
    }
    pairs
}

fn start_pair() -> Result<Pair> {
    // Hundreds of servers with a fast clock would keep the machine busy with nothing.
    let options = [("hz", "10"), ("repl-backlog-size", "16kb"), ("io-threads", "1")];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let servers = DataServer::start_replicated(&ServerPlan { options, ..ServerPlan::default() }, 1)?;
    let [master, replica] = <[DataServer; 2]>::try_from(servers).map_err(|_| failed("two servers were asked for"))?;
    Ok(Pair { master, replica })
}

fn start_sentinels(flavour: Flavour, pairs: &[Pair]) -> Result<Vec<SentinelProcess>> {
    let watched = |(number, pair): (usize, &Pair)| Watched {
        name: format!("master-{number}"),
        address: pair.master.address(),
        quorum: 2,
        down_after: DOWN_AFTER,
        failover_timeout: FAILOVER_TIMEOUT,
        options: Vec::new(),
    };
    let plan = SentinelPlan {
        flavour,
        program: (flavour == Flavour::Sentinelle).then(built_sentinelle),
        masters: pairs.iter().enumerate().map(watched).collect(),
        lines: Vec::new(),
    };
    (0..SENTINELS).map(|_| SentinelProcess::start(&plan)).collect()
}

/// Waits until every sentinel knows every replica and every other sentinel, and calls nobody down.
fn wait_discovered(sentinels: &[SentinelProcess], masters: usize) -> Result<()> {
    let mut clients = sentinels.iter().map(SentinelProcess::client).collect::<Result<Vec<_>>>()?;
    let mut patience = Deadline::within(Millis::ZERO);
    wait_until(DISCOVERY, "all sentinels know all replicas and each other", || {
        // Each look is a long list; five a second are enough.
        if !patience.has_passed() {
            return false;
        }
        patience = Deadline::within(Millis::new(200));
        clients.iter_mut().all(|client| {
            let info = client.text(&["INFO", "sentinel"]).unwrap_or_default();
            let of_master = |line: &&str| line.starts_with("master") && line.contains("status=ok");
            let known = info.lines().filter(of_master).filter(|line| line.ends_with("slaves=1,sentinels=3"));
            known.count() == masters
        })
    })
    .map(drop)
}

/// Notes when the sentinel publishes each master's switch, until it has published all of them.
fn listen(sentinel: SocketAddr, masters: usize, watch: Stopwatch) -> Result<JoinHandle<Vec<i64>>> {
    let mut client = Client::connect(sentinel, Client::PATIENCE)?;
    client.command(&["SUBSCRIBE", "+switch-master"])?;
    Ok(thread::spawn(move || {
        let deadline = Deadline::within(LIMIT);
        let (mut switched, mut times) = (BTreeSet::new(), Vec::new());
        while switched.len() < masters && !deadline.has_passed() {
            match client.read_within(GLANCE) {
                Ok(Some(message)) => {
                    if name_in(&message).is_some_and(|name| switched.insert(name)) {
                        times.push(watch.elapsed_ms().as_ms() as i64);
                    }
                }
                Ok(None) => {}
                Err(_) => break,
            }
        }
        times
    }))
}

/// The name of the master whose switch a message tells of.
fn name_in(message: &Value) -> Option<String> {
    let (Value::Array(parts) | Value::Push(parts)) = message else { return None };
    parts.get(2)?.as_text()?.split(' ').next().map(str::to_owned)
}

fn failed(text: &str) -> Error {
    Error::new(ErrorKind::NoServer, "measure", text)
}

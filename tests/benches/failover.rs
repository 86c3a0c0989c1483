//! How long a failover takes, from the kill to the last sentinel's word: ours, the stock sentinels', and mixed groups.
//!
//! Each round is a fresh group of real servers. `ROUNDS=20 make bench` for more of them.

use std::env;

use sentinelle::{
    error::Result,
    testing::{Flavour, Stopwatch, wait_until},
    types::Millis,
};
use sentinelle_tests::{Discovery, Group, GroupPlan};

const DOWN_AFTER: Millis = Millis::new(500);
/// The longest period of a sentinel's timers. Kills are spread evenly over it, because a sentinel that looks only now
/// and then is sometimes lucky.
const PERIOD: Millis = Millis::new(2000);
const LIMIT: Millis = Millis::new(30_000);

/// What is measured, in milliseconds since the kill.
struct Round {
    writable: u64,
    first_word: u64,
    last_word: u64,
}

#[expect(clippy::print_stdout, reason = "a bench shows its figures")]
fn main() -> Result<()> {
    // Cargo runs this without asking when it runs all tests; only a bench is worth the time.
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let rounds: u64 = env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let (ours, redis, valkey) = (Flavour::Sentinelle, Flavour::Redis, Flavour::Valkey);
    let casts = [
        ("3 sentinelle", [ours; 3]),
        ("2 sentinelle, 1 redis", [ours, ours, redis]),
        ("1 sentinelle, 2 redis", [ours, redis, redis]),
        ("3 redis", [redis; 3]),
        ("3 valkey", [valkey; 3]),
    ];
    println!("master killed, down-after {DOWN_AFTER}, 3 sentinels, quorum 2, 2 replicas, {rounds} rounds");
    println!("milliseconds since the kill: median (largest)\n");
    println!("{:<24} {:>14} {:>14} {:>14}", "", "writable", "first knows", "all know");
    for (name, flavours) in casts {
        let delays = (0..rounds).map(|round| Millis::new(round * PERIOD.as_ms() / rounds));
        let measured = delays.map(|delay| measure(&flavours, delay)).collect::<Result<Vec<_>>>()?;
        let column = |of: fn(&Round) -> u64| shown(measured.iter().map(of).collect());
        let (writable, first, last) =
            (column(|round| round.writable), column(|round| round.first_word), column(|round| round.last_word));
        println!("{name:<24} {writable:>14} {first:>14} {last:>14}");
    }
    Ok(())
}

/// One round; `delay` is how long the group is left in peace before its master is killed.
fn measure(flavours: &[Flavour], delay: Millis) -> Result<Round> {
    let mut group =
        Group::start(&GroupPlan { down_after: DOWN_AFTER, discovery: Discovery::Usual, ..GroupPlan::with(flavours) })?;
    let known = Stopwatch::start();
    wait_until(LIMIT, "the moment of the kill", || known.elapsed_ms() >= delay)?;
    let killed = group.events.elapsed();
    group.servers[0].kill();
    let since_kill = |at: Millis| at.as_ms().saturating_sub(killed.as_ms());
    wait_until(LIMIT, "a replica is promoted", || {
        group.servers[1..].iter().any(|replica| replica.role().is_ok_and(|role| role == "master"))
    })?;
    let writable = since_kill(group.events.elapsed());
    group.wait(LIMIT, "all sentinels tell", |group| group.events.of("+switch-master").len() == flavours.len())?;
    let words: Vec<u64> = group.events.of("+switch-master").iter().map(|event| since_kill(event.at)).collect();
    let first_word = words.iter().copied().min().unwrap_or(0);
    Ok(Round { writable, first_word, last_word: words.iter().copied().max().unwrap_or(0) })
}

fn shown(mut figures: Vec<u64>) -> String {
    figures.sort_unstable();
    let largest = figures.last().copied().unwrap_or(0);
    format!("{} ({largest})", figures.get(figures.len() / 2).copied().unwrap_or(0))
}

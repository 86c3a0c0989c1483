//! How long it takes to find a verified master: with all sentinels well, and with the first one refusing, hung or out of reach.
//!
//! `ROUNDS=200 cargo bench --bench discovery` for more rounds. The bench fails when a bad first sentinel costs more than
//! one healthy search and 60 ms.

#[path = "../tests/discovery/stage.rs"]
mod stage;

use std::net::SocketAddr;

use sentinelle::{
    error::Result,
    resp::Value,
    testing::{Backend, HaGroup, Stopwatch},
    types::Millis,
};
use sentinelle_tests::{asked_for, is_bench};
use stage::{BlackHole, Liar, Silent, Stage, closed_port, seeded};

/// What a bad first sentinel may cost: the wait before the second is asked, and some air.
const ALLOWED: Millis = Millis::new(60);

#[expect(clippy::print_stdout, reason = "a bench shows its figures")]
fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let rounds = asked_for("rounds", 50);
    let group = HaGroup::builder().backend(Backend::RealSentinels).start()?;
    let (refusing, _port) = closed_port()?;
    let (silent, hole) = (Silent::open(), BlackHole::open());
    let unaware = Liar::open(|_| Value::NullArray);
    println!("open to verified master, {rounds} rounds; milliseconds: p50, p75, p99, largest");

    let healthy = measure("all sentinels well", &group, rounds, None)?[0];
    let mut worst = Millis::ZERO;
    for (what, bad) in [
        ("one of two refuses", refusing),
        ("one of two is hung", silent.address()),
        ("one of two is out of reach", hole.address()),
        ("one of two knows no master", unaware.address()),
    ] {
        // Chance decides who is asked first: in half of the rounds the bad one.
        let of_those_it_delays = measure(what, &group, rounds, Some(bad))?[1];
        worst = worst.max(of_those_it_delays);
    }
    assert!(worst <= healthy.plus(ALLOWED), "{worst} is more than {healthy} and {ALLOWED}");
    Ok(())
}

/// How long the first search takes: half of all rounds, three quarters, nearly all, and the longest.
#[expect(clippy::print_stdout, reason = "a bench shows its figures")]
fn measure(what: &str, group: &HaGroup, rounds: usize, bad: Option<SocketAddr>) -> Result<[Millis; 4]> {
    let stage = Stage::open();
    let mut spans = Vec::new();
    for _ in 0..rounds {
        let watch = Stopwatch::start();
        let discovery = match bad {
            None => stage.discover(group)?,
            Some(bad) => stage.start(seeded([bad, group.sentinel_addresses()[0]]))?,
        };
        stage.master(&discovery, group)?;
        spans.push(watch.elapsed_ms());
        stage.run(discovery.close());
    }
    spans.sort_unstable();
    let shares = [50, 75, 99, 100].map(|percent| spans[(spans.len() * percent / 100).min(spans.len() - 1)]);
    let figures = shares.map(|span| format!("{:>5}", span.as_ms())).join(" ");
    println!("{what:<30} {figures}");
    Ok(shares)
}

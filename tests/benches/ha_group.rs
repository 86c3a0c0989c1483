//! How long a test waits for its group: until it is ready, until a failover is over, until it is fit for the next test.
//!
//! `ROUNDS=100 cargo bench --bench ha_group` for more rounds. `SOAK=500` runs so many failover tests in a row, and tells
//! of each that fails with the state of its group. `ORPHANS=100` kills so many programs that have a group, half of them
//! while it starts, and counts the processes that are left.

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use sentinelle::{
    error::{Error, ErrorKind, Result},
    testing::{Backend, HaGroup, Stopwatch, wait_until},
    types::Millis,
};
use sentinelle_tests::processes_in;

const GROUPS_AT_ONCE: usize = 8;

#[expect(clippy::print_stdout, reason = "a bench shows its figures")]
fn main() -> Result<()> {
    // Cargo runs this without asking when it runs all tests; only a bench is worth the time.
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    if let Some(count) = number("SOAK") {
        return soak(count);
    }
    if let Some(count) = number("ORPHANS") {
        return orphan(count);
    }
    let rounds = number("ROUNDS").unwrap_or(20);
    println!("a master, 2 replicas, 3 sentinels in this program, {rounds} rounds; milliseconds: p50, p99, largest");
    measure("real servers", Backend::Real, rounds)?;
    measure("simulated servers", Backend::Sim, rounds)
}

#[expect(clippy::print_stdout, reason = "a bench shows its figures")]
fn measure(what: &str, backend: Backend, rounds: usize) -> Result<()> {
    println!("\n{what}");
    let (mut ready, mut agreed, mut recovered) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let watch = Stopwatch::start();
        let group = HaGroup::builder().backend(backend).start()?;
        ready.push(watch.elapsed_ms());
        let (failover, reset) = fail_over(&group)?;
        agreed.push(failover);
        recovered.push(reset);
    }
    show("start to ready", ready);
    show("kill to all agree", agreed);
    show("reset after a failover", recovered);
    show("reset after a test without faults", reset_often(backend, rounds)?);
    let at_once = (0..rounds.div_ceil(4)).map(|_| start_at_once(backend)).collect::<Result<Vec<_>>>()?;
    show(&format!("{GROUPS_AT_ONCE} groups at once"), at_once);
    Ok(())
}

/// How long it takes from the kill of the master until all sentinels name another, and then to make all well.
fn fail_over(group: &HaGroup) -> Result<(Millis, Millis)> {
    let old = group.master()?;
    let watch = Stopwatch::start();
    group.kill(old)?;
    group.wait_master_other_than(old)?;
    group.wait_agreement()?;
    let agreed = watch.elapsed_ms();
    let watch = Stopwatch::start();
    group.reset()?;
    Ok((agreed, watch.elapsed_ms()))
}

fn reset_often(backend: Backend, rounds: usize) -> Result<Vec<Millis>> {
    let group = HaGroup::builder().backend(backend).start()?;
    let one_round = |round: usize| {
        group.client()?.command(&["SET", &round.to_string(), "1"])?;
        let watch = Stopwatch::start();
        group.reset()?;
        Ok(watch.elapsed_ms())
    };
    (0..rounds).map(one_round).collect()
}

fn start_at_once(backend: Backend) -> Result<Millis> {
    let watch = Stopwatch::start();
    let starting: Vec<_> =
        (0..GROUPS_AT_ONCE).map(|_| thread::spawn(move || HaGroup::builder().backend(backend).start())).collect();
    let mut groups = Vec::new();
    for group in starting {
        groups.push(group.join().expect("a start does not panic")?);
    }
    Ok(watch.elapsed_ms())
}

/// How many tests share a group before the next one is started.
const TESTS_A_GROUP: usize = 10;

#[expect(clippy::print_stdout, reason = "a bench shows its figures")]
fn soak(count: usize) -> Result<()> {
    let (mut group, mut failures) = (HaGroup::builder().start()?, 0);
    let (mut failovers, mut resets) = (Vec::new(), Vec::new());
    for round in 0..count {
        if round > 0 && round % TESTS_A_GROUP == 0 {
            group = HaGroup::builder().start()?;
        }
        match lose_master(&group, round) {
            Ok((failover, reset)) => {
                failovers.push(failover);
                resets.push(reset);
            }
            Err(error) => {
                failures += 1;
                println!("test {round} failed: {error}");
                group = HaGroup::builder().start()?;
            }
        }
    }
    show("fault to all agree", failovers);
    show("reset after it", resets);
    println!("{count} failover tests in a row, {failures} of them failed");
    if failures == 0 { Ok(()) } else { Err(Error::new(ErrorKind::Timeout, "soak", format!("{failures} failed"))) }
}

/// One failover test: the master dies, hangs or vanishes, another one takes writes, the group is made fit again.
fn lose_master(group: &HaGroup, round: usize) -> Result<(Millis, Millis)> {
    let old = group.master()?;
    let watch = Stopwatch::start();
    match round % 3 {
        0 => group.kill(old)?,
        1 => group.pause(old)?,
        _ => group.isolate(old),
    }
    let new = group.wait_master_other_than(old)?;
    group.wait_agreement()?;
    let failover = watch.elapsed_ms();
    group.connect(new)?.text(&["SET", "round", &round.to_string()])?;
    let watch = Stopwatch::start();
    group.reset()?;
    Ok((failover, watch.elapsed_ms()))
}

/// Kills programs that have a group, and counts those that leave a process behind.
#[expect(clippy::print_stdout, reason = "a bench shows its figures")]
fn orphan(count: usize) -> Result<()> {
    let place = tempfile::tempdir().map_err(|error| Error::new(ErrorKind::File, "make", "a folder").because(error))?;
    let (mut spans, mut guilty) = (Vec::new(), 0);
    for trial in 0..count {
        let mut holder = hold_group(place.path())?;
        wait_for_moment(&mut holder, place.path(), trial)?;
        // It has not ended by itself: it waits for the end of its input.
        let _ = holder.kill();
        let _ = holder.wait();
        match wait_until(SOON, "all processes are gone", || processes_in(place.path()).is_empty()) {
            Ok(span) => spans.push(span),
            Err(_) => guilty += 1,
        }
    }
    show("kill to all gone", spans);
    println!("{count} programs killed, {guilty} of them left a process");
    if guilty == 0 { Ok(()) } else { Err(Error::new(ErrorKind::Timeout, "end", format!("{guilty} groups"))) }
}

fn hold_group(place: &Path) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hold_group"));
    command.env("TMPDIR", place).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().map_err(|error| Error::new(ErrorKind::NoServer, "start", "hold_group").because(error))
}

/// Every other time until the group is ready, else until one, two or three of its processes are there.
fn wait_for_moment(holder: &mut Child, place: &Path, trial: usize) -> Result<()> {
    if trial.is_multiple_of(2) {
        let lost = |error| Error::new(ErrorKind::Connection, "read from", "hold_group").because(error);
        let mut line = String::new();
        let output = holder.stdout.as_mut().ok_or_else(|| lost(std::io::ErrorKind::NotConnected.into()))?;
        return BufReader::new(output).read_line(&mut line).map(drop).map_err(lost);
    }
    let wanted = 1 + trial / 2 % 3;
    wait_until(SOON, "servers are being started", || processes_in(place).len() >= wanted).map(drop)
}

const SOON: Millis = Millis::new(10_000);

#[expect(clippy::print_stdout, reason = "a bench shows its figures")]
fn show(what: &str, mut spans: Vec<Millis>) {
    spans.sort_unstable();
    let at = |part: usize| spans.get((spans.len() * part / 100).min(spans.len() - 1)).copied().unwrap_or_default();
    println!("{what:<34} {:>6} {:>6} {:>6}", at(50).as_ms(), at(99).as_ms(), at(100).as_ms());
}

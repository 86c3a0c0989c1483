//! Decides what a program does that forks while it uses the library: `facade_child <url>`, and tells by its exit code.
//!
//! The test that starts it owns the group of that URL.

use std::{fs, process::ExitCode};

use nix::{
    sys::wait::{WaitStatus, waitpid},
    unistd::{ForkResult, fork},
};
use sentinelle::facade::{
    Command, Discovery, ErrorKind, Failure, HaGroup, Options, Patience, Pool, Sentinel, is_running, shutdown,
};

fn main() -> ExitCode {
    let url = std::env::args().nth(1).unwrap_or_default();
    match run(&url) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            // The test shows it when it fails.
            let _ = fs::write("/dev/stderr", format!("{what}\n"));
            ExitCode::FAILURE
        }
    }
}

fn run(url: &str) -> Result<(), String> {
    let patience = Patience::ms(20_000);
    let discovery = Discovery::open_url(url).map_err(told("open"))?;
    let master = discovery.master("mymaster", 10_000).wait(&patience).map_err(told("ask before the fork"))?;
    let pool = Pool::open_url(url).map_err(told("open a pool"))?;
    let ping = Command::new(["PING"]);
    pool.execute(&ping, &patience).map_err(told("use the pool before the fork"))?;
    let options = Options::new().with("listen", "127.0.0.1:0").map_err(told("set an option"))?;
    let sentinel = Sentinel::start(&options, &[]).wait(&patience).map_err(told("start"))?;
    let events = sentinel.events().map_err(told("listen"))?;
    let group = start_group(&patience)?;

    // SAFETY: the child uses the library and the allocator alone, which are made for that, and ends.
    match unsafe { fork() }.map_err(|error| error.to_string())? {
        ForkResult::Child => {
            let found = discovery.master("mymaster", 10_000).wait(&patience).map_err(told("ask in the child"))?;
            expect(found == master, "the child finds the same master")?;
            pool.execute(&ping, &patience).map_err(told("use the pool in the child"))?;
            let refusals = [
                sentinel.status().wait(&patience).map(drop),
                sentinel.stop().wait(&patience).map(drop),
                events.next(&Patience::ms(0)).map(drop),
                events.fd().map(drop),
                group.master().wait(&patience).map(drop),
            ];
            let is_refused = |refusal: &Result<(), Failure>| {
                refusal.as_ref().is_err_and(|failure| failure.kind == ErrorKind::Forked)
            };
            expect(refusals.iter().all(is_refused), &format!("the child may not use what runs: {refusals:?}"))?;
            let own = start_group(&patience)?;
            own.master().wait(&patience).map(drop).map_err(told("use a group of the child's own"))
        }
        ForkResult::Parent { child } => {
            let ended = waitpid(child, None).map_err(|error| error.to_string())?;
            expect(ended == WaitStatus::Exited(child, 0), &format!("the child ends well: {ended:?}"))?;
            discovery.master("mymaster", 10_000).wait(&patience).map_err(told("ask after the fork"))?;
            pool.execute(&ping, &patience).map_err(told("use the pool after the fork"))?;
            sentinel.status().wait(&patience).map_err(told("use the sentinel after the fork"))?;
            group.master().wait(&patience).map_err(told("use the group after the fork"))?;
            drop(group);
            end_threads(&discovery, &patience)
        }
    }
}

/// The smallest group there is.
fn start_group(patience: &Patience<'_>) -> Result<HaGroup, String> {
    let shape = [("replicas", "0"), ("sentinel_count", "1"), ("quorum", "1")];
    let options = Options::from_pairs(shape).map_err(told("set the group's shape"))?;
    HaGroup::start(&options).wait(patience).map_err(told("start a group"))
}

/// After a shutdown no thread of the library is left, and the next use starts new ones.
fn end_threads(discovery: &Discovery, patience: &Patience<'_>) -> Result<(), String> {
    expect(count_threads() >= 2 && is_running(), "the library has threads")?;
    shutdown(2_000);
    expect(count_threads() == 0 && !is_running(), &format!("{} threads are left", count_threads()))?;
    discovery.master("mymaster", 10_000).wait(patience).map_err(told("ask after a shutdown"))?;
    expect(count_threads() >= 2, "the library has threads again")
}

/// The library's threads of this process, which block every signal.
fn count_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").map(|tasks| tasks.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let is_ours = |task: &fs::DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("snl-rt-"))
    };
    tasks.iter().filter(|task| is_ours(task)).count()
}

fn told(what: &str) -> impl Fn(Failure) -> String + '_ {
    move |failure| format!("{what}: {failure}")
}

fn expect(is_so: bool, what: &str) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(what.to_owned()) }
}

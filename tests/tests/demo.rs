//! `sentinelle demo` as a user meets it: it tells its story on a narrow screen, and leaves nothing behind however it ends.

use std::{
    io::{BufRead, BufReader, Read as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use sentinelle::{testing::wait_until, types::Millis};
use sentinelle_tests::{built_sentinelle, processes_in};
use tempfile::TempDir;

const LIMIT: Millis = Millis::new(30_000);

#[test]
fn the_demo_tells_a_failover_from_the_kill_to_the_return() {
    let place = place();
    let mut child = demo(place.path());
    let mut story = String::new();
    child.stdout.take().expect("it is piped").read_to_string(&mut story).expect("the story is text");
    let status = ended(&mut child);

    assert!(status.success(), "{status}:\n{story}");
    let parts = ["is killed", "calls it down", "is elected", "writes again", "is a replica", "acknowledged"];
    let mut rest = story.as_str();
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("\"{part}\" is missing or too early:\n{story}"));
        rest = &rest[at..];
    }
    assert!(story.lines().all(|line| line.chars().count() <= 80), "a line is too long:\n{story}");
    assert_nothing_is_left(place.path(), &addresses(&story));
}

#[test]
fn an_interrupted_demo_fails_and_leaves_nothing_behind() {
    let place = place();
    let (mut child, addresses) = demo_at_the_kill(place.path());

    signal(&child, "-INT");
    let status = ended(&mut child);

    assert!(!status.success(), "{status}");
    assert_nothing_is_left(place.path(), &addresses);
}

#[test]
fn a_demo_that_is_killed_takes_its_servers_with_it() {
    let place = place();
    let (mut child, addresses) = demo_at_the_kill(place.path());

    signal(&child, "-KILL");
    ended(&mut child);

    assert_nothing_is_left(place.path(), &addresses);
}

/// Where a demo's files lie, and no others.
fn place() -> TempDir {
    tempfile::tempdir().expect("the system has a temporary folder")
}

fn demo(place: &Path) -> Child {
    let mut command = Command::new(built_sentinelle());
    let command = command.arg("demo").env("TMPDIR", place).stdout(Stdio::piped());
    command.spawn().expect("the executable starts")
}

/// A demo whose servers run and whose master is about to be killed, with all its addresses.
fn demo_at_the_kill(place: &Path) -> (Child, Vec<SocketAddr>) {
    let mut child = demo(place);
    let mut lines = BufReader::new(child.stdout.as_mut().expect("it is piped")).lines();
    let told: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| !line.contains("ready")).collect();
    let addresses = addresses(&told.join("\n"));
    assert_eq!(addresses.len(), 6, "three servers and three sentinels: {told:?}");
    if cfg!(target_os = "linux") {
        assert_eq!(processes_in(place).len(), 3, "three servers");
    }
    (child, addresses)
}

/// The addresses a story tells of, each once.
fn addresses(story: &str) -> Vec<SocketAddr> {
    let words = story.split_whitespace().filter(|word| word.starts_with("127.0.0.1:"));
    let mut addresses: Vec<SocketAddr> = words.filter_map(|word| word.parse().ok()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn signal(child: &Child, which: &str) {
    let sent = Command::new("kill").args([which, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success(), "the demo has ended already");
}

fn ended(child: &mut Child) -> ExitStatus {
    let mut status = None;
    let waited = wait_until(LIMIT, "the demo ends", || {
        status = child.try_wait().expect("it is our child");
        status.is_some()
    });
    if waited.is_err() {
        child.kill().expect("it still runs");
    }
    status.expect("the demo ends")
}

/// No server runs, and nothing listens.
#[track_caller]
fn assert_nothing_is_left(place: &Path, addresses: &[SocketAddr]) {
    if cfg!(target_os = "linux") {
        wait_until(LIMIT, "no server runs", || processes_in(place).is_empty()).expect("all have ended");
    }
    assert!(!addresses.is_empty(), "no address was told");
    let listens = |address: &SocketAddr| TcpStream::connect(address).is_ok();
    wait_until(LIMIT, "nothing listens", || !addresses.iter().any(listens)).expect("all have ended");
}

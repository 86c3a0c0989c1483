//! `sentinelle demo` as a user meets it: it tells its story on a narrow screen, and leaves nothing behind however it ends.

use std::{
    io::{BufRead, BufReader, Read as _},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
};

use sentinelle::{testing::wait_until, types::Millis};
use sentinelle_tests::built_sentinelle;

const LIMIT: Millis = Millis::new(30_000);

#[test]
fn the_demo_tells_a_failover_from_the_kill_to_the_return() {
    let mut child = demo();
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
    assert_none_listens(&addresses(&story));
}

#[test]
fn an_interrupted_demo_fails_and_leaves_nothing_behind() {
    let (mut child, addresses) = demo_at_the_kill();

    signal(&child, "-INT");
    let status = ended(&mut child);

    assert!(!status.success(), "{status}");
    assert_none_listens(&addresses);
}

#[test]
fn a_demo_that_is_killed_takes_its_servers_with_it() {
    let (mut child, addresses) = demo_at_the_kill();

    signal(&child, "-KILL");
    ended(&mut child);

    assert_none_listens(&addresses);
}

fn demo() -> Child {
    Command::new(built_sentinelle()).arg("demo").stdout(Stdio::piped()).spawn().expect("the executable starts")
}

/// A demo whose servers run and whose master is about to be killed, with all its addresses.
fn demo_at_the_kill() -> (Child, Vec<SocketAddr>) {
    let mut child = demo();
    let mut lines = BufReader::new(child.stdout.as_mut().expect("it is piped")).lines();
    let told: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| !line.contains("ready")).collect();
    let addresses = addresses(&told.join("\n"));
    assert_eq!(addresses.len(), 6, "three servers and three sentinels: {told:?}");
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

#[track_caller]
fn assert_none_listens(addresses: &[SocketAddr]) {
    assert!(!addresses.is_empty(), "no address was told");
    let listens = |address: &SocketAddr| TcpStream::connect(address).is_ok();
    wait_until(LIMIT, "nothing listens", || !addresses.iter().any(listens)).expect("all have ended");
}

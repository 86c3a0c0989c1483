//! Programs that sleep through a failover, and clocks that jump.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sentinelle::{
    testing::{Backend, HaGroup, Member, Profile, Stopwatch, wait_until},
    types::Millis,
};

use crate::{
    load::{Load, Manner, Writing},
    stage::{SOON, Stage},
};

/// Longer than the five seconds from which a pool takes note that its program slept.
const LONG: Millis = Millis::new(6_000);

#[test]
fn a_program_that_sleeps_through_a_failover_writes_to_the_new_master() {
    let group = Stage::calm(Backend::Real).start().expect("the group starts");
    let old = group.master().expect("there is one");
    let writer = Writer::start(&group.url());

    writer.signal(Signal::SIGSTOP);
    let asleep = Stopwatch::start();
    group.failover().expect("it begins");
    let new = group.wait_master_other_than(old).expect("another one is promoted");
    wait_until(SOON, "it has slept for long", || asleep.elapsed_ms() > LONG).expect("time goes by");
    writer.signal(Signal::SIGCONT);
    let there = |group: &HaGroup| {
        let size = group.connect(new).and_then(|mut client| client.command(&["DBSIZE"]));
        size.map(|value| format!("{value:?}")).unwrap_or_default()
    };
    let before = there(&group);
    group.wait("it writes again", |group| there(group) != before).expect("it has woken up");
    let (acknowledged, errors) = writer.end();

    assert_eq!(errors, "errors", "no command failed");
    assert!(!acknowledged.is_empty());
    let mut client = group.connect(new).expect("it is a server");
    for number in acknowledged {
        let key = format!("written:{number}");
        assert_eq!(client.text(&["GET", &key]).expect("it was acknowledged"), "1", "{key}");
    }
}

#[test]
fn sentinels_whose_clocks_jump_move_nobody() {
    let stage = Stage::with(HaGroup::builder().profile(Profile::Stock), |pool| pool);
    let generation = stage.pool.generation();
    let load = Load::start(&stage, Manner::Threads, Writing::Counter);
    load.wait_for_more(&stage, 50);

    for (sentinel, span_ms) in [(0, 3_600_000), (1, -3_600_000)] {
        stage.group.jump_clock(Member::Sentinel(sentinel), span_ms).expect("it is inside this program");
    }
    stage.group.assert_never("+switch-master", Millis::new(1_500));
    load.wait_for_more(&stage, 50);
    let toll = load.end();

    assert!(toll.errors.is_empty(), "{:?}", toll.errors);
    assert_eq!((toll.lost(&stage.pool), stage.pool.generation()), (0, generation));
}

/// A program of its own that writes through a pool.
struct Writer {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Writer {
    /// Starts it and waits until its first write was acknowledged.
    fn start(url: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pool_child"));
        let mut child =
            command.arg(url).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program was built");
        let mut output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("it says that it writes");
        assert_eq!(line, "ready\n");
        Self { child, output }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("process ids are small");
        kill(Pid::from_raw(pid), signal).expect("it is our child");
    }

    /// Ends it, and gives the numbers of the writes that were acknowledged, and what it says of errors.
    fn end(mut self) -> (Vec<u64>, String) {
        drop(self.child.stdin.take());
        let mut told = String::new();
        self.output.read_to_string(&mut told).expect("it tells what it did");
        let mut lines = told.lines();
        let acknowledged = lines.next().and_then(|line| line.strip_prefix("acknowledged")).expect("the first line");
        let acknowledged = acknowledged.split_whitespace().map(|word| word.parse().expect("a number"));
        (acknowledged.collect(), lines.next().expect("the second line").to_owned())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It fails when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

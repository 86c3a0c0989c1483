//! A group must not outlive the program that started it, however that one ends.

#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use sentinelle::{testing::wait_until, types::Millis};
use sentinelle_tests::processes_in;

const SOON: Millis = Millis::new(10_000);

#[test]
fn a_killed_program_leaves_no_process_behind() {
    let place = tempfile::tempdir().expect("the system has a temporary folder");
    for _ in 0..3 {
        let mut holder = Holder::start(place.path());
        holder.wait_ready();
        assert!(!processes_in(place.path()).is_empty());

        holder.kill();

        wait_until(SOON, "all processes are gone", || processes_in(place.path()).is_empty()).expect("they die with it");
    }
}

#[test]
fn a_program_killed_while_its_group_starts_leaves_no_process_behind() {
    let place = tempfile::tempdir().expect("the system has a temporary folder");
    for wanted in 1..=3 {
        let mut holder = Holder::start(place.path());
        wait_until(SOON, "servers are being started", || processes_in(place.path()).len() >= wanted)
            .expect("it starts its servers");

        holder.kill();

        wait_until(SOON, "all processes are gone", || processes_in(place.path()).is_empty()).expect("they die with it");
    }
}

#[test]
fn the_next_program_removes_what_a_killed_one_left() {
    let place = tempfile::tempdir().expect("the system has a temporary folder");
    let mut killed = Holder::start(place.path());
    killed.wait_ready();
    killed.kill();
    assert_eq!(count_entries(place.path()), 1);

    let mut next = Holder::start(place.path());
    next.wait_ready();
    next.end();

    assert_eq!(count_entries(place.path()), 0);
}

#[test]
fn a_program_that_fails_leaves_the_files_of_its_group_and_nothing_else() {
    let place = tempfile::tempdir().expect("the system has a temporary folder");
    let mut failing = Holder::start(place.path());
    failing.wait_ready();

    failing.fail();

    assert!(processes_in(place.path()).is_empty());
    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).expect("it is a folder").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let kept = names(place.path());
    assert!(kept.len() == 1 && kept[0].starts_with("sentinelle-kept-"), "{kept:?}");
    let kept = place.path().join(&kept[0]);
    for member in ["server-0-", "server-1-", "server-2-", "sentinel-0-", "sentinel-1-", "sentinel-2-"] {
        let folder = names(&kept).into_iter().find(|name| name.starts_with(member)).expect("each has a folder");
        let log = fs::read_to_string(kept.join(folder).join("output.txt")).expect("each has a log");
        assert!(!log.is_empty(), "{member}");
    }
}

/// A program with a group, whose files lie in a place of their own.
struct Holder {
    child: Child,
}

impl Holder {
    fn start(place: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hold_group"));
        let command = command.env("TMPDIR", place).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self { child: command.spawn().expect("the program was built") }
    }

    fn wait_ready(&mut self) {
        let output = self.child.stdout.as_mut().expect("its output is piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("it says where its group is");
        assert!(line.starts_with("redis+sentinel://"), "it did not start: {line}");
    }

    fn kill(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("it is our child");
    }

    fn fail(&mut self) {
        let mut input = self.child.stdin.take().expect("its input is piped");
        input.write_all(b"fail").expect("it reads");
        drop(input);
        let status = self.child.wait().expect("it is our child");
        assert!(!status.success(), "{status}");
    }

    fn end(&mut self) {
        drop(self.child.stdin.take());
        let status = self.child.wait().expect("it is our child");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // It fails when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn count_entries(place: &Path) -> usize {
    fs::read_dir(place).expect("it is a folder").count()
}

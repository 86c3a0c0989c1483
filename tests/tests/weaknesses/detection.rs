//! How soon a fault is seen, and what watching costs (design rows 1, 2, 12 and 18).

use sentinelle::machine::{EventKind, Input};

use crate::{
    bench::{Bench, DOWN_AFTER, MASTER, PEERS, REPLICAS},
    stand_in::{Ballot, Mood},
};

/// The reference forms its opinion on a tick of 52 to 100 ms.
#[test]
fn an_opinion_is_formed_at_the_exact_deadline() {
    let mut bench = Bench::new();

    bench.silence(MASTER);
    let down = bench.await_event(3_000, EventKind::SubjectivelyDown);

    let first_unanswered = bench.moments(0, MASTER, "PING").pop().expect("it is pinged");
    assert_eq!(down, first_unanswered + DOWN_AFTER + 1);
}

/// The reference notices an answer on its next tick.
#[test]
fn an_opinion_ends_with_the_answer_that_disproves_it() {
    let mut bench = Bench::new();
    bench.peers.values_mut().for_each(|peer| peer.says_down = false);
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::SubjectivelyDown);
    bench.run(333);
    let woken = bench.now;

    bench.wake(MASTER);
    let up = bench.await_event(100, EventKind::SubjectivelyUp);

    assert_eq!(up, woken + 1, "the answer takes a millisecond");
}

/// The reference judges the quorum on the tick after the answer.
#[test]
fn the_quorum_is_judged_with_the_answer_that_makes_it() {
    let mut bench = Bench::new();

    bench.silence(MASTER);
    let down = bench.await_event(3_000, EventKind::SubjectivelyDown);
    let quorum = bench.await_event(100, EventKind::ObjectivelyDown);

    assert_eq!(quorum, down + 1, "the answer takes a millisecond");
}

/// The reference asks a peer that does not agree yet again after a second.
#[test]
fn peers_are_asked_the_moment_the_master_is_down_and_soon_again() {
    let mut bench = Bench::new();
    bench.peers.values_mut().for_each(|peer| peer.says_down = false);

    bench.silence(MASTER);
    let down = bench.await_event(3_000, EventKind::SubjectivelyDown);
    bench.run(4_000);

    for peer in PEERS {
        let asked: Vec<u64> = bench.moments(0, peer, "SENTINEL").iter().map(|at| at - down).collect();
        assert_eq!(asked, [0, 50, 100, 200, 400, 800, 1_600, 2_600, 3_600]);
    }
}

/// The reference asks until it notices on a tick that the master is up.
#[test]
fn nobody_is_asked_about_a_master_that_is_up() {
    let mut bench = Bench::new();
    bench.peers.values_mut().for_each(|peer| peer.says_down = false);
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::SubjectivelyDown);

    bench.wake(MASTER);
    let up = bench.await_event(100, EventKind::SubjectivelyUp);
    bench.run(10_000);

    assert_eq!(bench.moments(up, PEERS[0], "SENTINEL"), [0_u64; 0]);
}

/// The reference asks a worried peer's question back at its own pace.
#[test]
fn a_peer_that_worries_too_is_asked_at_once() {
    let mut bench = Bench::new();
    bench.peers.values_mut().for_each(|peer| peer.says_down = false);
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::SubjectivelyDown);
    bench.run(1_000);
    let agreed = bench.now;
    bench.peers.values_mut().for_each(|peer| peer.says_down = true);

    bench.ask(&["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", "7000", "0", "*"]);
    let quorum = bench.await_event(100, EventKind::ObjectivelyDown);

    assert_eq!(quorum, agreed + 1);
}

/// The reference asks replicas each 10 s until the quorum agrees, and rejects those whose INFO is older than 5 s.
#[test]
fn replicas_are_asked_as_soon_as_the_master_is_down() {
    let mut bench = Bench::new();

    bench.silence(MASTER);
    let down = bench.await_event(3_000, EventKind::SubjectivelyDown);

    for replica in REPLICAS {
        assert_eq!(bench.moments(down, replica, "INFO"), [down]);
    }
}

/// The reference gives up a failover for minutes when INFO takes some 100 ms longer than its election.
#[test]
fn a_slow_info_does_not_end_a_failover() {
    let mut bench = Bench::new();
    bench.servers.values_mut().for_each(|server| server.info_takes = 400);
    bench.run(500);

    bench.silence(MASTER);
    let start = bench.await_event(3_000, EventKind::TryFailover);
    let promoted = bench.await_event(2_000, EventKind::PromotedReplica);

    assert_eq!(bench.events(0, EventKind::AbortNoGoodReplica), []);
    assert!(promoted - start <= 1_000, "{} ms", promoted - start);
}

/// The reference sends INFO and PUBLISH again on every tick, until 100 commands wait.
#[test]
fn a_silent_server_has_one_of_each_command_waiting() {
    let mut bench = Bench::new();
    let silent = bench.now;

    bench.silence(REPLICAS[0]);
    bench.run(9_000);

    for command in ["PING", "INFO", "PUBLISH"] {
        let sent = bench.moments(silent, REPLICAS[0], command);
        assert_eq!(sent.len(), 1, "{command} {sent:?}");
    }
}

/// The reference repeats its question to a silent peer on every tick.
#[test]
fn a_silent_peer_has_one_question_waiting() {
    let mut bench = Bench::new();
    bench.peers.values_mut().for_each(|peer| peer.ballot = Ballot::Nobody);
    bench.peers.values_mut().for_each(|peer| peer.says_down = false);
    bench.silence(PEERS[0]);

    bench.silence(MASTER);
    bench.run(9_000);

    assert_eq!(bench.peers[&PEERS[0]].mood, Mood::Silent);
    assert_eq!(bench.moments(0, PEERS[0], "SENTINEL").len(), 1);
    assert!(bench.moments(0, PEERS[1], "SENTINEL").len() > 5);
}

/// The reference passes over what it cannot read in INFO without a word.
#[test]
fn a_broken_info_is_logged_once_with_its_line() {
    let mut bench = Bench::new();

    bench.servers.get_mut(&REPLICAS[0]).expect("it is a server").claims =
        Some("role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:x\r\nslave_priority:100\r\n");
    bench.run(60_000);

    let told: Vec<_> = bench.log.iter().filter(|line| line.contains("passed over: master_port:x")).collect();
    assert!(told.len() == 1 && told[0].contains("127.0.0.1:7001"), "{told:?}");
}

/// The reference calls everybody down after a stall of its own, before it has looked at their answers.
#[test]
fn a_stall_of_ones_own_is_nobodys_silence() {
    let mut bench = Bench::new();
    let asked = |bench: &Bench| bench.moments(0, MASTER, "PING").len();
    let before = asked(&bench);
    assert!(bench.run_until(1_000, |bench| asked(bench) > before), "it is pinged");

    // The answer is there a millisecond later, but this sentinel does nothing for longer than the down-after.
    bench.now += DOWN_AFTER + 500;
    bench.feed(Input::Elapsed);
    bench.run(100);

    assert_eq!(bench.events(0, EventKind::SubjectivelyDown), []);
    assert_eq!(bench.events(0, EventKind::Tilt), []);
}

/// What the stall hid is seen a stall later, no more.
#[test]
fn a_master_that_died_during_a_stall_is_seen_after_its_down_after() {
    let mut bench = Bench::new();

    bench.silence(MASTER);
    bench.run(100);
    bench.now += 700;
    bench.feed(Input::Elapsed);
    let down = bench.await_event(3_000, EventKind::SubjectivelyDown);

    let first_unanswered = bench.moments(0, MASTER, "PING").pop().expect("it is pinged");
    assert!(down <= first_unanswered + DOWN_AFTER + 701, "{} ms", down - first_unanswered);
}

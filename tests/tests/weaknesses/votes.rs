//! What a vote rests on, and what many of them cost (design rows 3, 13 and 14).

use sentinelle::{
    config::MasterSettings,
    machine::EventKind,
    resp::Value,
    types::{ClientId, Epoch, MasterName, Millis},
};

use crate::{
    bench::{Bench, Disk, MASTER, PEERS, loopback, settings},
    stand_in::{Ballot, run_id},
};

/// Asks for a vote in the name of the candidate with this digit.
fn request_vote(bench: &mut Bench, port: u16, epoch: &str, candidate: char) -> ClientId {
    let candidate = run_id(candidate);
    bench.ask(&["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", &port.to_string(), epoch, candidate.as_str()])
}

fn vote(leader: &str, epoch: i64) -> Value {
    Value::Array(vec![Value::Integer(0), Value::bulk(leader), Value::Integer(epoch)])
}

/// The reference rewrites its file and syncs it twice for each vote, on its only thread.
#[test]
fn many_votes_cost_two_writes() {
    let mut settings = settings();
    let first = MasterSettings { down_after: Millis::new(3_600_000), ..settings.masters[0].clone() };
    settings.masters = (0..100)
        .map(|n| MasterSettings {
            name: MasterName::parse(&format!("master{n}")).expect("a plain word is a name"),
            address: loopback(8_000 + n),
            ..first.clone()
        })
        .collect();
    let mut bench = Bench::with(settings);
    bench.disk = Disk::Hangs;
    let known = bench.stores.len();

    let clients: Vec<_> = (0..100).map(|n| request_vote(&mut bench, 8_000 + n, "1", '1')).collect();
    bench.mend_disk();
    bench.run(10);

    let written = &bench.stores[known..];
    assert_eq!(written.len(), 2, "one under way when the others came, one for them all");
    assert!(written[1].masters.iter().all(|master| master.leader_epoch == Epoch::new(1)));
    assert!(clients.iter().all(|client| bench.reply(*client) == Some(&vote(run_id('1').as_str(), 1))));
}

/// The reference answers nobody while it writes.
#[test]
fn a_write_under_way_holds_up_no_other_answer() {
    let mut bench = Bench::new();
    bench.disk = Disk::Hangs;

    let candidate = request_vote(&mut bench, MASTER, "1", '1');
    let client = bench.ask(&["PING"]);

    assert_eq!(bench.reply(candidate), None);
    assert_eq!(bench.reply(client), Some(&Value::Simple("PONG".into())));
}

/// The reference says its vote even when its file could not be written.
#[test]
fn a_vote_that_cannot_be_stored_is_refused() {
    let mut bench = Bench::new();
    bench.disk = Disk::Full;

    let candidate = request_vote(&mut bench, MASTER, "1", '1');
    bench.run(10);
    let rival = request_vote(&mut bench, MASTER, "1", '2');
    bench.run(10);

    assert_eq!(bench.reply(candidate), Some(&vote("*", 0)));
    assert_eq!(bench.reply(rival), Some(&vote("*", 1)), "the epoch is used up all the same");
}

/// The reference has one vote at a time; here a newer one may wait while an older one is answered.
#[test]
fn no_reply_tells_a_vote_that_is_not_stored_yet() {
    let mut bench = Bench::new();
    bench.disk = Disk::Hangs;
    let older = request_vote(&mut bench, MASTER, "1", '1');
    let newer = request_vote(&mut bench, MASTER, "2", '2');

    bench.mend_disk();
    bench.disk = Disk::Hangs;
    bench.run(10);

    assert_eq!(bench.reply(older), Some(&vote(run_id('1').as_str(), 1)));
    assert_eq!(bench.reply(newer), None);
}

/// The reference asks only once its file is written; a store that outlasts an attempt must not stand for the next.
#[test]
fn an_attempt_asks_for_votes_once_its_own_vote_is_stored() {
    let mut bench = Bench::new();
    bench.disk = Disk::Hangs;
    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    // As long as an election may take, the vote may take to be stored.
    bench.await_event(10_000, EventKind::AbortNotElected);
    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    let second = bench.now;

    bench.mend_disk();
    bench.disk = Disk::Hangs;
    bench.run(100);
    let before = bench.moments(second, PEERS[0], "SENTINEL");
    bench.mend_disk();
    bench.run(10);
    let after = bench.sent.iter().filter(|sent| sent.at > second && sent.words.contains(run_id('0').as_str()));

    assert_eq!(before, [0_u64; 0]);
    assert!(after.filter(|sent| sent.words.starts_with("SENTINEL")).all(|sent| sent.words.contains(" 4 ")));
    assert_eq!(bench.moments(second, PEERS[0], "SENTINEL").len(), 1);
}

/// The reference asks with one epoch, counts another, and writes a third.
#[test]
fn one_epoch_serves_asking_counting_and_configuring() {
    let mut bench = Bench::new();
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::TryFailover);

    for peer in PEERS {
        bench.silence(peer);
    }
    bench.hear_hello(PEERS[0], 7, MASTER, 0);
    bench.run(500);
    for peer in PEERS {
        bench.wake(peer);
    }
    bench.await_event(2_000, EventKind::SwitchMaster);
    bench.run(10);

    let candidate = run_id('0');
    let asks = |words: &str| words.starts_with("SENTINEL") && words.ends_with(candidate.as_str());
    let questions: Vec<_> = bench.sent.iter().filter(|sent| asks(&sent.words)).collect();
    assert!(questions.iter().all(|sent| sent.words.ends_with(&format!(" 1 {candidate}"))), "{questions:?}");
    let stored = bench.stores.last().expect("a switch is stored");
    assert_eq!((stored.current_epoch, stored.masters[0].config_epoch), (Epoch::new(7), Epoch::new(1)));
}

/// The reference counts the votes of its current epoch for an attempt of an older one.
#[test]
fn votes_of_another_epoch_do_not_count() {
    let mut bench = Bench::new();
    bench.set_ballots(&Ballot::InEpoch(7));

    bench.silence(MASTER);
    let start = bench.await_event(3_000, EventKind::TryFailover);
    bench.hear_hello(PEERS[0], 7, MASTER, 0);
    bench.run(400);

    assert_eq!(bench.events(start, EventKind::ElectedLeader), []);
}

/// The reference takes epoch -1 for 2^64-1, stores it, tells it to all, and never fails over again.
#[test]
fn an_epoch_that_jumps_too_far_is_refused() {
    let mut bench = Bench::new();

    let reply = request_vote(&mut bench, MASTER, "-1", '1');
    bench.hear_hello(PEERS[0], u64::MAX, MASTER, 0);
    bench.hear_hello(PEERS[0], 0, MASTER, u64::MAX);
    bench.run(10);
    let epoch = bench.machine.epochs()[0];

    assert_eq!(bench.reply(reply), Some(&vote("*", 0)));
    assert_eq!(epoch, Epoch::ZERO);
    assert_eq!(bench.log.iter().filter(|line| line.contains("jumps too far ahead")).count(), 3);
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::SwitchMaster);
}

/// The reference starts below a config epoch that was ahead of its sentinel's epoch, and nobody follows it.
#[test]
fn an_attempt_beats_the_newest_configuration_heard_of() {
    let mut bench = Bench::new();

    bench.hear_hello(PEERS[0], 3, MASTER, 9);
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::SwitchMaster);
    bench.run(10);

    let stored = bench.stores.last().expect("a switch is stored");
    assert_eq!(stored.masters[0].config_epoch, Epoch::new(10));
}

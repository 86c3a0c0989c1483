//! Faults, each of which shows where it was made and is gone when it was healed.

use std::{io::ErrorKind as IoErrorKind, net::TcpStream};

use super::{calm, patient};
use crate::{
    error::ErrorKind,
    resp::Value,
    testing::{Backend, CrashPoint, Member},
    types::Millis,
};

const CRASHING: Member = Member::Sentinel(0);

#[test]
fn a_killed_member_refuses_connections_and_keeps_its_address() {
    let group = calm().replicas(1).start().expect("the group starts");

    for member in [Member::Server(1), Member::Sentinel(0)] {
        let address = group.address(member).expect("it is one of the group");
        let mut client = group.connect(member).expect("it answers");
        group.kill(member).expect("it is one of the group");

        assert!(client.command(&["PING"]).is_err(), "its connections end");
        if cfg!(target_os = "linux") {
            let refusal = TcpStream::connect(address).expect_err("nobody listens").kind();
            assert_eq!(refusal, IoErrorKind::ConnectionRefused);
        }
        group.restart(member).expect("it starts again");
        assert!(group.connect(member).and_then(|mut client| client.command(&["PING"])).is_ok());
    }
}

#[test]
fn a_server_that_ends_by_itself_is_gone_until_it_is_healed() {
    let group = calm().replicas(1).start().expect("the group starts");
    let mut client = group.connect(Member::Server(1)).expect("it answers");

    // It has no answer to give.
    let _ = client.command(&["SHUTDOWN", "NOSAVE"]);
    group.wait_gone(Member::Server(1)).expect("it obeys");
    group.heal().expect("it starts again");

    group.wait_ready().expect("it recovers");
}

#[test]
fn a_sentinel_crashes_before_or_after_its_vote_is_stored() {
    for (point, is_stored) in [(CrashPoint::BeforeVote, false), (CrashPoint::AfterVote, true)] {
        let group = patient().start().expect("the group starts");
        let old = group.master().expect("the sentinels know");
        group.crash_sentinel(CRASHING, point).expect("it is in this program");

        group.kill(old).expect("it is one of the group");
        group.wait_gone(CRASHING).expect("it votes, or stands for election itself");

        let file = group.stored(CRASHING).expect("it is there");
        let epoch = file.lines().find_map(|line| line.strip_prefix("sentinel leader-epoch mymaster "));
        assert_eq!(epoch.is_some_and(|epoch| epoch != "0"), is_stored, "{point:?}:\n{file}");
        let votes = group.events().of("+vote-for-leader");
        assert!(votes.iter().all(|event| event.from != CRASHING.to_string()), "{point:?}: it has told its vote");
        let new = group.wait_master_other_than(old).expect("two of three are enough");
        group.heal().expect("it starts again");
        assert_eq!(group.wait_agreement().expect("it learns of it"), new);
    }
}

#[test]
fn a_leader_crashes_after_its_election_or_after_the_promotion() {
    for (backend, point) in [
        (Backend::Real, CrashPoint::AfterElection),
        (Backend::Real, CrashPoint::AfterPromotion),
        (Backend::RealSentinels, CrashPoint::AfterElection),
    ] {
        let group = patient().backend(backend).start().expect("the group starts");
        let old = group.master().expect("the sentinels know");
        for sentinel in group.sentinels() {
            group.crash_sentinel(sentinel, point).expect("it knows the point");
        }

        group.kill(old).expect("it is one of the group");
        group
            .wait("a sentinel crashes", |group| group.sentinels().into_iter().any(|sentinel| group.is_gone(sentinel)))
            .expect("one of them leads");
        group.heal().expect("it starts again");

        // Had they still been told to, the next leader would crash too.
        group.wait_ready().expect("the others, or it, end the failover");
        assert!(group.sentinels().into_iter().all(|sentinel| !group.is_gone(sentinel)), "{point:?}");
    }
}

#[test]
fn a_stock_sentinel_is_not_told_what_it_does_not_know() {
    let group = patient().replicas(0).sentinels(1).quorum(1).backend(Backend::RealSentinels).start();
    let group = group.expect("the group starts");

    let kind = |refusal: crate::error::Result<()>| refusal.expect_err("it is a process").kind();
    assert_eq!(kind(group.crash_sentinel(CRASHING, CrashPoint::BeforeVote)), ErrorKind::Config);
    assert_eq!(kind(group.jump_clock(CRASHING, 1_000)), ErrorKind::Config);
    assert_eq!(kind(group.make_config_readonly(CRASHING)), ErrorKind::Config);
}

#[test]
fn a_sentinel_whose_clocks_jump_forward_judges_nobody_for_a_while() {
    let group = patient().start().expect("the group starts");

    group.jump_clock(Member::Sentinel(1), 60_000).expect("it is in this program");
    let tilt = group.wait_event("+tilt").expect("it notices");
    group.heal().expect("it starts again");

    assert_eq!(tilt.from, "sentinel-1");
    group.wait_ready().expect("it is as before");
}

#[test]
fn a_wall_clock_that_jumps_back_changes_nothing() {
    let group = calm().start().expect("the group starts");

    group.jump_clock(Member::Sentinel(1), -3_600_000).expect("it is in this program");

    group.assert_never("+tilt", Millis::new(300));
    group.failover().expect("the sentinel takes the order");
    group.wait_master_other_than(Member::Server(0)).expect("a replica is promoted");
    let log = group.logs(Member::Sentinel(1)).expect("it is one of the group");
    let times: Vec<u64> = log.lines().filter_map(|line| line.split(' ').next()?.parse().ok()).collect();
    assert!(times.first() > times.last(), "its log tells of an earlier time: {log}");
}

#[test]
fn a_sentinel_with_a_read_only_file_says_so_until_it_is_healed() {
    let group = patient().replicas(1).start().expect("the group starts");
    let store = || group.connect(CRASHING).and_then(|mut client| client.command(&["SENTINEL", "FLUSHCONFIG"]));

    group.make_config_readonly(CRASHING).expect("it is in this program");
    let refused = store().expect("it answers");
    group.restart(CRASHING).expect("it starts again");
    let still = store().expect("it answers");
    group.heal().expect("it can be written again");

    assert!(matches!(refused, Value::Error(_)) && matches!(still, Value::Error(_)), "{refused:?}, {still:?}");
    assert_eq!(store().expect("it answers"), Value::ok());
    let log = group.logs(CRASHING).expect("it is one of the group");
    assert!(log.contains("Read-only file system"), "{log}");
}

#[test]
fn a_replica_out_of_step_is_synced_anew() {
    let group = calm().start().expect("the group starts");
    let full_syncs = || -> u64 {
        let count = group.client().and_then(|mut client| client.info("stats", "sync_full"));
        count.expect("the master answers").parse().expect("it is a number")
    };
    let before = full_syncs();

    group.desync(Member::Server(1)).expect("it is a replica");
    group.wait_synced().expect("it syncs again");

    assert_eq!(full_syncs(), before + 1);
    assert_eq!(group.desync(Member::Server(0)).expect_err("it is the master").kind(), ErrorKind::Config);
}

#[test]
fn clients_are_waited_for_until_all_have_moved() {
    let group = calm().start().expect("the group starts");
    let [old, new] = [Member::Server(0), Member::Server(1)];
    let mut first = group.connect(old).expect("it answers");
    first.command(&["PING"]).expect("it answers");

    group.wait_clients_on(old).expect("the only one is there");
    let mut second = group.connect(new).expect("it answers");
    second.command(&["PING"]).expect("it answers");
    let is_too_early = group.has_clients_on(new);
    drop(first);

    assert!(!is_too_early, "one is still there");
    group.wait_clients_on(new).expect("all have moved");
}

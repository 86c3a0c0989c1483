//! What happens between the election and the end of a failover (design rows 5, 6, 7, 10, 11 and 15).

use sentinelle::machine::EventKind;

use crate::{
    bench::{Bench, FAILOVER_TIMEOUT, MASTER, PEERS, REPLICAS},
    stand_in::{Ballot, Server},
};

fn server(bench: &mut Bench, port: u16) -> &mut Server {
    bench.servers.get_mut(&port).expect("it is a server")
}

/// The reference moves on by one state a tick, two of them between its election and the promotion.
#[test]
fn a_leader_promotes_in_the_millisecond_of_its_election() {
    let mut bench = Bench::new();

    bench.silence(MASTER);
    let elected = bench.await_event(3_000, EventKind::ElectedLeader);
    bench.run(100);

    for kind in [
        EventKind::StateSelectReplica,
        EventKind::SelectedReplica,
        EventKind::StateSendPromotion,
        EventKind::StateWaitPromotion,
    ] {
        let moments: Vec<u64> = bench.events(0, kind).iter().map(|(at, _)| *at).collect();
        assert_eq!(moments, [elected], "{}", kind.name());
    }
}

/// The reference asks for the new role up to a second later.
#[test]
fn the_new_role_is_asked_for_right_behind_the_promotion() {
    let mut bench = Bench::new();

    bench.silence(MASTER);
    let sent = bench.await_event(3_000, EventKind::StateWaitPromotion);
    let seen = bench.await_event(100, EventKind::PromotedReplica);

    let order = bench.sent.iter().position(|sent| sent.words == "EXEC").expect("a replica is promoted");
    assert_eq!((bench.sent[order + 1].to, bench.sent[order + 1].words.as_str()), (bench.sent[order].to, "INFO"));
    assert_eq!(seen - sent, 2, "a millisecond for the answer and one for the disk");
}

/// The reference looks once a second.
#[test]
fn a_slow_promotion_is_looked_for_every_20_ms_doubling_to_a_second() {
    let mut bench = Bench::new();
    server(&mut bench, REPLICAS[0]).promotion_takes = 5_000;
    server(&mut bench, REPLICAS[1]).priority = 0;
    bench.run(20_000);

    bench.silence(MASTER);
    let sent = bench.await_event(3_000, EventKind::StateWaitPromotion);
    let promoted = bench.await_event(10_000, EventKind::PromotedReplica);

    let mut looks = bench.moments(sent, REPLICAS[0], "INFO");
    looks.retain(|at| *at < promoted);
    let waits: Vec<u64> = looks.windows(2).map(|pair| pair[1] - pair[0] - 1).collect();
    assert_eq!(waits[0], 20);
    assert!(waits.windows(2).all(|pair| pair[1] >= pair[0] && pair[1] <= 2 * pair[0] + 10), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= 1_000), "{waits:?}");
}

/// The reference's leader publishes the switch once all replicas have followed, up to failover-timeout later.
#[test]
fn the_switch_is_told_when_the_promotion_is_certain() {
    let mut bench = Bench::new();
    server(&mut bench, REPLICAS[1]).obeys = false;
    server(&mut bench, REPLICAS[0]).priority = 1;
    bench.run(20_000);

    bench.silence(MASTER);
    let promoted = bench.await_event(3_000, EventKind::PromotedReplica);
    bench.run(5_000);

    let told: Vec<u64> = bench.events(0, EventKind::SwitchMaster).iter().map(|(at, _)| *at).collect();
    assert_eq!(told, [promoted]);
    assert_eq!(bench.events(0, EventKind::FailoverEnd), [], "the other replica is still waited for");
}

/// The reference waits for failover-timeout when the replica it chose dies.
#[test]
fn the_next_best_replica_is_chosen_when_the_chosen_one_dies() {
    let mut bench = Bench::new();
    server(&mut bench, REPLICAS[0]).priority = 1;
    server(&mut bench, REPLICAS[0]).promotion_takes = 1_000;
    bench.run(20_000);
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::StateWaitPromotion);
    let death = bench.now;

    bench.kill(REPLICAS[0]);
    let chosen = bench.await_event(1_000, EventKind::SelectedReplica);
    bench.await_event(100, EventKind::SwitchMaster);

    assert!(chosen - death <= 310, "{} ms", chosen - death);
    assert!(bench.events(chosen, EventKind::SwitchMaster)[0].1.ends_with("127.0.0.1 7002"));
}

/// The reference ignores the answer to its transaction and waits for failover-timeout.
#[test]
fn the_next_best_replica_is_chosen_when_the_chosen_one_refuses() {
    let mut bench = Bench::new();
    server(&mut bench, REPLICAS[0]).priority = 1;
    server(&mut bench, REPLICAS[0]).refuses = true;
    bench.run(20_000);

    bench.silence(MASTER);
    let first = bench.await_event(3_000, EventKind::SelectedReplica);
    let second = bench.await_event(1_000, EventKind::SelectedReplica);

    assert!(second - first <= 5, "{} ms", second - first);
    bench.await_event(100, EventKind::SwitchMaster);
}

/// The reference tries again after twice failover-timeout.
#[test]
fn a_failover_without_a_replica_goes_on_as_soon_as_one_is_suitable() {
    let mut bench = Bench::new();
    bench.servers.values_mut().for_each(|server| server.priority = 0);
    bench.run(20_000);
    bench.silence(MASTER);
    bench.await_event(5_000, EventKind::AbortNoGoodReplica);
    bench.run(5_000);
    let suitable = bench.now;

    server(&mut bench, REPLICAS[1]).priority = 100;
    let switched = bench.await_event(3_000, EventKind::SwitchMaster);

    assert!(switched - suitable <= 1_200, "{} ms, and INFO comes once a second", switched - suitable);
}

/// The reference goes on although the master is back.
#[test]
fn a_failover_is_abandoned_when_the_master_is_back_before_the_promotion() {
    let mut bench = Bench::new();
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::TryFailover);
    for peer in PEERS {
        bench.silence(peer);
    }
    bench.run(200);
    let back = bench.now;

    bench.wake(MASTER);
    let abandoned = bench.await_event(100, EventKind::AbortMasterBack);
    for peer in PEERS {
        bench.wake(peer);
    }
    bench.run(20_000);

    assert_eq!(abandoned, back + 1);
    assert!(!bench.sent.iter().any(|sent| sent.words.starts_with("SLAVEOF")));
}

/// The reference's next attempt would have to wait for twice failover-timeout.
#[test]
fn an_abandoned_failover_does_not_delay_the_next() {
    let mut bench = Bench::new();
    bench.set_ballots(&Ballot::Nobody);
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::TryFailover);
    bench.wake(MASTER);
    bench.await_event(100, EventKind::AbortMasterBack);
    bench.set_ballots(&Ballot::WhoAsks);

    bench.silence(MASTER);
    let down = bench.await_event(3_000, EventKind::ObjectivelyDown);
    let start = bench.await_event(1_000, EventKind::TryFailover);

    assert!(start - down <= 20, "{} ms", start - down);
}

/// A replica that was told to be master may be one already: to stop there would leave two.
#[test]
fn a_failover_goes_on_when_the_master_is_back_after_the_promotion() {
    let mut bench = Bench::new();
    bench.servers.values_mut().for_each(|server| server.promotion_takes = 500);
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::StateWaitPromotion);

    bench.wake(MASTER);
    bench.await_event(2_000, EventKind::SwitchMaster);

    assert_eq!(bench.events(0, EventKind::AbortMasterBack), []);
}

/// The reference's failovers stand still in TILT; so do ours.
#[test]
fn nobody_is_promoted_in_tilt() {
    let mut bench = Bench::new();
    bench.set_ballots(&Ballot::Nobody);
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::TryFailover);

    bench.now += 3_000;
    bench.set_ballots(&Ballot::WhoAsks);
    let tilt = bench.await_event(100, EventKind::Tilt);
    bench.run(29_000);

    assert_eq!(bench.events(tilt, EventKind::ElectedLeader), []);
    bench.await_event(10_000, EventKind::SwitchMaster);
}

/// The reference lets a reconfiguration go on after TILT while it has time left.
#[test]
fn a_reconfiguration_outlasts_tilt() {
    let mut bench = Bench::new();
    server(&mut bench, REPLICAS[1]).synced = false;
    server(&mut bench, REPLICAS[0]).priority = 1;
    bench.run(20_000);
    bench.kill(MASTER);
    let switched = bench.await_event(3_000, EventKind::SwitchMaster);
    bench.await_event(1_000, EventKind::ReconfInProgress);

    bench.now += 3_000;
    bench.await_event(40_000, EventKind::TiltEnd);

    assert_eq!(bench.events(switched, EventKind::EndForTimeout), []);
    let end = bench.await_event(FAILOVER_TIMEOUT, EventKind::EndForTimeout);
    assert_eq!(end - switched, FAILOVER_TIMEOUT);
}

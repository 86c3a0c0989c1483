//! How soon a leader is found when nobody has the majority at once (design rows 4 and 19).

use std::collections::BTreeMap;

use sentinelle::{
    machine::EventKind,
    testing::{Party, World, WorldPlan},
};

use crate::{
    bench::{Bench, Disk, FAILOVER_TIMEOUT, MASTER, PEERS},
    stand_in::{Ballot, run_id},
};

/// The reference waits 10 s for votes that nobody will give, then twice failover-timeout.
#[test]
fn a_split_vote_is_retried_within_two_seconds() {
    let mut bench = Bench::new();
    for (port, rival) in PEERS.iter().zip(['1', '2']) {
        bench.peers.get_mut(port).expect("it is a peer").ballot = Ballot::Rival(run_id(rival));
    }

    bench.silence(MASTER);
    let first = bench.await_event(3_000, EventKind::TryFailover);
    let lost = bench.await_event(100, EventKind::AbortNotElected);
    let second = bench.await_event(3_000, EventKind::TryFailover);

    assert!(lost - first <= 5, "{} ms to see that all votes are given", lost - first);
    assert!((500..=2_020).contains(&(second - lost)), "{} ms", second - lost);
    assert_eq!(bench.events(0, EventKind::NewEpoch), [(first, "1"), (second, "2")]);
}

/// The reference makes no difference: here a leader that has its majority gets the time it needs.
#[test]
fn an_election_lost_to_a_leader_keeps_the_long_patience() {
    let mut bench = Bench::new();
    bench.set_ballots(&Ballot::Rival(run_id('2')));

    bench.silence(MASTER);
    let lost = bench.await_event(3_000, EventKind::AbortNotElected);
    let again = bench.await_event(3 * FAILOVER_TIMEOUT, EventKind::TryFailover);

    assert!(again - lost >= 2 * FAILOVER_TIMEOUT);
}

/// The reference blocks the voters of another candidate for twice failover-timeout.
#[test]
fn a_voter_waits_for_its_candidate_for_one_election_and_no_longer() {
    let mut bench = Bench::new();
    bench.peers.values_mut().for_each(|peer| peer.says_down = false);
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::SubjectivelyDown);
    bench.ask(&["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", "7000", "1", run_id('1').as_str()]);
    let voted = bench.now;

    bench.peers.values_mut().for_each(|peer| peer.says_down = true);
    let start = bench.await_event(15_000, EventKind::TryFailover);

    assert!((10_500..=12_150).contains(&(start - voted)), "{} ms", start - voted);
}

/// The reference's second attempt never comes so soon that it could cancel an election that holds its vote.
#[test]
fn an_attempt_that_ends_does_not_cut_short_the_election_that_has_its_vote() {
    let mut bench = Bench::new();
    bench.set_ballots(&Ballot::Nobody);
    bench.silence(MASTER);
    bench.await_event(3_000, EventKind::TryFailover);

    bench.ask(&["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", "7000", "5", run_id('1').as_str()]);
    let voted = bench.now;
    for (port, rival) in PEERS.iter().zip(['1', '2']) {
        bench.peers.get_mut(port).expect("it is a peer").ballot = Ballot::Rival(run_id(rival));
    }
    bench.await_event(3_000, EventKind::AbortNotElected);
    let start = bench.await_event(15_000, EventKind::TryFailover);

    assert!(start - voted >= 10_000, "{} ms", start - voted);
}

/// In the reference all candidates that see a fault in the same tick start at once and vote for themselves.
#[test]
fn candidates_that_see_a_fault_together_do_not_split_the_votes() {
    for seed in 1..=10 {
        let mut world = World::new(&WorldPlan { seed, sentinels: 5, quorum: 3, ..WorldPlan::default() });
        world.run_for(3_000);

        world.kill_server(0);
        world.run_for(3_000);

        assert!(world.first(0, EventKind::SwitchMaster).is_some(), "seed {seed}");
        assert_eq!(world.first(0, EventKind::AbortNotElected), None, "seed {seed}");
    }
}

/// The reference asks nobody when an operator orders a failover.
#[test]
fn an_ordered_failover_asks_for_votes_first() {
    let mut bench = Bench::new();
    let order = bench.now;

    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    let elected = bench.await_event(200, EventKind::ElectedLeader);
    bench.run(100);

    let asked = bench.moments(order, PEERS[0], "SENTINEL");
    assert_eq!(asked.len(), 1);
    assert_eq!(elected, asked[0] + 1, "with the first vote of a peer it has the majority");
    let told = bench.sent.iter().find(|sent| sent.words.starts_with("SLAVEOF")).expect("a replica is promoted");
    assert!(told.at >= elected);
}

/// The reference obeys at once; here without votes it takes no longer than this.
#[test]
fn an_ordered_failover_without_a_majority_goes_on_after_300_ms() {
    let mut bench = Bench::new();
    for peer in PEERS {
        bench.silence(peer);
    }
    let order = bench.now;

    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    let elected = bench.await_event(1_000, EventKind::ElectedLeader);
    // The promotion is announced for 100 ms before it is made.
    bench.await_event(200, EventKind::SwitchMaster);

    assert_eq!(elected - order, 300);
}

/// An order that was answered is carried out, however slow the disk: the vote is stored first, then the others are asked.
#[test]
fn an_ordered_failover_waits_for_a_slow_disk() {
    let mut bench = Bench::new();
    bench.disk = Disk::Hangs;
    let order = bench.now;

    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    bench.run(500);
    bench.mend_disk();
    let elected = bench.await_event(200, EventKind::ElectedLeader);

    let asked = bench.moments(order, PEERS[0], "SENTINEL");
    assert!(bench.events(order, EventKind::AbortNotElected).is_empty());
    assert!(asked[0] > order + 500, "nobody is asked before the vote is stored");
    assert_eq!(elected, asked[0] + 1, "with the first vote of a peer it has the majority");
}

/// An order that was answered is carried out also where rivals took the votes of its epoch and then made nothing of them.
#[test]
fn an_ordered_failover_is_tried_again_while_nobody_wins() {
    let mut bench = Bench::new();
    for (port, rival) in PEERS.iter().zip(['1', '2']) {
        bench.peers.get_mut(port).expect("it is a peer").ballot = Ballot::Rival(run_id(rival));
    }

    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    let lost = bench.await_event(400, EventKind::AbortNotElected);
    bench.set_ballots(&Ballot::WhoAsks);
    let again = bench.await_event(2_100, EventKind::TryFailover);
    bench.await_event(400, EventKind::SwitchMaster);
    bench.run(2 * FAILOVER_TIMEOUT);

    assert!(again - lost >= 500, "{} ms", again - lost);
    assert_eq!(bench.events(lost, EventKind::TryFailover).len(), 1, "an order is carried out once");
}

/// An order stands for as long as a failover may take, and is forgotten then.
#[test]
fn an_ordered_failover_that_never_has_the_votes_is_given_up() {
    let mut bench = Bench::new();
    for (port, rival) in PEERS.iter().zip(['1', '2']) {
        bench.peers.get_mut(port).expect("it is a peer").ballot = Ballot::Rival(run_id(rival));
    }
    let order = bench.now;

    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    bench.run(4 * FAILOVER_TIMEOUT);

    let tried = bench.events(order, EventKind::TryFailover);
    assert!(tried.len() > 1, "{tried:?}");
    assert!(tried.iter().all(|(at, _)| *at < order + FAILOVER_TIMEOUT), "{tried:?}");
}

/// A reference sentinel that is given an order at the same moment leads in the next epoch, whoever votes for whom.
#[test]
fn an_ordered_failover_leaves_the_next_epoch_to_a_reference_sentinel() {
    let mut bench = Bench::new();
    let order = bench.now;

    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    bench.await_event(200, EventKind::ElectedLeader);

    assert_eq!(bench.events(order, EventKind::NewEpoch), [(order, "2")]);
}

/// Two orders at once make two leaders of one epoch in the reference.
#[test]
fn two_orders_at_once_make_no_two_leaders_in_one_epoch() {
    for seed in 1..=10 {
        let mut world = World::new(&WorldPlan { seed, ..WorldPlan::default() });
        world.run_for(3_000);

        world.ask(0, &["SENTINEL", "FAILOVER", "mymaster"]);
        world.ask(1, &["SENTINEL", "FAILOVER", "mymaster"]);
        world.run_for(15_000);

        let mut votes = BTreeMap::new();
        let mut leaders = BTreeMap::new();
        for (_, n, event) in &world.events {
            if event.kind == EventKind::VoteForLeader {
                votes.insert(*n, event.text.split(' ').next_back().unwrap_or_default().to_owned());
            } else if event.kind == EventKind::ElectedLeader {
                let earlier = leaders.insert(votes[n].clone(), *n);
                assert_eq!(earlier, None, "seed {seed}: two leaders of epoch {}", votes[n]);
            }
        }
        let master = world.master_of(0, "mymaster").expect("it is monitored");
        assert!(world.all_answer("mymaster", master), "seed {seed}");
        let masters = (0..3).filter(|n| world.servers[*n].follows.is_none() && world.is_up(Party::Server(*n)));
        assert_eq!(masters.count(), 1, "seed {seed}");
    }
}

/// The reference waits ten seconds for a vote that was already denied to it.
#[test]
fn a_voter_without_a_vote_to_give_is_not_waited_for() {
    let mut bench = Bench::new();
    bench.set_ballots(&Ballot::Nobody);

    bench.silence(MASTER);
    let start = bench.await_event(3_000, EventKind::TryFailover);
    let end = bench.await_event(100, EventKind::AbortNotElected);
    bench.set_ballots(&Ballot::WhoAsks);
    let again = bench.await_event(2_100, EventKind::ElectedLeader);

    assert!(end - start <= 10, "{} ms", end - start);
    assert!(again > end);
}

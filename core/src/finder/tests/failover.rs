//! How a master is replaced: by the reference's timeline, by a quick leader, and by surprise.

use super::world::{Server, World, cart};
use crate::{
    finder::{EventKind, HoldEnded, Input, Phase, Sign},
    types::Epoch,
};

#[test]
fn a_failover_of_the_reference_is_followed_as_soon_as_its_leader_knows() {
    let mut world = World::new(3).found();
    world.publish(0, "+try-failover", "master cart 127.0.0.1 6301");
    world.run_for(122);
    world.publish_replica(0, "+selected-slave", 6302, 6301);
    world.publish_replica(0, "+failover-state-send-slaveof-noone", 6302, 6301);
    world.run_for(5);
    assert!(matches!(world.phase(), Phase::Hold { .. }));
    world.run_for(100);
    world.publish_replica(0, "+failover-state-wait-promotion", 6302, 6301);
    world.servers.insert(6302, Server::Master);
    world.run_for(850);
    assert_eq!(world.master(), Some(6301), "a role alone proves nothing");

    world.actors[0].view = Some((6302, 2));
    world.publish_replica(0, "+promoted-slave", 6302, 6301);
    let took = world.run_until(100, |world| world.master() == Some(6302));

    assert!(took <= 5, "{took} ms after the leader knew");
    assert_eq!((world.phase(), world.topology().epoch), (Phase::Up, Epoch::new(2)));
    assert!(world.has_event(|kind| matches!(kind, EventKind::HoldEnd { because: HoldEnded::Switched, .. })));
    assert_eq!(world.topology().generation.as_u64(), 2);
}

#[test]
fn an_unannounced_failover_is_met_by_the_first_error() {
    let mut world = World::new(3).found();
    for actor in &mut world.actors {
        actor.view = Some((6302, 2));
        actor.listeners.clear();
    }
    world.servers.insert(6301, Server::Replica);
    world.servers.insert(6302, Server::Master);

    let generation = world.topology().generation;
    world.news(Input::Suspected { master: cart(), generation, sign: Sign::ReadOnly });
    assert_eq!(world.phase(), Phase::Suspect);
    let took = world.run_until(1_000, |world| world.master() == Some(6302));

    assert!(took <= 10, "{took} ms");
}

#[test]
fn a_hold_ends_when_the_failover_is_given_up() {
    let mut world = World::new(3).found();
    world.publish_replica(0, "+failover-state-send-slaveof-noone", 6302, 6301);
    world.run_for(5);
    assert!(matches!(world.phase(), Phase::Hold { .. }));

    world.publish(0, "-failover-abort-slave-timeout", "master cart 127.0.0.1 6301");
    let took = world.run_until(200, |world| world.phase() == Phase::Up);

    assert!(took <= 60, "{took} ms");
    assert_eq!((world.master(), world.topology().generation.as_u64()), (Some(6301), 1));
    assert!(world.has_event(|kind| matches!(kind, EventKind::HoldEnd { because: HoldEnded::Aborted, .. })));
}

#[test]
fn a_sentinel_that_cries_wolf_holds_writes_once() {
    let mut world = World::new(3).found();

    for _ in 0..50 {
        world.publish_replica(2, "+failover-state-send-slaveof-noone", 6302, 6301);
        world.run_for(200);
    }

    let starts = world.events.iter().filter(|event| matches!(event.kind, EventKind::HoldStart { .. })).count();
    assert_eq!((starts, world.phase(), world.master()), (1, Phase::Up, Some(6301)));
    assert!(world.has_event(|kind| matches!(kind, EventKind::HoldEnd { because: HoldEnded::Expired, .. })));
}

#[test]
fn an_older_epoch_wins_only_when_the_sentinels_insist() {
    let mut world = World::new(3).found();
    world.servers.insert(6302, Server::Master);
    for actor in &mut world.actors {
        actor.view = Some((6302, 0));
    }

    world.news(Input::Refresh(cart()));
    world.run_for(1_500);
    assert_eq!(world.master(), Some(6301));
    world.run_for(60_000);

    assert_eq!((world.master(), world.topology().epoch), (Some(6302), Epoch::ZERO));
}

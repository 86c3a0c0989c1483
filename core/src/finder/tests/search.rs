//! How a master is found, with sentinels that answer, are silent, refuse, or do not know it.

use super::world::{Manner, Server, World, at, cart, epoch};
use crate::{
    error::ErrorKind,
    finder::{EventKind, Input, Phase, Standing},
};

#[test]
fn a_master_is_found_with_its_replicas_and_sentinels() {
    let mut world = World::new(3);

    world.news(Input::Wanted(cart()));
    world.run_for(100);

    let topology = world.topology();
    assert_eq!((topology.phase, topology.master.clone(), topology.epoch), (Phase::Up, Some(at(6301)), epoch(1)));
    assert_eq!(topology.replicas.iter().map(|replica| replica.address.port()).collect::<Vec<_>>(), [6302, 6303]);
    assert!(topology.sentinels.iter().all(|seen| seen.standing == Standing::Agrees), "{topology:#?}");
    assert_eq!(topology.generation.as_u64(), 1);
    assert!(world.has_event(|kind| matches!(kind, EventKind::Discovered { .. })));
}

#[test]
fn a_dead_sentinel_costs_no_more_than_the_stagger() {
    let mut world = World::new(3);
    world.actors[0].manner = Manner::Silent;
    world.actors[1].manner = Manner::Silent;

    world.news(Input::Wanted(cart()));
    let took = world.run_until(1_000, |world| world.phase() == Phase::Up);

    assert!(took <= 2 * 50 + 30 + 10, "{took} ms");
}

#[test]
fn a_failed_search_tells_what_each_sentinel_said() {
    let mut unreachable = World::new(2);
    unreachable.actors[0].manner = Manner::Gone;
    unreachable.actors[1].manner = Manner::Silent;
    let mut unknown = World::new(1);
    unknown.actors[0].view = None;
    let mut not_ready = World::new(1);
    not_ready.servers.insert(6301, Server::Loading);
    let mut refused = World::new(1);
    refused.actors[0].manner = Manner::Refusing("NOAUTH Authentication required.");

    let mut gone = World::new(1);
    gone.servers.insert(6301, Server::Gone);
    let mut hangs = World::new(1);
    hangs.servers.insert(6301, Server::Silent);

    for (mut world, kind, words) in [
        (gone, ErrorKind::MasterNotReady, "server 127.0.0.1:6301: connection refused"),
        (hangs, ErrorKind::MasterNotReady, "server 127.0.0.1:6301: no role within 1000 ms"),
        (unreachable, ErrorKind::SentinelsUnreachable, "no answer within 300 ms"),
        (unknown, ErrorKind::MasterUnknown, "monitors no master of this name"),
        (not_ready, ErrorKind::MasterNotReady, "server 127.0.0.1:6301: is not ready: LOADING"),
        (refused, ErrorKind::Auth, "NOAUTH Authentication required."),
    ] {
        world.news(Input::Wanted(cart()));
        world.run_for(1_100);

        let trouble = world.topology().trouble.clone().expect("nothing was found");
        assert_eq!((world.phase(), trouble.kind), (Phase::Resolving, kind));
        assert!(trouble.evidence.iter().any(|line| line.contains(words)), "{trouble:?}");
    }
}

#[test]
fn a_master_that_serves_outlives_its_sentinels() {
    let mut world = World::new(3).found();
    for actor in 0..3 {
        world.kill_sentinel(actor);
    }

    world.run_for(60_000);
    let generation = world.topology().generation;
    world.news(Input::Suspected { master: cart(), generation, sign: crate::finder::Sign::Disconnected });
    world.run_for(1_000);

    assert_eq!((world.phase(), world.master()), (Phase::Up, Some(6301)));
    assert_eq!(world.topology().trouble.as_ref().map(|trouble| trouble.kind), Some(ErrorKind::SentinelsUnreachable));
}

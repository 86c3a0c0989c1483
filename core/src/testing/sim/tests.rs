//! Simulated servers, alone and together, as clients and replicas see them.

use crate::testing::{Backend, HaGroup};

#[test]
fn a_group_of_simulated_servers_fails_over() {
    let group = HaGroup::builder().backend(Backend::Sim).start().expect("it needs no program");
    let old = group.master().expect("the sentinels know");
    group.client().and_then(|mut client| client.text(&["SET", "colour", "green"])).expect("the master takes a write");
    group.wait_synced().expect("the replicas follow");

    group.kill(old).expect("it is one of the group");
    group.wait_master_other_than(old).expect("a replica is promoted");

    let colour = group.client().and_then(|mut client| client.text(&["GET", "colour"]));
    assert_eq!(colour.expect("the new master answers"), "green");
    group.heal().expect("it starts again");
    group.wait_role(old, "slave").expect("the sentinels tell it");
    group.wait_ready().expect("it recovers");
}

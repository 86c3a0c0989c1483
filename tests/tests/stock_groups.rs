//! The group itself under test: groups of stock sentinels start, fail over and end without a trace.

use sentinelle::{
    testing::{DataServer, Flavour, SentinelProcess, find_sentinel},
    types::Millis,
};
use sentinelle_tests::{Group, GroupPlan};

const LIMIT: Millis = Millis::new(15_000);

#[test]
fn a_group_of_redis_sentinels_fails_over_when_its_master_is_killed() {
    let mut group = Group::start(&GroupPlan::with(&[Flavour::Redis; 3])).expect("the group starts");

    let old = group.kill_master();
    let new = group.wait_moved_from(old, LIMIT).expect("the master moves");

    assert_eq!(group.master(), new);
    assert!(!group.events.of("+switch-master").is_empty());
}

#[test]
fn a_group_of_redis_sentinels_fails_over_when_its_master_hangs() {
    let group = Group::start(&GroupPlan::with(&[Flavour::Redis; 3])).expect("the group starts");

    let old = group.pause_master();
    let new = group.wait_moved_from(old, LIMIT).expect("the master moves");
    group.servers[old].resume();

    assert_ne!(old, new);
    group.wait_role(old, "slave", Millis::new(30_000)).expect("the old master is demoted when it is back");
}

#[test]
fn a_group_of_valkey_sentinels_fails_over_when_its_master_is_killed() {
    let mut plan = GroupPlan::with(&[Flavour::Valkey; 3]);
    plan.servers.program = Some(find_sentinel(Flavour::Valkey).expect("valkey-server is installed"));
    let mut group = Group::start(&plan).expect("the group starts");

    let old = group.kill_master();

    group.wait_moved_from(old, LIMIT).expect("the master moves");
}

#[test]
fn nothing_is_left_of_a_group_that_ended() {
    let group = Group::start(&GroupPlan::with(&[Flavour::Redis; 2])).expect("the group starts");
    let files: Vec<_> = group.sentinels.iter().map(SentinelProcess::config_file).collect();
    let servers = group.servers.iter().map(DataServer::address);
    let addresses: Vec<_> = servers.chain(group.sentinels.iter().map(SentinelProcess::address)).collect();

    drop(group);

    assert!(files.iter().all(|file| !file.exists()), "a folder is left: {files:?}");
    for address in addresses {
        assert!(std::net::TcpStream::connect(address).is_err(), "something still listens on {address}");
    }
}

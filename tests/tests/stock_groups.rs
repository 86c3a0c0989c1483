//! The group itself under test: groups of stock sentinels start, fail over and end without a trace.

use std::net::TcpStream;

use sentinelle::{
    testing::{
        Backend, DataServer, Flavour, HaGroup, HaGroupBuilder, Pace, Profile, SentinelPlan, SentinelProcess,
        ServerPlan, find_sentinel,
    },
    types::Millis,
};

#[test]
fn a_group_of_redis_sentinels_fails_over_when_its_master_is_killed() {
    let group = stock(Flavour::Redis).start().expect("the group starts");
    let old = group.master().expect("the sentinels know");

    group.kill(old).expect("it is one of the group");
    let new = group.wait_master_other_than(old).expect("the master moves");

    assert_eq!(group.wait_agreement().expect("all learn of it"), new);
    assert!(!group.events().of("+switch-master").is_empty());
}

#[test]
fn a_group_of_redis_sentinels_fails_over_when_its_master_hangs() {
    let group = stock(Flavour::Redis).start().expect("the group starts");
    let old = group.master().expect("the sentinels know");

    group.pause(old).expect("it is one of the group");
    group.wait_master_other_than(old).expect("the master moves");
    group.resume(old).expect("it is one of the group");

    group.wait_role(old, "slave").expect("the old master is demoted when it is back");
}

#[test]
fn a_group_of_valkey_sentinels_fails_over_when_its_master_is_killed() {
    let program = find_sentinel(Flavour::Valkey).expect("valkey-server is installed");
    let group = stock(Flavour::Valkey).server_program(program).start().expect("the group starts");
    let old = group.master().expect("the sentinels know");

    group.kill(old).expect("it is one of the group");

    group.wait_master_other_than(old).expect("the master moves");
}

#[test]
fn nothing_is_left_of_a_server_and_a_sentinel_that_ended() {
    let server = DataServer::start(&ServerPlan::default()).expect("the server starts");
    let plan = SentinelPlan { flavour: Flavour::Redis, program: None, masters: Vec::new(), lines: Vec::new() };
    let sentinel = SentinelProcess::start(&plan).expect("the sentinel starts");
    let (file, addresses) = (sentinel.config_file(), [server.address(), sentinel.address()]);

    drop((server, sentinel));

    assert!(!file.exists(), "its folder is left: {}", file.display());
    for address in addresses {
        assert!(TcpStream::connect(address).is_err(), "something still listens on {address}");
    }
}

#[test]
fn nothing_of_a_group_listens_when_it_has_ended() {
    let group = stock(Flavour::Redis).sentinels(2).start().expect("the group starts");
    let members = group.servers().into_iter().chain(group.sentinels());
    let addresses: Vec<_> = members.map(|member| group.address(member).expect("it is one of the group")).collect();

    drop(group);

    for address in addresses {
        assert!(TcpStream::connect(address).is_err(), "something still listens on {address}");
    }
}

/// A group of stock sentinels with the periods of a file that says nothing.
fn stock(make: Flavour) -> HaGroupBuilder {
    let (down_after, failover_timeout) = (Millis::new(1_000), Millis::new(4_000));
    let pace = Pace { down_after, failover_timeout, ..Profile::Stock.pace() };
    // They may take a second attempt, after twice the failover-timeout.
    let patience = Millis::new(60_000);
    HaGroup::builder().backend(Backend::RealSentinels).makes(&[make]).profile(Profile::Custom(pace)).patience(patience)
}

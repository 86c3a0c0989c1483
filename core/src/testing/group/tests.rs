//! Whole groups: ready when they say so, disturbed, and gone at the end.

mod faults;

use super::{Backend, HaGroup, HaGroupBuilder, Member, Pace, Profile};
use crate::{error::Result, resp::Value, testing::Stopwatch, types::Millis};

#[test]
fn a_fresh_group_is_in_sync_and_agrees() {
    let group = patient().start().expect("the group starts");

    assert_eq!(group.master().expect("the sentinels know"), Member::Server(0));
    assert_eq!(group.replicas().expect("the sentinels know").len(), 2);
    let snapshot = group.snapshot();
    assert!(snapshot.servers[1..].iter().all(|server| server.follows == Some(Member::Server(0)) && server.is_linked));
    assert!(snapshot.sentinels.iter().all(|sentinel| sentinel.master == Some(Member::Server(0))), "{snapshot}");
    assert!(group.url().starts_with("redis+sentinel://127.0.0.1:") && group.url().ends_with("/mymaster"));
}

#[test]
fn a_killed_master_is_replaced_and_comes_back_as_a_replica() {
    let group = patient().start().expect("the group starts");
    let old = group.master().expect("the sentinels know");

    group.kill(old).expect("it is one of the group");
    let new = group.wait_master_other_than(old).expect("a replica is promoted");
    let mut client = group.client().expect("the new master answers");
    client.text(&["SET", "colour", "green"]).expect("it takes writes");
    group.heal().expect("it starts again");
    group.wait_role(old, "slave").expect("the sentinels tell it");

    assert_eq!(client.address(), group.address(new).expect("it is one of the group"));
    assert_eq!(group.wait_event("+switch-master").map(|event| event.channel).expect("it was told"), "+switch-master");
    group.wait_ready().expect("it recovers");
}

#[test]
fn an_isolated_master_is_replaced_and_is_master_to_nobody() {
    let group = patient().start().expect("the group starts");
    let old = group.master().expect("the sentinels know");

    group.isolate(old);
    let new = group.wait_master_other_than(old).expect("a replica is promoted");

    assert_eq!(group.snapshot().servers[0].role.as_deref(), Some("master"));
    group.heal().expect("nothing was killed");
    group.wait_role(old, "slave").expect("the sentinels tell it");
    assert_eq!(group.wait_agreement().expect("they agree"), new);
}

#[tokio::test]
async fn a_group_works_inside_a_runtime() {
    let group = patient().replicas(1).start().expect("the group starts");

    group.failover().expect("the sentinel takes the order");
    group.wait_master_other_than(Member::Server(0)).expect("the replica is promoted");
}

#[test]
fn a_paused_sentinel_does_not_answer_and_the_others_do_without_it() {
    let group = patient().start().expect("the group starts");
    let old = group.master().expect("the sentinels know");

    group.pause(Member::Sentinel(2)).expect("it is one of the group");
    group.kill(old).expect("it is one of the group");
    let new = group.wait_master_other_than(old).expect("two of three are enough");

    assert_eq!(group.snapshot().sentinels[2].master, None);
    group.resume(Member::Sentinel(2)).expect("it is one of the group");
    assert_eq!(group.wait_agreement().expect("it learns of it"), new);
}

#[test]
fn a_sentinel_with_a_full_disk_does_not_vote() {
    let group = patient().replicas(1).start().expect("the group starts");
    for sentinel in &group.sentinels()[1..] {
        group.fill_disk(*sentinel).expect("it is in this program");
    }

    group.kill(Member::Server(0)).expect("it is one of the group");
    group.wait_event("+odown").expect("all see it down");
    group.assert_never("+switch-master", Millis::new(1_000));

    group.fill_disk(Member::Sentinel(1)).expect("it is full already");
}

#[test]
fn a_crashed_sentinel_comes_back_with_what_it_stored() {
    let group = patient().start().expect("the group starts");
    let old = group.master().expect("the sentinels know");

    group.kill(Member::Sentinel(0)).expect("it is one of the group");
    group.kill(old).expect("it is one of the group");
    let new = group.wait_master_other_than(old).expect("two of three are enough");
    group.restart(Member::Sentinel(0)).expect("it starts again");

    assert_eq!(group.wait_agreement().expect("it learns of it"), new);
}

#[test]
fn a_reset_removes_the_data_and_undoes_the_faults() {
    let group = patient().start().expect("the group starts");
    group.client().expect("the master answers").text(&["SET", "colour", "green"]).expect("it takes writes");
    group.kill(Member::Server(1)).expect("it is one of the group");
    group.isolate(Member::Sentinel(1));

    group.reset().expect("it recovers");

    let snapshot = group.snapshot();
    assert!(snapshot.servers.iter().all(|server| server.role.is_some()), "{snapshot}");
    let size = group.client().and_then(|mut client| client.command(&["DBSIZE"])).expect("the master answers");
    assert_eq!(size, Value::Integer(0));
}

#[test]
fn a_reset_after_a_failover_keeps_the_new_master_and_brings_the_old_one_back_empty() {
    let group = patient().start().expect("the group starts");
    let old = group.master().expect("the sentinels know");
    group.client().expect("the master answers").text(&["SET", "colour", "green"]).expect("it takes writes");
    group.kill(old).expect("it is one of the group");
    let new = group.wait_master_other_than(old).expect("a replica is promoted");

    group.reset().expect("it recovers");

    assert_eq!(group.master().expect("the sentinels know"), new);
    let snapshot = group.snapshot();
    for server in snapshot.servers.iter().filter(|server| server.member != new) {
        assert!(server.follows == Some(new) && server.is_linked, "{snapshot}");
        let mut client = group.connect(server.member).expect("it answers");
        assert_eq!(client.command(&["DBSIZE"]).expect("it answers"), Value::Integer(0));
    }
    group.kill(new).expect("it is one of the group");
    group.wait_master_other_than(new).expect("the next failover is as good as the first");
}

#[test]
fn a_killed_server_is_dead_until_it_is_started_again() {
    let group = calm().replicas(1).start().expect("the group starts");

    group.kill(Member::Server(1)).expect("it is one of the group");

    assert!(group.connect(Member::Server(1)).and_then(|mut client| client.command(&["PING"])).is_err());
    assert_eq!(group.snapshot().servers[1].role, None);
    let mut client = group.client().expect("the master answers");
    group
        .wait("the master has lost it", |_| {
            client.info("replication", "connected_slaves").is_ok_and(|many| many == "0")
        })
        .expect("its connection ends");
    group.wait_synced().expect("nobody is waited for");
    group.restart(Member::Server(1)).expect("it starts again");
    group.wait_role(Member::Server(1), "slave").expect("the sentinels tell it");
}

#[test]
fn a_group_with_the_values_of_a_silent_file_is_ready_soon_and_patient() {
    let group = patient().profile(Profile::Stock).start().expect("the group starts");
    let master = group.master().expect("the sentinels know");

    group.pause(master).expect("it is one of the group");

    group.assert_never("+sdown", Millis::new(1_000));
    let mut sentinel = group.connect(Member::Sentinel(0)).expect("it answers");
    let reply = sentinel.command(&["SENTINEL", "MASTER", group.name()]).expect("it answers");
    let Value::Array(words) = reply else { panic!("it answers {reply:?}") };
    let at = words.iter().position(|word| word.as_text() == Some("down-after-milliseconds")).expect("it is told");
    assert_eq!(words[at + 1].as_text(), Some("30000"));
    group.resume(master).expect("it is one of the group");
    group.failover().expect("the sentinel takes the order");
    group.wait_master_other_than(master).expect("an order needs no patience");
}

#[test]
fn a_group_with_stock_sentinels_in_it_fails_over() {
    for backend in [Backend::Mixed(1), Backend::RealSentinels] {
        let group = patient().backend(backend).start().expect("the group starts");
        let old = group.master().expect("the sentinels know");

        group.kill(old).expect("it is one of the group");

        let new = group.wait_master_other_than(old).expect("a replica is promoted");
        assert_eq!(group.wait_agreement().expect("all learn of it"), new, "{backend:?}");
    }
}

#[test]
fn a_one_way_cut_to_one_sentinel_changes_nothing() {
    let group = calm().start().expect("the group starts");
    let master = group.master().expect("the sentinels know");

    group.cut(master, Member::Sentinel(0));
    let event = group.wait_event("+sdown").expect("that one misses the answers");

    assert_eq!(event.from, "sentinel-0");
    group.assert_never("+odown", Millis::new(500));
    assert_eq!(group.wait_master_other_than(Member::Server(1)).expect("the others go on"), master);
    group.heal().expect("nothing was killed");
    group.wait_event("-sdown").expect("it hears the answers again");
}

#[test]
fn a_slow_line_is_slow_for_clients_alone() {
    let group = calm().start().expect("the group starts");
    let master = group.master().expect("the sentinels know");
    group.slow(Member::Client, master, Millis::new(250), Millis::ZERO);
    let mut client = group.connect(master).expect("the front accepts");

    let watch = Stopwatch::start();
    client.text(&["SET", "colour", "green"]).expect("it answers in the end");

    assert!(watch.elapsed_ms() >= Millis::new(250), "took {}", watch.elapsed_ms());
    group.assert_never("+sdown", Millis::new(300));
}

#[test]
fn a_replica_with_priority_0_is_never_promoted() {
    let group = patient().start().expect("the group starts");
    group.set_priority(Member::Server(1), 0).expect("it answers");
    group
        .wait("the sentinels know the priority", |group| {
            group.sentinels().into_iter().all(|sentinel| knows_a_priority_of_0(group, sentinel).unwrap_or(false))
        })
        .expect("they ask each second");

    group.failover().expect("the sentinel takes the order");

    let new = group.wait_master_other_than(Member::Server(0)).expect("the other one is promoted");
    assert_eq!(new, Member::Server(2));
}

#[test]
fn a_master_that_an_operator_demoted_is_replaced_or_restored() {
    let group = patient().replicas(1).start().expect("the group starts");

    group.demote(Member::Server(0), Member::Server(1)).expect("it answers");
    group.wait_role(Member::Server(0), "slave").expect("it obeys");

    group.wait_agreement().expect("the sentinels see to it that there is a master");
}

#[test]
fn garbage_and_hellos_that_are_none_change_nothing() {
    let group = calm().start().expect("the group starts");
    let master = group.master().expect("the sentinels know");
    let seven_fields = format!("127.0.0.1,1,{},99,mymaster,127.0.0.1,1", "f".repeat(40));

    group.forge_hello(master, &seven_fields).expect("it answers");
    for member in group.servers().into_iter().chain(group.sentinels()) {
        group.send_garbage(member, &[0xff; 4096]).expect("the front accepts");
        group.reset_connections(member).expect("it is one of the group");
    }

    group.assert_never("+switch-master", Millis::new(500));
    group.wait_ready().expect("it recovers");
    assert_eq!(group.master().expect("the sentinels know"), master);
}

#[test]
fn a_wait_that_fails_shows_the_group() {
    let group = HaGroup::builder().replicas(1).sentinels(1).quorum(1).patience(Millis::new(20)).start();
    let group = group.expect("the group starts");

    let error = group.wait_event("+never-told").expect_err("there is no such event");

    let text = error.to_string();
    assert!(text.contains("+never-told") && text.contains("server-1") && text.contains("+monitor"), "{text}");
}

#[test]
fn a_member_of_another_kind_is_refused() {
    let group = HaGroup::builder().replicas(0).sentinels(1).quorum(1).start().expect("the group starts");

    assert!(group.address(Member::Client).is_err());
    assert!(group.kill(Member::Server(7)).is_err());
    assert!(group.fill_disk(Member::Server(0)).is_err());
    assert!(group.wait_role(Member::Sentinel(0), "master").is_err());
}

fn knows_a_priority_of_0(group: &HaGroup, sentinel: Member) -> Result<bool> {
    let reply = group.connect(sentinel)?.command(&["SENTINEL", "REPLICAS", group.name()])?;
    let Value::Array(replicas) = reply else { return Ok(false) };
    let says_so = |replica: &Value| {
        let Value::Array(words) = replica else { return false };
        words.chunks_exact(2).any(|pair| pair[0].as_text() == Some("slave-priority") && pair[1].as_text() == Some("0"))
    };
    Ok(replicas.iter().any(says_so))
}

/// A group whose waits outlast a busy machine.
fn patient() -> HaGroupBuilder {
    HaGroup::builder().patience(Millis::new(20_000))
}

/// A group whose sentinels overlook that a busy machine stands still for a while.
fn calm() -> HaGroupBuilder {
    let pace = Pace { down_after: Millis::new(1_000), ..Profile::Fast.pace() };
    patient().profile(Profile::Custom(pace))
}

//! A failover by our sentinels alone: begun by a death, by a hang, by an operator; ended with everybody in place.

use std::net::SocketAddr;

use sentinelle::{resp::Value, testing::Flavour, types::Millis};
use sentinelle_tests::{Group, GroupPlan};

const LIMIT: Millis = Millis::new(15_000);

#[test]
fn after_a_kill_every_sentinel_and_every_server_follows_the_same_new_master() {
    let mut group = started(&GroupPlan::default());

    let old = group.kill_master();
    let new = group.wait_moved_from(old, LIMIT).expect("the master moves");

    let other = 3 - old - new;
    wait_follows(&group, other, new);
    let epochs: Vec<_> = (0..3).map(|index| group.view(index).expect("it answers").number("config-epoch")).collect();
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0] && *epoch > 0), "{epochs:?}");
    let monitor = monitor_line(group.servers[new].address());
    group
        .wait(LIMIT, "the new master is in every file", |group| {
            group.sentinels.iter().all(|sentinel| sentinel.config().contains(&monitor))
        })
        .expect("it is stored");
}

#[test]
fn a_kill_costs_little_more_than_the_down_after() {
    let down_after = Millis::new(500);
    let mut group = started(&GroupPlan { down_after, ..GroupPlan::default() });

    let killed = group.events.elapsed();
    let old = group.kill_master();
    group.wait_moved_from(old, LIMIT).expect("the master moves");

    let told = group.events.wait_for(LIMIT, "a switch", |event| event.channel == "+switch-master").expect("it is told");
    let took = told.at.as_ms() - killed.as_ms();
    // The reference needs 1.2 s beyond the down-after; ours about 30 ms on an idle machine.
    assert!(took < down_after.as_ms() + 1000, "took {took} ms:\n{}", group.snapshot());
}

#[test]
fn a_master_that_hangs_is_replaced_and_made_a_replica_when_it_wakes() {
    let group = started(&GroupPlan::default());

    let old = group.pause_master();
    let new = group.wait_moved_from(old, LIMIT).expect("the master moves");
    group.servers[old].resume();

    wait_follows(&group, old, new);
}

#[test]
fn an_old_master_that_returns_takes_over_the_data_of_the_new_one() {
    let mut group = started(&GroupPlan::default());
    let old = group.kill_master();
    let new = group.wait_moved_from(old, LIMIT).expect("the master moves");
    let mut client = group.servers[new].client().expect("the new master answers");
    client.command(&["SET", "colour", "green"]).expect("the new master takes a write");

    group.servers[old].restart().expect("the old master starts again");

    wait_follows(&group, old, new);
    let mut returned = group.servers[old].client().expect("it answers");
    group
        .wait(LIMIT, "the old master has the new data", |_| {
            returned.text(&["GET", "colour"]).is_ok_and(|text| text == "green")
        })
        .expect("it takes them over");
}

#[test]
fn an_ordered_failover_fences_the_old_master() {
    // Long enough that nobody looks down on a busy machine.
    let group = started(&GroupPlan { down_after: Millis::new(10_000), ..GroupPlan::default() });
    let old = group.master();
    let mut client = group.sentinels[0].client().expect("the sentinel answers");

    let answer = client.command(&["SENTINEL", "FAILOVER", &group.plan.name]).expect("the sentinel answers");
    let new = group.wait_moved_from(old, LIMIT).expect("the master moves");

    assert_eq!(answer, Value::ok());
    wait_follows(&group, old, new);
    let mut fenced = group.servers[old].client().expect("it answers");
    let refusal = fenced.command(&["SET", "colour", "red"]).expect("it answers");
    assert!(matches!(&refusal, Value::Error(text) if text.starts_with("READONLY")), "{refusal:?}");
    assert!(group.events.of("+sdown").is_empty(), "nobody was down:\n{}", group.events);
}

#[test]
fn a_replica_of_priority_0_is_never_promoted() {
    let mut group = started(&GroupPlan::default());
    let old = group.master();
    let spared = (old + 1) % 3;
    let mut replica = group.servers[spared].client().expect("the replica answers");
    replica.text(&["CONFIG", "SET", "replica-priority", "0"]).expect("it takes the option");

    group.kill_master();
    let new = group.wait_moved_from(old, LIMIT).expect("the master moves");

    assert_ne!(new, spared);
}

#[test]
fn the_replica_with_more_data_is_promoted() {
    let mut group = started(&GroupPlan::default());
    let old = group.master();
    let (behind, ahead) = ((old + 1) % 3, (old + 2) % 3);
    let mut master = group.servers[old].client().expect("the master answers");
    group.servers[behind].pause();
    // Without its connection nothing waits for it in the system's buffers; the other one connects again.
    master.command(&["CLIENT", "KILL", "TYPE", "replica"]).expect("the master answers");
    for number in 0..100 {
        master.command(&["SET", "number", &number.to_string()]).expect("the master takes a write");
    }
    let mut replica = group.servers[ahead].client().expect("the replica answers");
    group
        .wait(LIMIT, "one replica has everything", |_| replica.text(&["GET", "number"]).is_ok_and(|text| text == "99"))
        .expect("it replicates");

    // The master is gone before the other one wakes, so that it stays behind.
    group.kill_master();
    group.servers[behind].resume();
    let new = group.wait_moved_from(old, LIMIT).expect("the master moves");

    assert_eq!(new, ahead);
}

#[test]
fn without_a_majority_of_sentinels_nothing_is_promoted() {
    let mut group = started(&GroupPlan { quorum: 1, ..GroupPlan::default() });
    group.sentinels[1].kill();
    group.sentinels[2].kill();

    let old = group.kill_master();
    let aborts = |group: &Group| group.events.of("-failover-abort-not-elected").len();
    group.wait(LIMIT, "two attempts have failed", |group| aborts(group) >= 2).expect("it tries and fails");

    assert!(group.events.of("+elected-leader").is_empty(), "{}", group.events);
    for (index, role) in group.roles().into_iter().enumerate().filter(|(index, _)| *index != old) {
        assert_eq!(role.as_deref(), Some("slave"), "server {index}");
    }
}

#[test]
fn a_sentinel_that_crashes_comes_back_with_what_it_knew() {
    let mut group = started(&GroupPlan::default());
    let identity = group.sentinels[0].client().and_then(|mut client| client.text(&["SENTINEL", "MYID"]));
    group.sentinels[0].kill();
    let old = group.kill_master();
    let new = group.wait_moved_from(old, LIMIT).expect("two of three are a majority");

    group.sentinels[0].restart().expect("it starts from the file it left");

    let again = group.sentinels[0].client().and_then(|mut client| client.text(&["SENTINEL", "MYID"]));
    assert_eq!(again.expect("it answers"), identity.expect("it answered"));
    group.wait_all_agree(new, LIMIT).expect("it learns of the new master from the others");
}

#[test]
fn failover_follows_failover() {
    let mut group = started(&GroupPlan { failover_timeout: Millis::new(2_000), ..GroupPlan::default() });

    for _ in 0..3 {
        let old = group.kill_master();
        let new = group.wait_moved_from(old, LIMIT).expect("the master moves");
        group.servers[old].restart().expect("the old master starts again");
        wait_follows(&group, old, new);
        wait_follows(&group, 3 - old - new, new);
    }
}

fn started(plan: &GroupPlan) -> Group {
    assert!(plan.sentinels.iter().all(|seat| seat.flavour == Flavour::Sentinelle));
    Group::start(plan).expect("the group starts")
}

/// Waits until one server replicates from another and its link is up.
fn wait_follows(group: &Group, replica: usize, master: usize) {
    let port = format!("master_port:{}", group.servers[master].address().port());
    group
        .wait(LIMIT, &format!("server {replica} follows server {master}"), |group| {
            let info = group.servers[replica].client().and_then(|mut client| client.text(&["INFO", "replication"]));
            info.is_ok_and(|info| {
                ["role:slave", &port, "master_link_status:up"].iter().all(|line| info.lines().any(|l| l == *line))
            })
        })
        .expect("it follows");
}

fn monitor_line(address: SocketAddr) -> String {
    format!("sentinel monitor mymaster {} {} 2", address.ip(), address.port())
}

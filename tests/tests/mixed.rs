//! Our sentinels and the stock ones in one quorum: they find each other, vote for each other and agree.

use sentinelle::{
    testing::Flavour::{self, Redis, Sentinelle, Valkey},
    types::Millis,
};
use sentinelle_tests::{Group, GroupPlan};

// The stock sentinels may take a second attempt, after twice the failover-timeout.
const LIMIT: Millis = Millis::new(30_000);

#[test]
fn redis_valkey_and_ours_agree() {
    let mut group = started(&[Redis, Valkey, Sentinelle]);

    let old = group.kill_master();
    let new = group.wait_moved_from(old, LIMIT).expect("the master moves");
    group.servers[old].restart().expect("the old master starts again");

    group.wait_role(old, "slave", LIMIT).expect("the old master is made a replica");
    group.wait_all_agree(new, LIMIT).expect("all still agree");
}

#[test]
fn a_stock_sentinel_votes_for_ours() {
    // With a quorum of its own ours is the first to act, and needs the votes of both others.
    let mut group = started(&[Sentinelle, Redis, Redis]);
    for sentinel in &group.sentinels[1..] {
        let mut client = sentinel.client().expect("it answers");
        let patience = ["SENTINEL", "SET", "mymaster", "down-after-milliseconds", "60000"];
        client.text(&patience).expect("it takes the option");
    }
    let mut ours = group.sentinels[0].client().expect("it answers");
    ours.text(&["SENTINEL", "SET", "mymaster", "quorum", "1"]).expect("it takes the option");

    let old = group.kill_master();
    group.wait_moved_from(old, LIMIT).expect("the master moves");

    let leaders: Vec<_> = group.events.of("+elected-leader").into_iter().map(|event| event.from).collect();
    assert_eq!(leaders, ["ours-0"]);
}

#[test]
fn ours_votes_for_a_stock_sentinel() {
    let mut group = started(&[Redis, Sentinelle, Sentinelle]);
    for sentinel in &group.sentinels[1..] {
        let mut client = sentinel.client().expect("it answers");
        let patience = ["SENTINEL", "SET", "mymaster", "down-after-milliseconds", "60000"];
        client.text(&patience).expect("it takes the option");
    }
    let mut stock = group.sentinels[0].client().expect("it answers");
    stock.text(&["SENTINEL", "SET", "mymaster", "quorum", "1"]).expect("it takes the option");

    let old = group.kill_master();
    group.wait_moved_from(old, LIMIT).expect("the master moves");

    let leaders: Vec<_> = group.events.of("+elected-leader").into_iter().map(|event| event.from).collect();
    assert_eq!(leaders, ["redis-0"]);
}

fn started(flavours: &[Flavour]) -> Group {
    Group::start(&GroupPlan::with(flavours)).expect("the group starts")
}

//! Our sentinels and the stock ones in one quorum: they find each other, vote for each other and agree.

use sentinelle::{
    testing::{
        Backend,
        Flavour::{self, Redis, Valkey},
        HaGroup, Member, Pace, Profile,
    },
    types::Millis,
};

#[test]
fn redis_valkey_and_ours_agree() {
    let group = mixed(&[Redis, Valkey]);
    let old = group.master().expect("the sentinels know");

    group.kill(old).expect("it is one of the group");
    let new = group.wait_master_other_than(old).expect("the master moves");
    group.wait_agreement().expect("all learn of it");
    group.restart(old).expect("the old master starts again");

    group.wait_role(old, "slave").expect("the old master is made a replica");
    assert_eq!(group.wait_agreement().expect("all still agree"), new);
}

#[test]
fn a_stock_sentinel_votes_for_ours() {
    assert_eq!(leaders_when_only_one_sees_the_death(&[Redis, Redis], Member::Sentinel(2)), ["sentinel-2"]);
}

#[test]
fn ours_votes_for_a_stock_sentinel() {
    assert_eq!(leaders_when_only_one_sees_the_death(&[Redis], Member::Sentinel(0)), ["sentinel-0"]);
}

/// Who is elected when that sentinel alone notices that the master is dead: it needs a vote of the others, which are
/// of the other kind.
fn leaders_when_only_one_sees_the_death(makes: &[Flavour], observer: Member) -> Vec<String> {
    let group = mixed(makes);
    for sentinel in group.sentinels() {
        let options = if sentinel == observer { ["quorum", "1"] } else { ["down-after-milliseconds", "3600000"] };
        let mut client = group.connect(sentinel).expect("it answers");
        client.text(&["SENTINEL", "SET", group.name(), options[0], options[1]]).expect("it takes the option");
    }
    let old = group.master().expect("the sentinels know");

    group.kill(old).expect("it is one of the group");
    group.wait_master_other_than(old).expect("the master moves");

    group.events().of("+elected-leader").into_iter().map(|event| event.from).collect()
}

/// Three sentinels: stock ones of these makes, then ours.
fn mixed(makes: &[Flavour]) -> HaGroup {
    let (down_after, failover_timeout) = (Millis::new(1_500), Millis::new(4_000));
    let pace = Pace { down_after, failover_timeout, ..Profile::Stock.pace() };
    let builder = HaGroup::builder().backend(Backend::Mixed(makes.len())).makes(makes);
    // The stock sentinels may take a second attempt, after twice the failover-timeout.
    let builder = builder.profile(Profile::Custom(pace)).patience(Millis::new(60_000));
    builder.start().expect("the group starts")
}

//! One quorum of ours and stock sentinels, in every proportion: whoever leads, all end with one configuration.
//!
//! Each test starts one group and plays the same acts in it, one after the other. After each act every sentinel has to
//! name the same master with the same config epoch, and every server has to follow that master.

mod mind;
mod play;

use sentinelle::testing::Flavour;

use play::{Cast, Crash};

#[test]
fn one_of_ours_and_two_redis_sentinels_are_one_quorum() {
    Cast { ours: 1, theirs: 2, make: Flavour::Redis, crash: Crash::AfterPromotion }.play();
}

#[test]
fn two_of_ours_and_one_redis_sentinel_are_one_quorum() {
    Cast { ours: 2, theirs: 1, make: Flavour::Redis, crash: Crash::AfterElection }.play();
}

#[test]
fn one_of_ours_and_four_redis_sentinels_are_one_quorum() {
    Cast { ours: 1, theirs: 4, make: Flavour::Redis, crash: Crash::AfterElection }.play();
}

#[test]
fn two_of_ours_and_three_redis_sentinels_are_one_quorum() {
    Cast { ours: 2, theirs: 3, make: Flavour::Redis, crash: Crash::AfterPromotion }.play();
}

#[test]
fn three_of_ours_and_two_redis_sentinels_are_one_quorum() {
    Cast { ours: 3, theirs: 2, make: Flavour::Redis, crash: Crash::AfterElection }.play();
}

#[test]
fn four_of_ours_and_one_redis_sentinel_are_one_quorum() {
    Cast { ours: 4, theirs: 1, make: Flavour::Redis, crash: Crash::AfterPromotion }.play();
}

#[test]
fn one_of_ours_and_two_valkey_sentinels_are_one_quorum() {
    Cast { ours: 1, theirs: 2, make: Flavour::Valkey, crash: Crash::AfterElection }.play();
}

#[test]
fn two_of_ours_and_one_valkey_sentinel_are_one_quorum() {
    Cast { ours: 2, theirs: 1, make: Flavour::Valkey, crash: Crash::AfterPromotion }.play();
}

#[test]
fn one_of_ours_and_four_valkey_sentinels_are_one_quorum() {
    Cast { ours: 1, theirs: 4, make: Flavour::Valkey, crash: Crash::AfterPromotion }.play();
}

#[test]
fn two_of_ours_and_three_valkey_sentinels_are_one_quorum() {
    Cast { ours: 2, theirs: 3, make: Flavour::Valkey, crash: Crash::AfterElection }.play();
}

#[test]
fn three_of_ours_and_two_valkey_sentinels_are_one_quorum() {
    Cast { ours: 3, theirs: 2, make: Flavour::Valkey, crash: Crash::AfterPromotion }.play();
}

#[test]
fn four_of_ours_and_one_valkey_sentinel_are_one_quorum() {
    Cast { ours: 4, theirs: 1, make: Flavour::Valkey, crash: Crash::AfterElection }.play();
}

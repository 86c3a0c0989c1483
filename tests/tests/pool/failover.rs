//! What a failover costs those who use a pool.

use sentinelle::{
    error::{ErrorKind, Outcome},
    pool::{Command, Delivery, LeaseFor, Subscription},
    resp::Value,
    testing::{Backend, HaGroup},
    types::Millis,
};

use crate::{
    load::{Load, Manner, Writing},
    stage::{SOON, Stage},
};

#[test]
fn a_planned_failover_costs_no_write_and_no_error() {
    for manner in [Manner::Threads, Manner::Tasks] {
        let stage = Stage::usual();
        let load = Load::start(&stage, manner, Writing::Keys);
        load.wait_for_more(&stage, 50);

        stage.group.failover().expect("it begins");
        stage.wait_switched();
        load.wait_for_more(&stage, 50);
        let toll = load.end();

        assert!(toll.errors.is_empty(), "{manner:?}: {:?}", toll.errors);
        assert_eq!(toll.lost(&stage.pool), [0; 0], "{manner:?}");
    }
}

//! What a slow resolver holds up (design row 17).

use sentinelle::{
    config::MasterSettings,
    machine::{EventKind, Input},
    resp::Value,
    types::{Endpoint, MasterName},
};

use crate::bench::{Bench, DOWN_AFTER, MASTER, PEERS, settings};

fn with_a_named_master() -> Bench {
    let mut settings = settings();
    settings.resolve_hostnames = true;
    let named = MasterSettings {
        name: MasterName::parse("named").expect("a plain word is a name"),
        address: Endpoint::parse("db.example", 6_379).expect("it is a host name"),
        replicas: Vec::new(),
        ..settings.masters[0].clone()
    };
    settings.masters.push(named);
    Bench::with(settings)
}

/// The reference looks names up on its only thread: clients wait, and after two seconds it enters TILT.
#[test]
fn a_resolver_that_hangs_holds_nobody_up() {
    let mut bench = with_a_named_master();
    bench.run(10_000);

    let client = bench.ask(&["PING"]);
    bench.silence(MASTER);
    let down = bench.await_event(3_000, EventKind::SubjectivelyDown);

    assert_eq!(bench.lookups, ["db.example"], "one look-up is under way, no more");
    assert_eq!(bench.reply(client), Some(&Value::Simple("PONG".into())));
    let first_unanswered = bench.moments(0, MASTER, "PING").pop().expect("it is pinged");
    assert_eq!(down, first_unanswered + DOWN_AFTER + 1);
    assert_eq!(bench.events(0, EventKind::Tilt), []);
}

/// The reference creates nothing for a name that cannot be looked up; here it is tried again.
#[test]
fn a_failed_look_up_is_repeated() {
    let mut bench = with_a_named_master();

    bench.feed(Input::Resolved { host: "db.example".into(), result: Err("no such host".into()) });
    bench.run(1_000);
    let again = bench.lookups.len();
    bench.feed(Input::Resolved { host: "db.example".into(), result: Ok([127, 0, 0, 9].into()) });

    assert_eq!(again, 2);
    let client = bench.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "named"]);
    assert_eq!(bench.reply(client), Some(&Value::Array(vec![Value::bulk("127.0.0.9"), Value::bulk("6379")])));
}

/// The reference looks the new address up in the same breath; here a peer may move while its name is looked up.
#[test]
fn a_peer_that_moves_while_its_name_is_looked_up_is_met_where_it_is() {
    let mut settings = settings();
    settings.resolve_hostnames = true;
    settings.masters[0].sentinels[0].0 = Endpoint::parse("peer.example", 26_001).expect("it is a host name");
    let mut bench = Bench::with(settings);

    bench.hear_hello(PEERS[0], 0, MASTER, 0);
    bench.run(10);
    let met = bench.moments(0, PEERS[0], "PING").len();
    bench.feed(Input::Resolved { host: "peer.example".into(), result: Ok([127, 0, 0, 9].into()) });
    bench.run(5_000);

    assert_eq!(met, 1, "a numeric address waits for no resolver");
    assert!(bench.dialled.iter().all(|target| target.ip().to_string() == "127.0.0.1"), "{:?}", bench.dialled);
}

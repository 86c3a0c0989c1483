//! A file goes from one implementation to the other and back; nothing that was decided is lost on the way.

use std::{collections::BTreeSet, fs};

use sentinelle::{
    config::{self, Settings},
    resp::Value,
    testing::{Client, Flavour, SentinelPlan, SentinelProcess, find_sentinel, wait_until},
    types::Millis,
};
use sentinelle_tests::{Group, GroupPlan, SentinelView, built_sentinelle};

/// Stock sentinels may take a second attempt, after twice the failover-timeout.
const LIMIT: Millis = Millis::new(60_000);
const FAILOVER_TIMEOUT: Millis = Millis::new(4_000);
const NAME: &str = "mymaster";

/// What a sentinel knows that must survive a change of the program.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    my_id: String,
    master: Vec<(&'static str, String)>,
    replicas: BTreeSet<String>,
    peers: BTreeSet<String>,
}

/// Asks a running sentinel.
fn known(sentinel: &SentinelProcess) -> Known {
    let mut client = sentinel.client().expect("it listens");
    let view = SentinelView::ask(&mut client, NAME).expect("it monitors the master");
    let fields = [
        "name",
        "ip",
        "port",
        "quorum",
        "config-epoch",
        "num-slaves",
        "num-other-sentinels",
        "down-after-milliseconds",
        "failover-timeout",
        "parallel-syncs",
    ];
    Known {
        my_id: client.text(&["SENTINEL", "MYID"]).expect("it answers"),
        master: fields.map(|field| (field, view.text(field).to_owned())).to_vec(),
        replicas: field_of_each(&mut client, "REPLICAS", "name"),
        peers: field_of_each(&mut client, "SENTINELS", "runid"),
    }
}

/// One field of each entry of a list.
fn field_of_each(client: &mut Client, list: &str, field: &str) -> BTreeSet<String> {
    let reply = client.command(&["SENTINEL", list, NAME]).expect("it answers");
    let Value::Array(entries) = reply else { panic!("no list: {reply:?}") };
    let value_of = |entry: &Value| {
        let Value::Array(words) = entry else { panic!("no entry: {entry:?}") };
        let mut pairs = words.chunks_exact(2).map(|pair| (pair[0].as_text(), pair[1].as_text()));
        let value = pairs.find(|(name, _)| *name == Some(field)).and_then(|(_, value)| value);
        value.expect("the field is there").to_owned()
    };
    entries.iter().map(value_of).collect()
}

/// Has the sentinel write its file, ends it and gives what the file says.
fn left_by(sentinel: &mut SentinelProcess) -> Settings {
    let mut client = sentinel.client().expect("it listens");
    assert_eq!(client.text(&["SENTINEL", "FLUSHCONFIG"]).expect("it answers"), "OK");
    assert_eq!(sentinel.terminate().expect("it ends"), Some(0));
    let text = sentinel.config();
    config::parse(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// What of the settings no vote and no failover may lose.
fn decided(settings: &Settings) -> impl PartialEq + std::fmt::Debug {
    let master = &settings.masters[0];
    let peers: BTreeSet<_> = master.sentinels.iter().map(|(address, id)| (address.to_string(), id.clone())).collect();
    let replicas: BTreeSet<_> = master.replicas.iter().map(ToString::to_string).collect();
    let epochs = (settings.current_epoch, master.config_epoch, master.leader_epoch);
    (settings.my_id.clone(), epochs, master.address.to_string(), replicas, peers)
}

/// A group of that make fails over; one of its sentinels then changes hands: ours, theirs, ours.
fn goes_there_and_back(flavour: Flavour) {
    let mut plan = GroupPlan::with(&[flavour; 3]);
    (plan.down_after, plan.failover_timeout) = (Millis::new(1_500), FAILOVER_TIMEOUT);
    plan.servers.program = (flavour == Flavour::Valkey).then(|| find_sentinel(flavour).expect("it is installed"));
    let mut group = Group::start(&plan).expect("the group starts");
    let old = group.kill_master();
    group.wait_moved_from(old, LIMIT).expect("the master moves");
    group.servers[old].restart().expect("the old master comes back");
    group.wait_role(old, "slave", LIMIT).expect("it becomes a replica");
    for sentinel in &group.sentinels {
        // What is looked at is what they remember: nobody is to fail over again.
        let order = ["SENTINEL", "SET", NAME, "down-after-milliseconds", "3600000"];
        sentinel.client().and_then(|mut client| client.text(&order)).expect("it takes the option");
    }
    let sentinel = &mut group.sentinels[0];
    let first = known(sentinel);
    let before = left_by(sentinel);

    sentinel.restart_as(Flavour::Sentinelle, Some(built_sentinelle())).expect("ours starts on their file");
    assert_eq!(known(sentinel), first);
    assert_eq!(decided(&left_by(sentinel)), decided(&before));
    sentinel.restart_as(flavour, None).expect("theirs starts on our file");
    assert_eq!(known(sentinel), first);
    assert_eq!(decided(&left_by(sentinel)), decided(&before));
    sentinel.restart_as(Flavour::Sentinelle, Some(built_sentinelle())).expect("ours starts again");
    assert_eq!(known(sentinel), first);
    assert_eq!(decided(&left_by(sentinel)), decided(&before));
}

#[test]
fn a_file_goes_from_redis_sentinel_to_ours_and_back() {
    goes_there_and_back(Flavour::Redis);
}

#[test]
fn a_file_goes_from_valkey_sentinel_to_ours_and_back() {
    goes_there_and_back(Flavour::Valkey);
}

/// A sentinel of ours that watches one master nobody is at, with further lines.
fn lone(lines: &[&str]) -> SentinelProcess {
    let lines = std::iter::once("sentinel monitor mymaster 127.0.0.1 1 2").chain(lines.iter().copied());
    let lines = lines.map(str::to_owned).collect();
    let program = Some(built_sentinelle());
    let plan = SentinelPlan { flavour: Flavour::Sentinelle, program, masters: Vec::new(), lines };
    SentinelProcess::start(&plan).expect("ours starts")
}

#[test]
fn values_with_blanks_and_quotes_reach_the_reference_unharmed() {
    let mut sentinel = lone(&["sentinel sentinel-pass \"a \\\" b\"", "# stays"]);
    let mut client = sentinel.client().expect("it listens");
    let set = client.command(&["SENTINEL", "SET", NAME, "auth-pass", "p w\"'\\", "auth-user", "it's"]);
    assert_eq!(set.expect("it answers"), Value::ok());

    sentinel.terminate().expect("it ends");
    sentinel.restart_as(Flavour::Redis, None).expect("theirs starts on our file");

    sentinel.client().expect("it listens").text(&["SENTINEL", "FLUSHCONFIG"]).expect("it answers");
    assert!(sentinel.config().contains("sentinel auth-pass mymaster p w\"'\\\n"), "{}", sentinel.config());
    assert!(sentinel.config().contains("sentinel sentinel-pass a \" b\n"), "{}", sentinel.config());
    assert!(sentinel.config().contains("# stays\n"));
}

#[test]
fn a_state_that_moved_on_from_an_included_file_survives_a_restart() {
    let mut sentinel = lone(&[]);
    let file = sentinel.config_file();
    let included = file.with_file_name("masters.conf");
    sentinel.terminate().expect("it ends");
    let masters = "sentinel monitor mymaster 127.0.0.1 1 2\nsentinel down-after-milliseconds mymaster 5000\n";
    fs::write(&included, masters).expect("the folder is writable");
    let port = sentinel.address().port();
    fs::write(&file, format!("port {port}\nbind 127.0.0.1\ninclude masters.c*\n")).expect("the file is there");
    sentinel.restart().expect("it starts with an included file");
    let mut client = sentinel.client().expect("it listens");
    assert!(!sentinel.config().contains("sentinel monitor"), "{}", sentinel.config());
    let set = client.command(&["SENTINEL", "SET", NAME, "quorum", "3", "down-after-milliseconds", "6000"]);
    assert_eq!(set.expect("it answers"), Value::ok());

    sentinel.terminate().expect("it ends");
    sentinel.restart().expect("it starts again");

    let view = SentinelView::ask(&mut sentinel.client().expect("it listens"), NAME).expect("it monitors the master");
    assert_eq!((view.number("quorum"), view.number("down-after-milliseconds")), (3, 6000));
    assert_eq!(fs::read_to_string(included).expect("the file is there"), masters);
}

#[test]
fn a_repeated_replica_that_the_reference_wrote_does_not_keep_ours_from_starting() {
    let mut sentinel = lone(&["sentinel known-slave mymaster 127.0.0.1 2"]);
    sentinel.terminate().expect("it ends");
    let text = format!("{}sentinel known-slave mymaster 127.0.0.1 2\n", sentinel.config());
    fs::write(sentinel.config_file(), text).expect("the file is there");

    sentinel.restart().expect("ours starts");
    left_by(&mut sentinel);
    sentinel.restart_as(Flavour::Redis, None).expect("theirs starts on the cleaned file");

    let mut client = sentinel.client().expect("it listens");
    wait_until(LIMIT, "it knows the replica", || field_of_each(&mut client, "REPLICAS", "name").len() == 1)
        .expect("the replica is known");
}

//! Simulated servers, alone and together, as clients, replicas and sentinels see them.

use std::process::Command;

use super::SimServer;
use crate::{
    resp::Value,
    testing::{
        Backend, Client, Flavour, HaGroup, Member, Persistence, SentinelPlan, SentinelProcess, ServerPlan, Watched,
        find_sentinel, find_server, program::on_path, wait_until,
    },
    types::Millis,
};

const SOON: Millis = Millis::new(20_000);

#[test]
fn a_failover_goes_the_same_way_on_simulated_and_real_servers() {
    for backend in backends() {
        let group = HaGroup::builder().backend(backend).patience(SOON).start().expect("the group starts");
        let old = group.master().expect("the sentinels know");
        write(&group, old, "colour", "green");
        group.wait_synced().expect("the replicas follow");

        group.kill(old).expect("it is one of the group");
        let new = group.wait_master_other_than(old).expect("a replica is promoted");
        let survived = read(&group, new, "colour");
        group.heal().expect("it starts again");
        group.wait_role(old, "slave").expect("the sentinels tell it");
        group.wait_ready().expect("it recovers");

        assert_eq!((survived, group.backend()), (Value::bulk("green"), backend));
    }
}

#[test]
fn a_stale_master_loses_what_it_took_behind_a_partition_on_simulated_and_real_servers() {
    for backend in backends() {
        let group = HaGroup::builder().backend(backend).patience(SOON).start().expect("the group starts");
        let old = group.master().expect("the sentinels know");
        let others: Vec<_> = group.servers().into_iter().chain(group.sentinels()).filter(|one| *one != old).collect();

        group.partition(&[old], &others);
        let new = group.wait_master_other_than(old).expect("a replica is promoted");
        write(&group, old, "lost", "yes");
        write(&group, new, "kept", "yes");
        group.heal().expect("nothing was killed");
        group.wait_role(old, "slave").expect("the sentinels tell it");
        group.wait_ready().expect("it recovers");

        let found = ["lost", "kept"].map(|name| read(&group, old, name));
        assert_eq!(found, [Value::Null, Value::bulk("yes")], "{backend:?}");
    }
}

#[test]
fn a_paused_simulated_master_is_replaced_and_comes_back_as_a_replica() {
    let group = HaGroup::builder().backend(Backend::Sim).password("hush").patience(SOON).start().expect("it starts");
    let old = group.master().expect("the sentinels know");

    group.pause(old).expect("it is one of the group");
    group.wait_master_other_than(old).expect("a replica is promoted");
    group.resume(old).expect("it is one of the group");
    group.wait_role(old, "slave").expect("the sentinels tell it");
    group.reset().expect("it recovers");

    assert!(group.snapshot().servers.iter().all(|server| server.role.is_some()));
}

#[test]
fn a_server_without_a_priority_is_never_promoted_and_an_ordered_failover_goes_past_it() {
    let group = HaGroup::builder().backend(Backend::Sim).patience(SOON).start().expect("the group starts");
    group.set_priority(Member::Server(1), 0).expect("it takes settings");
    group.send_garbage(Member::Server(0), b"*1\r\n$99999999999\r\n").expect("it accepts");
    group.reset_connections(Member::Server(0)).expect("it is one of the group");
    group
        .wait("the sentinels have heard of the priority", |group| {
            let mut client = group.connect(Member::Sentinel(0)).expect("it answers");
            let reply = client.command(&["SENTINEL", "REPLICAS", "mymaster"]).expect("it answers");
            format!("{reply:?}").contains(&format!("{:?}", Value::bulk("0")))
        })
        .expect("INFO tells them");

    group.failover().expect("a sentinel takes the order");

    assert_eq!(group.wait_master_other_than(Member::Server(0)).expect("one is promoted"), Member::Server(2));
}

#[test]
fn what_a_server_holds_does_not_grow_with_the_number_of_its_failovers() {
    // Where a master says nothing by itself, its replica has all of the stream once it has the last write.
    let options = vec![("repl-ping-replica-period".to_owned(), "3600".to_owned())];
    let plan = ServerPlan { options, ..ServerPlan::default() };
    let servers = SimServer::start_replicated(&plan, 1).expect("they need no program");
    let mut clients: Vec<_> = servers.iter().map(|server| server.client().expect("it answers")).collect();
    for round in 0..200 {
        let (master, replica) = (round % 2, (round + 1) % 2);
        let number = round.to_string();
        clients[master].text(&["SET", "round", &number]).expect("the master takes writes");
        let wrote = clients[master].info("replication", "master_repl_offset").expect("it answers");
        let has_all = || clients[replica].info("replication", "slave_repl_offset").is_ok_and(|offset| offset == wrote);
        wait_until(SOON, "the write arrives", has_all).expect("the replica follows");
        clients[replica].text(&["REPLICAOF", "NO", "ONE"]).expect("it is promoted");
        let address = servers[replica].address();
        let order = ["REPLICAOF", &address.ip().to_string(), &address.port().to_string()];
        clients[master].text(&order).expect("it follows");
        let linked = || clients[master].info("replication", "master_link_status").is_ok_and(|status| status == "up");
        wait_until(SOON, "the link is up", linked).expect("it comes up");
    }

    for server in &servers {
        let node = server.running.as_ref().expect("it runs").node.lock();
        assert!(node.sessions.len() <= 4, "{} connections", node.sessions.len());
        assert!(node.replication.backlog.len() <= 1 << 20 && node.data.keys(0).count() == 1);
        assert!(node.log().lines().count() <= 500);
        assert_eq!(node.replication.earlier().map(|(_, until)| *until <= node.replication.offset()), Some(true));
    }
    let full = servers.iter().map(|server| server.client().and_then(|mut client| client.info("stats", "sync_full")));
    let full: Vec<_> = full.map(|count| count.expect("it answers")).collect();
    assert_eq!(full, ["1", "0"], "who was a master goes on from where it was");
}

#[test]
fn a_replica_notices_that_its_master_is_silent() {
    let plan = ServerPlan { options: vec![("repl-timeout".to_owned(), "2".to_owned())], ..ServerPlan::default() };
    let mut servers = SimServer::start_replicated(&plan, 1).expect("they need no program");
    let mut client = servers[1].client().expect("it answers");

    servers[0].pause();

    let is_down = || client.info("replication", "master_link_status").is_ok_and(|status| status == "down");
    wait_until(SOON, "the link is down", is_down).expect("it waits no longer than repl-timeout");
    servers[0].resume();
}

#[test]
fn stock_sentinels_fail_over_simulated_servers() {
    if find_sentinel(Flavour::Redis).is_err() {
        tell("skipped: no redis-sentinel");
        return;
    }
    let mut servers = SimServer::start_replicated(&ServerPlan::default(), 1).expect("they need no program");
    let watched = Watched {
        name: "mymaster".into(),
        address: servers[0].address(),
        quorum: 2,
        down_after: Millis::new(500),
        failover_timeout: Millis::new(5_000),
        options: Vec::new(),
    };
    let plan = SentinelPlan { flavour: Flavour::Redis, program: None, masters: vec![watched], lines: Vec::new() };
    let sentinels: Vec<_> = (0..3).map(|_| SentinelProcess::start(&plan).expect("it starts")).collect();
    let mut clients: Vec<_> =
        sentinels.iter().map(|one| Client::connect(one.address(), SOON).expect("it answers")).collect();
    let knows = |client: &mut Client| {
        let fields = client.command(&["SENTINEL", "MASTER", "mymaster"]).map(|reply| format!("{reply:?}"));
        let field = |name: &str, value: &str| format!("{:?}, {:?}", Value::bulk(name), Value::bulk(value));
        let wanted = [field("num-slaves", "1"), field("num-other-sentinels", "2")];
        fields.is_ok_and(|fields| wanted.iter().all(|field| fields.contains(field)))
    };
    wait_until(SOON, "they know each other", || clients.iter_mut().all(knows)).expect("hellos reach all");

    servers[0].kill();

    let new = servers[1].address();
    let agrees = |client: &mut Client| client.master("mymaster").is_ok_and(|master| master == Some(new));
    wait_until(SOON, "they name the replica", || clients.iter_mut().all(agrees)).expect("they promote it");
    assert_eq!(servers[1].role().expect("it answers"), "master");
}

#[test]
fn redis_cli_talks_to_a_simulated_server() {
    let Some(program) = on_path("redis-cli") else {
        tell("skipped: no redis-cli");
        return;
    };
    let plan = ServerPlan { password: Some("hush".into()), ..ServerPlan::default() };
    let server = SimServer::start(&plan).expect("it needs no program");
    let port = server.address().port().to_string();
    let say = |words: &[&str]| {
        let mut command = Command::new(&program);
        command.args(["-3", "--no-auth-warning", "-a", "hush", "-p", &port]).args(words);
        String::from_utf8_lossy(&command.output().expect("it runs").stdout).trim().to_owned()
    };

    assert_eq!(say(&["HSET", "car", "colour", "green"]), "1");
    assert_eq!(say(&["--json", "HGETALL", "car"]), r#"{"colour":"green"}"#);
    assert!(say(&["ROLE"]).starts_with("master"));
}

#[test]
fn a_simulated_server_keeps_its_data_only_when_it_is_told_to() {
    for (persistence, expected) in [(Persistence::Memory, Value::Null), (Persistence::Disk, Value::bulk("green"))] {
        let mut server = SimServer::start(&ServerPlan { persistence, ..ServerPlan::default() }).expect("it starts");
        let address = server.address();
        say(&server, &["SET", "colour", "green"]);

        server.kill();
        server.restart().expect("its port is still its own");

        assert_eq!((say(&server, &["GET", "colour"]), server.address()), (expected, address));
    }
}

#[test]
fn data_of_every_kind_reach_a_replica_before_and_after_it_follows() {
    let servers: Vec<_> = (0..2).map(|_| SimServer::start(&ServerPlan::default()).expect("it starts")).collect();
    for words in [
        &["RPUSH", "list", "a", "b", "c"][..],
        &["HSET", "hash", "x", "1", "y", "2"],
        &["SADD", "set", "m", "n"],
        &["SET", "text", "t", "EX", "1000"],
    ] {
        say(&servers[0], words);
    }

    servers[1].follow(servers[0].address()).and_then(|()| servers[1].wait_synced(&servers[0])).expect("it follows");
    let mut client = servers[0].client().expect("it answers");
    for words in [&["SELECT", "3"][..], &["MULTI"], &["INCR", "count"], &["LPUSH", "list", "z"], &["EXEC"]] {
        client.command(words).expect("it answers");
    }
    let heard = client.command(&["WAIT", "1", "20000"]).expect("it answers");

    assert_eq!(heard, Value::Integer(1));
    for words in [&["LRANGE", "list", "0", "-1"][..], &["HGETALL", "hash"], &["SMEMBERS", "set"], &["TTL", "text"]] {
        assert_eq!(say(&servers[0], words), say(&servers[1], words), "{words:?}");
    }
    let mut replica = servers[1].client().expect("it answers");
    replica.command(&["SELECT", "3"]).expect("it answers");
    assert_eq!(replica.command(&["GET", "count"]).expect("it answers"), Value::bulk("1"));
    assert_eq!(
        replica.command(&["INCR", "count"]).expect("it answers"),
        Value::error("READONLY You can't write against a read only replica.")
    );
}

#[test]
fn commands_answer_as_those_of_redis_do() {
    let simulated = SimServer::start(&ServerPlan::default()).expect("it needs no program");
    let mut client = simulated.client().expect("it answers");

    for line in CONVERSATION.lines() {
        let (line, expected) = line.split_once(" => ").expect("a line says what is answered");
        let words: Vec<_> = line.split(' ').collect();

        let answer = client.command(&words).expect("it answers");

        assert_eq!(format!("{answer:?}"), expected, "{line}");
    }
}

#[test]
fn who_waits_for_an_item_gets_it_and_who_subscribes_hears() {
    let server = SimServer::start(&ServerPlan::default()).expect("it needs no program");
    let mut waiting = server.client().expect("it answers");
    waiting.send(&["BLPOP", "list", "20"]).expect("it is sent");
    let mut listening = server.client().expect("it answers");
    listening.command(&["PSUBSCRIBE", "n*"]).expect("it subscribes");

    say(&server, &["RPUSH", "list", "a"]);
    let heard_by = say(&server, &["PUBLISH", "news", "b"]);

    let words = |words: &[&str]| Value::Array(words.iter().map(Value::bulk).collect());
    assert_eq!(waiting.read().expect("the item comes"), words(&["list", "a"]));
    assert_eq!(listening.read().expect("the message comes"), words(&["pmessage", "n*", "news", "b"]));
    assert_eq!(heard_by, Value::Integer(1));
}

#[test]
fn a_transaction_is_dropped_when_a_watched_key_changes() {
    let server = SimServer::start(&ServerPlan::default()).expect("it needs no program");
    let mut client = server.client().expect("it answers");
    client.command(&["WATCH", "count"]).expect("it answers");
    say(&server, &["INCR", "count"]);

    let answers =
        [&["MULTI"][..], &["INCR", "count"], &["EXEC"]].map(|words| client.command(words).expect("it answers"));

    assert_eq!(answers[2], Value::NullArray);
    assert_eq!(say(&server, &["GET", "count"]), Value::bulk("1"));
}

/// What is said, and what redis-server 7.0.15 answered to it.
const CONVERSATION: &str = include_str!("conversation.txt");

/// The backends whose groups behave alike; the real one where there are servers.
fn backends() -> Vec<Backend> {
    if find_server().is_err() {
        tell("skipped on real servers: there are none");
        return vec![Backend::Sim];
    }
    vec![Backend::Sim, Backend::Real]
}

#[expect(clippy::print_stderr, reason = "who reads the run must see what it did not test")]
fn tell(text: &str) {
    eprintln!("{text}");
}

fn write(group: &HaGroup, member: Member, name: &str, value: &str) {
    group.connect(member).and_then(|mut client| client.text(&["SET", name, value])).expect("a master takes writes");
}

fn read(group: &HaGroup, member: Member, name: &str) -> Value {
    group.connect(member).and_then(|mut client| client.command(&["GET", name])).expect("a server answers")
}

fn say(server: &SimServer, words: &[&str]) -> Value {
    server.client().and_then(|mut client| client.command(words)).expect("it answers")
}

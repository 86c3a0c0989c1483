//! How a new configuration reaches everybody and survives (design rows 8, 9 and 16).

use sentinelle::{
    config::{MasterSettings, Outside, Settings, TextOnly, parse, read, rewrite},
    machine::EventKind,
    types::{MasterName, Millis, Secret},
};

use crate::{
    bench::{Bench, MASTER, PEERS, REPLICAS, settings},
    stand_in::{Ballot, Mood},
};

/// The reference's hello waits for a tick.
#[test]
fn a_new_configuration_is_told_to_all_in_the_same_millisecond() {
    let mut bench = Bench::new();

    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    let switched = bench.await_event(1_000, EventKind::SwitchMaster);

    for port in [MASTER].into_iter().chain(REPLICAS).chain(PEERS) {
        let hello = bench.sent.iter().find(|sent| sent.at >= switched && sent.to == port && sent.is_hello());
        let hello = hello.unwrap_or_else(|| panic!("{port} is told nothing"));
        assert_eq!(hello.at, switched, "{port}");
        assert!(hello.words.ends_with(",mymaster,127.0.0.1,7001,2"), "{}", hello.words);
    }
}

/// A hello that is lost costs the reference two seconds.
#[test]
fn a_new_configuration_is_repeated_until_the_peer_is_seen_to_know() {
    let mut bench = Bench::new();
    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    let switched = bench.await_event(1_000, EventKind::SwitchMaster);

    bench.run(1_000);
    bench.hear_hello(PEERS[1], 1, REPLICAS[0], 1);
    let known = bench.now;
    bench.run(10_000);

    let lagging = bench.moments(switched, PEERS[0], "PUBLISH");
    assert!(lagging.iter().filter(|at| **at <= switched + 1_000).count() >= 5, "{lagging:?}");
    assert!(lagging.windows(2).all(|pair| pair[1] - pair[0] <= 2_001), "{lagging:?}");
    let knowing = bench.moments(known + 1_100, PEERS[1], "PUBLISH");
    assert!(knowing.windows(2).all(|pair| pair[1] - pair[0] >= 2_000), "{knowing:?}");
}

/// The reference says nothing new to a server whose last hello was not answered yet until its next round.
#[test]
fn a_hello_on_its_way_does_not_hide_a_switch() {
    let mut settings = settings();
    settings.masters[0].down_after = Millis::new(10_000);
    let mut bench = Bench::with(settings);
    let silent = bench.now;
    bench.silence(REPLICAS[1]);
    assert!(bench.run_until(3_000, |bench| !bench.moments(silent, REPLICAS[1], "PUBLISH").is_empty()));
    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    bench.await_event(2_000, EventKind::SwitchMaster);
    bench.run(100);
    let woken = bench.now;

    bench.wake(REPLICAS[1]);
    bench.run(100);

    let hello = bench.sent.iter().find(|sent| sent.at >= woken && sent.to == REPLICAS[1] && sent.is_hello());
    let hello = hello.expect("it is told the new configuration");
    assert!(hello.at - woken <= 51 && hello.words.contains(",7001,"), "{hello:?}");
}

/// In the reference every peer is said hello each two seconds about each master, and its link is shared by them.
#[test]
fn a_peer_met_again_under_another_master_is_said_hello_about_it_too() {
    let mut settings = settings();
    settings.masters.push(MasterSettings {
        name: MasterName::parse("other").expect("a plain word is a name"),
        address: crate::bench::loopback(7_100),
        replicas: Vec::new(),
        sentinels: Vec::new(),
        ..settings.masters[0].clone()
    });
    let mut bench = Bench::with(settings);
    let id = bench.peers[&PEERS[0]].id.clone();

    bench.ask(&["PUBLISH", "__sentinel__:hello", &format!("127.0.0.1,26001,{id},0,other,127.0.0.1,7100,0")]);
    bench.run(10);

    assert!(bench.sent.iter().any(|sent| sent.to == PEERS[0] && sent.is_hello() && sent.words.contains(",other,")));
}

/// The reference leaves the former master of an ordered failover writable for about ten seconds.
#[test]
fn a_former_master_that_answers_is_fenced_with_the_switch() {
    let mut bench = Bench::new();

    bench.ask(&["SENTINEL", "FAILOVER", "mymaster"]);
    let switched = bench.await_event(1_000, EventKind::SwitchMaster);

    assert_eq!(bench.moments(switched, MASTER, "SLAVEOF 127.0.0.1 7001"), [switched]);
}

/// The reference converts a master that comes back after eight seconds, rounded up to its next INFO.
#[test]
fn a_returning_master_is_fenced_at_its_first_answer() {
    let mut bench = Bench::new();
    bench.kill(MASTER);
    bench.await_event(3_000, EventKind::SwitchMaster);
    bench.hear_hello(PEERS[0], 1, REPLICAS[0], 1);
    bench.run(5_000);
    let back = bench.now;

    bench.servers.get_mut(&MASTER).expect("it is a server").mood = Mood::Awake;
    let fenced = bench.await_event(1_000, EventKind::ConvertToReplica);

    let met = bench.moments(back, MASTER, "INFO")[0];
    assert_eq!(fenced, met + 1, "an answer takes a millisecond");
    assert!(met - back <= 250);
}

/// A minority must not fence: its configuration may be the older one.
#[test]
fn a_returning_master_is_left_alone_until_a_majority_shares_the_configuration() {
    let mut bench = Bench::new();
    bench.kill(MASTER);
    bench.await_event(3_000, EventKind::SwitchMaster);
    bench.run(1_000);
    bench.servers.get_mut(&MASTER).expect("it is a server").mood = Mood::Awake;
    bench.run(5_000);
    let fenced_too_soon = bench.sent.iter().any(|sent| sent.to == MASTER && sent.words.starts_with("SLAVEOF"));
    let agreed = bench.now;

    bench.hear_hello(PEERS[1], 1, REPLICAS[0], 1);
    let fenced = bench.await_event(100, EventKind::ConvertToReplica);

    assert!(!fenced_too_soon);
    assert_eq!(fenced, agreed + 1);
}

/// Who tells of a newer epoch may have elected the returning server anew, and be about to say so.
#[test]
fn a_returning_master_is_left_alone_while_a_newer_configuration_may_be_on_its_way() {
    let mut bench = Bench::new();
    bench.kill(MASTER);
    bench.await_event(3_000, EventKind::SwitchMaster);
    bench.hear_hello(PEERS[0], 1, REPLICAS[0], 1);
    bench.run(5_000);

    bench.hear_hello(PEERS[0], 2, REPLICAS[0], 1);
    let told = bench.now;
    bench.servers.get_mut(&MASTER).expect("it is a server").mood = Mood::Awake;
    let fenced = bench.await_event(20_000, EventKind::ConvertToReplica);

    assert!(fenced - told > 8_000, "four hello periods, as the reference: {} ms", fenced - told);
}

/// What we saw of a master that is up again may be older than what others have made of it.
#[test]
fn a_returning_master_is_left_alone_while_the_master_has_just_come_back_too() {
    let mut bench = Bench::new();
    bench.kill(MASTER);
    bench.await_event(3_000, EventKind::SwitchMaster);
    bench.hear_hello(PEERS[0], 1, REPLICAS[0], 1);
    bench.set_ballots(&Ballot::Nobody);
    bench.run(5_000);
    bench.silence(REPLICAS[0]);
    bench.await_event(3_000, EventKind::SubjectivelyDown);

    bench.wake(REPLICAS[0]);
    let up = bench.await_event(100, EventKind::SubjectivelyUp);
    bench.servers.get_mut(&MASTER).expect("it is a server").mood = Mood::Awake;
    let fenced = bench.await_event(20_000, EventKind::ConvertToReplica);

    assert!(fenced - up > 8_000, "four hello periods, as the reference: {} ms", fenced - up);
}

/// Two sentinels of different configurations could otherwise make two servers follow each other.
#[test]
fn nobody_is_told_to_follow_a_server_that_was_itself_told_to_follow() {
    let mut bench = Bench::new();
    bench.kill(MASTER);
    bench.await_event(3_000, EventKind::SwitchMaster);
    bench.hear_hello(PEERS[0], 1, REPLICAS[0], 1);
    bench.run(5_000);
    let former = bench.servers.get_mut(&MASTER).expect("it is a server");
    (former.mood, former.info_takes) = (Mood::Awake, 50);
    let fenced = bench.await_event(1_000, EventKind::ConvertToReplica);

    // The others have promoted it meanwhile.
    for peer in PEERS {
        bench.hear_hello(peer, 2, MASTER, 2);
    }
    bench.run(1_500);

    assert_eq!(bench.events(fenced, EventKind::SwitchMaster).len(), 1);
    assert_eq!(bench.moments(fenced, REPLICAS[0], "SLAVEOF"), [0_u64; 0]);
}

/// The reference asks a stray replica for INFO each ten seconds; the wait to set it right must not take that away.
#[test]
fn a_replica_that_follows_another_master_is_still_asked_for_info() {
    let mut bench = Bench::new();
    bench.servers.get_mut(&REPLICAS[0]).expect("it is a server").follows = Some(7_777);
    bench.run(11_000);
    let astray = bench.now;

    bench.run(30_000);

    assert!(bench.moments(astray, REPLICAS[0], "INFO").len() >= 3);
}

/// The reference writes `auth-pass mymaster p w`, which its next start refuses.
#[test]
fn values_are_quoted_where_they_need_it() {
    let mut wanted = settings();
    wanted.masters[0].auth_pass = Some(Secret::new("p w\"\nsentinel myid x"));
    wanted.masters[0].notification_script = Some("/opt/my scripts/notify.sh".into());

    let text = rewrite("", &wanted, &mut TextOnly);
    let loaded = parse(&text).expect("what was written can be read");

    assert_eq!(loaded.masters, wanted.masters);
    assert_eq!(loaded.my_id, wanted.my_id);
}

/// A folder with one included file.
struct OneFile(&'static str);

impl Outside for OneFile {
    fn include(&mut self, _path: &str) -> Result<String, String> {
        Ok(self.0.to_owned())
    }

    fn is_executable(&mut self, _path: &str) -> bool {
        true
    }

    fn enter(&mut self, _folder: &str) -> Result<(), String> {
        Ok(())
    }
}

/// The reference repeats the included master in the file itself, and its next start refuses the duplicate.
#[test]
fn a_file_with_an_include_can_be_read_again_after_a_failover() {
    let mut folder =
        OneFile("sentinel monitor mymaster 127.0.0.1 7000 2\nsentinel down-after-milliseconds mymaster 1000\n");
    let text = "port 26379\ninclude group.conf\n";
    let mut settings: Settings = read(text, &mut folder).expect("it is a sentinel's file").settings;
    settings.masters[0].address = crate::bench::loopback(REPLICAS[0]);
    settings.masters[0].replicas = vec![crate::bench::loopback(MASTER)];

    let rewritten = rewrite(text, &settings, &mut folder);
    let loaded = read(&rewritten, &mut folder).expect("what was written can be read").settings;

    assert!(rewritten.contains("include group.conf"), "{rewritten}");
    assert!(!rewritten.contains("down-after-milliseconds"), "what the included file says is repeated: {rewritten}");
    assert_eq!(loaded.masters, settings.masters);
}

/// The reference forgets to save a reset: what was removed is back after its next start.
#[test]
fn a_reset_is_saved() {
    let mut bench = Bench::new();
    for port in REPLICAS.into_iter().chain(PEERS) {
        bench.kill(port);
    }
    bench.run(10);
    let known = bench.stores.len();

    bench.ask(&["SENTINEL", "RESET", "*"]);

    let stored = bench.stores.get(known).expect("it is to be stored");
    assert_eq!((stored.masters[0].replicas.len(), stored.masters[0].sentinels.len()), (0, 0));
}

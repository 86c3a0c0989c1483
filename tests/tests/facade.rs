//! The one door for bindings, used as a binding uses it: blocking calls, descriptors, events that are pulled.

use std::{
    cell::Cell,
    fs::{File, Permissions},
    os::{fd::AsFd as _, unix::fs::PermissionsExt as _},
    process,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use sentinelle::{
    facade::{
        Atomicity, Change, Command, Completions, Discovery, ErrorKind, Event, Events, Failure, Fault, HaGroup,
        LeaseFor, Member, Message, Monitor, Next, OPTIONS, OptionKind, Options, Outcome, Patience, Pool, Reply, Scope,
        Sentinel,
    },
    testing::{Stopwatch, wait_until},
    types::Millis,
};

/// The longest that anything here takes on a busy machine.
const LONG: Patience<'static> = Patience::ms(60_000);

#[test]
fn a_sentinel_is_started_commanded_watched_and_stopped() {
    let sentinel = start_sentinel(&[Monitor::new("cart", "127.0.0.1", 1, 2)]);
    let events = sentinel.events().expect("this process made it");

    sentinel.set("cart", &[("down_after_ms", "50"), ("quorum", "1")]).wait(&LONG).expect("both can be set");
    sentinel.monitor(&Monitor::new("stock", "127.0.0.1", 2, 1)).wait(&LONG).expect("the name is free");
    sentinel.remove("stock").wait(&LONG).expect("it is monitored");
    let down = next_of(&events, "+odown");
    let status = sentinel.status().wait(&LONG).expect("it runs");
    let refused = sentinel.check_quorum("stock").wait(&LONG).expect_err("it is monitored no more");

    assert_eq!(sentinel.id().len(), 40);
    assert_ne!(sentinel.address().expect("it listens").port, 0);
    assert_eq!(
        (down.master.as_deref(), down.field("role"), down.field("port")),
        (Some("cart"), Some("master"), Some("1"))
    );
    assert_eq!((status.masters.len(), status.masters[0].quorum), (1, 1));
    assert_eq!(status.masters[0].health, "odown");
    assert!(status.json().contains(r#""health":"odown""#), "{}", status.json());
    assert_eq!((refused.kind, refused.server_code.as_deref()), (ErrorKind::Server, Some("ERR")));
    assert_eq!(sentinel.stop().wait(&LONG).expect("it runs").code, None);
    let late = sentinel.status().wait(&LONG).expect_err("it has ended");
    assert_eq!(late.kind, ErrorKind::Stopped);
}

#[test]
fn a_sentinel_starts_from_a_text_and_from_a_file() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let path = folder.path().join("sentinel.conf");
    let text = "port 0\nbind 127.0.0.1\nsentinel monitor cart 127.0.0.1 1 2\nsentinel parallel-syncs cart 4\n";
    std::fs::write(&path, text).expect("the folder is ours");

    let of_text = Sentinel::start_from_text(text, &Options::new()).wait(&LONG).expect("the text is legal");
    let of_file = Sentinel::start_from_file(&path, &Options::new()).wait(&LONG).expect("the file is legal");
    of_file.flush_config().wait(&LONG).expect("the folder has room");
    let bad =
        Sentinel::start_from_text("sentinel monitr cart", &Options::new()).wait(&LONG).expect_err("a typing error");

    for sentinel in [&of_text, &of_file] {
        let reply = sentinel.command(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "cart"]).wait(&LONG).expect("it runs");
        assert_eq!(sentinelle::facade::reply_json(&reply), r#"["127.0.0.1","1"]"#);
    }
    let kept = std::fs::read_to_string(&path).expect("it is there");
    assert!(kept.contains(&format!("sentinel myid {}", of_file.id())), "{kept}");
    assert_eq!(bad.kind, ErrorKind::Config);
    assert!(bad.message.contains("config line 1"), "{bad}");
}

#[test]
fn a_descriptor_is_readable_while_an_event_waits_and_not_otherwise() {
    let sentinel = start_sentinel(&[]);
    let events = sentinel.events().expect("this process made it");
    let fd = File::open(format!("/proc/self/fd/{}", events.fd().expect("there are descriptors"))).expect("it is open");
    while events.next(&Patience::ms(0)).is_ok_and(|next| next != Next::Empty) {}
    let is_readable = |limit: u16| {
        let mut polled = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, PollTimeout::from(limit)).expect("the descriptor is open") == 1
    };

    let before = is_readable(0);
    sentinel.monitor(&Monitor::new("cart", "127.0.0.1", 1, 1)).wait(&LONG).expect("the name is free");
    let told = is_readable(60_000);
    let event = next_of(&events, "+monitor");
    // Attempts to reach the master are events too; once it is removed there are none.
    sentinel.remove("cart").wait(&LONG).expect("it is monitored");
    next_of(&events, "-monitor");
    while events.next(&Patience::ms(0)).is_ok_and(|next| next != Next::Empty) {}
    let after = is_readable(0);
    sentinel.stop().wait(&LONG).expect("it runs");
    let at_the_end = is_readable(60_000);

    assert_eq!((before, told, after, at_the_end), (false, true, false, true));
    assert_eq!(event.master.as_deref(), Some("cart"));
    assert_eq!(events.next(&LONG), Ok(Next::Closed));
}

#[test]
fn an_interrupt_ends_every_kind_of_wait_soon() {
    let sentinel = start_sentinel(&[]);
    let events = sentinel.events().expect("this process made it");
    while events.next(&Patience::ms(0)).is_ok_and(|next| next != Next::Empty) {}
    for wait_for_call in [true, false] {
        let (watch, asked) = (Stopwatch::start(), Cell::new(0));
        let interrupt = || {
            asked.set(asked.get() + 1);
            watch.elapsed_ms() >= Millis::new(150)
        };
        let patience = Patience::endless().unless(&interrupt);

        let failure = if wait_for_call {
            sentinel.ended().wait(&patience).expect_err("it goes on")
        } else {
            events.next(&patience).expect_err("nothing happens")
        };

        assert_eq!(failure.kind, ErrorKind::Cancelled);
        // Asked at the start and each 100 ms: the third time says yes.
        assert!(asked.get() <= 3 && watch.elapsed_ms() < Millis::new(5_000), "{} {}", asked.get(), watch.elapsed_ms());
    }
}

#[test]
fn a_group_is_hurt_healed_and_followed() {
    let Some(group) = start_group() else { return };
    let discovery = Discovery::open_url(&group.url()).expect("the URL is legal");
    let events = discovery.events().expect("it is open");
    let first = discovery.resolve("mymaster", 20_000).wait(&LONG).expect("there is a master");
    let watch = discovery.watch("mymaster").expect("the name is legal");
    let gate = discovery.gate("mymaster").expect("the name is legal");
    let open_at_first = (gate.may_write(first.generation), gate.may_write(first.generation + 1));
    let old = group.master().wait(&LONG).expect("the sentinels agree");

    group.fault("kill", &[("member", &old.to_string())]).wait(&LONG).expect("it runs");
    let second = discovery.wait_switch("mymaster", first.generation, 30_000).wait(&LONG).expect("another takes over");
    let new = group.wait_master_other_than(old).wait(&LONG).expect("another takes over");
    let open_then = (gate.may_write(first.generation), gate.may_write(second.generation));
    let switched = next_of(&events, "switched");
    let seen = wait_generation(&watch, second.generation);
    group.inflict(Fault::Heal).wait(&LONG).expect("it starts again");
    group.wait("ready").wait(&LONG).expect("it recovers");
    let view = group.view().wait(&LONG).expect("it runs");

    assert_eq!(first.master, group.address(old).ok());
    assert_eq!(second.master, group.address(new).ok());
    assert_eq!((switched.master.as_deref(), switched.epoch), (Some("mymaster"), Some(second.epoch)));
    assert_eq!(seen, second.generation);
    assert_eq!((open_at_first, open_then), ((true, false), (false, true)));
    assert_eq!((view.servers.len(), view.sentinels.len()), (3, 3));
    assert!(view.text.contains("server-0") && view.json().contains(r#""role":"master""#), "{}", view.text);
    assert!(group.events().iter().any(|event| event.name == "+switch-master"));
    assert!(group.logs(Member::Server(0)).wait(&LONG).is_ok_and(|log| !log.is_empty()));
}

#[test]
fn a_pool_serves_every_kind_of_call() {
    let Some(group) = start_group() else { return };
    let pool = Pool::open_url(&group.url()).expect("the URL is legal");
    let command = |words: &[&str]| Command::new(words);

    let stored = pool.execute(&command(&["SET", "colour", "green"]), &LONG).expect("there is a master");
    let called = pool.call(command(&["GET", "colour"])).wait(&LONG).expect("it was stored");
    let both = [command(&["INCR", "count"]), command(&["INCR", "count"])];
    let counted = pool.pipeline(&both, Atomicity::Atomic, &LONG).expect("there is a master");
    let refused = pool.execute(&command(&["INCR", "colour"]), &LONG).expect_err("a colour is no number");
    for lease in [pool.lease(LeaseFor::Master, 20_000).wait(&LONG), pool.lease_blocking(LeaseFor::Master, &LONG)] {
        let lease = lease.expect("there is a master");
        lease.execute(&command(&["WATCH", "count"]), &LONG).expect("the server knows it");
        lease.execute(&command(&["MULTI"]), &LONG).expect("the server knows it");
        lease.call(command(&["INCR", "count"])).wait(&LONG).expect("it is queued");
        let done = lease.execute(&command(&["EXEC"]), &LONG).expect("nobody else writes");
        assert!(matches!(done, Reply::Array(items) if items.len() == 1) && lease.is_current());
        lease.release();
    }

    assert_eq!((stored, called), (Reply::ok(), Reply::bulk("green")));
    assert_eq!(counted, [Reply::Integer(1), Reply::Integer(2)]);
    assert_eq!((refused.kind, refused.outcome), (ErrorKind::Server, Some(Outcome::Rejected)));
    assert_eq!(pool.execute(&command(&["GET", "count"]), &LONG), Ok(Reply::bulk("4")));
    assert!(pool.stats_json().is_ok_and(|json| json.contains(r#""phase":"up""#)));
    submit_many(&pool);
    publish_and_hear(&pool);
    pool.close().wait(&LONG).expect("it is open");
    let late = pool.execute(&command(&["PING"]), &LONG).expect_err("it is closed");
    assert_eq!(late.kind, ErrorKind::Stopped);
}

#[test]
fn fifty_pools_share_one_connection_to_each_watched_sentinel() {
    let Some(group) = start_group() else { return };
    let pools: Vec<_> = (0..50).map(|_| Pool::open_url(&group.url()).expect("the URL is legal")).collect();
    for pool in &pools {
        pool.execute(&Command::new(["PING"]), &LONG).expect("there is a master");
    }

    for sentinel in group.sentinels() {
        let subscribers = || {
            let reply = group.command(sentinel, ["CLIENT", "LIST"]).wait(&LONG).expect("it runs");
            let list = reply.as_text().unwrap_or_default().to_owned();
            list.lines().filter(|line| !line.contains(" sub=0 ")).count()
        };
        wait_until(Millis::new(20_000), "the sentinel is watched", || subscribers() > 0)
            .expect("all three are watched");
        assert_eq!(subscribers(), 1, "{sentinel}");
    }
}

fn submit_many(pool: &Pool) {
    let completions = Completions::new();
    let fd = completions.fd().expect("there are descriptors");
    let fd = File::open(format!("/proc/self/fd/{fd}")).expect("it is open");
    for tag in 0..100 {
        pool.submit(Command::new(["PING"]), &completions, tag).expect("there is room");
    }

    let mut tags = Vec::new();
    while tags.len() < 100 {
        let mut polled = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut polled, PollTimeout::from(60_000_u16)), Ok(1), "{} results", tags.len());
        let drained = completions.drain(1_000).expect("this process made it");
        tags.extend(drained.into_iter().map(|done| (done.tag, done.result == Ok(Reply::Simple("PONG".into())))));
    }
    tags.sort_unstable();
    assert_eq!(tags, (0..100).map(|tag| (tag, true)).collect::<Vec<_>>());
}

fn publish_and_hear(pool: &Pool) {
    let subscriber = pool.subscribe().expect("it is open");
    subscriber.change(Change::Subscribe, ["news"]).wait(&LONG).expect("there is a master");
    pool.execute(&Command::new(["PUBLISH", "news", "hello"]), &LONG).expect("there is a master");

    let heard = subscriber.next(&LONG).expect("this process made it");
    let silence = subscriber.next(&Patience::ms(0)).expect("this process made it");
    subscriber.close();

    let hello = Message::Published { channel: b"news".into(), pattern: None, payload: b"hello".into() };
    assert_eq!((heard, silence), (Next::Item(hello), Next::Empty));
    assert_eq!(subscriber.next(&LONG), Ok(Next::Closed));
}

#[test]
fn a_forked_child_has_a_discovery_of_its_own_and_no_sentinel() {
    let Some(group) = start_group() else { return };

    let output =
        process::Command::new(env!("CARGO_BIN_EXE_facade_child")).arg(group.url()).output().expect("it can be run");

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_option_is_taken_where_it_has_a_meaning() {
    // A file is written by what it is given to, so files have a test of their own.
    for row in OPTIONS.iter().filter(|row| row.kind != OptionKind::Path) {
        let value = if row.default.is_empty() { sample(row.key, row.kind) } else { row.default };
        let mut options = Options::new().with(row.key, value).expect(row.key);
        let opened = match row.scopes[0] {
            Scope::Discovery | Scope::Pool => {
                options = options.with("sentinels", "127.0.0.1:1").expect("it is legal");
                options = options.with("master", "cart").expect("it is legal");
                Pool::open(&options).map(drop)
            }
            Scope::Sentinel => {
                let options = options.with("listen", "127.0.0.1:0").expect("it is legal");
                Sentinel::start(&options, &[]).wait(&LONG).map(drop)
            }
            Scope::Monitor => {
                let master = Monitor::new("cart", "127.0.0.1", 1, 1).with(options);
                let listen = Options::new().with("listen", "127.0.0.1:0").expect("it is legal");
                Sentinel::start(&listen, &[master]).wait(&LONG).map(drop)
            }
            // A group is started by other tests; here it is only set up, and refused for a member too many.
            Scope::Group => continue,
        };

        assert!(opened.is_ok(), "{} = {value}: {opened:?}", row.key);
    }
}

#[test]
fn every_option_that_names_a_file_is_taken() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("the name is legal");
    std::fs::write(place("ca"), pair.cert.pem()).expect("the folder is ours");
    std::fs::write(place("cert"), pair.cert.pem()).expect("the folder is ours");
    std::fs::write(place("key"), pair.signing_key.serialize_pem()).expect("the folder is ours");
    std::fs::write(place("script"), "#!/bin/sh\n").expect("the folder is ours");
    std::fs::set_permissions(place("script"), Permissions::from_mode(0o755)).expect("the folder is ours");

    for row in OPTIONS.iter().filter(|row| row.kind == OptionKind::Path) {
        let opened = match row.scopes[0] {
            Scope::Sentinel => start_with(&[(row.key, &place("state"))], &[]).map(drop),
            Scope::Monitor => {
                let options = Options::from_pairs([(row.key, place("script").as_str())]).expect("it is legal");
                start_with(&[], &[Monitor::new("cart", "127.0.0.1", 1, 1).with(options)]).map(drop)
            }
            Scope::Discovery | Scope::Pool | Scope::Group => {
                let prefix = row.key.rsplit_once("tls_").expect("all others are about encryption").0;
                let files = ["ca", "cert", "key"].map(|name| (format!("{prefix}tls_{name}_file"), place(name)));
                let files = files.iter().map(|(key, path)| (key.as_str(), path.as_str()));
                Options::from_pairs([("sentinels", "127.0.0.1:1"), ("master", "cart")].into_iter().chain(files))
                    .and_then(|options| Pool::open(&options).map(drop))
            }
        };

        assert!(opened.is_ok(), "{}: {opened:?}", row.key);
    }
}

#[test]
fn a_sentinel_goes_on_from_its_file_and_spares_every_other_file() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (state, text, program) = (place("state"), place("text"), place("program"));
    std::fs::write(&text, "dear diary\n").expect("the folder is ours");
    std::fs::write(&program, [0x7f, b'E', b'L', b'F', 0xff, 0]).expect("the folder is ours");
    let masters = [Monitor::new("cart", "127.0.0.1", 1, 1)];

    let first = start_with(&[("config_file", &state)], &masters).expect("the folder is ours");
    first.monitor(&Monitor::new("stock", "127.0.0.1", 2, 1)).wait(&LONG).expect("the name is free");
    let id = first.id().to_owned();
    first.stop().wait(&LONG).expect("it runs");
    let second = start_with(&[("config_file", &state)], &masters).expect("it is its own file");
    let refusals = [&text, &program].map(|path| start_with(&[("config_file", path)], &masters).map(drop));

    assert_eq!(second.id(), id);
    let status = second.status().wait(&LONG).expect("it runs");
    assert_eq!(status.masters.iter().map(|master| master.name.as_str()).collect::<Vec<_>>(), ["cart", "stock"]);
    assert!(refusals.iter().all(|refusal| refusal.as_ref().is_err_and(|failure| failure.kind == ErrorKind::Config)));
    assert_eq!(std::fs::read_to_string(&text).expect("it is there"), "dear diary\n");
    assert_eq!(std::fs::read(&program).expect("it is there").len(), 6);
}

fn sample(key: &str, kind: OptionKind) -> &'static str {
    match kind {
        OptionKind::Lines if key == "sentinel_directive" => "loglevel debug",
        OptionKind::Lines => "parallel-syncs 2",
        OptionKind::Text | OptionKind::Secret | OptionKind::Path => "127.0.0.1",
        OptionKind::Switch => "no",
        OptionKind::Millis(..) | OptionKind::Number(..) => "7",
        OptionKind::Choice(words) => words[0],
        OptionKind::Addresses => "127.0.0.1:1",
        OptionKind::AddressMap => "127.0.0.1:1=127.0.0.1:2",
    }
}

fn start_sentinel(masters: &[Monitor]) -> Sentinel {
    start_with(&[], masters).expect("loopback has free ports")
}

fn start_with(options: &[(&str, &str)], masters: &[Monitor]) -> Result<Sentinel, Failure> {
    let options = Options::from_pairs([("listen", "127.0.0.1:0")].into_iter().chain(options.iter().copied()))?;
    Sentinel::start(&options, masters).wait(&LONG)
}

/// A group; none where there is no redis-server.
fn start_group() -> Option<HaGroup> {
    sentinelle::testing::find_server().ok()?;
    Some(HaGroup::start(&Options::new()).wait(&LONG).expect("the group comes together"))
}

fn next_of(events: &Events, name: &str) -> Event {
    loop {
        match events.next(&LONG).expect("this process made it") {
            Next::Item(event) if event.name == name => return event,
            Next::Item(_) => {}
            other @ (Next::Empty | Next::Closed) => panic!("no {name} was told: {other:?}"),
        }
    }
}

fn wait_generation(watch: &sentinelle::facade::Watch, generation: u64) -> u64 {
    loop {
        match watch.next(&LONG).expect("this process made it") {
            Next::Item(topology) if topology.generation >= generation => return topology.generation,
            Next::Item(_) => {}
            other @ (Next::Empty | Next::Closed) => panic!("generation {generation} was not shown: {other:?}"),
        }
    }
}

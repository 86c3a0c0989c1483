//! The master is found whatever is wrong with the first sentinel that is asked, and why not is told otherwise.

use std::net::SocketAddr;

use sentinelle::{
    discovery::Discovery,
    error::{Error, ErrorKind, Result},
    finder::Phase,
    resp::Value,
    testing::{Backend, Deadline, HaGroup, Member, wait_until},
    types::Millis,
};

use crate::stage::{BlackHole, Liar, PATIENCE, Silent, Stage, closed_port, seeded};

/// How long is waited for a master that does not come.
const BRIEF: Millis = Millis::new(800);

#[test]
fn a_sentinel_that_refuses_hangs_or_is_out_of_reach_does_not_hide_the_master() -> Result<()> {
    let group = HaGroup::builder().sentinels(1).quorum(1).replicas(0).start()?;
    let stage = Stage::open();
    let (refusing, _port) = closed_port()?;
    let (silent, hole) = (Silent::open(), BlackHole::open());

    for bad in [refusing, silent.address(), hole.address()] {
        let discovery = stage.start(seeded([bad].into_iter().chain(group.sentinel_addresses())))?;
        let found = stage.master(&discovery, &group)?;
        assert_eq!(found, group.address(Member::Server(0))?, "behind {bad}");
    }
    Ok(())
}

#[test]
fn paused_sentinels_of_redis_do_not_hide_the_master() -> Result<()> {
    let group = HaGroup::builder().backend(Backend::RealSentinels).start()?;
    let stage = Stage::open();
    group.pause(Member::Sentinel(0))?;
    group.pause(Member::Sentinel(1))?;

    let discovery = stage.discover(&group)?;

    assert_eq!(stage.master(&discovery, &group)?, group.address(Member::Server(0))?);
    Ok(())
}

#[test]
fn a_sentinel_that_lies_is_not_believed() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let stage = Stage::open();
    let replica = group.address(group.replicas()?[0])?;
    let liar = Liar::open(move |command| lie(command, replica));

    let discovery = stage.start(seeded([liar.address()].into_iter().chain(group.sentinel_addresses())))?;
    let found = stage.master(&discovery, &group)?;
    let alone = stage.start(seeded([liar.address()]).only_seeds())?;
    let error = failure(&stage, &alone, group.name(), &[ErrorKind::MasterNotReady]);

    assert_eq!(found, group.address(group.master()?)?);
    assert!(error.to_string().contains(&liar.address().to_string()), "{error}");
    assert!(error.to_string().contains("is a replica of"), "{error}");
    Ok(())
}

#[test]
fn a_sentinel_on_the_minority_side_does_not_bring_the_old_master_back() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let stage = Stage::open();
    let old = group.master()?;
    let (minority, majority) = (Member::Sentinel(0), [Member::Sentinel(1), Member::Sentinel(2)]);
    group.partition(&[old, minority], &group.replicas()?);
    group.partition(&[old, minority], &majority);
    let new = group.wait_master_other_than(old)?;

    let asked_first = group.address(minority)?;
    let others = majority.map(|sentinel| group.address(sentinel).expect("it is of the group"));
    let discovery = stage.start(seeded([asked_first].into_iter().chain(others)))?;
    let found = stage.master(&discovery, &group)?;

    assert_eq!(found, group.address(new)?);
    Ok(())
}

#[test]
fn the_master_is_served_although_all_sentinels_are_gone() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let stage = Stage::open();
    let discovery = stage.discover(&group)?;
    let master = stage.master(&discovery, &group)?;

    for sentinel in group.sentinels() {
        group.kill(sentinel)?;
    }
    let watch = discovery.watch(group.name())?;
    discovery.suspect(watch.name(), watch.current().generation, sentinelle::finder::Sign::Timeouts);
    let is_told = |phase: Phase| watch.current().phase == phase && watch.current().trouble.is_some();
    wait_until(PATIENCE, "the failed search is over", || is_told(Phase::Up))?;

    assert_eq!(stage.master(&discovery, &group)?, master);
    assert_eq!(watch.current().trouble.as_ref().map(|trouble| trouble.kind), Some(ErrorKind::SentinelsUnreachable));
    Ok(())
}

#[test]
fn each_way_of_not_finding_a_master_has_a_kind_of_its_own() -> Result<()> {
    let group = HaGroup::builder().sentinels(1).quorum(1).replicas(0).start()?;
    let stage = Stage::open();
    let (refusing, _port) = closed_port()?;

    let discovery = stage.discover(&group)?;
    failure(&stage, &discovery, "nobody", &[ErrorKind::MasterUnknown]);
    let nobody = stage.start(seeded([refusing]))?;
    let unreachable = failure(&stage, &nobody, group.name(), &[ErrorKind::SentinelsUnreachable]);
    failure(&stage, &discovery, "two words", &[ErrorKind::Argument]);
    group.pause(Member::Server(0))?;
    failure(&stage, &discovery, group.name(), &[ErrorKind::MasterNotReady, ErrorKind::Timeout]);

    assert!(unreachable.evidence()[0].contains(&refusing.to_string()), "{unreachable}");
    Ok(())
}

#[test]
fn the_masters_of_a_sentinel_are_listed_by_glob() -> Result<()> {
    let group = HaGroup::builder().name("cart-eu").replicas(0).sentinels(1).quorum(1).start()?;
    let stage = Stage::open();
    let discovery = stage.discover(&group)?;

    let fitting = stage.run(discovery.masters("cart-*", PATIENCE))?;
    let others = stage.run(discovery.masters("shop-*", PATIENCE))?;

    assert_eq!(fitting.iter().map(ToString::to_string).collect::<Vec<_>>(), ["cart-eu"]);
    assert!(others.is_empty());
    Ok(())
}

/// Why there is no such master: an error of one of these kinds. On a busy machine the first search may not be over when
/// the caller's time is.
pub(crate) fn failure(stage: &Stage, discovery: &Discovery, name: &str, kinds: &[ErrorKind]) -> Error {
    let deadline = Deadline::within(PATIENCE);
    loop {
        let error = stage.run(discovery.master(name, BRIEF)).expect_err("there is no such master");
        if kinds.contains(&error.kind()) {
            return error;
        }
        assert!(!deadline.has_passed(), "{kinds:?} are expected: {error}");
    }
}

/// What a sentinel says that calls `named` the master, in a very new configuration.
fn lie(command: &str, named: SocketAddr) -> Value {
    let (host, port) = (named.ip().to_string(), named.port().to_string());
    let flat = |words: &[&str]| Value::Array(words.iter().map(Value::bulk).collect());
    if command.contains("get-master-addr-by-name") {
        flat(&[&host, &port])
    } else if command.starts_with("sentinel master ") {
        let fields = ["name", "mymaster", "ip", &host, "port", &port, "flags", "master", "config-epoch", "99"];
        flat(&[&fields[..], &["quorum", "2", "num-other-sentinels", "2"]].concat())
    } else if command.starts_with("sentinel") {
        Value::Array(Vec::new())
    } else if let Some(channel) = command.strip_prefix("subscribe ") {
        Value::Array(vec![Value::bulk("subscribe"), Value::bulk(channel), Value::Integer(1)])
    } else if command == "ping" {
        Value::Simple("PONG".into())
    } else {
        Value::ok()
    }
}

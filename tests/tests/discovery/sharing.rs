//! What users of one discovery share, and what is left when it is closed.

use std::thread;

use sentinelle::{
    discovery::{Access, Discovery},
    error::{ErrorKind, Result},
    testing::{HaGroup, Member, wait_until},
    types::{Endpoint, Millis},
};

use crate::stage::{PATIENCE, Stage, seeded};

#[test]
fn fifty_users_cost_one_watching_connection_to_each_sentinel() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let stage = Stage::open();
    let discovery = stage.start(seeded(group.sentinel_addresses()).sentinel_access(named("fifty")))?;

    let clones: Vec<Discovery> = (0..50).map(|_| discovery.clone()).collect();
    let watches = clones.iter().map(|clone| clone.watch(group.name())).collect::<Result<Vec<_>>>()?;
    for clone in &clones {
        stage.master(clone, &group)?;
    }
    let watching = |sentinel| Ok(lines_of(&group, sentinel, "fifty")?.iter().filter(|line| is_watch(line)).count());
    for sentinel in group.sentinels() {
        wait_until(PATIENCE, "one connection watches", || watching(sentinel).is_ok_and(|count: usize| count == 1))?;
    }

    assert_eq!(watches.len(), 50);
    let all: Result<Vec<usize>> = group.sentinels().into_iter().map(watching).collect();
    assert_eq!(all?, [1, 1, 1]);
    Ok(())
}

#[test]
fn a_closed_discovery_gives_all_its_connections_back() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let stage = Stage::open();
    let access = || named("closing");
    let builder = seeded(group.sentinel_addresses()).sentinel_access(access()).data_access(access());
    let discovery = stage.start(builder.clone())?;
    stage.master(&discovery, &group)?;
    let mut watch = discovery.watch(group.name())?;

    stage.run(discovery.close());
    wait_until(PATIENCE, "no connection is left", || {
        open_lines(&group, "closing").is_ok_and(|lines| lines.is_empty())
    })?;
    let after = stage.run(discovery.master(group.name(), PATIENCE)).map_err(|error| error.kind());

    assert_eq!(after, Err(ErrorKind::Stopped));
    assert_eq!(stage.run(watch.changed()).map_err(|error| error.kind()), Err(ErrorKind::Stopped));
    assert!(stage.run(discovery.events().next()).is_none());

    let dropped = stage.start(builder)?;
    stage.master(&dropped, &group)?;
    drop(dropped);
    wait_until(PATIENCE, "no connection is left", || {
        open_lines(&group, "closing").is_ok_and(|lines| lines.is_empty())
    })?;
    Ok(())
}

#[test]
fn a_thread_without_a_runtime_waits_for_the_new_master() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let stage = Stage::open();
    let discovery = stage.discover(&group)?;
    stage.master(&discovery, &group)?;
    let mut watch = discovery.watch(group.name())?;
    let old = group.master()?;
    let old_address = group.address(old)?;

    let waiting = thread::spawn(move || {
        watch.wait_for_blocking(PATIENCE, |seen| seen.master.as_ref().and_then(Endpoint::socket) != Some(old_address))
    });
    group.kill(old)?;
    let seen = waiting.join().expect("it does not panic")?;
    let new = group.wait_master_other_than(old)?;

    assert_eq!(seen.master.as_ref().and_then(Endpoint::socket), Some(group.address(new)?));
    Ok(())
}

#[test]
fn a_wait_without_a_runtime_ends_with_the_last_diagnosis() -> Result<()> {
    let group = HaGroup::builder().replicas(0).sentinels(1).quorum(1).start()?;
    let stage = Stage::open();
    let discovery = stage.discover(&group)?;

    let mut watch = discovery.watch("nobody")?;
    wait_until(PATIENCE, "a search is over", || watch.current().trouble.is_some())?;
    let error = watch.wait_for_blocking(Millis::new(800), |seen| seen.master.is_some()).expect_err("no such name");

    assert_eq!(error.kind(), ErrorKind::MasterUnknown, "{error}");
    Ok(())
}

fn named(name: &str) -> Access {
    Access { client_name: Some(name.into()), ..Access::default() }
}

fn is_watch(line: &str) -> bool {
    !line.contains(" sub=0 ")
}

/// The lines of `CLIENT LIST` of a member that have this name.
fn lines_of(group: &HaGroup, member: Member, name: &str) -> Result<Vec<String>> {
    let list = group.connect(member)?.text(&["CLIENT", "LIST"])?;
    let wanted = format!(" name={name} ");
    Ok(list.lines().filter(|line| line.contains(&wanted)).map(str::to_owned).collect())
}

fn open_lines(group: &HaGroup, name: &str) -> Result<Vec<String>> {
    let members = group.sentinels().into_iter().chain(group.servers());
    let lines: Result<Vec<_>> = members.map(|member| lines_of(group, member, name)).collect();
    Ok(lines?.concat())
}

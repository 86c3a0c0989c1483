//! A failover is one switch to whoever follows the master, whoever the sentinels are and whatever began it.

use sentinelle::{
    discovery::Switches,
    error::Result,
    finder::Phase,
    testing::{Backend, HaGroup},
    types::{Endpoint, Millis},
};

use crate::stage::{PATIENCE, Stage};

#[test]
fn a_killed_master_is_one_switch() -> Result<()> {
    for backend in [Backend::Real, Backend::RealSentinels] {
        let group = HaGroup::builder().backend(backend).start()?;
        let stage = Stage::open();
        let discovery = stage.discover(&group)?;
        stage.master(&discovery, &group)?;
        let mut switches = discovery.switches(group.name())?;

        let old = group.master()?;
        group.kill(old)?;
        let switch = switches.next_blocking(PATIENCE)?.expect("the master was killed");
        let new = group.wait_master_other_than(old)?;

        assert_eq!(switch.old.socket(), Some(group.address(old)?), "{backend:?}");
        assert_eq!(switch.new.socket(), Some(group.address(new)?), "{backend:?}");
        assert_quiet(&mut switches, &group)?;
        assert_eq!(stage.master(&discovery, &group)?, group.address(new)?);
    }
    Ok(())
}

#[test]
fn a_planned_failover_is_one_switch_with_a_hold_before_it() -> Result<()> {
    let group = HaGroup::builder().backend(Backend::RealSentinels).start()?;
    let stage = Stage::open();
    let discovery = stage.discover(&group)?;
    stage.master(&discovery, &group)?;
    let mut watch = discovery.watch(group.name())?;
    let mut switches = discovery.switches(group.name())?;
    let mut events = discovery.events();

    let old = group.master()?;
    let generation = watch.current().generation;
    group.failover()?;
    let after = watch.wait_for_blocking(PATIENCE, |seen| seen.generation > generation && seen.phase == Phase::Up)?;
    let switch = switches.next_blocking(PATIENCE)?.expect("a failover was ordered");
    let new = group.wait_master_other_than(old)?;

    assert_eq!(after.generation.as_u64(), generation.as_u64() + 1);
    assert_eq!(switch.new.socket(), Some(group.address(new)?));
    assert_quiet(&mut switches, &group)?;
    let mut names = Vec::new();
    while let Some(notice) = events.next_blocking(Millis::ZERO)? {
        names.push(notice.event.kind.name());
    }
    let places = ["hold-start", "switched", "hold-end"].map(|name| names.iter().position(|known| *known == name));
    assert!(places[0].is_some() && places[0] < places[1] && places[2].is_some(), "{names:?}");
    Ok(())
}

#[test]
fn a_master_whose_connections_break_is_no_switch() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let stage = Stage::open();
    let discovery = stage.discover(&group)?;
    let master = stage.master(&discovery, &group)?;
    let mut watch = discovery.watch(group.name())?;
    let before = watch.current();

    discovery.suspect(watch.name(), before.generation, sentinelle::finder::Sign::Disconnected);
    watch.wait_for_blocking(PATIENCE, |seen| seen.phase == Phase::Suspect)?;
    let after = watch.wait_for_blocking(PATIENCE, |seen| seen.phase == Phase::Up)?;

    assert_eq!((after.generation, after.master.as_ref().and_then(Endpoint::socket)), (before.generation, Some(master)));
    Ok(())
}

/// No further switch is told while all sentinels come to agree and every server has its role.
fn assert_quiet(switches: &mut Switches, group: &HaGroup) -> Result<()> {
    group.wait_agreement()?;
    let further = switches.next_blocking(Millis::new(300))?;
    assert_eq!(further, None);
    Ok(())
}

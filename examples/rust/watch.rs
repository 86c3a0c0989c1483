//! How a program follows the master: switches as they happen, and the snapshot of every moment.

use sentinelle::{discovery::Discovery, error::Result, finder::Phase, testing::HaGroup, types::Millis};

const PATIENCE: Millis = Millis::new(10_000);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_is_told_once() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let discovery = Discovery::open(&group.url())?;
    let before = discovery.master(group.name(), PATIENCE).await?;

    let mut switches = discovery.switches(group.name())?;
    group.kill(group.master()?)?;
    let switch = switches.next().await.expect("the discovery is open");

    assert_eq!(switch.old, before);
    assert_eq!(switch.new, discovery.master(group.name(), PATIENCE).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_tells_how_far_the_master_may_be_relied_on() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let discovery = Discovery::open(&group.url())?;
    let mut watch = discovery.watch(group.name())?;
    let first = watch.wait_for(PATIENCE, |seen| seen.phase == Phase::Up).await?;

    group.failover()?;
    let second = watch.wait_for(PATIENCE, |seen| seen.phase == Phase::Up && seen.generation > first.generation).await?;

    assert_ne!(second.master, first.master);
    assert!(second.epoch > first.epoch);
    Ok(())
}

#[test]
fn a_thread_without_a_runtime_waits_too() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let discovery = runtime.block_on(async { Discovery::open(&group.url()) })?;

    let seen = discovery.watch(group.name())?.wait_for_blocking(PATIENCE, |seen| seen.phase == Phase::Up)?;

    assert!(seen.master.is_some());
    Ok(())
}

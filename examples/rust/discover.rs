//! How a program finds the master behind sentinels, connects to it, and is told why when there is none.

use sentinelle::{
    discovery::{ClientUrl, Discovery, ServerKind},
    error::{ErrorKind, Result},
    testing::HaGroup,
    types::Millis,
};

const PATIENCE: Millis = Millis::new(5_000);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_and_its_replicas_are_found() -> Result<()> {
    let group = HaGroup::builder().start()?;

    // In production: `redis+sentinel://app:secret@10.0.0.1,10.0.0.2,10.0.0.3/cart`.
    let url = ClientUrl::parse(&group.url())?;
    let name = url.master.map_or_else(|| "mymaster".to_owned(), |name| name.to_string());
    let discovery = url.discovery.start()?;

    let master = discovery.master(&name, PATIENCE).await?;
    let replicas = discovery.replicas(&name, PATIENCE).await?;
    let connection = discovery.data().dial(&master, ServerKind::Data { database: 0 }, PATIENCE).await?;

    assert_eq!(master.socket(), Some(group.address(group.master()?)?));
    assert_eq!(replicas.len(), 2);
    assert!(connection.welcome.role.is_master());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_says_what_each_sentinel_said() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let discovery = Discovery::open(&group.url())?;

    let error = discovery.master("misspelt", Millis::new(1_000)).await.expect_err("nobody monitors it");

    assert_eq!(error.kind(), ErrorKind::MasterUnknown);
    assert_eq!(error.evidence().len(), group.sentinels().len());
    Ok(())
}

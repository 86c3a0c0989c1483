//! How a program is its own sentinel: it monitors the servers, and finds the master through itself.

use sentinelle::{
    discovery::Discovery,
    driver::Sentinel,
    error::Result,
    testing::{DataServer, ServerPlan},
    types::{Endpoint, Millis},
};

const PATIENCE: Millis = Millis::new(10_000);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_fails_its_own_master_over() -> Result<()> {
    let mut servers = DataServer::start_replicated(&ServerPlan::default(), 1)?;
    let master = servers[0].address();

    // Alone it decides alone. In production at least three programs do this, each with `config_file` set.
    let sentinel = Sentinel::builder()
        .listen(([127, 0, 0, 1], 0))
        .monitor("cart", &master.ip().to_string(), master.port(), 1)?
        .down_after(Millis::new(500))
        .start()
        .await?;
    let discovery = Discovery::builder().seeds(sentinel.address().map(Endpoint::numeric)).start()?;
    let mut watch = discovery.watch("cart")?;
    watch.wait_for(PATIENCE, |seen| seen.replicas.len() == 1).await?;

    let mut switches = discovery.switches("cart")?;
    servers[0].kill();
    let switch = switches.next().await.expect("the discovery is open");

    assert_eq!(switch.new.socket(), Some(servers[1].address()));
    sentinel.stop().await;
    Ok(())
}

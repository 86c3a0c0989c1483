//! How a service keeps its connections: shared state for request handlers, and a worker that waits for jobs.
//!
//! Both go through a failover here, against real servers. In production the sentinels' addresses come from the
//! configuration; nothing else differs.

use std::sync::Arc;

use sentinelle::{
    discovery::Discovery,
    error::{ErrorKind, Result},
    pool::{Command, Pool, ReadFrom},
    resp::Value,
    testing::HaGroup,
    types::{Endpoint, Millis},
};

/// What every request handler is given, as the state of a web framework.
#[derive(Clone)]
struct Shop {
    redis: Arc<Pool>,
}

impl Shop {
    /// `POST /orders`: waits through a failover and is tried again where that is harmless.
    async fn order(&self, number: i64) -> Result<()> {
        let command = Command::named("SADD").word("orders").number(number);
        self.redis.execute(command).await.map(drop)
    }

    /// `GET /orders`: may be read from a replica, which may be a moment behind.
    async fn count(&self) -> Result<i64> {
        let command = Command::new(["SCARD", "orders"]).read_from(ReadFrom::ReplicaPreferred);
        let reply = self.redis.execute(command).await?;
        Ok(if let Value::Integer(count) = reply { count } else { 0 })
    }
}

/// Takes jobs from a list until one says `stop`; gives how many it did.
///
/// While it waits it blocks its own thread, not the pool. A switch ends the wait with [`ErrorKind::Moved`], and the next
/// wait is on the new master.
fn work(pool: &Pool) -> Result<usize> {
    let wait = Command::new(["BLPOP", "jobs", "5"]);
    let mut done = 0;
    loop {
        match pool.execute_blocking(&wait) {
            Ok(Value::Array(popped)) if popped.get(1).and_then(Value::as_text) == Some("stop") => return Ok(done),
            Ok(Value::Array(_)) => done += 1,
            // No job for five seconds.
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Moved => {}
            Err(error) => return Err(error),
        }
    }
}

#[test]
fn handlers_and_workers_survive_a_failover() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    let pool = {
        let _runtime = runtime.enter();
        open(&group)?
    };
    let shop = Shop { redis: Arc::new(pool.clone()) };
    let worker = std::thread::spawn({
        let pool = pool.clone();
        move || work(&pool)
    });

    runtime.block_on(async {
        for number in 0..100 {
            if number == 50 {
                group.failover()?;
            }
            shop.order(number).await?;
        }
        pool.execute(Command::new(["RPUSH", "jobs", "paint", "stop"])).await
    })?;

    let done = worker.join().expect("a worker does not panic")?;
    group.wait_synced()?;
    assert_eq!((done, runtime.block_on(shop.count())?), (1, 100));
    Ok(())
}

/// The pool of a service, made once, on a runtime.
fn open(group: &HaGroup) -> Result<Pool> {
    let seeds = group.sentinel_addresses().into_iter().map(Endpoint::numeric);
    let discovery = Discovery::builder().seeds(seeds).start()?;
    Pool::builder(&discovery, group.name()).timeout(Millis::new(10_000)).build()
}

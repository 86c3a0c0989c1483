//! How a service is tested through a failover, a partition and a stale master, against real servers.
//!
//! The service here keeps orders. Put your own in its place: all it needs is the addresses of the sentinels and the
//! name of the master, as in production. Each test has a group of its own, which takes about a tenth of a second.

use std::net::SocketAddr;

use sentinelle::{
    error::{Error, ErrorKind, Result},
    resp::Value,
    testing::{Client, HaGroup, wait_until},
    types::Millis,
};

#[test]
fn orders_are_taken_again_after_the_master_has_died() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let mut service = Service::new(&group);
    service.take_order(1)?;
    group.wait_synced()?;

    let old = group.master()?;
    group.kill(old)?;
    service.take_order(2)?;

    assert_ne!(group.wait_agreement()?, old);
    assert_eq!(service.orders()?, ["1", "2"]);
    Ok(())
}

#[test]
fn orders_are_taken_although_the_master_has_vanished_without_a_word() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let mut service = Service::new(&group);
    service.take_order(1)?;
    group.wait_synced()?;

    let old = group.master()?;
    group.isolate(old);
    service.take_order(2)?;
    group.heal()?;
    group.wait_role(old, "slave")?;

    assert_eq!(service.orders()?, ["1", "2"]);
    Ok(())
}

#[test]
fn a_connection_to_a_stale_master_is_not_trusted() -> Result<()> {
    let group = HaGroup::builder().start()?;
    let mut service = Service::new(&group);
    service.take_order(1)?;
    group.wait_synced()?;

    // Clients still reach the old master; its replicas and the sentinels do not.
    let old = group.master()?;
    let mut stale = group.connect(old)?;
    group.partition(&[old], &group.replicas()?);
    group.partition(&[old], &group.sentinels());
    group.wait_master_other_than(old)?;
    let answer = stale.command(&["RPUSH", ORDERS, "written to the stale master"])?;
    service.take_order(2)?;
    group.heal()?;
    group.wait_role(old, "slave")?;
    group.wait_synced()?;

    assert!(matches!(answer, Value::Integer(_)), "the stale master acknowledges what will be lost: {answer:?}");
    assert_eq!(service.orders()?, ["1", "2"]);
    Ok(())
}

const ORDERS: &str = "orders";
/// How long the service waits for the master before it looks for another one.
const IMPATIENCE: Millis = Millis::new(150);
const LONGEST_OUTAGE: Millis = Millis::new(10_000);

/// A service that keeps orders in a list.
struct Service {
    sentinels: Vec<SocketAddr>,
    name: String,
}

impl Service {
    fn new(group: &HaGroup) -> Self {
        Self { sentinels: group.sentinel_addresses(), name: group.name().to_owned() }
    }

    /// Takes an order, however long the master is away. An order whose fate is unknown is looked for before it is
    /// written again.
    fn take_order(&mut self, number: u32) -> Result<()> {
        let order = number.to_string();
        wait_until(LONGEST_OUTAGE, "the order is taken", || {
            self.look().is_ok_and(|orders| orders.contains(&order) || self.append(&order).is_ok())
        })
        .map(drop)
    }

    fn append(&self, order: &str) -> Result<()> {
        let reply = self.master()?.command(&["RPUSH", ORDERS, order])?;
        let is_taken = matches!(reply, Value::Integer(_));
        is_taken.then_some(()).ok_or_else(|| Error::new(ErrorKind::Protocol, "take an order", format!("{reply:?}")))
    }

    /// All orders, however long the master is away.
    fn orders(&self) -> Result<Vec<String>> {
        let mut orders = Vec::new();
        wait_until(LONGEST_OUTAGE, "the orders are read", || {
            self.look().is_ok_and(|found| {
                orders = found;
                true
            })
        })?;
        Ok(orders)
    }

    fn look(&self) -> Result<Vec<String>> {
        let reply = self.master()?.command(&["LRANGE", ORDERS, "0", "-1"])?;
        let Value::Array(orders) = reply else {
            return Err(Error::new(ErrorKind::Protocol, "read the orders", format!("{reply:?}")));
        };
        Ok(orders.iter().filter_map(Value::as_text).map(str::to_owned).collect())
    }

    /// A connection to the server that most sentinels call the master.
    fn master(&self) -> Result<Client> {
        let ask = |sentinel: &SocketAddr| Client::connect(*sentinel, IMPATIENCE)?.master(&self.name);
        let answers: Vec<_> = self.sentinels.iter().filter_map(|sentinel| ask(sentinel).ok().flatten()).collect();
        let has_most = |address: &&SocketAddr| {
            answers.iter().filter(|answer| answer == address).count() * 2 > self.sentinels.len()
        };
        let address = answers.iter().find(has_most).copied();
        let address = address.ok_or_else(|| Error::new(ErrorKind::Connection, "find the master", "no majority"))?;
        Client::connect(address, IMPATIENCE)
    }
}

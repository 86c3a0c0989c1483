//! Decides who plays in the demo, and that all of them leave the stage at its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use super::{DOWN_AFTER, PATIENCE, writer};
use crate::{
    error::{Error, ErrorKind, Result},
    resp::Value,
    testing::{
        DataServer, EventLog, Flavour, SentinelPlan, SentinelProcess, ServerPlan, Stopwatch, Watched, wait_until,
    },
    types::Millis,
};

const NAME: &str = "demo";
const LETTERS: [&str; 3] = ["A", "B", "C"];

/// Three servers, three sentinels, a client.
pub(super) struct Cast {
    // Dropped in this order: who depends on others goes first.
    pub(super) writer: writer::Writer,
    pub(super) log: EventLog,
    sentinels: Vec<SentinelProcess>,
    pub(super) servers: Vec<DataServer>,
}

impl Cast {
    /// Starts all, and waits until the sentinels know each other and the client writes.
    pub(super) fn start(watch: Stopwatch) -> Result<Self> {
        let servers = DataServer::start_replicated(&ServerPlan::default(), 2)?;
        let watched = Watched {
            name: NAME.into(),
            address: servers[0].address(),
            quorum: 2,
            down_after: DOWN_AFTER,
            failover_timeout: PATIENCE,
            options: Vec::new(),
        };
        let plan = SentinelPlan { flavour: Flavour::Redis, program: None, masters: vec![watched], lines: Vec::new() };
        let sentinels = LETTERS.iter().map(|_| SentinelProcess::start(&plan)).collect::<Result<Vec<_>>>()?;
        let mut log = EventLog::begin_at(watch);
        for (letter, sentinel) in LETTERS.iter().zip(&sentinels) {
            log.follow(letter, sentinel.address())?;
        }
        let addresses: Vec<_> = sentinels.iter().map(SentinelProcess::address).collect();
        wait_until(PATIENCE, "the sentinels know the replicas and each other", || {
            addresses.iter().all(|sentinel| is_complete(*sentinel).unwrap_or(false))
        })?;
        let writer = writer::Writer::start(NAME, addresses, log.notes());
        Ok(Self { writer, log, sentinels, servers })
    }

    /// The sentinels' letters and addresses.
    pub(super) fn sentinels(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        LETTERS.into_iter().zip(self.sentinels.iter().map(SentinelProcess::address))
    }

    /// The sentinels' letters by their identity.
    pub(super) fn letters(&self) -> BTreeMap<String, String> {
        let id = |sentinel: &SentinelProcess| sentinel.client()?.text(&["SENTINEL", "MYID"]);
        let pairs = LETTERS.iter().zip(&self.sentinels);
        pairs.filter_map(|(letter, sentinel)| Some((id(sentinel).ok()?, (*letter).to_owned()))).collect()
    }

    /// Waits until `is_true` of the cast, or until somebody presses ctrl-C.
    pub(super) fn wait(&self, limit: Millis, what: &str, mut is_true: impl FnMut(&Self) -> bool) -> Result<()> {
        wait_until(limit, what, || is_true(self)).map(drop)
    }

    /// Ends the writing, and counts the acknowledged numbers and those of them that the new master does not have.
    pub(super) fn count_writes(&mut self) -> Result<(u64, u64)> {
        self.writer.stop();
        let acknowledged = self.writer.acknowledged();
        let master = self.sentinels[0].master(NAME)?;
        let server = self.servers.iter().find(|server| Some(server.address()) == master);
        let server = server.ok_or_else(|| Error::new(ErrorKind::Protocol, "count", "no server is the master"))?;
        let reply = server.client()?.command(&["SMEMBERS", writer::KEY])?;
        let Value::Array(members) = reply else {
            return Err(Error::new(ErrorKind::Protocol, "count", format!("{reply:?}")));
        };
        let kept: BTreeSet<u64> = members.iter().filter_map(|member| member.as_text()?.parse().ok()).collect();
        let lost = (1..=acknowledged).filter(|number| !kept.contains(number)).count();
        Ok((acknowledged, lost as u64))
    }
}

/// Whether a sentinel knows two replicas and two other sentinels.
fn is_complete(sentinel: SocketAddr) -> Result<bool> {
    let mut client = crate::testing::Client::connect(sentinel, Millis::new(1000))?;
    let mut count = |what: &str| match client.command(&["SENTINEL", what, NAME]) {
        Ok(Value::Array(items)) => items.len(),
        Ok(_) | Err(_) => 0,
    };
    Ok(count("REPLICAS") == 2 && count("SENTINELS") == 2)
}

//! Decides who plays in the demo, and that all of them leave the stage at its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::runtime::{self, Runtime};

use super::{DOWN_AFTER, PATIENCE, writer::Writer};
use crate::{
    driver::{Heard, Sentinel},
    error::{Error, ErrorKind, Result},
    resp::Value,
    testing::{Client, DataServer, EventLog, EventNotes, ServerPlan, Stopwatch, wait_until},
    types::Millis,
};

const NAME: &str = "demo";
const LETTERS: [&str; 3] = ["A", "B", "C"];

/// Three servers, three sentinels, a client.
pub(super) struct Cast {
    // Dropped in this order: who depends on others goes first.
    pub(super) writer: Writer,
    pub(super) log: EventLog,
    sentinels: Vec<Sentinel>,
    interrupted: Arc<AtomicBool>,
    /// The sentinels live in it, and end with it.
    _runtime: Runtime,
    pub(super) servers: Vec<DataServer>,
}

impl Cast {
    /// Starts all, and waits until the sentinels know each other.
    pub(super) fn start(watch: Stopwatch) -> Result<Self> {
        let failed = |error| Error::new(ErrorKind::Stopped, "start", "the demo").because(error);
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
        let interrupted = notice_interrupt(&runtime);
        let servers = DataServer::start_replicated(&ServerPlan::default(), 2)?;
        let log = EventLog::begin_at(watch);
        let mut sentinels = Vec::new();
        for letter in LETTERS {
            let sentinel = runtime.block_on(start_sentinel(servers[0].address()))?;
            runtime.spawn(note_events(sentinel.events(), letter, log.notes()));
            sentinels.push(sentinel);
        }
        let addresses: Vec<_> = sentinels.iter().filter_map(Sentinel::address).collect();
        let writer = Writer::start(NAME, addresses.clone(), log.notes());
        let cast = Self { writer, log, sentinels, interrupted, _runtime: runtime, servers };
        cast.wait(PATIENCE, "the sentinels know the replicas and each other", |_| {
            addresses.iter().all(|sentinel| is_complete(*sentinel).unwrap_or(false))
        })?;
        Ok(cast)
    }

    /// The sentinels' letters and addresses.
    pub(super) fn sentinels(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        LETTERS.into_iter().zip(self.sentinels.iter().filter_map(Sentinel::address))
    }

    /// The sentinels' letters by their identity.
    pub(super) fn letters(&self) -> BTreeMap<String, String> {
        let pairs = LETTERS.into_iter().zip(&self.sentinels);
        pairs.map(|(letter, sentinel)| (sentinel.id().to_string(), letter.to_owned())).collect()
    }

    /// Waits until `is_true` of the cast, or until somebody presses ctrl-C.
    pub(super) fn wait(&self, limit: Millis, what: &str, mut is_true: impl FnMut(&Self) -> bool) -> Result<()> {
        let interrupted = || self.interrupted.load(Ordering::Relaxed);
        wait_until(limit, what, || interrupted() || is_true(self))?;
        if interrupted() { Err(Error::new(ErrorKind::Stopped, "play", "interrupted")) } else { Ok(()) }
    }

    /// Ends the writing, and counts the acknowledged numbers and those of them that the new master does not have.
    pub(super) fn count_writes(&mut self) -> Result<(u64, u64)> {
        self.writer.stop();
        let acknowledged = self.writer.acknowledged();
        let mut servers = self.servers.iter();
        let master = servers.find(|server| server.role().is_ok_and(|role| role == "master"));
        let server = master.ok_or_else(|| Error::new(ErrorKind::Protocol, "count", "no server is the master"))?;
        let reply = server.client()?.command(&["SMEMBERS", super::writer::KEY])?;
        let Value::Array(members) = reply else {
            return Err(Error::new(ErrorKind::Protocol, "count", format!("{reply:?}")));
        };
        let kept: BTreeSet<u64> = members.iter().filter_map(|member| member.as_text()?.parse().ok()).collect();
        let lost = (1..=acknowledged).filter(|number| !kept.contains(number)).count();
        Ok((acknowledged, lost as u64))
    }
}

async fn start_sentinel(master: SocketAddr) -> Result<Sentinel> {
    Sentinel::builder()
        .listen((Ipv4Addr::LOCALHOST, 0))
        .monitor(NAME, &master.ip().to_string(), master.port(), 2)?
        .down_after(DOWN_AFTER)
        .failover_timeout(PATIENCE)
        .start()
        .await
}

/// Notes a sentinel's events under its letter until it ends.
async fn note_events(mut events: crate::driver::Events, letter: &'static str, notes: EventNotes) {
    while let Some(heard) = events.next().await {
        if let Heard::Event(event) = heard {
            notes.note(letter, event.kind.name(), &event.text);
        }
    }
}

/// A flag that is raised by ctrl-C, so that everything is ended in order.
fn notice_interrupt(runtime: &Runtime) -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            flag.store(true, Ordering::Relaxed);
        }
    });
    interrupted
}

/// Whether a sentinel knows two replicas and two other sentinels.
fn is_complete(sentinel: SocketAddr) -> Result<bool> {
    let mut client = Client::connect(sentinel, Millis::new(1000))?;
    let mut count = |what: &str| match client.command(&["SENTINEL", what, NAME]) {
        Ok(Value::Array(items)) => items.len(),
        Ok(_) | Err(_) => 0,
    };
    Ok(count("REPLICAS") == 2 && count("SENTINELS") == 2)
}

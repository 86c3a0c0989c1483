//! Decides who plays in the demo, and that all of them leave the stage at its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::runtime::{self, Runtime};

use super::{DOWN_AFTER, PATIENCE, writer::Writer};
use crate::{
    error::{Error, ErrorKind, Result},
    resp::Value,
    testing::{HaGroup, Member, Pace, Profile, wait_until},
    types::Millis,
};

const NAME: &str = "demo";
const LETTERS: [&str; 3] = ["A", "B", "C"];

/// The server that is the master at the beginning.
pub(super) const FIRST: Member = Member::Server(0);

/// Three servers, three sentinels, a client.
pub(super) struct Cast {
    // Dropped in this order: who depends on others goes first.
    pub(super) writer: Writer,
    pub(super) group: HaGroup,
    interrupted: Arc<AtomicBool>,
    /// Where ctrl-C is noticed.
    _runtime: Runtime,
}

impl Cast {
    /// Starts all, and waits until the sentinels know each other.
    pub(super) fn start() -> Result<Self> {
        let failed = |error| Error::new(ErrorKind::Stopped, "start", "the demo").because(error);
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)?;
        let interrupted = notice_interrupt(&runtime);
        let pace = Pace { down_after: DOWN_AFTER, failover_timeout: PATIENCE, ..Profile::Stock.pace() };
        let group = HaGroup::builder().name(NAME).profile(Profile::Custom(pace)).patience(PATIENCE).start()?;
        let writer = Writer::start(NAME, group.sentinel_addresses(), group.events().notes());
        Ok(Self { writer, group, interrupted, _runtime: runtime })
    }

    /// The sentinels' letters and addresses.
    pub(super) fn sentinels(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        LETTERS.into_iter().zip(self.group.sentinel_addresses())
    }

    /// The sentinels' letters, by their names in the group and by their identities.
    pub(super) fn letters(&self) -> Result<BTreeMap<String, String>> {
        let mut letters = BTreeMap::new();
        for (letter, sentinel) in LETTERS.into_iter().zip(self.group.sentinels()) {
            letters.insert(sentinel.to_string(), letter.to_owned());
            letters.insert(self.group.connect(sentinel)?.text(&["SENTINEL", "MYID"])?, letter.to_owned());
        }
        Ok(letters)
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
        let reply = self.group.client()?.command(&["SMEMBERS", super::writer::KEY])?;
        let Value::Array(members) = reply else {
            return Err(Error::new(ErrorKind::Protocol, "count", format!("{reply:?}")));
        };
        let kept: BTreeSet<u64> = members.iter().filter_map(|member| member.as_text()?.parse().ok()).collect();
        let lost = (1..=acknowledged).filter(|number| !kept.contains(number)).count();
        Ok((acknowledged, lost as u64))
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

//! Decides what a test waits for, and what it is shown when that does not come.

use std::{
    collections::BTreeMap,
    sync::{
        PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{HaGroup, Member, Node};
use crate::{
    error::{Error, ErrorKind, Result},
    testing::{Client, Heard, Stopwatch, wait_until},
    types::Millis,
};

/// How long a fresh replica may take to pass a marker on before its link is made anew.
const STREAM_DELAY: Millis = Millis::new(20);

impl HaGroup {
    /// Waits until all running sentinels name the same server, and that server calls itself master.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] with the state of the group; so do all waits.
    pub fn wait_agreement(&self) -> Result<Member> {
        self.wait_for("all running sentinels name the same master", Self::agreed_master)
    }

    /// Waits until most sentinels name another server than `old`, and that server calls itself master.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_master_other_than(&self, old: Member) -> Result<Member> {
        self.wait_for(&format!("most sentinels name another master than {old}"), |group| {
            let answers = group.answers();
            let has_most = |member: &Member| {
                answers.iter().filter(|answer| answer.as_ref() == Some(member)).count() * 2 > answers.len()
            };
            group.servers().into_iter().find(has_most).filter(|&new| new != old && group.calls_itself(new, "master"))
        })
    }

    /// Waits until all running sentinels agree on the master, know all replicas and each other as up, lead no failover,
    /// and a write to the master has arrived on every replica.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_ready(&self) -> Result<()> {
        self.wait_agreement()?;
        self.wait_discovered(self.patience)?;
        self.wait_synced()
    }

    /// Waits until a write to the master has arrived on every server that runs.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_synced(&self) -> Result<()> {
        self.wait_synced_to(self.wait_agreement()?)
    }

    /// Waits until a server reports that role: `master` or `slave`.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_role(&self, member: Member, role: &str) -> Result<()> {
        self.node(member)?;
        self.wait(&format!("{member} reports role {role}"), |group| group.calls_itself(member, role))
    }

    /// Waits for an event of any sentinel, such as `+switch-master`; gives the first one since the start, or since the
    /// last [`HaGroup::reset`].
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_event(&self, channel: &str) -> Result<Heard> {
        self.wait_for(&format!("a sentinel tells {channel}"), |group| {
            let since = group.chapter();
            group.log.of(channel).into_iter().find(|event| event.at >= since)
        })
    }

    /// Waits until `is_true` of this group.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait(&self, what: &str, mut is_true: impl FnMut(&Self) -> bool) -> Result<()> {
        self.wait_for(what, |group| is_true(group).then_some(()))
    }

    /// Watches for that long that no sentinel tells of such an event.
    ///
    /// # Panics
    /// When one does, with the state of the group.
    pub fn assert_never(&self, channel: &str, span: Millis) {
        let (begin, watch) = (self.log.elapsed(), Stopwatch::start());
        let told = || self.log.of(channel).into_iter().find(|event| event.at > begin);
        let heard = wait_until(span, channel, || told().is_some() || watch.elapsed_ms() >= span);
        let event = heard.ok().and_then(|_| told());
        assert!(
            event.is_none(),
            "{} was told{}",
            event.map(|event| event.to_string()).unwrap_or_default(),
            self.report()
        );
    }

    /// Waits until every running sentinel knows all replicas and all other sentinels as up.
    pub(super) fn wait_discovered(&self, limit: Millis) -> Result<()> {
        let running = self.seats.iter().filter(|node| node.seat().is_running()).count();
        let (replicas, peers) = (self.nodes.len() - 1, running.saturating_sub(1));
        self.wait_within(limit, "all sentinels know the replicas and each other", |group| {
            let mut seats = group.seats.iter();
            let knows_all = seats.all(|node| {
                let seat = node.seat();
                !seat.is_running() || seat.knows(&group.name, replicas, peers)
            });
            knows_all.then_some(())
        })
    }

    /// The server that all running sentinels name, when it calls itself master.
    pub(super) fn agreed_master(&self) -> Option<Member> {
        let running = self.seats.iter().zip(self.answers()).filter(|(node, _)| node.seat().is_running());
        let mut answers = running.map(|(_, answer)| answer);
        let master = answers.next()??;
        (answers.all(|answer| answer == Some(master)) && self.calls_itself(master, "master")).then_some(master)
    }

    pub(super) fn wait_synced_to(&self, master: Member) -> Result<()> {
        let mut there = self
            .node(master)?
            .glance()
            .ok_or_else(|| Error::new(ErrorKind::Connection, "reach", format!("{master} does not answer")))?;
        let marker = new_marker();
        there.command(&["SET", &marker, &marker, "PX", "60000"])?;
        let mut open = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let member = Member::Server(index);
            if member != master && !*node.is_paused() && node.server().pid().is_some() {
                open.insert(member, None);
            }
        }
        let watch = Stopwatch::start();
        let mut is_slow = false;
        self.wait("a write to the master arrives on every running server", |group| {
            let is_late = !is_slow && watch.elapsed_ms() >= STREAM_DELAY;
            is_slow |= is_late;
            open.retain(|&member, client| !group.has_marker(member, client, &marker, is_late));
            open.is_empty()
        })?;
        there.command(&["DEL", &marker]).map(drop)
    }

    /// Whether the marker has arrived; a replica that is late gets a new link, whose stream flows at once.
    fn has_marker(&self, member: Member, client: &mut Option<Client>, marker: &str, is_late: bool) -> bool {
        if client.is_none() {
            *client = self.node(member).ok().and_then(Node::glance);
        }
        let Some(open) = client else { return false };
        let answer = open.command(&["GET", marker]);
        if answer.is_err() {
            *client = None;
            return false;
        }
        let has_it = answer.is_ok_and(|value| value.as_text() == Some(marker));
        if is_late && !has_it {
            // A server that follows nobody refuses; the next look tells.
            let _ = open.command(&["CLIENT", "KILL", "TYPE", "master"]);
        }
        has_it
    }

    pub(super) fn calls_itself(&self, member: Member, role: &str) -> bool {
        let client = self.node(member).ok().and_then(Node::glance);
        client.is_some_and(|mut client| client.info("replication", "role").is_ok_and(|now| now == role))
    }

    /// Since when events count.
    pub(super) fn chapter(&self) -> Millis {
        *self.chapter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for<T>(&self, what: &str, look: impl FnMut(&Self) -> Option<T>) -> Result<T> {
        self.wait_within(self.patience, what, look)
    }

    pub(super) fn wait_within<T>(
        &self,
        limit: Millis,
        what: &str,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T> {
        let mut found = None;
        let waited = wait_until(limit, what, || {
            found = look(self);
            found.is_some()
        });
        waited
            .and_then(|_| found.ok_or_else(|| Error::new(ErrorKind::Timeout, "wait", what)))
            .map_err(|error| error.because(self.report()))
    }
}

/// A key that no test uses.
fn new_marker() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("sentinelle:group-marker:{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

//! Decides what a test waits for, and what it is shown when that does not come.

use std::sync::{
    PoisonError,
    atomic::{AtomicU64, Ordering},
};

use super::{HaGroup, Member, Node, Pace, SentinelNode, seat::Seat};
use crate::{
    error::{Error, ErrorKind, Result},
    testing::{Client, Heard, Stopwatch, wait_until},
    types::Millis,
};

/// How long a fresh replica may take to pass a marker on before its link is made anew.
const STREAM_DELAY: Millis = Millis::new(3);
/// How long sentinels may take to find out by themselves what they wait to be told.
const HURRY_AFTER: Millis = Millis::new(30);
/// How long those in this program may take at first to make something of what they were told to look at; then twice
/// as long each time.
const FIRST_NUDGE_GAP: Millis = Millis::new(4);

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

    /// Waits until a member has ended, such as a sentinel that was told to crash ([`HaGroup::crash_sentinel`]).
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_gone(&self, member: Member) -> Result<()> {
        self.address(member)?;
        self.wait(&format!("{member} has ended"), |group| group.is_gone(member))
    }

    /// Waits until the clients have moved to a server: one connection of theirs at least leads to it, and none to
    /// another server. The test's own connections are clients' too; those cut off by a partition do not count.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_clients_on(&self, server: Member) -> Result<()> {
        self.node(server)?;
        self.wait(&format!("the clients are on {server}"), |group| group.has_clients_on(server))
    }

    /// Whether one connection of the clients at least leads to a server, and none to another one.
    pub(super) fn has_clients_on(&self, server: Member) -> bool {
        let are_where_they_should =
            |(member, node): (Member, &Node)| (node.front.count_connections(Member::Client) > 0) == (member == server);
        self.servers().into_iter().zip(&self.nodes).all(are_where_they_should)
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
        let watch = Stopwatch::start();
        let (mut next_nudge, mut gap) = (Millis::ZERO, FIRST_NUDGE_GAP);
        let mut haste = None;
        let waited = self.wait_within(limit, "all sentinels know the replicas and each other", |group| {
            let mut seats = group.seats.iter().map(SentinelNode::seat);
            let knows_all = seats.all(|seat| !seat.is_running() || seat.knows(&group.name, replicas, peers));
            let took = watch.elapsed_ms();
            if !knows_all && took >= next_nudge {
                group.nudge();
                // On a busy machine each nudge makes the others later.
                (next_nudge, gap) = (took.plus(gap), gap.times(2));
            }
            if !knows_all && haste.is_none() && took >= HURRY_AFTER {
                haste = Some(self.hurry_outsiders());
            }
            knows_all.then_some(())
        });
        drop(haste);
        waited
    }

    /// Has the sentinels in this program look for news at once.
    pub(super) fn nudge(&self) {
        self.seats.iter().for_each(|node| node.seat().nudge());
    }

    /// Has the other sentinels look for news often until this is dropped.
    fn hurry_outsiders(&self) -> Haste<'_> {
        self.set_periods(&self.pace.hurried());
        Haste { group: self }
    }

    /// Gives the sentinels that are processes these periods.
    fn set_periods(&self, pace: &Pace) {
        for seat in self.seats.iter().map(SentinelNode::seat) {
            if let Seat::Outside { .. } = &*seat {
                // One that does not answer keeps its own.
                let _ = seat.set_pace(pace);
            }
        }
    }

    /// The server that all running sentinels name, when it calls itself master.
    pub(super) fn agreed_master(&self) -> Option<Member> {
        let running = self.seats.iter().zip(self.answers()).filter(|(node, _)| node.seat().is_running());
        let mut answers = running.map(|(_, answer)| answer);
        let master = answers.next()??;
        (answers.all(|answer| answer == Some(master)) && self.calls_itself(master, "master")).then_some(master)
    }

    pub(super) fn wait_synced_to(&self, master: Member) -> Result<()> {
        let marker = new_marker();
        self.tell(master, &["SET", &marker, &marker, "PX", "60000"])?;
        let is_expected = |node: &Node| !*node.is_paused() && node.server().is_running();
        let others = self.nodes.iter().enumerate().map(|(index, node)| (Member::Server(index), node));
        let others = others.filter(|(member, node)| *member != master && is_expected(node));
        let mut waiting: Vec<_> =
            others.map(|(_, node)| Follower { node, client: None, stream: Stream::AsItCame }).collect();
        let mut met = Vec::new();
        let watch = Stopwatch::start();
        self.wait("a write to the master arrives on every running server", |_| {
            let is_late = watch.elapsed_ms() >= STREAM_DELAY;
            met.extend(waiting.extract_if(.., |follower| follower.has(&marker, is_late)));
            waiting.is_empty()
        })?;
        self.tell(master, &["DEL", &marker])?;
        // Nobody shall count it among his own data.
        let watch = Stopwatch::start();
        self.wait("the mark of that write is gone from every server", |_| {
            let is_late = watch.elapsed_ms() >= STREAM_DELAY;
            met.retain_mut(|follower| !follower.lacks(&marker, is_late));
            met.is_empty()
        })
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

/// A while in which sentinels that are processes look for news often.
struct Haste<'a> {
    group: &'a HaGroup,
}

impl Drop for Haste<'_> {
    fn drop(&mut self) {
        self.group.set_periods(&self.group.pace);
    }
}

/// A replica that a marker has not reached yet.
struct Follower<'a> {
    node: &'a Node,
    client: Option<Client>,
    stream: Stream,
}

/// Whether a replica's link was made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    AsItCame,
    Hurried,
}

impl Follower<'_> {
    /// Whether the marker has arrived.
    fn has(&mut self, marker: &str, is_late: bool) -> bool {
        let holds = self.holds(marker);
        if is_late && holds == Some(false) {
            self.hurry();
        }
        holds == Some(true)
    }

    /// Whether the marker is gone, or its server is.
    fn lacks(&mut self, marker: &str, is_late: bool) -> bool {
        let Some(holds) = self.holds(marker) else {
            return *self.node.is_paused() || !self.node.server().is_running();
        };
        if is_late && holds {
            // What has the marker from a copy may not have heard anything since.
            self.hurry();
        }
        !holds
    }

    /// Whether the server has the marker; `None` when it does not answer.
    fn holds(&mut self, marker: &str) -> Option<bool> {
        if self.client.is_none() {
            self.client = self.node.glance();
        }
        let answer = self.client.as_mut()?.command(&["GET", marker]);
        if answer.is_err() {
            self.client = None;
        }
        answer.ok().map(|value| value.as_text() == Some(marker))
    }

    /// Makes the link to the master anew once, when it is up: the stream of a fresh link begins up to a second late;
    /// that of a link that is made anew, by a partial sync, at once.
    fn hurry(&mut self) {
        let Some(client) = self.client.as_mut().filter(|_| self.stream == Stream::AsItCame) else { return };
        if client.info("replication", "master_link_status").is_ok_and(|status| status == "up") {
            self.stream = Stream::Hurried;
            // When it fails the next look makes a new connection.
            let _ = client.command(&["CLIENT", "KILL", "TYPE", "master"]);
        }
    }
}

/// A key that no test uses.
fn new_marker() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("sentinelle:group-marker:{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

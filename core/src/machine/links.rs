//! Decides when links are opened, closed and reopened, what is said first, and whom an answer belongs to.
//!
//! Mirrors spec 3.2 (first commands), 3.3 (supervision). A refused server is tried again after 0.1 s, doubling
//! to 0.25 s, so that one that returns is met at once; with thousands of links the gap grows, up to the ping
//! period.

use std::net::IpAddr;

use super::{EventKind, Machine, Output, Why};
use crate::{
    config::LogLevel,
    model::{Errand, Link, Phase, Purpose},
    resp::{Request, Value},
    types::{GroupId, LinkId, Millis, NodeId, Now, RequestId, Secret, Tick},
};

impl Machine {
    /// Begins to connect a closed link, looking its name up first where that is wanted.
    pub(super) fn connect(&mut self, now: Now, id: LinkId) {
        let is_behind = self.waits_for_command_link(id);
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.phase != Phase::Idle || link.target.port() == 0 || is_behind {
            return;
        }
        link.attempted = Some(now.tick);
        if self.settings.resolve_hostnames && link.target.is_name() {
            link.phase = Phase::Resolving;
            let host = link.target.host().to_owned();
            let waiting = self.resolving.entry(host.clone()).or_default();
            if waiting.is_empty() {
                self.outputs.push_back(Output::Resolve { host });
            }
            waiting.insert(id);
            return;
        }
        self.open(now, id);
    }

    /// Whether a link only listens, and the server's command link is not open: that one is tried alone.
    pub(super) fn waits_for_command_link(&self, id: LinkId) -> bool {
        let listens = self.links.get(&id).filter(|link| link.purpose == Purpose::PubSub);
        listens.and_then(|link| link.owners.first()).is_some_and(|owner| !self.is_connected(*owner))
    }

    fn open(&mut self, now: Now, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        match link.target.socket() {
            Some(target) => {
                link.phase = Phase::Connecting;
                self.outputs.push_back(Output::Open { link: id, target });
            }
            None => self.link_lost(now, id),
        }
    }

    /// A name was looked up: the links that waited for it go on, with the address they had if there is no new one.
    pub(super) fn resolved(&mut self, now: Now, host: &str, result: &Result<IpAddr, String>) {
        let waiting = self.resolving.remove(host).unwrap_or_default();
        if result.is_err() {
            self.log(LogLevel::Warning, format!("Failed to resolve hostname '{host}'"));
        }
        for id in waiting {
            let waits = |link: &&mut Link| link.phase == Phase::Resolving && link.target.host() == host;
            let Some(link) = self.links.get_mut(&id).filter(waits) else { continue };
            if let &Ok(ip) = result {
                link.target = link.target.resolved(ip);
                let owners: Vec<NodeId> = link.owners.iter().copied().collect();
                for owner in owners {
                    self.move_to(owner, ip);
                }
            }
            self.open(now, id);
        }
    }

    /// Notes the IP address an instance's name leads to.
    fn move_to(&mut self, node: NodeId, ip: IpAddr) {
        let Some(record) = self.nodes.get(&node) else { return };
        let group = record.group;
        let heads_group = self.groups.get(&group).is_some_and(|group| group.master == node);
        if heads_group {
            self.unindex_address(group);
        }
        if let Some(record) = self.nodes.get_mut(&node) {
            record.address = record.address.resolved(ip);
        }
        if heads_group {
            self.index_address(group);
        }
    }

    /// A connection is usable: identity and password go first, then what the link is for.
    pub(super) fn link_opened(&mut self, now: Now, id: LinkId, local: IpAddr) {
        let Some(link) = self.links.get_mut(&id).filter(|link| link.phase == Phase::Connecting) else { return };
        link.phase = Phase::Open;
        link.local = Some(local);
        link.last_heard = now.tick;
        let (purpose, owners) = (link.purpose, link.owners.clone());
        let Some(&first) = owners.first() else { return };
        self.introduce(id, first, purpose);
        match purpose {
            Purpose::Command => {
                self.ping(now, id);
                for owner in owners {
                    if let Some(pubsub) = self.nodes.get(&owner).and_then(|node| node.pubsub) {
                        self.deadlines.set(Why::Info(owner), now.tick);
                        self.deadlines.bring_forward(Why::Reconnect(pubsub), now.tick);
                        // The subscription brings it forward; where that is refused, a hello goes out all the same.
                        self.deadlines.set(Why::Hello(owner), now.tick.after(LISTEN_FIRST));
                    } else {
                        self.deadlines.set(Why::Hello(owner), now.tick);
                    }
                    self.ask_soon(now, owner);
                }
            }
            Purpose::PubSub => {
                let subscribe = ["SUBSCRIBE", super::hello::CHANNEL];
                self.send_on(id, first, Errand::Subscribe, &subscribe);
                self.watch_silence(id);
            }
        }
    }

    /// Sends AUTH, where there is a password, and CLIENT SETNAME.
    fn introduce(&mut self, link: LinkId, node: NodeId, purpose: Purpose) {
        if let Some((user, password)) = self.credentials(node) {
            let mut words = vec!["AUTH"];
            words.extend(user.as_deref());
            words.push(password.reveal());
            self.send_on(link, node, Errand::Ignore, &words);
        }
        let suffix = match purpose {
            Purpose::Command => "cmd",
            Purpose::PubSub => "pubsub",
        };
        let name = format!("sentinel-{}-{suffix}", self.me.short());
        self.send_on(link, node, Errand::Ignore, &["CLIENT", "SETNAME", &name]);
    }

    /// User and password for an instance: the master's for servers, the sentinels' own for peers.
    fn credentials(&self, node: NodeId) -> Option<(Option<String>, Secret)> {
        let node = self.nodes.get(&node)?;
        if node.peer().is_some() {
            let (user, password) = self.settings.peer_credentials()?;
            return Some((user.map(str::to_owned), password.clone()));
        }
        let group = self.groups.get(&node.group)?;
        Some((group.auth_user.clone(), group.auth_pass.clone()?))
    }

    /// A connection ended or could not be made.
    pub(super) fn link_closed(&mut self, now: Now, id: LinkId, reason: &str) {
        let Some(link) = self.links.get(&id) else { return };
        if !matches!(link.phase, Phase::Connecting | Phase::Open) {
            return;
        }
        let kind = match link.purpose {
            Purpose::Command => EventKind::CommandLinkReconnection,
            Purpose::PubSub => EventKind::PubSubLinkReconnection,
        };
        if let Some(&owner) = link.owners.first() {
            let text = format!("{} #{reason}", self.describe(owner));
            let group = self.nodes.get(&owner).map(|node| node.group);
            self.publish(now, kind, group, text);
        }
        self.link_lost(now, id);
    }

    /// Closes a link from this end; it is opened again like one that was lost.
    pub(super) fn close_link(&mut self, now: Now, id: LinkId) {
        let Some(link) = self.links.get(&id) else { return };
        if matches!(link.phase, Phase::Connecting | Phase::Open) {
            self.outputs.push_back(Output::Close { link: id });
            self.link_lost(now, id);
        }
    }

    /// Books a lost link: its questions have no answer, the silence counts from here, and it is tried again.
    fn link_lost(&mut self, now: Now, id: LinkId) {
        let crowd = Millis::new(self.links.len() as u64 / ATTEMPTS_PER_MS);
        let longest_gap = LONGEST_GAP.max(crowd).min(self.settings.periods.ping);
        let Some(link) = self.links.get_mut(&id) else { return };
        link.phase = Phase::Idle;
        link.local = None;
        link.pending.clear();
        let again = next_attempt(now.tick, link.attempted, link.failures, longest_gap);
        link.failures = link.failures.saturating_add(1);
        let (purpose, owners) = (link.purpose, link.owners.clone());
        if purpose == Purpose::Command {
            link.pulse.waiting_since.get_or_insert(now.tick);
        }
        self.deadlines.clear(Why::Ping(id));
        self.deadlines.clear(Why::Silence(id));
        self.deadlines.set(Why::Reconnect(id), again);
        if purpose == Purpose::Command {
            for owner in owners {
                self.deadlines.clear(Why::Info(owner));
                self.deadlines.clear(Why::Hello(owner));
                self.judge(now, owner);
                self.command_link_lost(now, owner);
            }
        }
    }

    /// An answer came: it goes to whoever asked.
    pub(super) fn answered(&mut self, now: Now, id: LinkId, request: RequestId, value: &Value) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some((node, errand)) = link.pending.remove(&request) else { return };
        link.last_heard = now.tick;
        match errand {
            Errand::Ignore => {}
            Errand::Ping => self.ping_answered(now, id, value),
            Errand::Info => self.info_answered(now, node, value),
            Errand::Hello => self.hello_answered(now, node, value),
            Errand::Ask | Errand::AskVote => self.question_answered(now, node, errand, value),
            Errand::Exec => self.exec_answered(now, node, value),
            Errand::Subscribe => {
                if matches!(value, Value::Error(_)) {
                    self.close_link(now, id);
                } else {
                    link.failures = 0;
                    // Of two sentinels that meet here, the later listener's hello is heard by the earlier one.
                    self.deadlines.set(Why::Hello(node), now.tick);
                }
            }
        }
    }

    /// Something came on a subscribing link.
    pub(super) fn heard(&mut self, now: Now, id: LinkId, value: &Value) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.last_heard = now.tick;
        if let Value::Array(parts) | Value::Push(parts) = value
            && let [kind, _, Value::Bulk(payload)] = parts.as_slice()
            && kind.as_text() == Some("message")
        {
            self.hear_hello(now, payload);
        }
    }

    /// Sends a command on an instance's command link, under the name its master's table gives it.
    /// Tells whether it was sent: the link has to be open and not more than 100 commands behind.
    pub(super) fn send(&mut self, node: NodeId, errand: Errand, words: &[&str]) -> bool {
        let Some(link) = self.nodes.get(&node).map(|node| node.command) else { return false };
        self.send_on(link, node, errand, words)
    }

    fn send_on(&mut self, id: LinkId, node: NodeId, errand: Errand, words: &[&str]) -> bool {
        let request = RequestId::new(self.fresh_number());
        let command = self.renamed_command(node, words);
        let Some(link) = self.links.get_mut(&id) else { return false };
        if !link.is_open() || link.pending_count() >= MOST_PENDING * link.owners.len() {
            return false;
        }
        link.pending.insert(request, (node, errand));
        self.outputs.push_back(Output::Send { link: id, request, command });
        true
    }

    fn renamed_command(&self, node: NodeId, words: &[&str]) -> Request {
        let table = self.nodes.get(&node).and_then(|node| self.groups.get(&node.group));
        let name = words.first().map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        let renamed = table.and_then(|group| group.renamed_commands.get(&name));
        let first = renamed.map(String::as_str).or_else(|| words.first().copied());
        Request::new(first.into_iter().chain(words.iter().skip(1).copied()))
    }

    /// Whether a command of this kind waits for its answer.
    pub(super) fn is_pending(&self, node: NodeId, errand: Errand) -> bool {
        let Some(link) = self.nodes.get(&node).and_then(|node| self.links.get(&node.command)) else { return false };
        link.pending.values().any(|&waiting| waiting == (node, errand))
    }

    /// Whether an instance's command link is open.
    pub(super) fn is_connected(&self, node: NodeId) -> bool {
        let link = self.nodes.get(&node).and_then(|node| self.links.get(&node.command));
        link.is_some_and(Link::is_open)
    }

    /// Whether the links of an instance are all usable.
    pub(super) fn is_linked(&self, node: NodeId) -> bool {
        let Some(node) = self.nodes.get(&node) else { return false };
        let is_open = |id: &LinkId| self.links.get(id).is_some_and(Link::is_open);
        is_open(&node.command) && node.pubsub.as_ref().is_none_or(is_open)
    }

    /// Sets the deadline at which silence closes a link.
    pub(super) fn watch_silence(&mut self, id: LinkId) {
        match self.silent_at(id) {
            Some(at) => self.deadlines.set(Why::Silence(id), at),
            None => self.deadlines.clear(Why::Silence(id)),
        }
    }

    /// Closes a link that is old enough and has been silent for too long.
    pub(super) fn drop_silent_link(&mut self, now: Now, id: LinkId) {
        match self.silent_at(id) {
            Some(at) if at <= now.tick => self.close_link(now, id),
            Some(at) => self.deadlines.set(Why::Silence(id), at),
            None => {}
        }
    }

    /// When a link has been silent for too long: a command link with a PING outstanding for half of down-after,
    /// a subscribing link on which not even our own hellos came for three rounds.
    fn silent_at(&self, id: LinkId) -> Option<Tick> {
        let link = self.links.get(&id).filter(|link| link.is_open())?;
        let periods = &self.settings.periods;
        let grown = link.attempted?.after(periods.min_link_reconnect);
        let silent = match link.purpose {
            Purpose::PubSub => link.last_heard.after(periods.publish.times(3)),
            Purpose::Command => {
                let half = self.shortest_down_after(id)?.half();
                link.pulse.waiting_since?.after(half).max(link.pulse.last_any.after(half))
            }
        };
        Some(grown.max(silent).after(Millis::new(1)))
    }

    /// The smallest down-after of the masters that use a link.
    pub(super) fn shortest_down_after(&self, id: LinkId) -> Option<Millis> {
        let owners = &self.links.get(&id)?.owners;
        let groups = owners.iter().filter_map(|owner| self.groups.get(&self.nodes.get(owner)?.group));
        groups.map(|group| group.down_after).min()
    }

    /// Closes the links to a master and all its replicas, so that they open again with the new credentials.
    pub(super) fn reconnect_servers(&mut self, now: Now, group: GroupId) {
        for node in self.members(group) {
            if let Some(record) = self.nodes.get(&node).filter(|node| node.peer().is_none()) {
                let links = [Some(record.command), record.pubsub];
                links.into_iter().flatten().for_each(|link| self.close_link(now, link));
            }
        }
    }

    /// Closes the links to all peers, so that they open again with the new credentials.
    pub(super) fn reconnect_peers(&mut self, now: Now) {
        let peers: Vec<LinkId> =
            self.nodes.values().filter(|node| node.peer().is_some()).map(|node| node.command).collect();
        for link in peers {
            self.close_link(now, link);
        }
    }

    /// Leads an instance's links to another address.
    pub(super) fn redirect(&mut self, now: Now, node: NodeId, address: &crate::types::Endpoint) {
        let Some(record) = self.nodes.get_mut(&node) else { return };
        record.address = address.clone();
        let links = [Some(record.command), record.pubsub];
        for id in links.into_iter().flatten() {
            self.close_link(now, id);
            if let Some(link) = self.links.get_mut(&id) {
                link.target = address.clone();
                link.failures = 0;
                link.phase = Phase::Idle;
                self.deadlines.set(Why::Reconnect(id), now.tick);
            }
        }
    }
}

/// When a lost link is tried again: at once after it served for a while, else with a growing gap.
fn next_attempt(now: Tick, attempted: Option<Tick>, failures: u32, longest_gap: Millis) -> Tick {
    let gap = Millis::new(FIRST_GAP.as_ms() << failures.min(4)).min(longest_gap);
    attempted.map_or(now, |attempted| attempted.after(gap).max(now))
}

/// Commands without an answer on one link, for each master that shares it; as the reference.
const MOST_PENDING: usize = 100;

/// Between the first two attempts to connect.
const FIRST_GAP: Millis = Millis::new(100);

/// Between two attempts to connect, at most; a returning master is to be met within half a second.
const LONGEST_GAP: Millis = Millis::new(250);

/// How long a hello to a server waits for the subscription there, so that answers to it are heard.
const LISTEN_FIRST: Millis = Millis::new(200);

/// Attempts that all links together may make in a millisecond when all of them fail.
const ATTEMPTS_PER_MS: u64 = 4;

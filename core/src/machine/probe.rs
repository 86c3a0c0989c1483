//! Decides when PING and INFO are sent, and what their answers mean.
//!
//! Mirrors spec 3.4, 3.5 and 4, with one of each in flight at a time. A master is pinged twenty times within
//! its down-after, because the failure clock starts at the first PING that stays unanswered.

use super::{EventKind, Machine, Why};
use crate::{
    model::{Errand, Info, NodeKind, ReplicaFacts, Role, Stage},
    resp::Value,
    types::{GroupId, LinkId, Millis, NodeId, Now, Tick},
};

impl Machine {
    /// Sends a PING unless one is outstanding, and sets the deadline of the next.
    pub(super) fn ping(&mut self, now: Now, id: LinkId) {
        let Some(interval) = self.ping_interval(id) else { return };
        let Some(link) = self.links.get(&id).filter(|link| link.is_open()) else { return };
        let Some(&owner) = link.owners.first() else { return };
        self.deadlines.set(Why::Ping(id), now.tick.after(interval));
        let outstanding = link.pending.values().any(|(_, errand)| *errand == Errand::Ping);
        if outstanding || !self.send(owner, Errand::Ping, &["PING"]) {
            return;
        }
        if let Some(link) = self.links.get_mut(&id) {
            link.pulse.last_sent = Some(now.tick);
            link.pulse.waiting_since.get_or_insert(now.tick);
        }
        self.judge_owners(now, id);
        self.watch_silence(id);
    }

    /// How often the instance behind a link is pinged.
    fn ping_interval(&self, id: LinkId) -> Option<Millis> {
        let down_after = self.shortest_down_after(id)?;
        let is_master = self
            .links
            .get(&id)?
            .owners
            .iter()
            .any(|owner| self.nodes.get(owner).is_some_and(|node| matches!(node.kind, NodeKind::Master)));
        let wanted = if is_master { Millis::new((down_after.as_ms() / PINGS).max(SHORTEST_PING)) } else { down_after };
        Some(wanted.min(self.settings.periods.ping))
    }

    /// An answer to PING: `PONG`, `LOADING` and `MASTERDOWN` are signs of life, others only of a connection.
    pub(super) fn ping_answered(&mut self, now: Now, id: LinkId, value: &Value) {
        let text = if let Value::Simple(text) | Value::Error(text) = value { text.as_str() } else { "" };
        let is_pong = text.starts_with("PONG");
        let is_busy = text.starts_with("BUSY");
        let Some(link) = self.links.get_mut(&id) else { return };
        link.failures = 0;
        link.pulse.last_any = now.tick;
        if is_pong || text.starts_with("LOADING") || text.starts_with("MASTERDOWN") {
            link.pulse.last_ok = now.tick;
            link.pulse.waiting_since = None;
        }
        let owners = link.owners.clone();
        for owner in owners {
            if is_pong && let Some(node) = self.nodes.get_mut(&owner) {
                node.facts.reboot_since = None;
            }
            if is_busy {
                self.kill_busy_script(owner);
            }
            self.judge(now, owner);
        }
        self.watch_silence(id);
    }

    /// Ends the script that keeps a server busy, once in each of its down periods.
    fn kill_busy_script(&mut self, node: NodeId) {
        let wanted = self.nodes.get(&node).is_some_and(|node| node.is_down() && !node.script_kill_sent);
        if wanted
            && self.send(node, Errand::Ignore, &["SCRIPT", "KILL"])
            && let Some(node) = self.nodes.get_mut(&node)
        {
            node.script_kill_sent = true;
        }
    }

    /// Sends INFO unless one is outstanding; its answer sets the deadline of the next.
    pub(super) fn ask_info(&mut self, _now: Now, node: NodeId) {
        if !self.is_pending(node, Errand::Info) {
            self.send(node, Errand::Info, &["INFO"]);
        }
    }

    /// An answer to INFO: digested, acted upon, and the next one planned.
    pub(super) fn info_answered(&mut self, now: Now, node: NodeId, value: &Value) {
        if let Value::Bulk(text) | Value::Verbatim(text) = value {
            let info = Info::parse(text);
            self.complain(node, &info);
            self.digest(now, node, &info, text);
            self.react_to_info(now, node, &info);
        }
        if self.nodes.contains_key(&node) {
            let period = self.info_period(node);
            self.deadlines.bring_forward(Why::Info(node), now.tick.after(period));
        }
    }

    /// Logs what is wrong with an INFO, unless it was logged before.
    fn complain(&mut self, id: NodeId, info: &Info) {
        let Some(node) = self.nodes.get_mut(&id).filter(|node| node.facts.complaint != info.complaint) else { return };
        node.facts.complaint.clone_from(&info.complaint);
        if let Some(complaint) = &info.complaint {
            let text = format!("INFO of {}: passed over: {complaint}", self.describe(id));
            self.log(crate::config::LogLevel::Warning, text);
        }
    }

    /// How often a server is asked: a replica each second while its master is down or its own link is down.
    fn info_period(&self, node: NodeId) -> Millis {
        let usual = self.settings.periods.info;
        let Some(record) = self.nodes.get(&node) else { return usual };
        let Some(replica) = record.replica() else { return usual };
        let group = &self.groups[&record.group];
        let troubled = self.nodes[&group.master].is_down() || group.failover.is_some();
        if troubled || replica.link_down_for != Millis::ZERO { HURRIED_INFO.min(usual) } else { usual }
    }

    /// Notes what INFO says: identity, role, replication.
    fn digest(&mut self, now: Now, id: NodeId, info: &Info, text: &[u8]) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let (group, is_master) = (node.group, matches!(node.kind, NodeKind::Master));
        node.facts.info_at = Some(now.tick);
        node.facts.info_text = text[..text.len().min(MOST_INFO_KEPT)].to_vec();
        let known = node.run_id.clone();
        if let Some(run_id) = &info.run_id {
            node.run_id = Some(run_id.clone());
        }
        if let Some(replica) = node.replica_mut() {
            note_replication(now.tick, replica, info);
        }
        if known.is_some() && info.run_id.is_some() && known != info.run_id {
            if is_master && self.groups[&group].reboot_down_after != Millis::ZERO {
                self.note_reboot(now, id);
            }
            self.publish_node(now, EventKind::Reboot, id);
        }
        if is_master {
            self.find_replicas(now, group, info);
        }
        self.note_role(now, id, info.role);
    }

    fn note_reboot(&mut self, now: Now, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.facts.reboot_since = Some(now.tick);
        }
        self.judge(now, id);
    }

    fn find_replicas(&mut self, now: Now, group: GroupId, info: &Info) {
        for address in &info.replicas {
            if address.is_name() && !self.settings.resolve_hostnames {
                self.log(crate::config::LogLevel::Warning, format!("Failed to resolve hostname '{}'", address.host()));
                continue;
            }
            if let Some(replica) = self.add_replica(now, group, address.clone()) {
                self.publish_node(now, EventKind::Replica, replica);
                self.save(None);
            }
        }
    }

    fn note_role(&mut self, now: Now, id: NodeId, role: Role) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        if node.facts.role == role {
            return;
        }
        node.facts.role = role;
        node.facts.role_since = now.tick;
        if role == Role::Replica
            && let Some(replica) = node.replica_mut()
        {
            replica.changed = now.tick;
        }
        let fits = node.kind_word() == role.word();
        let group = node.group;
        let kind = if fits { EventKind::RoleChange } else { EventKind::RoleMismatch };
        let text = format!("{} new reported role is {}", self.describe(id), role.word());
        self.publish(now, kind, Some(group), text);
        self.judge(now, id);
    }

    /// Acts upon what INFO said: promotion seen, strays set right, reconfiguration followed.
    fn react_to_info(&mut self, now: Now, id: NodeId, info: &Info) {
        let Some(group) = self.nodes.get(&id).map(|node| node.group) else { return };
        if self.tilt.is_some() {
            return;
        }
        let stage = self.groups[&group].failover.as_ref().map(|failover| (failover.stage, failover.promoted));
        match (stage, info.role) {
            (Some((Stage::WaitPromotion, Some(promoted))), _) if promoted == id => self.watch_promotion(now, group, id),
            (Some((Stage::SelectReplica, _)), _) => self.choose_replica(now, group),
            (Some((Stage::Reconfigure, _)), Role::Replica) => self.follow_reconfiguration(now, group, id),
            (_, _) => self.correct(now, id),
        }
        self.retry_with_replica(now, group);
    }
}

/// Notes what INFO says of a replica's replication.
fn note_replication(now: Tick, replica: &mut ReplicaFacts, info: &Info) {
    replica.link_down_for = info.link_down_for.unwrap_or(Millis::ZERO);
    if info.role != Role::Replica {
        return;
    }
    let same_host = match (&replica.master_host, &info.master_host) {
        (Some(known), Some(told)) => known.eq_ignore_ascii_case(told),
        (known, told) => known == told,
    };
    if !same_host || replica.master_port != info.master_port {
        replica.changed = now;
    }
    replica.master_host.clone_from(&info.master_host);
    replica.master_port = info.master_port;
    replica.master_link = info.master_link;
    replica.priority = info.priority;
    replica.offset = info.offset;
    replica.announced = info.announced;
    replica.former_master = false;
}

/// How often a master is pinged within its down-after: a failure is noticed at most a twentieth of it late.
const PINGS: u64 = 20;

/// Between two PINGs, at least, in milliseconds.
const SHORTEST_PING: u64 = 10;

/// Between two INFO to a replica whose master fails; the reference's fixed second.
const HURRIED_INFO: Millis = Millis::new(1_000);

/// Bytes of an INFO text that are kept for INFO-CACHE.
const MOST_INFO_KEPT: usize = 64 << 10;

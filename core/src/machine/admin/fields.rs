//! Decides how an instance is told: the fields of its map, in the reference's order.
//!
//! Mirrors spec 9.1 and 2.3. All values are bulk strings, numbers too.

use crate::{
    machine::Machine,
    model::{Group, Link, MasterLink, Node, NodeKind, Order, PeerFacts, Reconfiguration, ReplicaFacts, Stage},
    resp::Value,
    types::{Now, Tick},
};

/// The fields of one map, in order.
struct Fields(Vec<(Value, Value)>);

impl Fields {
    fn put(&mut self, name: &str, value: &(impl ToString + ?Sized)) {
        self.0.push((Value::bulk(name), Value::bulk(value.to_string())));
    }

    fn put_age(&mut self, name: &str, now: Now, since: Tick) {
        self.put(name, &now.tick.since(since).as_ms());
    }
}

impl Machine {
    /// The map of an instance, which is called `name`.
    pub(super) fn instance_map(&self, now: Now, group: &Group, node: &Node, name: &str) -> Value {
        let mut fields = Fields(Vec::with_capacity(24));
        fields.put("name", name);
        fields.put("ip", &node.address.announced(self.settings.host_style));
        fields.put("port", &node.address.port());
        fields.put("runid", node.run_id.as_ref().map_or("", |id| id.as_str()));
        fields.put("flags", &self.flags(group, node).join(","));
        self.put_link(&mut fields, now, group, node);
        if let Some(since) = node.down.since {
            fields.put_age("s-down-time", now, since);
        }
        if let (NodeKind::Master, Some(since)) = (&node.kind, group.objectively_down.since) {
            fields.put_age("o-down-time", now, since);
        }
        fields.put("down-after-milliseconds", &group.down_after.as_ms());
        match &node.kind {
            NodeKind::Master => {
                put_server(&mut fields, now, node);
                put_master(&mut fields, group);
            }
            NodeKind::Replica(facts) => {
                put_server(&mut fields, now, node);
                put_replica(&mut fields, facts);
            }
            NodeKind::Peer(facts) => put_peer(&mut fields, now, facts),
        }
        Value::Map(fields.0)
    }

    /// The words of the `flags` field, in order.
    pub(super) fn flags(&self, group: &Group, node: &Node) -> Vec<&'static str> {
        let is_master = matches!(node.kind, NodeKind::Master);
        let failover = group.failover.as_ref();
        let reconfiguration = node.replica().map_or(Reconfiguration::None, |facts| facts.reconfiguration);
        let ordered = failover.is_some_and(|failover| failover.order == Order::Operator);
        let promoted = failover.is_some_and(|failover| failover.promoted == Some(node.id));
        [
            (node.is_down(), "s_down"),
            (is_master && group.objectively_down.holds(), "o_down"),
            (true, node.kind_word()),
            (!self.is_linked(node.id), "disconnected"),
            (node.peer().is_some_and(|facts| facts.says_down), "master_down"),
            (is_master && failover.is_some(), "failover_in_progress"),
            (node.replica().is_some() && promoted, "promoted"),
            (matches!(reconfiguration, Reconfiguration::Sent(_)), "reconf_sent"),
            (reconfiguration == Reconfiguration::InProgress, "reconf_inprog"),
            (reconfiguration == Reconfiguration::Done, "reconf_done"),
            (is_master && ordered, "force_failover"),
            (node.script_kill_sent, "script_kill_sent"),
        ]
        .into_iter()
        .filter_map(|(holds, word)| holds.then_some(word))
        .collect()
    }

    /// The fields that its command link tells.
    fn put_link(&self, fields: &mut Fields, now: Now, group: &Group, node: &Node) {
        let link = self.links.get(&node.command);
        fields.put("link-pending-commands", &link.map_or(0, Link::pending_count));
        fields.put("link-refcount", &link.map_or(1, |link| link.owners.len()));
        if let (NodeKind::Master, Some(failover)) = (&node.kind, &group.failover) {
            fields.put("failover-state", Stage::word(failover.stage));
        }
        let since = |tick: Option<Tick>| tick.unwrap_or(now.tick);
        fields.put_age("last-ping-sent", now, since(link.and_then(|link| link.pulse.waiting_since)));
        fields.put_age("last-ok-ping-reply", now, since(link.map(|link| link.pulse.last_ok)));
        fields.put_age("last-ping-reply", now, since(link.map(|link| link.pulse.last_any)));
    }
}

/// The fields of masters and replicas.
fn put_server(fields: &mut Fields, now: Now, node: &Node) {
    fields.put_age("info-refresh", now, node.facts.info_at.unwrap_or(now.tick));
    fields.put("role-reported", node.facts.role.word());
    fields.put_age("role-reported-time", now, node.facts.role_since);
}

/// The fields of masters alone.
fn put_master(fields: &mut Fields, group: &Group) {
    fields.put("config-epoch", &group.config_epoch);
    fields.put("num-slaves", &group.replicas.len());
    fields.put("num-other-sentinels", &group.peers.len());
    fields.put("quorum", &group.quorum);
    fields.put("failover-timeout", &group.failover_timeout.as_ms());
    fields.put("parallel-syncs", &group.parallel_syncs);
    if let Some(script) = &group.notification_script {
        fields.put("notification-script", script);
    }
    if let Some(script) = &group.client_reconfig_script {
        fields.put("client-reconfig-script", script);
    }
}

/// The fields of replicas alone.
fn put_replica(fields: &mut Fields, facts: &ReplicaFacts) {
    fields.put("master-link-down-time", &facts.link_down_for.as_ms());
    fields.put("master-link-status", if facts.master_link == MasterLink::Up { "ok" } else { "err" });
    fields.put("master-host", facts.master_host.as_deref().unwrap_or("?"));
    fields.put("master-port", &facts.master_port);
    fields.put("slave-priority", &facts.priority);
    fields.put("slave-repl-offset", &facts.offset);
    fields.put("replica-announced", &u8::from(facts.announced));
}

/// The fields of peers alone.
fn put_peer(fields: &mut Fields, now: Now, facts: &PeerFacts) {
    fields.put_age("last-hello-message", now, facts.last_hello);
    let vote = facts.vote.as_ref();
    fields.put("voted-leader", vote.map_or("?", |(leader, _)| leader.as_str()));
    fields.put("voted-leader-epoch", &vote.map_or(0, |(_, epoch)| epoch.as_u64()));
}

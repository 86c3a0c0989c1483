//! Decides what is told about masters, replicas, peers and scripts to those who only ask.
//!
//! Mirrors spec 9.1 to 9.5, 9.12 and 9.13.

use std::collections::BTreeSet;

use super::{Answer, Call};
use crate::{
    machine::{
        Machine,
        scripts::{Job, JobState},
    },
    model::{Group, Node},
    resp::Value,
    types::Now,
};

/// `SENTINEL MASTERS`
pub(super) fn masters(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let groups = machine.names.values().filter_map(|id| machine.groups.get(id));
    Value::Array(groups.filter_map(|group| machine.master_map(call.now, group)).collect()).into()
}

/// `SENTINEL MASTER <name>`
pub(super) fn master(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let map = machine.named_group(call).map(|group| machine.master_map(call.now, group).unwrap_or(Value::Null));
    map.unwrap_or_else(|refusal| refusal).into()
}

/// `SENTINEL REPLICAS <name>`, with those that want to be announced.
pub(super) fn replicas(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let group = match machine.named_group(call) {
        Ok(group) => group,
        Err(refusal) => return refusal.into(),
    };
    let named = group.replicas.iter().filter_map(|(name, id)| Some((name, machine.nodes.get(id)?)));
    let shown = named.filter(|(_, node)| node.replica().is_none_or(|facts| facts.announced));
    Value::Array(shown.map(|(name, node)| machine.instance_map(call.now, group, node, name)).collect()).into()
}

/// `SENTINEL SENTINELS <name>`
pub(super) fn sentinels(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let group = match machine.named_group(call) {
        Ok(group) => group,
        Err(refusal) => return refusal.into(),
    };
    let named = group.peers.iter().filter_map(|(name, id)| Some((name.as_str(), machine.nodes.get(id)?)));
    Value::Array(named.map(|(name, node)| machine.instance_map(call.now, group, node, name)).collect()).into()
}

/// `SENTINEL GET-MASTER-ADDR-BY-NAME <name>`: never an error, also while the master is down.
pub(super) fn master_address(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let master = machine.named_group(call).ok().and_then(|group| machine.nodes.get(&group.master));
    let Some(master) = master else { return Value::NullArray.into() };
    let host = master.address.announced(machine.settings.host_style);
    Value::Array(vec![Value::bulk(host), Value::bulk(master.address.port().to_string())]).into()
}

/// `SENTINEL MYID`
pub(super) fn my_id(machine: &mut Machine, _call: &Call<'_>) -> Answer {
    Value::bulk(machine.me.as_str()).into()
}

/// `SENTINEL CKQUORUM <name>`
pub(super) fn check_quorum(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let group = match machine.named_group(call) {
        Ok(group) => group,
        Err(refusal) => return refusal.into(),
    };
    let is_up = |peer| machine.nodes.get(peer).is_some_and(|node| !node.is_down());
    let usable = 1 + group.peers.values().filter(|peer| is_up(peer)).count();
    let reaches_quorum = usable >= group.quorum as usize;
    let reaches_majority = usable > group.voters() / 2;
    if reaches_quorum && reaches_majority {
        return Value::Simple(format!(
            "OK {usable} usable Sentinels. Quorum and failover authorization can be reached"
        ))
        .into();
    }
    let mut text = format!("NOQUORUM {usable} usable Sentinels. ");
    let missing = [
        (reaches_quorum, "Not enough available Sentinels to reach the specified quorum for this master"),
        (reaches_majority, "Not enough available Sentinels to reach the majority and authorize a failover"),
    ];
    let missing: Vec<&str> = missing.iter().filter(|(reached, _)| !reached).map(|(_, text)| *text).collect();
    text.push_str(&missing.join(". "));
    Value::Error(text).into()
}

/// `SENTINEL INFO-CACHE <name> ...`: the last INFO of the masters that are known, and of their replicas.
pub(super) fn info_cache(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for word in &call.request.words()[2..] {
        let name = std::str::from_utf8(word).ok();
        let known = name.and_then(|name| machine.names.get(name)).and_then(|id| machine.groups.get(id));
        let Some(group) = known.filter(|group| seen.insert(group.id)) else { continue };
        let members = [&group.master].into_iter().chain(group.replicas.values());
        let members = members.filter_map(|id| machine.nodes.get(id));
        entries.push(Value::bulk(group.name.as_str()));
        entries.push(Value::Array(members.map(|node| cached_info(call.now, node)).collect()));
    }
    Value::Array(entries).into()
}

/// `SENTINEL PENDING-SCRIPTS`
pub(super) fn pending_scripts(machine: &mut Machine, call: &Call<'_>) -> Answer {
    Value::Array(machine.scripts.jobs.values().map(|job| script_map(call.now, job)).collect()).into()
}

impl Machine {
    /// The group the third word names, or the error to answer with.
    pub(super) fn named_group(&self, call: &Call<'_>) -> Result<&Group, Value> {
        let id = call.request.text(2).and_then(|name| self.names.get(name));
        id.and_then(|id| self.groups.get(id)).ok_or_else(|| Value::error("ERR No such master with that name"))
    }

    /// The map of a group's master.
    fn master_map(&self, now: Now, group: &Group) -> Option<Value> {
        let node = self.nodes.get(&group.master)?;
        Some(self.instance_map(now, group, node, group.name.as_str()))
    }
}

/// One instance's age of INFO, and its text.
fn cached_info(now: Now, node: &Node) -> Value {
    let age = node.facts.info_at.map_or(0, |at| now.tick.since(at).as_ms());
    let text = if node.facts.info_at.is_some() { Value::bulk(&node.facts.info_text) } else { Value::Null };
    Value::Array(vec![Value::Integer(age.try_into().unwrap_or(i64::MAX)), text])
}

/// The map of a script.
fn script_map(now: Now, job: &Job) -> Value {
    let (flags, pid, span_name, span) = match job.state {
        JobState::Running { since, pid } => ("running", pid, "run-time", now.tick.since(since)),
        JobState::Scheduled(at) => ("scheduled", 0, "run-delay", at.since(now.tick)),
    };
    Value::Map(vec![
        (Value::bulk("argv"), Value::Array(job.argv.iter().map(Value::bulk).collect())),
        (Value::bulk("flags"), Value::bulk(flags)),
        (Value::bulk("pid"), Value::bulk(pid.to_string())),
        (Value::bulk(span_name), Value::bulk(span.as_ms().to_string())),
        (Value::bulk("retry-num"), Value::bulk(job.starts.to_string())),
    ])
}

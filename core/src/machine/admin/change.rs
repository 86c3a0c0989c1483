//! Decides how masters are added, removed and reset while the sentinel runs, and when the file is written.
//!
//! Mirrors spec 9.6, 9.8, 9.9 and 9.14. What rests on the file is answered once the file is on disk.

use super::{Answer, Call, pattern_matches};
use crate::{
    machine::{Event, EventKind, Machine, store::Consequence},
    resp::Value,
    types::{ClientId, Endpoint, GroupId, MasterName},
};

/// The most masters one sentinel monitors.
const MOST_MASTERS: usize = 10_000;

/// `SENTINEL MONITOR <name> <ip> <port> <quorum>`
pub(super) fn monitor(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let (name, address, quorum) = match read_monitor(machine, call) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal.into(),
    };
    let group = machine.monitor(call.now, name.clone(), address, quorum);
    let master = machine.groups.get(&group).map(|group| group.master);
    let details = master.map(|master| machine.describe(master)).unwrap_or_default();
    machine.save_and_reply(call.client, Value::ok());
    machine.save(Some(Consequence::Publish(Event {
        kind: EventKind::Monitor,
        master: Some(name),
        text: format!("{details} quorum {quorum}"),
        at: call.now.unix,
    })));
    Answer::Elsewhere
}

/// `SENTINEL REMOVE <name>`
pub(super) fn remove(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let (group, master) = match machine.named_group(call) {
        Ok(group) => (group.id, group.master),
        Err(refusal) => return refusal.into(),
    };
    let details = machine.describe(master);
    machine.publish(call.now, EventKind::Unmonitor, Some(group), details);
    machine.forget(group);
    machine.save_and_reply(call.client, Value::ok());
    Answer::Elsewhere
}

/// `SENTINEL RESET <pattern>`: replies how many masters were reset.
pub(super) fn reset(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let pattern = call.request.word(2).unwrap_or_default();
    let named = machine.names.iter().filter(|(name, _)| pattern_matches(pattern, name.as_str().as_bytes()));
    let groups: Vec<GroupId> = named.map(|(_, &group)| group).collect();
    for &group in &groups {
        machine.reset(call.now, group);
    }
    let count = Value::Integer(groups.len() as i64);
    if groups.is_empty() {
        return count.into();
    }
    machine.save(Some(Consequence::Reply { client: call.client, stored: count.clone(), failed: count }));
    Answer::Elsewhere
}

/// `SENTINEL FLUSHCONFIG`
pub(super) fn flush_config(machine: &mut Machine, call: &Call<'_>) -> Answer {
    machine.save_and_reply(call.client, Value::ok());
    Answer::Elsewhere
}

impl Machine {
    /// Writes the file, then replies `stored`, or that the file could not be written.
    pub(super) fn save_and_reply(&mut self, client: ClientId, stored: Value) {
        let failed = Value::error("ERR Failed to save config file. Check server logs.");
        self.save(Some(Consequence::Reply { client, stored, failed }));
    }
}

/// Reads the arguments of MONITOR, checked in the reference's order.
fn read_monitor(machine: &Machine, call: &Call<'_>) -> Result<(MasterName, Endpoint, u32), Value> {
    let request = call.request;
    call.refuse_control_characters(2)?;
    let quorum = request.integer(5).ok_or_else(|| Value::error("ERR Invalid quorum"))?;
    let port = request.integer(4).ok_or_else(|| Value::error("ERR Invalid port"))?;
    if quorum <= 0 {
        return Err(Value::error("ERR Quorum must be 1 or greater."));
    }
    let quorum = u32::try_from(quorum).map_err(|_| Value::error("ERR Invalid quorum"))?;
    // A name is looked up once the master is monitored, so that a slow resolver holds nobody up.
    let host = request.text(3).and_then(|host| Endpoint::parse(host, 0));
    let host = host.filter(|host| machine.settings.resolve_hostnames || !host.is_name());
    let host = host.ok_or_else(|| Value::error("ERR Invalid IP address or hostname specified"))?;
    let port = u16::try_from(port).map_err(|_| Value::error("ERR Invalid port number."))?;
    let address = Endpoint::parse(host.host(), port).unwrap_or(host);
    // Not in the reference: such a name would break the hello's fields or the file's lines.
    let name = request.text(2).and_then(MasterName::parse).ok_or_else(|| Value::error("ERR Invalid master name."))?;
    if machine.names.contains_key(&name) {
        return Err(Value::error("ERR Duplicate master name."));
    }
    if machine.groups.len() >= MOST_MASTERS {
        return Err(Value::error("ERR Too many masters."));
    }
    Ok((name, address, quorum))
}

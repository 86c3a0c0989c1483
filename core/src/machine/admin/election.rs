//! Decides what is asked around a failover: the peers' question, an operator's order, a simulated failure.
//!
//! Reads the arguments; judging, voting and failing over are the machine's. Mirrors spec 6.5, 9.7 and 9.15.

use super::{Answer, Call};
use crate::{
    config::LogLevel,
    machine::{CrashPoint, Machine},
    resp::Value,
    types::{Endpoint, Epoch},
};

/// `SENTINEL IS-MASTER-DOWN-BY-ADDR <ip> <port> <epoch> <runid>`
pub(super) fn is_master_down(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let (Some(port), Some(epoch)) = (call.request.integer(3), call.request.integer(4)) else {
        return Value::error("ERR value is not an integer or out of range").into();
    };
    let address = call.request.text(2).and_then(|host| Endpoint::parse(host, u16::try_from(port).ok()?));
    let readable = address.filter(|address| machine.settings.resolve_hostnames || !address.is_name());
    let Some(address) = readable else {
        let nothing_known = vec![Value::Integer(0), Value::bulk("*"), Value::Integer(0)];
        return Value::Array(nothing_known).into();
    };
    // The reference reads the epoch as signed and uses it as unsigned.
    let epoch = Epoch::new(epoch as u64);
    let candidate = call.request.text(5).filter(|candidate| *candidate != "*");
    machine.answer_down_question(call.now, call.client, &address, epoch, candidate);
    Answer::Elsewhere
}

/// `SENTINEL FAILOVER <name>`
pub(super) fn failover(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let (group, name) = match machine.named_group(call) {
        Ok(group) if group.failover.is_some() => {
            return Value::error("INPROG Failover already in progress").into();
        }
        Ok(group) => (group.id, group.name.clone()),
        Err(refusal) => return refusal.into(),
    };
    if !machine.has_promotable_replica(call.now, group) {
        return Value::error("NOGOODSLAVE No suitable replica to promote").into();
    }
    machine.log(LogLevel::Warning, format!("Executing user requested FAILOVER of '{name}'"));
    machine.start_ordered_failover(call.now, group);
    Value::ok().into()
}

/// `SENTINEL SIMULATE-FAILURE <flag> ...`: earlier flags are cleared first. The help names those of the reference.
pub(super) fn simulate_failure(machine: &mut Machine, call: &Call<'_>) -> Answer {
    machine.crash_points.clear();
    for index in 2..call.request.len() {
        if let Some(point) = CrashPoint::ALL.into_iter().find(|point| call.request.is(index, point.word())) {
            machine.crash_points.insert(point);
            machine.log(LogLevel::Warning, point.announcement());
        } else if call.request.is(index, "help") {
            let stock = CrashPoint::ALL.into_iter().filter(|point| point.is_stock());
            return Value::Array(stock.map(|point| Value::bulk(point.word())).collect()).into();
        } else {
            return Value::error("ERR Unknown failure simulation specified").into();
        }
    }
    Value::ok().into()
}

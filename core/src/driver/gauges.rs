//! Decides which figures about the process the machine is given, and how often.

use std::sync::Arc;

use nix::sys::resource::{Usage, UsageWho, getrusage};

use super::outbox::Traffic;
use crate::{
    machine::Gauges,
    types::{Millis, Tick},
};

/// Counts what happens at this sentinel's port, and measures the process.
pub(super) struct Meter {
    last: Option<Tick>,
    fixed: Gauges,
    traffic: Arc<Traffic>,
    /// Connections accepted since the start.
    pub(super) connections: u64,
    /// Connections refused for `maxclients`.
    pub(super) rejected: u64,
}

impl Meter {
    /// A meter that has measured nothing yet.
    pub(super) fn new(traffic: Arc<Traffic>) -> Self {
        let executable = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
        let fixed = Gauges { pid: std::process::id(), executable, os: operating_system(), ..Gauges::default() };
        Self { last: None, fixed, traffic, connections: 0, rejected: 0 }
    }

    /// Fresh figures, when the last ones are more than a second old.
    pub(super) fn measure(&mut self, now: Tick, clients: usize) -> Option<Box<Gauges>> {
        if self.last.is_some_and(|last| now.since(last) <= FRESH) {
            return None;
        }
        self.last = Some(now);
        let mine = getrusage(UsageWho::RUSAGE_SELF).ok();
        let children = getrusage(UsageWho::RUSAGE_CHILDREN).ok();
        Some(Box::new(Gauges {
            clients: clients as u64,
            connections: self.connections,
            rejected: self.rejected,
            bytes_in: self.traffic.received(),
            bytes_out: self.traffic.sent(),
            cpu_sys_us: mine.as_ref().map_or(0, system_us),
            cpu_user_us: mine.as_ref().map_or(0, user_us),
            cpu_sys_children_us: children.as_ref().map_or(0, system_us),
            cpu_user_children_us: children.as_ref().map_or(0, user_us),
            ..self.fixed.clone()
        }))
    }
}

fn system_us(usage: &Usage) -> u64 {
    microseconds(usage.system_time())
}

fn user_us(usage: &Usage) -> u64 {
    microseconds(usage.user_time())
}

fn microseconds(time: nix::sys::time::TimeVal) -> u64 {
    (time.tv_sec() as u64).saturating_mul(1_000_000).saturating_add(time.tv_usec() as u64)
}

fn operating_system() -> String {
    nix::sys::utsname::uname().map_or_else(
        |_| String::new(),
        |name| {
            let parts = [name.sysname(), name.release(), name.machine()];
            parts.map(|part| part.to_string_lossy().into_owned()).join(" ")
        },
    )
}

const FRESH: Millis = Millis::new(1000);

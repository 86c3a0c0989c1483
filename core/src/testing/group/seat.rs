//! Decides how one sentinel of a group runs: inside this program, or as a process, behind the same calls.

use std::{fmt::Write as _, net::SocketAddr, path::PathBuf};

use super::{Pace, inside::Inside};
use crate::{
    driver::{Disturbance, Storage},
    error::{Error, ErrorKind, Result},
    machine::{CrashPoint, LinkStatus, Status},
    model::MasterLink,
    resp::Value,
    testing::{Client, SentinelProcess},
    types::Millis,
};

/// How long a sentinel that runs may take to answer.
const ANSWER: Millis = Millis::new(2_000);
/// How often a stock sentinel may ping: five of these periods must exceed the second between two INFO in a failover, or no
/// replica is ever good enough.
const STOCK_PING: Millis = Millis::new(250);

/// A sentinel of a group.
#[derive(Debug)]
pub(super) enum Seat {
    /// In this program.
    Inside(Box<Inside>),
    /// A process.
    Outside {
        /// It.
        process: SentinelProcess,
        /// Whether it was stopped in its tracks.
        is_paused: bool,
    },
}

impl Seat {
    /// Where it listens; `None` while it does not run.
    pub(super) fn listens(&self) -> Option<SocketAddr> {
        match self {
            Self::Inside(inside) => inside.listens(),
            Self::Outside { process, .. } => process.pid().map(|_| process.address()),
        }
    }

    /// Whether it can be expected to answer.
    pub(super) fn is_running(&self) -> bool {
        self.listens().is_some() && !self.is_paused()
    }

    fn is_paused(&self) -> bool {
        match self {
            Self::Inside(inside) => inside.is_paused(),
            Self::Outside { is_paused, .. } => *is_paused,
        }
    }

    pub(super) fn pause(&mut self) {
        match self {
            Self::Inside(inside) => inside.pause(),
            Self::Outside { process, is_paused } => {
                process.pause();
                *is_paused = true;
            }
        }
    }

    pub(super) fn resume(&mut self) {
        match self {
            Self::Inside(inside) => inside.resume(),
            Self::Outside { process, is_paused } => {
                process.resume();
                *is_paused = false;
            }
        }
    }

    /// Whether it has ended by itself since the last look.
    pub(super) fn notice_end(&mut self) -> bool {
        match self {
            Self::Inside(inside) => inside.notice_end(),
            Self::Outside { process, .. } => process.notice_end(),
        }
    }

    pub(super) fn crash(&mut self) {
        match self {
            Self::Inside(inside) => inside.crash(),
            Self::Outside { process, is_paused } => {
                process.kill();
                *is_paused = false;
            }
        }
    }

    /// Starts it again with the file it left.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.crash();
        match self {
            Self::Inside(inside) => inside.run(),
            Self::Outside { process, .. } => process.restart(),
        }
    }

    /// Where it says the master is; `None` when it does not answer.
    pub(super) fn master(&self, name: &str) -> Option<SocketAddr> {
        match self {
            Self::Inside(inside) => {
                let status = inside.status()?;
                status.masters.iter().find(|master| master.name.as_str() == name)?.address.socket()
            }
            Self::Outside { .. } => self.client()?.master(name).ok()?,
        }
    }

    /// Whether it knows so many replicas, in sync, and so many other sentinels, all of them up, and leads no failover.
    pub(super) fn knows(&self, name: &str, replicas: usize, peers: usize) -> bool {
        match self {
            Self::Inside(inside) => inside.status().is_some_and(|status| fits(&status, name, replicas, peers)),
            Self::Outside { .. } => self.outsider_knows(name, replicas, peers).unwrap_or(false),
        }
    }

    fn outsider_knows(&self, name: &str, replicas: usize, peers: usize) -> Option<bool> {
        let mut client = self.client()?;
        let master = fields_of(&client.command(&["SENTINEL", "MASTER", name]).ok()?);
        let found_replicas = lists_of(&client.command(&["SENTINEL", "REPLICAS", name]).ok()?);
        let found_peers = lists_of(&client.command(&["SENTINEL", "SENTINELS", name]).ok()?);
        let has = |fields: &Fields, field: &str, value: &str| {
            fields.iter().any(|(name, found)| name == field && found == value)
        };
        let is_calm = has(&master, "flags", "master");
        let replicas_fit = found_replicas.len() == replicas
            && found_replicas
                .iter()
                .all(|found| has(found, "flags", "slave") && has(found, "master-link-status", "ok"));
        let peers_fit = found_peers.len() == peers
            && found_peers.iter().all(|found| has(found, "flags", "sentinel") && !has(found, "runid", ""));
        Some(is_calm && replicas_fit && peers_fit)
    }

    /// What it says of the master, for a person to read.
    pub(super) fn describe(&self, name: &str) -> String {
        if !self.is_running() {
            return if self.listens().is_some() { "paused" } else { "does not run" }.into();
        }
        let Some(mut client) = self.client() else { return "does not answer".into() };
        let Ok(reply) = client.command(&["SENTINEL", "MASTER", name]) else { return "does not answer".into() };
        let fields = fields_of(&reply);
        let mut text = String::new();
        for wanted in ["ip", "port", "flags", "num-slaves", "num-other-sentinels", "config-epoch", "failover-state"] {
            if let Some((_, value)) = fields.iter().find(|(name, _)| name == wanted) {
                let _ = write!(text, " {wanted}={value}");
            }
        }
        text.trim_start().to_owned()
    }

    /// Gives a sentinel these periods, which its file cannot.
    pub(super) fn set_pace(&self, pace: &Pace) -> Result<()> {
        let slowest_ping = match self {
            Self::Inside(_) => Millis::ZERO,
            Self::Outside { .. } => STOCK_PING,
        };
        let words = pace.debug_words(slowest_ping);
        let command: Vec<_> = ["SENTINEL", "DEBUG"].into_iter().chain(words.iter().map(String::as_str)).collect();
        self.reach()?.text(&command).map(drop)
    }

    fn reach(&self) -> Result<Client> {
        self.client().ok_or_else(|| Error::new(ErrorKind::Connection, "reach", "a sentinel that does not answer"))
    }

    /// A connection that no fault of the network reaches.
    pub(super) fn client(&self) -> Option<Client> {
        Client::connect(self.listens().filter(|_| self.is_running())?, ANSWER).ok()
    }

    /// Makes its storage do that; only where the sentinel is in this program.
    pub(super) fn set_storage(&mut self, storage: Storage) -> Result<()> {
        match self {
            Self::Inside(inside) => inside.set_storage(storage),
            Self::Outside { .. } => Err(Error::new(ErrorKind::Config, "disturb the storage of", IS_PROCESS)),
        }
    }

    /// Makes its clocks jump; only where the sentinel is in this program.
    pub(super) fn jump_clock(&self, span_ms: i64) -> Result<()> {
        match self {
            Self::Inside(inside) => inside.disturb(Disturbance::Jump(span_ms)),
            Self::Outside { .. } => Err(Error::new(ErrorKind::Config, "disturb the clock of", IS_PROCESS)),
        }
    }

    /// Has it look for news at once, where it is in this program.
    pub(super) fn nudge(&self) {
        if let Self::Inside(inside) = self {
            // One that does not answer has other worries.
            let _ = inside.disturb(Disturbance::Nudge);
        }
    }

    /// Has it crash when it gets to that point, or at none any more.
    pub(super) fn crash_at(&self, point: Option<CrashPoint>) -> Result<()> {
        let is_known = |point: CrashPoint| point.is_stock() || matches!(self, Self::Inside(_));
        if point.is_some_and(|point| !is_known(point)) {
            return Err(Error::new(ErrorKind::Config, "crash at a point that is not known to", IS_PROCESS));
        }
        // To ask which points there are forgets those ordered before.
        let word = point.map_or("help", CrashPoint::word);
        self.reach()?.command(&["SENTINEL", "SIMULATE-FAILURE", word]).map(drop)
    }

    /// Where its configuration and state are.
    pub(super) fn config_file(&self) -> PathBuf {
        match self {
            Self::Inside(inside) => inside.config_file(),
            Self::Outside { process, .. } => process.config_file(),
        }
    }

    pub(super) fn log(&self) -> String {
        match self {
            Self::Inside(inside) => inside.log(),
            Self::Outside { process, .. } => process.log(),
        }
    }

    /// Keeps its files when it is dropped.
    pub(super) fn keep_files(&self) {
        match self {
            Self::Inside(inside) => inside.keep_files(),
            Self::Outside { process, .. } => process.keep_files(),
        }
    }
}

fn fits(status: &Status, name: &str, replicas: usize, peers: usize) -> bool {
    let Some(master) = status.masters.iter().find(|master| master.name.as_str() == name) else { return false };
    let is_calm = master.health.is_up() && master.failover.is_none() && master.link == LinkStatus::Open;
    let replicas_fit = master.replicas.len() == replicas
        && master.replicas.iter().all(|replica| {
            replica.health.is_up() && replica.master_link == MasterLink::Up && replica.link == LinkStatus::Open
        });
    let peers_fit = master.peers.len() == peers
        && master.peers.iter().all(|peer| peer.health.is_up() && peer.link == LinkStatus::Open);
    is_calm && replicas_fit && peers_fit
}

const IS_PROCESS: &str = "a sentinel that is a process";

/// Names and values, as sentinels list them.
type Fields = Vec<(String, String)>;

fn lists_of(reply: &Value) -> Vec<Fields> {
    let Value::Array(items) = reply else { return Vec::new() };
    items.iter().map(fields_of).collect()
}

fn fields_of(reply: &Value) -> Fields {
    let Value::Array(words) = reply else { return Vec::new() };
    let text = |word: &Value| word.as_text().unwrap_or("").to_owned();
    words.chunks_exact(2).map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}

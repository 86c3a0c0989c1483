//! Decides what a sentinel's reply says: the master's address, its epoch, its replicas, the other sentinels.
//!
//! The address is taken from `GET-MASTER-ADDR-BY-NAME` and the epoch from `MASTER`: within a failover a leader's
//! `MASTER` shows the new epoch beside the old address for a second.

use std::fmt;

use super::AddressMap;
use crate::{
    error::ErrorKind,
    resp::Value,
    types::{Endpoint, Epoch, MasterName, Millis, RunId, Tick},
};

/// What a sentinel said about a master, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) at: Tick,
    pub(super) said: Said,
}

/// What a sentinel said about a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It names this server.
    Names(Vote),
    /// It monitors no master of this name.
    Unaware,
    /// It does not answer, or refuses to.
    Failed { kind: ErrorKind, reason: String },
}

/// A server that a sentinel names as master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vote {
    pub(super) address: Endpoint,
    pub(super) facts: Facts,
    /// How long the answer took.
    pub(super) took: Millis,
}

/// What `SENTINEL MASTER` tells besides the address; all defaults when it is forbidden.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) epoch: Option<Epoch>,
    pub(super) is_down: bool,
    /// How many sentinels there are in all, by this one's count.
    pub(super) sentinels: Option<u64>,
    pub(super) down_after: Option<Millis>,
}

/// One row of `SENTINEL REPLICAS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReplicaRow {
    pub(super) address: Endpoint,
    pub(super) run_id: Option<RunId>,
    pub(super) follows: Option<Endpoint>,
    pub(super) is_fit: bool,
    pub(super) offset: Option<u64>,
    pub(super) priority: u32,
}

/// One row of `SENTINEL SENTINELS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PeerRow {
    pub(super) address: Endpoint,
    pub(super) run_id: Option<RunId>,
    pub(super) is_down: bool,
}

impl Said {
    /// The epoch that was told.
    pub(super) fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Names(vote) => vote.facts.epoch,
            Self::Unaware | Self::Failed { .. } => None,
        }
    }

    /// Whether this says the same, however long it took.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Names(own), Self::Names(other)) => own.address == other.address && own.facts == other.facts,
            (_, _) => self == other,
        }
    }

    /// The server that was named.
    pub(super) fn vote(&self) -> Option<&Vote> {
        match self {
            Self::Names(vote) => Some(vote),
            Self::Unaware | Self::Failed { .. } => None,
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Names(Vote { address, facts: Facts { epoch: Some(epoch), .. }, .. }) => {
                write!(f, "names {address} with epoch {epoch}")
            }
            Self::Names(vote) => write!(f, "names {} without an epoch", vote.address),
            Self::Unaware => f.write_str("monitors no master of this name"),
            Self::Failed { reason, .. } => f.write_str(reason),
        }
    }
}

/// The most rows that are read from one reply.
pub(super) const MOST_ROWS: usize = 256;

/// The most masters that are read from one list.
pub(super) const MOST_MASTERS: usize = 1024;

/// Reads the reply of `GET-MASTER-ADDR-BY-NAME`, with the facts that came beside it.
pub(super) fn read_word(value: &Value, facts: Facts, took: Millis, map: &AddressMap) -> Said {
    match value {
        Value::Null | Value::NullArray => Said::Unaware,
        Value::Array(parts) => match address(parts, map) {
            Some(address) => Said::Names(Vote { address, facts, took }),
            None => failed(ErrorKind::Protocol, "answered with no address"),
        },
        Value::Error(text) => failed(error_kind(text), text),
        Value::Simple(_)
        | Value::Integer(_)
        | Value::Bulk(_)
        | Value::Map(_)
        | Value::Set(_)
        | Value::Push(_)
        | Value::Boolean(_)
        | Value::Double(_)
        | Value::BigNumber(_)
        | Value::Verbatim(_) => failed(ErrorKind::Protocol, "answered with no address"),
    }
}

/// Reads the reply of `MASTER`.
pub(super) fn read_facts(value: &Value) -> Facts {
    let Some(fields) = fields(value) else { return Facts::default() };
    let flags = field(&fields, "flags").unwrap_or("");
    Facts {
        epoch: field(&fields, "config-epoch").and_then(|text| text.parse().ok()).map(Epoch::new),
        is_down: has_flag(flags, &["s_down", "o_down"]),
        sentinels: number(&fields, "num-other-sentinels").map(|others| others.saturating_add(1)),
        down_after: number(&fields, "down-after-milliseconds").map(Millis::new),
    }
}

/// Reads the reply of `REPLICAS`; rows that make no sense are left out.
pub(super) fn read_replicas(value: &Value, map: &AddressMap) -> Option<Vec<ReplicaRow>> {
    Some(rows(value)?.iter().take(MOST_ROWS).filter_map(|row| read_replica(row, map)).collect())
}

fn read_replica(row: &Value, map: &AddressMap) -> Option<ReplicaRow> {
    let fields = fields(row)?;
    let told = |host, port| endpoint(field(&fields, host)?, field(&fields, port)?, map);
    let flags = field(&fields, "flags").unwrap_or("");
    let link = field(&fields, "master-link-status").unwrap_or("ok");
    Some(ReplicaRow {
        address: told("ip", "port")?,
        run_id: field(&fields, "runid").and_then(RunId::parse),
        follows: told("master-host", "master-port"),
        is_fit: link == "ok" && !has_flag(flags, &["s_down", "o_down", "disconnected"]),
        offset: number(&fields, "slave-repl-offset"),
        priority: number(&fields, "slave-priority").map_or(100, |priority| priority.min(u64::from(u32::MAX)) as u32),
    })
}

/// Reads the reply of `SENTINELS`; rows that make no sense are left out.
pub(super) fn read_peers(value: &Value, map: &AddressMap) -> Option<Vec<PeerRow>> {
    let read = |row| {
        let fields = fields(row)?;
        let address = endpoint(field(&fields, "ip")?, field(&fields, "port")?, map)?;
        let is_down = has_flag(field(&fields, "flags").unwrap_or(""), &["s_down"]);
        Some(PeerRow { address, run_id: field(&fields, "runid").and_then(RunId::parse), is_down })
    };
    Some(rows(value)?.iter().take(MOST_ROWS).filter_map(read).collect())
}

/// Reads the names from the reply of `MASTERS`.
pub(super) fn read_names(value: &Value) -> Option<Vec<MasterName>> {
    let name = |row| field(&fields(row)?, "name").and_then(MasterName::parse);
    Some(rows(value)?.iter().take(MOST_MASTERS).filter_map(name).collect())
}

/// A failure in a sentinel's own words, cut to a length that evidence can bear.
pub(super) fn failed(kind: ErrorKind, reason: &str) -> Said {
    Said::Failed { kind, reason: cut(reason) }
}

/// The first 160 characters, so that no sentinel decides how much is kept.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(160).collect()
}

/// What an error reply of a sentinel means.
fn error_kind(text: &str) -> ErrorKind {
    match text.split(' ').next().unwrap_or("") {
        "NOAUTH" | "WRONGPASS" => ErrorKind::Auth,
        "NOPERM" => ErrorKind::NoPermission,
        "LOADING" | "IDONTKNOW" => ErrorKind::MasterNotReady,
        _ => ErrorKind::Server,
    }
}

fn address(parts: &[Value], map: &AddressMap) -> Option<Endpoint> {
    let [host, port] = parts else { return None };
    endpoint(host.as_text()?, port.as_text()?, map)
}

fn endpoint(host: &str, port: &str, map: &AddressMap) -> Option<Endpoint> {
    let told = Endpoint::parse(host, port.parse().ok().filter(|port| *port != 0)?)?;
    Some(map.reach(&told))
}

fn rows(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(rows) | Value::Set(rows) => Some(rows),
        Value::Simple(_)
        | Value::Error(_)
        | Value::Integer(_)
        | Value::Bulk(_)
        | Value::Null
        | Value::NullArray
        | Value::Map(_)
        | Value::Push(_)
        | Value::Boolean(_)
        | Value::Double(_)
        | Value::BigNumber(_)
        | Value::Verbatim(_) => None,
    }
}

/// The text fields of a map, or of the flat array that stands for one in RESP2.
fn fields(value: &Value) -> Option<Vec<(&str, &str)>> {
    // 128 fields: about three times as many as any sentinel sends.
    match value {
        Value::Map(pairs) => {
            Some(pairs.iter().take(128).filter_map(|(name, value)| Some((name.as_text()?, value.as_text()?))).collect())
        }
        Value::Array(flat) => {
            let pairs = flat.chunks_exact(2).take(128);
            Some(pairs.filter_map(|pair| Some((pair[0].as_text()?, pair[1].as_text()?))).collect())
        }
        Value::Simple(_)
        | Value::Error(_)
        | Value::Integer(_)
        | Value::Bulk(_)
        | Value::Null
        | Value::NullArray
        | Value::Set(_)
        | Value::Push(_)
        | Value::Boolean(_)
        | Value::Double(_)
        | Value::BigNumber(_)
        | Value::Verbatim(_) => None,
    }
}

fn field<'a>(fields: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value)
}

fn number(fields: &[(&str, &str)], name: &str) -> Option<u64> {
    field(fields, name)?.parse().ok()
}

fn has_flag(flags: &str, wanted: &[&str]) -> bool {
    flags.split(',').any(|flag| wanted.contains(&flag))
}

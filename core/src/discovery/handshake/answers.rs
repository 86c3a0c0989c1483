//! Decides what each answer of the handshake means.
//!
//! *Mirrors* the error codes of Redis 6 to 8 and Valkey: the first word decides, never the text behind it, except where
//! a server has one word (`ERR`) for several things.

use super::{ReplicaState, ServerRole, Welcome};
use crate::{
    error::{Error, ErrorKind, Result},
    resp::{Protocol, Value},
    types::Endpoint,
};

/// Who the server says it is; `None` when it does not know `HELLO`, or not the protocol.
pub(super) fn hello(value: &Value) -> Result<Option<Welcome>> {
    if let Some(text) = error_text(value) {
        let is_unknown = matches!(code(text), "ERR" | "NOPROTO" | "NOPERM");
        return if is_unknown && !is_final(text) { Ok(None) } else { Err(refusal(text)) };
    }
    let Value::Map(pairs) = value else { return Err(unexpected("HELLO")) };
    let mut told = Welcome { protocol: Protocol::Resp3, ..Welcome::default() };
    for (key, value) in pairs {
        match (key.as_text(), value) {
            (Some("role"), value) => told.role = coarse_role(value.as_text()),
            (Some("version"), value) => told.version = short_text(value),
            (Some("availability_zone"), value) => told.zone = short_text(value).filter(|zone| !zone.is_empty()),
            (Some("id"), Value::Integer(id)) => told.client_id = u64::try_from(*id).ok(),
            _ => {}
        }
    }
    Ok(Some(told))
}

/// Whether we are let in. A server without a password lets everybody in, also those who have one.
pub(super) fn auth(value: &Value) -> Result<()> {
    match error_text(value) {
        Some(text) if text.contains("without any password configured") => Ok(()),
        Some(text) => Err(Error::new(ErrorKind::Auth, OPERATION, text).with_server_code(code(text))),
        None => Ok(()),
    }
}

/// Leaves what was refused, unless the server refuses us altogether.
pub(super) fn courtesy(value: &Value) -> Result<()> {
    error_text(value).filter(|text| is_final(text)).map_or(Ok(()), |text| Err(refusal(text)))
}

/// Whether the database is there.
pub(super) fn select(value: &Value) -> Result<()> {
    error_text(value).map_or(Ok(()), |text| Err(refusal(text)))
}

/// Whether the server serves.
pub(super) fn ping(value: &Value) -> Result<()> {
    error_text(value).filter(|text| code(text) != "NOPERM").map_or(Ok(()), |text| Err(refusal(text)))
}

/// What the server is; `None` when it does not let us ask.
pub(in crate::discovery) fn role(value: &Value) -> Result<Option<ServerRole>> {
    if let Some(text) = error_text(value) {
        return if is_final(text) { Err(refusal(text)) } else { Ok(None) };
    }
    let Value::Array(items) = value else { return Err(unexpected("ROLE")) };
    let word = items.first().and_then(Value::as_text);
    Ok(Some(match (word, items.as_slice()) {
        (Some("master"), [_, Value::Integer(offset), ..]) => ServerRole::Master { offset: u64::try_from(*offset).ok() },
        (Some("slave" | "replica"), [_, host, Value::Integer(port), state, Value::Integer(offset), ..]) => {
            let port = u16::try_from(*port).ok();
            let master = host.as_text().zip(port).and_then(|(host, port)| Endpoint::parse(host, port));
            let state =
                if state.as_text() == Some("connected") { ReplicaState::Connected } else { ReplicaState::Behind };
            ServerRole::Replica { master, state, offset: u64::try_from(*offset).ok() }
        }
        (Some("sentinel"), _) => ServerRole::Sentinel,
        _ => return Err(unexpected("ROLE")),
    }))
}

/// What the server is by its `INFO replication`; `None` when it does not let us ask.
pub(super) fn replication(value: &Value) -> Result<Option<ServerRole>> {
    if let Some(text) = error_text(value).filter(|text| is_final(text)) {
        return Err(refusal(text));
    }
    let Some(text) = value.as_text() else { return Ok(None) };
    let field = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| *key == name).map(|(_, value)| value.trim()).next()
    };
    let number = |name: &str| field(name)?.parse().ok();
    Ok(match field("role") {
        Some("master") => Some(ServerRole::Master { offset: number("master_repl_offset") }),
        Some("slave" | "replica") => {
            let port = field("master_port").and_then(|port| port.parse().ok());
            let master = field("master_host").zip(port).and_then(|(host, port)| Endpoint::parse(host, port));
            let is_up = field("master_link_status") == Some("up");
            let state = if is_up { ReplicaState::Connected } else { ReplicaState::Behind };
            Some(ServerRole::Replica { master, state, offset: number("slave_repl_offset") })
        }
        _ => None,
    })
}

fn coarse_role(word: Option<&str>) -> ServerRole {
    match word {
        Some("master") => ServerRole::Master { offset: None },
        Some("slave" | "replica") => ServerRole::Replica { master: None, state: ReplicaState::Unknown, offset: None },
        Some("sentinel") => ServerRole::Sentinel,
        _ => ServerRole::Unknown,
    }
}

/// The failure that an error reply of a server means.
pub(super) fn refusal(text: &str) -> Error {
    let kind = match code(text) {
        "NOAUTH" | "WRONGPASS" => ErrorKind::Auth,
        "NOPERM" => ErrorKind::NoPermission,
        "LOADING" | "MASTERDOWN" | "BUSY" => ErrorKind::Loading,
        "READONLY" => ErrorKind::ReadOnly,
        _ if is_full(text) => ErrorKind::Connection,
        _ if is_bad_password(text) => ErrorKind::Auth,
        _ => ErrorKind::Server,
    };
    Error::new(kind, OPERATION, text).with_server_code(code(text))
}

/// Whether the server refuses us, not just this command.
fn is_final(text: &str) -> bool {
    matches!(code(text), "NOAUTH" | "WRONGPASS" | "LOADING" | "MASTERDOWN" | "BUSY" | "DENIED")
        || is_full(text)
        || is_bad_password(text)
}

fn is_full(text: &str) -> bool {
    text.starts_with("ERR max number of clients")
}

/// What servers before Redis 6 say to a wrong password.
fn is_bad_password(text: &str) -> bool {
    text.starts_with("ERR invalid password")
}

fn code(text: &str) -> &str {
    text.split(' ').next().unwrap_or(text)
}

fn short_text(value: &Value) -> Option<String> {
    value.as_text().filter(|text| text.len() <= MAX_TEXT).map(str::to_owned)
}

fn error_text(value: &Value) -> Option<&str> {
    if let Value::Error(text) = value { Some(text) } else { None }
}

fn unexpected(command: &str) -> Error {
    Error::new(ErrorKind::Protocol, OPERATION, format!("{command} was answered with something else"))
}

const OPERATION: &str = "greet a server";

/// A version or zone that is longer is none.
const MAX_TEXT: usize = 256;

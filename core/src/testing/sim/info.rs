//! Decides what a data server that is no real one says of itself in INFO: its role, its replicas, its link.
//!
//! Mirrors the replication section of redis 7.0.15; both the simulated servers and the modelled ones speak by it.

use std::fmt::Write as _;

use crate::types::Millis;

/// Where a server stands in replication.
#[derive(Debug)]
pub(in crate::testing) enum Standing<'a> {
    Master(&'a [ListedReplica]),
    Replica(ReplicaStanding<'a>),
}

/// A replica as its master lists it.
#[derive(Clone, Debug)]
pub(in crate::testing) struct ListedReplica {
    pub(in crate::testing) host: String,
    pub(in crate::testing) port: u16,
    pub(in crate::testing) offset: u64,
    pub(in crate::testing) lag: Millis,
}

/// How a replica stands to its master.
#[derive(Debug)]
pub(in crate::testing) struct ReplicaStanding<'a> {
    pub(in crate::testing) host: &'a str,
    pub(in crate::testing) port: u16,
    /// For how long the link has been down; `None` = it is up.
    pub(in crate::testing) down_for: Option<Millis>,
    pub(in crate::testing) offset: u64,
    pub(in crate::testing) priority: i64,
    /// Whether it wants to be known.
    pub(in crate::testing) is_announced: bool,
}

impl Standing<'_> {
    /// The lines of it, without the section's name.
    pub(in crate::testing) fn lines(&self) -> String {
        match self {
            Self::Master(replicas) => master_lines(replicas),
            Self::Replica(standing) => standing.lines(),
        }
    }
}

fn master_lines(replicas: &[ListedReplica]) -> String {
    let mut text = format!("role:master\r\nconnected_slaves:{}\r\n", replicas.len());
    for (n, ListedReplica { host, port, offset, lag }) in replicas.iter().enumerate() {
        let lag = lag.as_ms() / 1000;
        let _ = write!(text, "slave{n}:ip={host},port={port},state=online,offset={offset},lag={lag}\r\n");
    }
    text
}

impl ReplicaStanding<'_> {
    fn lines(&self) -> String {
        let Self { host, port, down_for, offset, priority, is_announced } = self;
        let status = if down_for.is_none() { "up" } else { "down" };
        let mut text = format!(
            "role:slave\r\nmaster_host:{host}\r\nmaster_port:{port}\r\nmaster_link_status:{status}\r\n\
             slave_read_repl_offset:{offset}\r\nslave_repl_offset:{offset}\r\n"
        );
        if let Some(span) = down_for {
            let _ = write!(text, "master_link_down_since_seconds:{}\r\n", span.as_ms() / 1000);
        }
        let announced = u8::from(*is_announced);
        let _ = write!(text, "slave_priority:{priority}\r\nreplica_announced:{announced}\r\n");
        text
    }
}

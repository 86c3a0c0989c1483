//! Decides what is shown of a group at one moment: each server's own word, and each sentinel's.

use std::{fmt, net::SocketAddr};

use super::{HaGroup, Member, Node};
use crate::error::Result;

/// How many of the last events are shown with a failure.
const EVENTS: usize = 50;
/// How many bytes of a log's end are shown with a failure.
const TAIL: usize = 1_500;

/// A group at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The servers, in order.
    pub servers: Vec<ServerView>,
    /// The sentinels, in order.
    pub sentinels: Vec<SentinelView>,
}

/// A server's own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerView {
    /// Which.
    pub member: Member,
    /// The address it announces.
    pub address: SocketAddr,
    /// `master` or `slave`; `None` when it does not answer.
    pub role: Option<String>,
    /// The master it follows.
    pub follows: Option<Member>,
    /// Whether its replication link is up.
    pub is_linked: bool,
    /// How much of the replication stream it has.
    pub offset: u64,
}

/// A sentinel's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentinelView {
    /// Which.
    pub member: Member,
    /// The address it announces.
    pub address: SocketAddr,
    /// Whom it calls the master; `None` when it does not answer.
    pub master: Option<Member>,
    /// The main fields of its answer to `SENTINEL MASTER`, as text.
    pub says: String,
}

impl HaGroup {
    /// The group at this moment, as every member that answers sees it. Faults of the network do not hide anything.
    pub fn snapshot(&self) -> Snapshot {
        let servers = self.nodes.iter().enumerate().map(|(index, node)| self.view_server(Member::Server(index), node));
        let sentinels = self.seats.iter().zip(self.answers()).enumerate().map(|(index, (node, master))| SentinelView {
            member: Member::Sentinel(index),
            address: node.front.address(),
            master,
            says: node.seat().describe(&self.name),
        });
        Snapshot { servers: servers.collect(), sentinels: sentinels.collect() }
    }

    /// Which server of the group a server follows; `None` when it is a master, or follows a stranger.
    pub(super) fn followed_by(&self, server: Member) -> Result<Option<Member>> {
        self.node(server).map(|node| self.view_server(server, node).follows)
    }

    fn view_server(&self, member: Member, node: &Node) -> ServerView {
        let info = node.glance().and_then(|mut client| client.text(&["INFO", "replication"]).ok()).unwrap_or_default();
        let field = |name: &str| {
            let mut lines = info.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
        };
        let follows = || -> Option<SocketAddr> {
            Some(SocketAddr::new(field("master_host")?.parse().ok()?, field("master_port")?.parse().ok()?))
        };
        let offset = field("slave_repl_offset").or_else(|| field("master_repl_offset"));
        ServerView {
            member,
            address: node.front.address(),
            role: field("role"),
            follows: follows().and_then(|address| self.server_at(address)),
            is_linked: field("master_link_status").is_some_and(|status| status == "up"),
            offset: offset.and_then(|text| text.parse().ok()).unwrap_or(0),
        }
    }

    /// All that helps to understand a failure: the snapshot, the last events, the ends of the logs.
    pub(super) fn report(&self) -> String {
        let events = self.log.events();
        let last: String =
            events.iter().skip(events.len().saturating_sub(EVENTS)).map(|event| event.to_string() + "\n").collect();
        let members = self.servers().into_iter().chain(self.sentinels());
        let logs: String =
            members.filter_map(|member| Some(format!("[{member}]\n{}\n", tail(&self.logs(member).ok()?)))).collect();
        format!("\n{}-- events\n{last}-- logs\n{logs}", self.snapshot())
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "-- servers")?;
        for ServerView { member, address, role, follows, is_linked, offset } in &self.servers {
            write!(f, "{member} {address} {}", role.as_deref().unwrap_or("does not answer"))?;
            if let Some(master) = follows {
                write!(f, " of {master}, link {}", if *is_linked { "up" } else { "down" })?;
            }
            writeln!(f, " offset {offset}")?;
        }
        writeln!(f, "-- sentinels")?;
        for SentinelView { member, address, master, says } in &self.sentinels {
            let master = master.map_or_else(|| "none".to_owned(), |master| master.to_string());
            writeln!(f, "{member} {address} master {master}: {says}")?;
        }
        Ok(())
    }
}

/// The end of a log.
fn tail(log: &str) -> &str {
    let from = log.len().saturating_sub(TAIL);
    let from = (from..log.len()).find(|&at| log.is_char_boundary(at)).unwrap_or(0);
    log[from..].trim_end()
}

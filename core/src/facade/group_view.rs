//! Decides what a binding sees of a test group at one moment: each member's own word, owned, as text and as JSON.

use serde::Serialize;

use super::Address;
use crate::testing::{Member, Snapshot};

/// A group at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupView {
    /// The servers, in order.
    pub servers: Vec<ServerView>,
    /// The sentinels, in order.
    pub sentinels: Vec<SentinelView>,
    /// The same for people, a line for each member.
    pub text: String,
}

/// A server's own word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerView {
    /// Which: `server-0`.
    pub member: String,
    /// The address it announces.
    pub address: Address,
    /// `master` or `slave`; none when it does not answer.
    pub role: Option<String>,
    /// The member it follows.
    pub follows: Option<String>,
    /// Whether its replication link is up.
    pub is_linked: bool,
    /// How much of the replication stream it has.
    pub offset: u64,
}

/// A sentinel's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SentinelView {
    /// Which: `sentinel-0`.
    pub member: String,
    /// The address it announces.
    pub address: Address,
    /// The member it calls the master; none when it does not answer.
    pub master: Option<String>,
    /// The main fields of its answer to `SENTINEL MASTER`, as text.
    pub says: String,
}

impl GroupView {
    /// All of it as one JSON object with the fields' names.
    pub fn json(&self) -> String {
        // Texts, numbers and lists of them: nothing that JSON could not say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl From<Snapshot> for GroupView {
    fn from(snapshot: Snapshot) -> Self {
        let text = snapshot.to_string();
        let name = |member: Member| member.to_string();
        let servers = snapshot.servers.into_iter().map(|server| ServerView {
            member: name(server.member),
            address: server.address.into(),
            role: server.role,
            follows: server.follows.map(name),
            is_linked: server.is_linked,
            offset: server.offset,
        });
        let sentinels = snapshot.sentinels.into_iter().map(|sentinel| SentinelView {
            member: name(sentinel.member),
            address: sentinel.address.into(),
            master: sentinel.master.map(name),
            says: sentinel.says,
        });
        Self { servers: servers.collect(), sentinels: sentinels.collect(), text }
    }
}

//! Decides what is known of a server once the handshake is through.

use crate::{resp::Protocol, types::Endpoint};

/// Who the server is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Welcome {
    /// The protocol that was agreed on.
    pub protocol: Protocol,
    /// What it is in its group; [`ServerRole::Unknown`] for a sentinel, which is not asked.
    pub role: ServerRole,
    /// Where it stands: the `availability-zone` of Valkey 8.1 and later.
    pub zone: Option<String>,
    /// Its version, such as `7.0.15`.
    pub version: Option<String>,
    /// The number of this connection in its `CLIENT LIST`.
    pub client_id: Option<u64>,
}

/// What a server is in its group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ServerRole {
    /// A master.
    Master {
        /// How many bytes its replication stream has had; `None` when it did not say.
        offset: Option<u64>,
    },
    /// A replica.
    Replica {
        /// The server it follows, when it said.
        master: Option<Endpoint>,
        /// Whether it has that server's data.
        state: ReplicaState,
        /// How many bytes of the replication stream it has taken; `None` when it did not say.
        offset: Option<u64>,
    },
    /// A sentinel.
    Sentinel,
    /// It does not say.
    #[default]
    Unknown,
}

/// Whether a replica has its master's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplicaState {
    /// It has them, and is being kept current.
    Connected,
    /// It does not, or is cut off.
    Behind,
    /// It did not say.
    #[default]
    Unknown,
}

impl ServerRole {
    /// Whether it is a master.
    pub fn is_master(&self) -> bool {
        matches!(self, Self::Master { .. })
    }

    /// Whether it is a replica that has its master's data.
    pub fn is_connected_replica(&self) -> bool {
        matches!(self, Self::Replica { state: ReplicaState::Connected, .. })
    }
}

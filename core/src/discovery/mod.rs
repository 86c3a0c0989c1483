//! Finds masters for clients and follows them: connections to the sentinels, verified answers, snapshots to share.

mod access;
mod dial;
mod handshake;

pub use access::{Access, CredentialSource, Credentials, Login};
pub use dial::{BlockingConnection, Connection, Dialer};
pub use handshake::{Handshake, Introduction, ReplicaState, ServerKind, ServerRole, Welcome};

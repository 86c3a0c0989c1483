//! What a sentinel knows, as plain data: masters, replicas, peers, links, and what INFO said.

mod link;
mod master;
mod node;
mod peer;
mod replica;

pub use link::{Errand, Link, Phase, Pulse, Purpose};
pub use master::{Failover, Group, Order, Stage};
pub use node::{DataFacts, Down, Node, NodeKind, Role};
pub use peer::PeerFacts;
pub use replica::{MasterLink, Reconfiguration, ReplicaFacts};

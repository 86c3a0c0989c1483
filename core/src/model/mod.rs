//! What a sentinel knows, as plain data: masters, replicas, peers, links, and what INFO said.

mod info;
mod link;
mod master;
mod node;
mod peer;
mod quorum;
mod replica;

pub use info::Info;
pub use link::{Errand, Link, Phase, Pulse, Purpose};
pub use master::{Failover, Group, Order, Stage};
pub use node::{DataFacts, Down, Node, NodeKind, Role};
pub use peer::PeerFacts;
pub use quorum::{Outcome, count_votes, votes_needed};
pub use replica::{MasterLink, Reconfiguration, ReplicaFacts};

//! Decides the order of one turn: the stall check, the news, the deadlines that are due, the store.

use super::{Event, EventKind, Input, Machine, Output};
use crate::{
    config::LogLevel,
    types::{Endpoint, Epoch, GroupId, MasterName, NodeId, Now, ClientId},
};

impl Machine {
    /// Begins life: creates the configured masters and asks for their links.
    pub(super) fn begin(&mut self, _now: Now) {}

    /// One turn.
    pub(super) fn turn(&mut self, _now: Now, _input: Input) {}

    /// Publishes an event about a master, or about none.
    pub(super) fn publish(&mut self, _now: Now, _kind: EventKind, _group: Option<GroupId>, _text: String) {}

    /// Writes a log line that is no event.
    pub(super) fn log(&mut self, level: LogLevel, text: String) {
        self.outputs.push_back(Output::Log { level, text });
    }

    /// The instance details of spec 10.2: `master <name> <ip> <port>` or `<kind> <name> <ip> <port> @ <master> <ip> <port>`.
    pub(super) fn describe(&self, _node: NodeId) -> String {
        String::new()
    }

    /// Gathers the whole configuration and state, as it is to be stored.
    pub(super) fn settings_to_store(&self) -> crate::config::Settings {
        self.settings.clone()
    }

    /// Wants the state on disk; `consequence` follows when it is, or when it cannot be.
    pub(super) fn save(&mut self, _consequence: Option<super::store::Consequence>) {}

    /// Begins to monitor a master; the name is not in use. Publishes nothing and stores nothing.
    pub(super) fn monitor(&mut self, _now: Now, _name: MasterName, _address: Endpoint, _quorum: u32) -> GroupId {
        GroupId::new(0)
    }

    /// Stops monitoring a master: its records, links and deadlines are gone. Publishes nothing and stores nothing.
    pub(super) fn forget(&mut self, _group: GroupId) {}

    /// Forgets a master's replicas and peers and any failover (SENTINEL RESET), publishes `+reset-master`.
    pub(super) fn reset(&mut self, _now: Now, _group: GroupId) {}

    /// Whether a failover could choose a replica right away (SENTINEL FAILOVER's NOGOODSLAVE check).
    pub(super) fn has_promotable_replica(&self, _now: Now, _group: GroupId) -> bool {
        false
    }

    /// Begins a failover an operator ordered; none is in progress and a replica can be promoted.
    pub(super) fn start_ordered_failover(&mut self, _now: Now, _group: GroupId) {}

    /// Digests a hello; `direct` when it came by PUBLISH to this sentinel's own port.
    pub(super) fn hear_hello(&mut self, _now: Now, _payload: &[u8]) {}

    /// Answers SENTINEL IS-MASTER-DOWN-BY-ADDR; emits the reply by itself, at once or after the vote is stored.
    pub(super) fn answer_down_question(
        &mut self, _now: Now, _client: ClientId, _address: &Endpoint, _epoch: Epoch, _candidate: Option<&str>,
    ) {
    }

    /// Closes the links to a master and all its replicas, so that they open again with the new credentials.
    pub(super) fn reconnect_servers(&mut self, _now: Now, _group: GroupId) {}

    /// Closes the links to all peers, so that they open again with the new credentials.
    pub(super) fn reconnect_peers(&mut self, _now: Now) {}

    /// Takes a changed `down_after` of a group into account.
    pub(super) fn rejudge(&mut self, _now: Now, _group: GroupId) {}

    /// Sends the whole answer to a client's command.
    pub(super) fn reply(&mut self, _client: ClientId, _value: crate::resp::Value) {}
}

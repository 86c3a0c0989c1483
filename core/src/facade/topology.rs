//! Decides what a binding sees of one master's surroundings: a whole picture at one moment, owned, and as JSON.

use serde::Serialize;

use super::Address;
use crate::{
    finder,
    types::{Epoch, Millis, RunId},
};

/// All that is known of one master; a newer picture takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Topology {
    /// The name the sentinels monitor it under.
    pub name: String,
    /// Which master this is: 0 before any was found, one more with each switch.
    pub generation: u64,
    /// The configuration epoch of the sentinels that named it.
    pub epoch: u64,
    /// How far it may be relied on: `resolving`, `up`, `suspect`, `hold` (writes wait), `down`, `closed`.
    pub phase: &'static str,
    /// The last server that was verified as the master; none before any was.
    pub master: Option<Address>,
    /// The replicas that may be read from.
    pub replicas: Vec<ReplicaSeen>,
    /// The sentinels, with what each said last.
    pub sentinels: Vec<SentinelSeen>,
    /// `down-after-milliseconds` of this master, once a sentinel has told.
    pub down_after_ms: Option<u64>,
    /// Why the last search found nothing; none when it found the master.
    pub trouble: Option<String>,
}

/// A replica that may be read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplicaSeen {
    /// Its address.
    pub address: Address,
    /// Its identity, when the sentinels know it.
    pub run_id: Option<String>,
    /// How many bytes it is behind the foremost replica.
    pub lag: Option<u64>,
    /// How readily it is promoted: the lower the sooner, 0 never.
    pub priority: u32,
}

/// A sentinel and what it said last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SentinelSeen {
    /// Its address.
    pub address: Address,
    /// Its identity, once it is known.
    pub run_id: Option<String>,
    /// How its words fit: `unasked`, `agrees`, `stale`, `differs`, `unaware`, `silent`.
    pub standing: &'static str,
    /// What it said last, for people.
    pub said: String,
    /// The configuration epoch it told.
    pub epoch: Option<u64>,
}

impl Topology {
    /// All of it as one JSON object with the fields' names.
    pub fn json(&self) -> String {
        // Texts, numbers and lists of them: nothing that JSON could not say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl From<&finder::Topology> for Topology {
    fn from(topology: &finder::Topology) -> Self {
        let id = |id: &Option<RunId>| id.as_ref().map(ToString::to_string);
        let replicas = topology.replicas.iter().map(|replica| ReplicaSeen {
            address: Address::from(&replica.address),
            run_id: id(&replica.run_id),
            lag: replica.lag,
            priority: replica.priority,
        });
        let sentinels = topology.sentinels.iter().map(|sentinel| SentinelSeen {
            address: Address::from(&sentinel.address),
            run_id: id(&sentinel.run_id),
            standing: sentinel.standing.name(),
            said: sentinel.said.clone(),
            epoch: sentinel.epoch.map(Epoch::as_u64),
        });
        Self {
            name: topology.name.to_string(),
            generation: topology.generation.as_u64(),
            epoch: topology.epoch.as_u64(),
            phase: topology.phase.name(),
            master: topology.master.as_ref().map(Address::from),
            replicas: replicas.collect(),
            sentinels: sentinels.collect(),
            down_after_ms: topology.down_after.map(Millis::as_ms),
            trouble: topology.trouble.as_ref().map(|trouble| trouble.to_error(&topology.name).to_string()),
        }
    }
}

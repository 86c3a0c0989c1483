//! Decides what is kept of one master between two pieces of news, and how it is shown.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use super::{
    Phase, Replica, SentinelSeen, Standing, Topology, Trouble, Verdict,
    answer::{ReplicaRow, Said, Word},
    hold::Hold,
    search::Search,
    sentinels::Sentinel,
};
use crate::types::{Endpoint, Epoch, Generation, MasterName, Millis, SentinelId, Tick, TrialId};

/// One master.
#[derive(Clone, Debug)]
pub(super) struct Master {
    pub(super) name: MasterName,
    pub(super) interest: Interest,
    pub(super) phase: Phase,
    pub(super) generation: Generation,
    pub(super) epoch: Epoch,
    pub(super) address: Option<Endpoint>,
    pub(super) since: Tick,
    pub(super) down_after: Option<Millis>,

    /// What each sentinel said last.
    pub(super) words: BTreeMap<SentinelId, Word>,
    /// What each sentinel told of the replicas last.
    pub(super) rows: BTreeMap<SentinelId, Vec<ReplicaRow>>,
    pub(super) replicas: Vec<Replica>,
    pub(super) search: Option<Search>,
    /// When the last search began.
    pub(super) searched: Option<Tick>,
    /// Whether the next search is to ask all sentinels at once.
    pub(super) is_pressed: bool,
    /// Whether somebody wished for a search while one was running.
    pub(super) is_wished: bool,
    /// How many searches in a row found nothing.
    pub(super) failures: u32,
    /// How many searches were begun because nothing happened.
    pub(super) polls: u32,
    pub(super) trouble: Option<Arc<Trouble>>,

    /// What servers showed themselves to be, the newest last.
    pub(super) proofs: Vec<Shown>,
    /// The servers that are being asked.
    pub(super) trials: BTreeMap<TrialId, Endpoint>,
    /// Since when the master in place has failed every verification.
    pub(super) failing_since: Option<Tick>,
    /// What a majority says although it is older than what was accepted.
    pub(super) insistence: Option<Insistence>,
    /// When the first sign of a change came.
    pub(super) first_sign: Option<Tick>,
    /// The replica that the leader of a failover has chosen.
    pub(super) chosen: Option<Endpoint>,
    pub(super) hold: Option<Hold>,
    /// The epoch that was in place when writes were last held.
    pub(super) held_in: Option<Epoch>,
    /// When holds began, the last few.
    pub(super) holds: VecDeque<Tick>,
    /// The sentinels that were told of as stale since the last switch.
    pub(super) stale: BTreeSet<SentinelId>,
    pub(super) is_verify_disabled: bool,
    pub(super) topology: Arc<Topology>,
}

/// Who wants to know a master.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Interest {
    /// Somebody asked for it.
    pub(super) is_wanted: bool,
    /// Its name fits the pattern.
    pub(super) is_followed: bool,
}

/// What a server showed itself to be.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) address: Endpoint,
    pub(super) verdict: Verdict,
    pub(super) at: Tick,
}

/// An older epoch that more than half of the sentinels insist on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Insistence {
    pub(super) address: Endpoint,
    pub(super) epoch: Epoch,
    pub(super) since: Tick,
}

impl Master {
    pub(super) fn new(name: &MasterName, now: Tick) -> Self {
        Self {
            name: name.clone(),
            interest: Interest::default(),
            phase: Phase::Resolving,
            generation: Generation::NONE,
            epoch: Epoch::ZERO,
            address: None,
            since: now,
            down_after: None,
            words: BTreeMap::new(),
            rows: BTreeMap::new(),
            replicas: Vec::new(),
            search: None,
            searched: None,
            is_pressed: false,
            is_wished: false,
            failures: 0,
            polls: 0,
            trouble: None,
            proofs: Vec::new(),
            trials: BTreeMap::new(),
            failing_since: None,
            insistence: None,
            first_sign: None,
            chosen: None,
            hold: None,
            held_in: None,
            holds: VecDeque::new(),
            stale: BTreeSet::new(),
            is_verify_disabled: false,
            topology: Arc::new(Topology::unknown(name.clone(), now)),
        }
    }

    /// Whether this is the address of the master in place.
    pub(super) fn is_current(&self, address: &Endpoint) -> bool {
        self.address.as_ref().is_some_and(|current| current.is_same(address))
    }

    /// Whether the master in place is relied on without asking it again.
    pub(super) fn is_trusted(&self) -> bool {
        matches!(self.phase, Phase::Up | Phase::Hold { .. })
    }

    /// Drops all that a sentinel said.
    pub(super) fn forget_sentinel(&mut self, id: SentinelId) {
        self.words.remove(&id);
        self.rows.remove(&id);
        self.stale.remove(&id);
        if let Some(search) = &mut self.search {
            search.forget(id);
        }
    }

    /// What is to be told of it.
    pub(super) fn view(&self, sentinels: &BTreeMap<SentinelId, Sentinel>) -> Topology {
        Topology {
            name: self.name.clone(),
            generation: self.generation,
            epoch: self.epoch,
            phase: self.phase,
            master: self.address.clone(),
            replicas: self.replicas.clone(),
            sentinels: sentinels.iter().map(|(id, sentinel)| self.see(sentinel, self.words.get(id))).collect(),
            down_after: self.down_after,
            since: self.since,
            trouble: self.trouble.clone(),
        }
    }

    fn see(&self, sentinel: &Sentinel, word: Option<&Word>) -> SentinelSeen {
        let said = word.map(|word| &word.said);
        SentinelSeen {
            address: sentinel.address.clone(),
            run_id: sentinel.run_id.clone(),
            standing: said.map_or(Standing::Unasked, |said| self.standing(said)),
            said: said.map_or_else(String::new, Said::to_string),
            epoch: said.and_then(Said::epoch),
        }
    }

    /// How a sentinel's words fit to the master in place.
    pub(super) fn standing(&self, said: &Said) -> Standing {
        match said {
            Said::Unaware => Standing::Unaware,
            Said::Failed { .. } => Standing::Silent,
            Said::Names(vote) if self.is_current(&vote.address) => Standing::Agrees,
            Said::Names(vote) if vote.facts.epoch < Some(self.epoch) => Standing::Stale,
            Said::Names(_) => Standing::Differs,
        }
    }
}

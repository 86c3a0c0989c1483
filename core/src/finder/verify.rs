//! Decides when a server is asked for its role, and how long its answer counts.

use super::{
    Event, EventKind, Finder, Output, Phase, Verdict, Verify, Why,
    master::{Master, Shown},
    rank::Proof,
    search::Haste,
};
use crate::{
    error::ErrorKind,
    types::{Endpoint, MasterName, Millis, Now, Tick, TrialId},
};

/// The most servers of one master that are asked at the same time.
const MOST_TRIALS: usize = 8;

/// The most answers that are kept of one master.
const MOST_PROOFS: usize = 8;

impl Finder {
    /// Asks a server for its role, unless it is being asked.
    pub(super) fn try_server(&mut self, now: Now, name: &MasterName, address: &Endpoint) {
        let trial = TrialId::new(self.next_number());
        let limit = now.tick.after(self.settings.times.verify);
        let Some(master) = self.masters.get_mut(name) else { return };
        if self.settings.verify == Verify::Off {
            return master.record(now.tick, address, Verdict::Master);
        }
        if master.trials.values().any(|running| running.is_same(address)) {
            return;
        }
        if master.trials.len() >= MOST_TRIALS
            && let Some((oldest, _)) = master.trials.pop_first()
        {
            self.trials.remove(&oldest);
            self.deadlines.clear(Why::Trial(oldest));
        }
        master.trials.insert(trial, address.clone());
        self.trials.insert(trial, name.clone());
        self.deadlines.set(Why::Trial(trial), limit);
        self.outputs.push_back(Output::Verify { trial, master: name.clone(), target: address.clone() });
    }

    /// A server did not show its role in time.
    pub(super) fn give_up_trial(&mut self, now: Now, trial: TrialId) {
        let reason = format!("no role within {}", self.settings.times.verify);
        self.verified(now, trial, Verdict::Failed { kind: ErrorKind::Timeout, reason });
    }

    /// A server showed its role, or failed to.
    pub(super) fn verified(&mut self, now: Now, trial: TrialId, verdict: Verdict) {
        let Some(name) = self.trials.remove(&trial) else { return };
        self.deadlines.clear(Why::Trial(trial));
        let Some(master) = self.masters.get_mut(&name) else { return };
        let Some(address) = master.trials.remove(&trial) else { return };
        self.tell_verdict(now, &name, &address, &verdict);
        let Some(master) = self.masters.get_mut(&name) else { return };
        let is_master = verdict.is_master();
        let was_master = matches!(master.proof(now.tick, &address, KEPT), Proof::Master(_));
        master.record(now.tick, &address, verdict);
        self.advance(now, &name);
        // A server that has just become master is called so by its leader at any moment.
        let Some(master) = self.masters.get(&name) else { return };
        if is_master && !was_master && master.search.is_none() && !master.is_current(&address) {
            self.search(now, &name, Haste::Urgent);
        }
    }

    fn tell_verdict(&mut self, now: Now, name: &MasterName, address: &Endpoint, verdict: &Verdict) {
        match verdict {
            Verdict::Failed { kind: ErrorKind::Auth, reason } => self.note_refusal(now, address, reason),
            Verdict::Unverifiable => {
                let Some(master) = self.masters.get_mut(name) else { return };
                if !std::mem::replace(&mut master.is_verify_disabled, true) {
                    self.publish(now, name, EventKind::VerifyDisabled { address: address.clone() });
                }
            }
            Verdict::Master | Verdict::Replica { .. } | Verdict::NotReady(_) | Verdict::Failed { .. } => {
                self.refused.remove(address);
            }
        }
    }

    /// Tells whoever listens about a master.
    pub(super) fn publish(&mut self, now: Now, name: &MasterName, kind: EventKind) {
        self.outputs.push_back(Output::Publish(Event { at: now, master: Some(name.clone()), kind }));
    }
}

/// How long an answer counts.
const KEPT: Millis = Millis::new(500);

impl Master {
    /// Keeps what a server showed itself to be.
    fn record(&mut self, now: Tick, address: &Endpoint, verdict: Verdict) {
        if self.is_current(address) {
            let since = self.failing_since.unwrap_or(now);
            self.failing_since = (!verdict.is_master()).then_some(since);
        }
        self.disprove(address);
        if self.proofs.len() >= MOST_PROOFS {
            self.proofs.remove(0);
        }
        self.proofs.push(Shown { address: address.clone(), verdict, at: now });
    }

    /// Forgets what a server showed itself to be.
    pub(super) fn disprove(&mut self, address: &Endpoint) {
        self.proofs.retain(|shown| !shown.address.is_same(address));
    }

    /// Forgets what is no good sign: a search that begins asks again.
    pub(super) fn doubt(&mut self) {
        self.proofs.retain(|shown| shown.verdict.is_master());
    }

    /// What is known of a server's role: a good answer counts for `kept`, a bad one until the next search.
    pub(super) fn proof(&self, now: Tick, address: &Endpoint, kept: Millis) -> Proof {
        let shown = self.proofs.iter().find(|shown| shown.address.is_same(address));
        let is_running = self.trials.values().any(|running| running.is_same(address));
        match shown {
            Some(shown) if !shown.verdict.is_master() => Proof::Refuted,
            Some(shown) if now.since(shown.at) <= kept => Proof::Master(now.since(shown.at)),
            Some(_) | None if is_running => Proof::Running,
            Some(_) | None => Proof::Missing,
        }
    }

    /// Whether the chosen replica has shown itself to be a master within the running hold.
    pub(super) fn is_promoted(&self, now: Tick) -> bool {
        let is_master = |chosen| matches!(self.proof(now, chosen, KEPT), Proof::Master(_));
        matches!(self.phase, Phase::Hold { .. }) && self.chosen.as_ref().is_some_and(is_master)
    }

    /// What became of the servers that were asked, for people.
    pub(super) fn verdicts(&self) -> impl Iterator<Item = String> {
        self.proofs.iter().filter_map(|shown| {
            let words = match &shown.verdict {
                Verdict::Master | Verdict::Unverifiable => return None,
                Verdict::Replica { of: None } => "is a replica".to_owned(),
                Verdict::Replica { of: Some(head) } => format!("is a replica of {head}"),
                Verdict::NotReady(words) => format!("is not ready: {}", super::answer::cut(words)),
                Verdict::Failed { reason, .. } => super::answer::cut(reason),
            };
            Some(format!("server {}: {words}", shown.address))
        })
    }
}

//! Decides which of the servers that sentinels name is the master, from facts alone.
//!
//! A newer epoch beats an older one; then the server that more sentinels name; then one that is not held for down;
//! then the quicker answer. Nothing is taken that has not shown itself to be a master.

use super::{Agreement, answer::Vote};
use crate::types::{Endpoint, Epoch, Millis};

/// A server that is named, with those who name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) address: Endpoint,
    /// The newest epoch it is named with.
    pub(super) epoch: Option<Epoch>,
    /// How many sentinels name it.
    pub(super) voters: usize,
    /// How many name it with that epoch.
    pub(super) agreeing: usize,
    pub(super) is_down: bool,
    pub(super) took: Millis,
}

/// What is known of a server's role at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It has not been asked.
    Missing,
    /// It is being asked.
    Running,
    /// It has shown itself to be a master, this long ago.
    Master(Millis),
    /// It has shown itself to be none, or nothing at all.
    Refuted,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// A better answer may come at any moment.
    Fresh,
    /// Good answers have waited long enough for better ones.
    Ripe,
    /// Nobody is left to answer.
    Complete,
}

/// All that a decision depends on.
pub(super) struct Situation<'a> {
    /// The master in place, with its epoch.
    pub(super) current: Option<(&'a Endpoint, Epoch)>,
    /// The oldest epoch that may win: the current one, unless the sentinels insist on an older.
    pub(super) floor: Epoch,
    /// The candidates, the best first.
    pub(super) ranked: &'a [Candidate],
    pub(super) progress: Progress,
    pub(super) agreement: Agreement,
    /// How many sentinels there are.
    pub(super) sentinels: usize,
    /// How long a verified server waits for one with a newer epoch that is still being asked.
    pub(super) grace: Millis,
    /// What is known of a server's role.
    pub(super) proof: &'a dyn Fn(&Endpoint) -> Proof,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Wait for news.
    Wait,
    /// Ask these servers for their role.
    Verify(Vec<Endpoint>),
    /// This one is the master; `beside` it another claims to be, with the same epoch.
    Take { candidate: Candidate, beside: Option<Endpoint> },
    /// The master in place is right.
    Confirm,
    /// Nobody that is named is the master.
    Nothing,
}

/// The most candidates that are looked at: more than any honest set of sentinels names.
pub(super) const MOST_CANDIDATES: usize = 4;

/// Groups the votes by the server they name, the best first.
pub(super) fn rank<'a>(votes: impl Iterator<Item = &'a Vote>) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for vote in votes {
        let epoch = vote.facts.epoch;
        match candidates.iter_mut().find(|candidate| candidate.address.is_same(&vote.address)) {
            Some(candidate) => {
                candidate.voters += 1;
                candidate.agreeing = match epoch.cmp(&candidate.epoch) {
                    std::cmp::Ordering::Less => candidate.agreeing,
                    std::cmp::Ordering::Equal => candidate.agreeing + 1,
                    std::cmp::Ordering::Greater => 1,
                };
                candidate.epoch = candidate.epoch.max(epoch);
                candidate.is_down &= vote.facts.is_down;
                candidate.took = candidate.took.min(vote.took);
            }
            None => candidates.push(Candidate {
                address: vote.address.clone(),
                epoch,
                voters: 1,
                agreeing: 1,
                is_down: vote.facts.is_down,
                took: vote.took,
            }),
        }
    }
    candidates.sort_by(|a, b| {
        let newest = b.epoch.cmp(&a.epoch).then(b.voters.cmp(&a.voters));
        newest.then(a.is_down.cmp(&b.is_down)).then(a.took.cmp(&b.took)).then(a.address.cmp(&b.address))
    });
    candidates.truncate(MOST_CANDIDATES);
    candidates
}

/// Whether anybody names another server than `current`, with an epoch that is not older.
pub(super) fn is_contested(ranked: &[Candidate], current: &Endpoint, epoch: Epoch) -> bool {
    ranked.iter().any(|other| !other.address.is_same(current) && other.epoch >= Some(epoch))
}

/// Whether enough sentinels name this candidate with this epoch.
pub(super) fn is_agreed(candidate: &Candidate, agreement: Agreement, sentinels: usize) -> bool {
    match agreement {
        Agreement::Newest => true,
        Agreement::Majority => candidate.agreeing > sentinels / 2,
    }
}

/// Decides what follows from the situation.
pub(super) fn judge(situation: &Situation<'_>) -> Decision {
    match situation.current {
        None => judge_first(situation),
        Some((current, epoch)) => judge_change(situation, current, epoch),
    }
}

/// No master is in place: the best that verifies is taken, once better answers had their time.
fn judge_first(situation: &Situation<'_>) -> Decision {
    let agreed: Vec<_> = situation.agreed().collect();
    match situation.best_master(&agreed) {
        Best::Missing(addresses) => Decision::Verify(addresses),
        Best::None if situation.progress == Progress::Complete => Decision::Nothing,
        Best::Found(_) if situation.progress == Progress::Fresh => Decision::Wait,
        Best::Found(candidate) => {
            let rival = |other: &&&Candidate| other.epoch == candidate.epoch && other.address != candidate.address;
            situation.take(candidate, agreed.iter().find(rival).map(|other| &other.address))
        }
        Best::Running | Best::None => Decision::Wait,
    }
}

/// A master is in place: it stays unless a newer epoch names another, or it fails and another of its epoch does not.
fn judge_change(situation: &Situation<'_>, current: &Endpoint, epoch: Epoch) -> Decision {
    let is_current = |candidate: &&Candidate| candidate.address.is_same(current);
    let newer: Vec<_> = situation.agreed().filter(|other| other.epoch > Some(epoch) && !is_current(other)).collect();
    let unproved = (situation.proof)(current) == Proof::Missing;
    match situation.best_master(&newer) {
        Best::Found(candidate) => return situation.take(candidate, None),
        Best::Missing(mut addresses) => {
            addresses.extend(unproved.then(|| current.clone()));
            return Decision::Verify(addresses);
        }
        Best::Running | Best::None if unproved => return Decision::Verify(vec![current.clone()]),
        Best::Running if situation.progress != Progress::Complete => return Decision::Wait,
        Best::Running | Best::None => {}
    }
    let own = situation.ranked.iter().find(is_current);
    let is_named = own.is_some_and(|own| own.epoch >= Some(epoch)) && !is_contested(situation.ranked, current, epoch);
    match (situation.proof)(current) {
        Proof::Running => Decision::Wait,
        Proof::Master(_) if is_named && situation.progress == Progress::Ripe => Decision::Confirm,
        _ if situation.progress != Progress::Complete => Decision::Wait,
        proof @ (Proof::Missing | Proof::Master(_) | Proof::Refuted) => {
            let stands = matches!(proof, Proof::Master(_));
            let least = own.filter(|_| stands).map_or(0, |own| own.voters);
            judge_rivals(situation, &situation.rivals(current, epoch, stands, least), stands, current)
        }
    }
}

/// Others are named with no newer epoch: they win when the master in place fails, or more sentinels name them.
fn judge_rivals(situation: &Situation<'_>, rivals: &[&Candidate], stands: bool, current: &Endpoint) -> Decision {
    match situation.best_master(rivals) {
        Best::Missing(addresses) => Decision::Verify(addresses),
        Best::Running => Decision::Wait,
        Best::Found(candidate) => situation.take(candidate, stands.then_some(current)),
        Best::None if stands => Decision::Confirm,
        Best::None => Decision::Nothing,
    }
}

/// The best of some candidates.
enum Best<'a> {
    /// One that has shown itself to be a master.
    Found(&'a Candidate),
    /// These have not been asked.
    Missing(Vec<Endpoint>),
    /// One is being asked.
    Running,
    /// None.
    None,
}

impl Situation<'_> {
    fn agreed(&self) -> impl Iterator<Item = &Candidate> {
        self.ranked.iter().filter(|candidate| is_agreed(candidate, self.agreement, self.sentinels))
    }

    /// Candidates that no newer epoch speaks for, but that may win all the same.
    ///
    /// One of the current epoch needs more than `least` voters; an older one needs the floor to be lowered, and
    /// then wins although the current master `stands`.
    fn rivals(&self, current: &Endpoint, epoch: Epoch, stands: bool, least: usize) -> Vec<&Candidate> {
        let may_win = |other: &&Candidate| match other.epoch {
            Some(told) if told < epoch => told >= self.floor,
            Some(_) => other.voters > least,
            // Without an epoch, nothing tells the old master from the new one but the number of voters.
            None => !stands || other.voters > least.max(1),
        };
        self.agreed().filter(|other| !other.address.is_same(current)).filter(may_win).collect()
    }

    /// The first of these that has shown itself to be a master.
    fn best_master<'a>(&self, candidates: &[&'a Candidate]) -> Best<'a> {
        let proofs: Vec<_> =
            candidates.iter().map(|candidate| (*candidate, (self.proof)(&candidate.address))).collect();
        let missing: Vec<_> = proofs
            .iter()
            .filter(|(_, proof)| *proof == Proof::Missing)
            .map(|(other, _)| other.address.clone())
            .collect();
        if !missing.is_empty() {
            return Best::Missing(missing);
        }
        let is_running = |until: usize| proofs[..until].iter().any(|(_, proof)| *proof == Proof::Running);
        let verified = proofs.iter().enumerate().find_map(|(index, (candidate, proof))| match proof {
            Proof::Master(ago) => Some((index, *candidate, *ago)),
            Proof::Missing | Proof::Running | Proof::Refuted => None,
        });
        match verified {
            Some((index, _, ago)) if is_running(index) && ago < self.grace => Best::Running,
            Some((_, candidate, _)) => Best::Found(candidate),
            None if is_running(proofs.len()) => Best::Running,
            None => Best::None,
        }
    }

    fn take(&self, candidate: &Candidate, beside: Option<&Endpoint>) -> Decision {
        let claims = |other: &&Endpoint| matches!((self.proof)(other), Proof::Master(_));
        Decision::Take { candidate: candidate.clone(), beside: beside.filter(claims).cloned() }
    }
}

//! Decides what follows from what the sentinels and servers said: a switch, a confirmation, a failure to tell.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Event, EventKind, Finder, HoldEnded, Output, Phase, Trouble, Why,
    answer::{Said, Vote, Word},
    master::{Insistence, Master},
    rank::{self, Candidate, Decision, Progress, Proof, Situation},
    replicas,
    search::Scope,
    watch::doubled,
};
use crate::{
    error::ErrorKind,
    types::{Endpoint, Epoch, MasterName, Millis, Now, SentinelId},
};

/// How far a told epoch may lie ahead of the accepted one: an honest count never gets there, and a wild one would
/// keep every true epoch from winning.
const WILD_EPOCH: u64 = 1 << 32;

/// How long more than half of the sentinels have to insist on an older epoch.
const INSISTED: Millis = Millis::new(2_000);

/// How long what a sentinel said counts: longer than from one poll to the next.
const WORD_KEPT: Millis = Millis::new(15_000);

/// How long after a switch a sentinel may still name the old master before it is told of as stale.
const STALE_AFTER: Millis = Millis::new(5_000);

/// How many steps one piece of news may set off: each but the last asks servers, or takes one.
const MOST_STEPS: usize = 8;

impl Finder {
    /// Decides as far as can be, while a search is under way.
    pub(super) fn decide(&mut self, now: Now, name: &MasterName) {
        for _ in 0..MOST_STEPS {
            if self.masters.get(name).is_none_or(|master| master.search.is_none()) {
                return;
            }
            match self.judge(now, name) {
                Decision::Wait => break,
                Decision::Verify(addresses) => {
                    for address in addresses {
                        self.try_server(now, name, &address);
                    }
                }
                Decision::Take { candidate, beside } => self.take(now, name, &candidate, beside),
                Decision::Confirm => self.confirm(now, name),
                Decision::Nothing => self.give_up_search(now, name),
            }
        }
        self.rest_search(now, name);
    }

    fn judge(&mut self, now: Now, name: &MasterName) -> Decision {
        let times = &self.settings.times;
        let grace = times.grace;
        let kept = times.wave;
        let Some(master) = self.masters.get(name) else { return Decision::Wait };
        let Some(search) = &master.search else { return Decision::Wait };
        let progress = search.progress(now.tick, grace);
        let votes = self.votes(now, master);
        let sentinels = self.count_sentinels(&votes);
        let insistence = if progress == Progress::Complete { weigh(now, master) } else { master.insistence.clone() };
        let floor = self.floor(now, master, insistence.as_ref());
        let ranked = rank::rank(votes.iter());
        let current = master.address.as_ref();
        let is_contested = current.is_some_and(|current| rank::is_contested(&ranked, current, master.epoch));
        let is_trusted = |address: &Endpoint| master.is_trusted() && !is_contested && master.is_current(address);
        let decision = rank::judge(&Situation {
            current: current.map(|address| (address, master.epoch)),
            floor,
            ranked: &ranked,
            progress,
            agreement: self.settings.agreement,
            sentinels,
            grace,
            proof: &|address| match master.proof(now.tick, address, kept) {
                Proof::Missing | Proof::Running if is_trusted(address) => Proof::Master(kept),
                proof @ (Proof::Missing | Proof::Running | Proof::Master(_) | Proof::Refuted) => proof,
            },
        });
        if let Some(master) = self.masters.get_mut(name) {
            master.insistence = insistence;
        }
        decision
    }

    /// The votes that count: one for each sentinel, not too old, wild epochs left out.
    fn votes(&self, now: Now, master: &Master) -> Vec<Vote> {
        let is_young = |word: &&Word| now.tick.since(word.at) <= WORD_KEPT;
        let votes = self.voters(&master.words).filter(is_young).filter_map(|word| word.said.vote());
        let has_master = master.address.is_some();
        let tame = |vote: &Vote| {
            let mut vote = vote.clone();
            let ahead = vote.facts.epoch.map_or(0, |epoch| epoch.ahead_of(master.epoch));
            if has_master && ahead > WILD_EPOCH {
                vote.facts.epoch = None;
            }
            vote
        };
        votes.map(tame).collect()
    }

    /// How many sentinels there are: the middle one of what they count, so that one liar changes little.
    fn count_sentinels(&self, votes: &[Vote]) -> usize {
        let mut counts: Vec<_> = votes.iter().filter_map(|vote| vote.facts.sentinels).collect();
        counts.sort_unstable();
        let told = counts.get(counts.len() / 2).copied().unwrap_or(0);
        usize::try_from(told).unwrap_or(usize::MAX).max(self.settings.seeds.len()).max(1)
    }

    /// The oldest epoch that may win.
    fn floor(&self, now: Now, master: &Master, insistence: Option<&Insistence>) -> Epoch {
        let fails = |since| now.tick.since(since) >= self.settings.times.regression;
        if master.failing_since.is_some_and(fails) {
            return Epoch::ZERO;
        }
        let is_long = |insistence: &&Insistence| now.tick.since(insistence.since) >= INSISTED;
        insistence.filter(is_long).map_or(master.epoch, |insistence| insistence.epoch)
    }

    /// Another server is the master.
    fn take(&mut self, now: Now, name: &MasterName, candidate: &Candidate, beside: Option<Endpoint>) {
        let by = self.only_voter(name, candidate);
        let Some(master) = self.masters.get_mut(name) else { return };
        let old = master.address.replace(candidate.address.clone());
        let took = master.first_sign.take().map_or(Millis::ZERO, |sign| now.tick.since(sign));
        master.epoch = candidate.epoch.unwrap_or(master.epoch);
        master.generation = master.generation.next();
        master.since = now.tick;
        master.failing_since = None;
        master.insistence = None;
        master.stale.clear();
        self.end_hold(now, name, HoldEnded::Switched);
        let Some(master) = self.masters.get_mut(name) else { return };
        master.phase = Phase::Up;
        master.chosen = None;
        let (address, epoch) = (candidate.address.clone(), master.epoch);
        let kind = match old {
            None => EventKind::Discovered { address, epoch },
            Some(old) => EventKind::Switched { old, new: address, epoch, by, took },
        };
        self.publish(now, name, kind);
        if let Some(other) = beside {
            self.publish(now, name, EventKind::Ambiguous { taken: candidate.address.clone(), other });
        }
        self.review_replicas(now, name);
        self.deadlines.bring_forward(Why::Replicas(name.clone()), now.tick.after(REPLICAS_AFTER));
        self.end_search(now, name);
    }

    /// The sentinel that names a server, when it is the only one.
    fn only_voter(&self, name: &MasterName, candidate: &Candidate) -> Option<Endpoint> {
        let names = |word: &Word| word.said.vote().is_some_and(|vote| vote.address.is_same(&candidate.address));
        let master = self.masters.get(name)?;
        let mut voters = master.words.iter().filter(|(_, word)| names(word));
        let (id, _) = voters.next()?;
        voters.next().is_none().then(|| Some(self.sentinels.get(id)?.address.clone()))?
    }

    /// The master in place is right, perhaps with another epoch.
    fn confirm(&mut self, now: Now, name: &MasterName) {
        let Some(master) = self.masters.get(name) else { return };
        let own = |vote: &Vote| master.is_current(&vote.address);
        let told = self.votes(now, master).into_iter().filter(own).filter_map(|vote| vote.facts.epoch).max();
        let floor = self.floor(now, master, master.insistence.as_ref());
        let Some(master) = self.masters.get_mut(name) else { return };
        let before = (master.phase, master.epoch);
        if told.is_some_and(|told| told >= floor) {
            master.epoch = told.unwrap_or(master.epoch);
        }
        if !matches!(master.phase, Phase::Hold { .. }) {
            master.phase = Phase::Up;
            master.first_sign = None;
        }
        if before != (master.phase, master.epoch) {
            self.touch(name);
        }
        self.end_search(now, name);
    }

    /// Nobody that is named is the master.
    fn give_up_search(&mut self, now: Now, name: &MasterName) {
        let Some(master) = self.masters.get_mut(name) else { return };
        if master.address.is_some() && !matches!(master.phase, Phase::Hold { .. }) {
            master.phase = Phase::Down;
            self.touch(name);
        }
        self.end_search(now, name);
    }

    /// Notes what the search found, and when the next begins.
    fn end_search(&mut self, now: Now, name: &MasterName) {
        self.tell_stale(now, name);
        let trouble = self.diagnose(now, name);
        let times = self.settings.times.clone();
        let fifth = Millis::new(self.settings.refresh.as_ms() / 5);
        let Some(master) = self.masters.get_mut(name) else { return };
        let search = master.search.take();
        // Two that lag say little: all are asked before that counts for anything.
        master.is_wished |= search.is_some_and(|search| search.met_only_older(&master.words, master.epoch));
        self.deadlines.clear(Why::Search(name.clone()));
        let is_up = master.phase == Phase::Up;
        let newer = master.words.values().filter_map(|word| word.said.vote());
        let newer = newer.filter(|vote| vote.facts.epoch > Some(master.epoch) && !master.is_current(&vote.address));
        let is_contested = newer.count() > 0 || master.insistence.is_some();
        let is_well = is_up && trouble.is_none() && !is_contested;
        master.failures = if is_well { 0 } else { master.failures.saturating_add(1) };
        let most = if is_up { times.retry_background } else { times.retry_most };
        let patience = doubled(times.retry_least, master.failures, most);
        let is_named = trouble.as_ref().is_some_and(|trouble| trouble.kind == ErrorKind::MasterNotReady);
        let (low, high) = match master.phase {
            Phase::Up if is_well => {
                (Millis::new(self.settings.refresh.as_ms() - fifth.as_ms()), self.settings.refresh.plus(fifth))
            }
            Phase::Hold { .. } => (times.not_master_least, times.not_master_least),
            _ if is_named || is_contested => {
                let is_long = master.failures > PROMPT_RETRIES;
                let high = if is_long { patience } else { times.not_master_most };
                (times.not_master_least, high.max(times.not_master_most))
            }
            Phase::Resolving | Phase::Up | Phase::Suspect | Phase::Down | Phase::Closed => (Millis::new(1), patience),
        };
        let trouble = trouble.map(Arc::new);
        let is_news = master.trouble != trouble;
        master.trouble = trouble;
        if is_news {
            self.touch(name);
        }
        let wait = self.chance.between(low, high);
        self.plan_search(now, name, wait);
    }

    /// A sentinel that keeps naming an old master is told of, once after each switch.
    fn tell_stale(&mut self, now: Now, name: &MasterName) {
        let Some(master) = self.masters.get_mut(name) else { return };
        if now.tick.since(master.since) < STALE_AFTER {
            return;
        }
        let mut told = Vec::new();
        for (id, word) in &master.words {
            let Some(vote) = word.said.vote() else { continue };
            let Some(epoch) = vote.facts.epoch else { continue };
            let is_stale = epoch < master.epoch && !master.is_current(&vote.address);
            if is_stale && master.stale.insert(*id) {
                told.push((*id, vote.address.clone(), epoch));
            }
        }
        for (id, names, epoch) in told {
            let Some(address) = self.sentinels.get(&id).map(|sentinel| sentinel.address.clone()) else { continue };
            self.publish(now, name, EventKind::SentinelStale { address, names, epoch });
        }
    }

    /// Why no master was found, or what is wrong although one is in place.
    fn diagnose(&self, now: Now, name: &MasterName) -> Option<Trouble> {
        let master = self.masters.get(name)?;
        let words: Vec<_> = master.words.iter().filter(|(_, word)| now.tick.since(word.at) <= WORD_KEPT).collect();
        let has = |wanted: fn(&Said) -> bool| words.iter().any(|(_, word)| wanted(&word.said));
        let is_named = has(|said| matches!(said, Said::Names(_)));
        if is_named && matches!(master.phase, Phase::Up | Phase::Hold { .. }) {
            return None;
        }
        let votes = self.votes(now, master);
        let sentinels = self.count_sentinels(&votes);
        let agreed = |candidate: &Candidate| rank::is_agreed(candidate, self.settings.agreement, sentinels);
        let kind = match () {
            () if is_named && rank::rank(votes.iter()).iter().any(agreed) => ErrorKind::MasterNotReady,
            () if is_named => ErrorKind::NoAgreement,
            () if has(|said| matches!(said, Said::Unaware)) => ErrorKind::MasterUnknown,
            () if has(|said| matches!(said, Said::Failed { kind: ErrorKind::Auth, .. })) => ErrorKind::Auth,
            () => ErrorKind::SentinelsUnreachable,
        };
        Some(Trouble { kind, evidence: self.evidence(master, &words) })
    }

    /// What each sentinel said, and what became of the servers they named.
    fn evidence(&self, master: &Master, words: &[(&SentinelId, &Word)]) -> Vec<String> {
        let heard: BTreeSet<_> = words.iter().map(|(id, _)| **id).collect();
        let silent = self.sentinels.iter().filter(|(id, _)| !heard.contains(id));
        let told = words.iter().filter_map(|(id, word)| Some((self.sentinels.get(id)?, word)));
        let lines = told.map(|(sentinel, word)| format!("sentinel {}: {}", sentinel.address, word.said));
        let silent = silent.map(|(_, sentinel)| format!("sentinel {}: not asked in time", sentinel.address));
        lines.chain(silent).take(MOST_EVIDENCE).chain(master.verdicts()).collect()
    }

    /// Works out the replicas anew; what came and went is told.
    pub(super) fn review_replicas(&mut self, now: Now, name: &MasterName) {
        let Some(master) = self.masters.get_mut(name) else { return };
        let Some(address) = &master.address else { return };
        let after = replicas::unite(address, master.rows.values().map(Vec::as_slice));
        let before = std::mem::replace(&mut master.replicas, after.clone());
        let is_in = |list: &[super::Replica], address: &Endpoint| list.iter().any(|other| other.address == *address);
        let came = after.iter().filter(|replica| !is_in(&before, &replica.address));
        let went = before.iter().filter(|replica| !is_in(&after, &replica.address));
        let came = came.map(|replica| EventKind::ReplicaUp { address: replica.address.clone() });
        let went = went.map(|replica| EventKind::ReplicaDown { address: replica.address.clone() });
        let kinds: Vec<_> = went.chain(came).collect();
        for kind in kinds {
            self.outputs.push_back(Output::Publish(Event { at: now, master: Some(name.clone()), kind }));
        }
        self.touch(name);
    }
}

/// How long after a change the replicas are read again.
pub(super) const REPLICAS_AFTER: Millis = Millis::new(200);

/// How often in a row a server that is named but not yet a master is asked again without growing patience.
const PROMPT_RETRIES: u32 = 20;

/// The most sentinels that one failure tells of.
const MOST_EVIDENCE: usize = 32;

/// Whether more than half of those who answer insist on an older epoch, and since when.
///
/// Only a search that asked all counts, and nobody may tell of an epoch that is not older.
fn weigh(now: Now, master: &Master) -> Option<Insistence> {
    let search = master.search.as_ref()?;
    if search.reach != Scope::All {
        return master.insistence.clone();
    }
    let answers: Vec<_> = search.answered.iter().filter_map(|id| master.words.get(id)).collect();
    let votes: Vec<_> = answers.iter().filter_map(|word| word.said.vote()).collect();
    let answering = answers.iter().filter(|word| !matches!(word.said, Said::Failed { .. })).count();
    if votes.iter().any(|vote| vote.facts.epoch >= Some(master.epoch)) {
        return None;
    }
    let ranked = rank::rank(votes.into_iter());
    let insisted = ranked.into_iter().find(|candidate| candidate.agreeing * 2 > answering)?;
    let same = |standing: &&Insistence| standing.address == insisted.address && Some(standing.epoch) == insisted.epoch;
    let standing = master.insistence.as_ref().filter(same).cloned();
    standing.or_else(|| Some(Insistence { address: insisted.address, epoch: insisted.epoch?, since: now.tick }))
}

//! Decides whom to ask, when, and when a search is over: one at a time for each master.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    Finder, Phase, Why,
    answer::{ReplicaRow, Said, Word},
    ask::Depth,
    rank::Progress,
};
use crate::types::{Epoch, MasterName, Millis, Now, SentinelId, Tick};

/// A search that is under way.
#[derive(Clone, Debug)]
pub(super) struct Search {
    /// When it waits for sentinels no longer.
    closes: Tick,
    /// Who is still to be asked.
    queue: VecDeque<SentinelId>,
    asked: BTreeSet<SentinelId>,
    /// Who has answered since the search began.
    pub(super) answered: BTreeSet<SentinelId>,
    /// When the next one is asked.
    next: Tick,
    stagger: Millis,
    /// When the first sentinel named a server.
    good: Option<Tick>,
    depth: Depth,
    pub(super) reach: Scope,
}

/// How many sentinels a search asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Some.
    Part,
    /// All that are known.
    All,
}

/// Why a search begins, which decides how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// Nothing happened: two sentinels are asked, now and then all.
    Poll,
    /// Somebody wants to know: all are asked, one after the other.
    Calm,
    /// Something happened: all are asked at once, and again behind a search that runs already.
    Urgent,
    /// Something happened at this sentinel: it is asked, again if it has been.
    Hint(SentinelId),
}

/// How many sentinels are asked at the same time.
const WIDTH: usize = 5;

/// Every this many polls all sentinels are asked.
const FULL_POLL: u32 = 6;

/// How long after a search began all sentinels are asked anew at the earliest.
const DEBOUNCE: Millis = Millis::new(20);

/// How long after a search began somebody's wish begins another at the earliest.
const REFRESH_GAP: Millis = Millis::new(100);

impl Search {
    fn in_flight(&self) -> usize {
        self.asked.difference(&self.answered).count()
    }

    /// How far it has come.
    pub(super) fn progress(&self, now: Tick, grace: Millis) -> Progress {
        if now >= self.closes || (self.queue.is_empty() && self.in_flight() == 0) {
            return Progress::Complete;
        }
        match self.good {
            Some(good) if now >= good.after(grace) => Progress::Ripe,
            Some(_) | None => Progress::Fresh,
        }
    }

    /// Whether some were asked, and all of them tell of an epoch older than `known`.
    pub(super) fn met_only_older(&self, words: &BTreeMap<SentinelId, Word>, known: Epoch) -> bool {
        let answers = self.answered.iter().filter_map(|id| words.get(id));
        let mut epochs = answers.filter_map(|word| word.said.epoch()).peekable();
        self.reach == Scope::Part && epochs.peek().is_some() && epochs.all(|epoch| epoch < known)
    }

    pub(super) fn forget(&mut self, id: SentinelId) {
        self.queue.retain(|waiting| *waiting != id);
        self.asked.remove(&id);
        self.answered.remove(&id);
    }
}

impl Finder {
    /// Searches for a master, or adds to the search under way.
    pub(super) fn search(&mut self, now: Now, name: &MasterName, haste: Haste) {
        let Some(master) = self.masters.get_mut(name) else { return };
        let began = master.searched;
        let may_again = |gap| began.is_none_or(|began| now.tick >= began.after(gap));
        match (&mut master.search, haste) {
            (Some(search), Haste::Hint(id)) => {
                let depth = search.depth;
                search.queue.retain(|waiting| *waiting != id);
                search.asked.insert(id);
                search.answered.remove(&id);
                self.ask(now, id, name, depth);
            }
            // A search is never begun anew while it runs, or a stream of events would keep it from ending.
            (Some(search), Haste::Urgent) => {
                master.is_pressed = true;
                search.stagger = Millis::ZERO;
                search.next = now.tick;
                self.advance(now, name);
            }
            (None, Haste::Urgent) if !may_again(DEBOUNCE) => {
                master.is_pressed = true;
                let due = began.unwrap_or(now.tick).after(DEBOUNCE);
                self.deadlines.bring_forward(Why::Next(name.clone()), due);
            }
            (None, Haste::Calm) if !may_again(REFRESH_GAP) => {
                master.is_wished = true;
                let due = began.unwrap_or(now.tick).after(REFRESH_GAP);
                self.deadlines.bring_forward(Why::Next(name.clone()), due);
            }
            (Some(_), Haste::Calm) => master.is_wished = true,
            (Some(_), Haste::Poll) => {}
            (None, _) => self.begin_search(now, name, haste),
        }
    }

    fn begin_search(&mut self, now: Now, name: &MasterName, haste: Haste) {
        let mut order = self.asking_order();
        let times = &self.settings.times;
        let Some(master) = self.masters.get_mut(name) else { return };
        let mut depth = if master.generation == crate::types::Generation::NONE { Depth::Full } else { Depth::Pair };
        let mut stagger = times.stagger;
        match haste {
            Haste::Poll => {
                depth = Depth::Full;
                master.polls = master.polls.wrapping_add(1);
                if !master.polls.is_multiple_of(FULL_POLL) && !master.is_pressed {
                    order.truncate(2);
                }
            }
            Haste::Calm => {}
            Haste::Urgent => stagger = Millis::ZERO,
            Haste::Hint(id) => order = vec![id],
        }
        let all = order.len() == self.sentinels.len();
        if !matches!(haste, Haste::Hint(_)) {
            master.searched = Some(now.tick);
            master.is_pressed = false;
            master.is_wished = false;
        }
        master.doubt();
        master.search = Some(Search {
            closes: now.tick.after(times.wave),
            queue: order.into(),
            asked: BTreeSet::new(),
            answered: BTreeSet::new(),
            next: now.tick,
            stagger,
            good: None,
            depth,
            reach: if all { Scope::All } else { Scope::Part },
        });
        self.deadlines.clear(Why::Next(name.clone()));
        self.advance(now, name);
    }

    /// Asks whoever is to be asked by now, then sees whether a decision can be made.
    pub(super) fn advance(&mut self, now: Now, name: &MasterName) {
        while let Some((id, depth)) = self.next_to_ask(now, name) {
            self.ask(now, id, name, depth);
        }
        self.decide(now, name);
    }

    fn next_to_ask(&mut self, now: Now, name: &MasterName) -> Option<(SentinelId, Depth)> {
        let search = self.masters.get_mut(name)?.search.as_mut()?;
        if now.tick < search.next || now.tick >= search.closes || search.in_flight() >= WIDTH {
            return None;
        }
        let id = search.queue.pop_front()?;
        search.asked.insert(id);
        search.next = now.tick.after(search.stagger);
        Some((id, search.depth))
    }

    /// When the next search begins, unless something happens before.
    pub(super) fn plan_search(&mut self, now: Now, name: &MasterName, wait: Millis) {
        let Some(master) = self.masters.get(name) else { return };
        let due = match master.searched {
            Some(began) if master.is_pressed => began.after(DEBOUNCE).max(now.tick),
            Some(began) if master.is_wished => began.after(REFRESH_GAP).max(now.tick),
            Some(_) | None => now.tick.after(wait),
        };
        self.deadlines.set(Why::Next(name.clone()), due);
    }

    /// When a search under way has to be looked at again.
    pub(super) fn rest_search(&mut self, now: Now, name: &MasterName) {
        let grace = self.settings.times.grace.max(Millis::new(1));
        let Some(search) = self.masters.get(name).and_then(|master| master.search.as_ref()) else { return };
        let mut due = now.tick.after(grace);
        if !search.queue.is_empty() && search.in_flight() < WIDTH && search.next > now.tick {
            due = due.min(search.next);
        }
        if search.closes > now.tick {
            due = due.min(search.closes);
        }
        self.deadlines.set(Why::Search(name.clone()), due);
    }

    /// The next search is due.
    pub(super) fn search_again(&mut self, now: Now, name: &MasterName) {
        let Some(master) = self.masters.get(name) else { return };
        let haste = match master.phase {
            _ if master.is_pressed => Haste::Urgent,
            _ if master.is_wished => Haste::Calm,
            Phase::Up => Haste::Poll,
            Phase::Hold { .. } => Haste::Urgent,
            Phase::Resolving | Phase::Suspect | Phase::Down | Phase::Closed => Haste::Calm,
        };
        self.search(now, name, haste);
    }

    /// A sentinel said something about a master, or failed to.
    pub(super) fn hear_word(&mut self, now: Now, id: SentinelId, name: &MasterName, said: Said) {
        let is_again = self.is_asked(id, name);
        let Some(master) = self.masters.get_mut(name) else { return };
        let known = master.address.as_ref().map(|_| master.epoch);
        if let Some(search) = &mut master.search {
            // What came before the last event at that sentinel is not its last word.
            if !is_again && search.asked.contains(&id) {
                search.answered.insert(id);
            }
            // Whoever tells of an older epoch lags: the next may know better.
            match said.vote() {
                Some(vote) if vote.facts.epoch >= known => {
                    search.good.get_or_insert(now.tick);
                }
                Some(_) | None => search.next = now.tick,
            }
        }
        if let Said::Names(vote) = &said {
            master.down_after = vote.facts.down_after.or(master.down_after);
        }
        let word = Word { at: now.tick, said };
        let is_news = master.words.get(&id).is_none_or(|before| !before.said.is_like(&word.said));
        master.words.insert(id, word);
        if is_news {
            self.touch(name);
        }
        self.advance(now, name);
    }

    /// A sentinel told which replicas a master has.
    pub(super) fn hear_replicas(&mut self, now: Now, id: SentinelId, name: &MasterName, rows: Vec<ReplicaRow>) {
        let Some(master) = self.masters.get_mut(name) else { return };
        master.rows.insert(id, rows);
        self.review_replicas(now, name);
    }

    /// The replicas are to be read again: a sentinel that names the master tells.
    pub(super) fn refresh_replicas(&mut self, now: Now, name: &MasterName) {
        let order = self.asking_order();
        let Some(master) = self.masters.get(name) else { return };
        let names = |id: &SentinelId| {
            let said = master.words.get(id).map(|word| &word.said);
            matches!(said, Some(Said::Names(vote)) if master.is_current(&vote.address))
        };
        let told: Vec<_> = order.iter().copied().filter(names).take(2).collect();
        for id in told {
            self.ask(now, id, name, Depth::Full);
        }
    }
}

//! Decides which sentinels are known: seeds for ever, those that others tell of as long as they are seen.

use std::collections::BTreeMap;

use super::{Event, EventKind, Finder, Output, Why, ask::AskLink, watch::WatchLink};
use crate::types::{Endpoint, Now, RunId, SentinelId, Tick};

/// One sentinel.
#[derive(Clone, Debug)]
pub(super) struct Sentinel {
    pub(super) address: Endpoint,
    pub(super) origin: Origin,
    pub(super) run_id: Option<RunId>,
    pub(super) seen: Tick,
    pub(super) reach: Reach,
    /// Whether it says that it cannot trust its own clock.
    pub(super) is_tilted: bool,
    pub(super) ask: AskLink,
    pub(super) watch: WatchLink,
}

/// Where a sentinel is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// From the settings.
    Seed,
    /// From other sentinels.
    Peer,
}

/// Whether a sentinel can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// It answered last time.
    Up,
    /// It has not been asked.
    Unknown,
    /// It did not answer last time.
    Down,
}

/// The most sentinels that are known besides the seeds.
const MOST_PEERS: usize = 32;

impl Finder {
    /// Takes in the seeds, each once.
    pub(super) fn plant_seeds(&mut self, now: Now) {
        for seed in std::mem::take(&mut self.settings.seeds) {
            if !self.sentinels.values().any(|sentinel| sentinel.address.is_same(&seed)) {
                self.add_sentinel(now, &seed, Origin::Seed, None);
            }
            self.settings.seeds.push(seed);
        }
    }

    /// Takes note of a sentinel that another tells of.
    pub(super) fn meet_peer(&mut self, now: Now, address: &Endpoint, run_id: Option<&RunId>) {
        let same = |sentinel: &Sentinel| {
            sentinel.address.is_same(address) || (run_id.is_some() && sentinel.run_id.as_ref() == run_id)
        };
        if let Some(known) = self.sentinels.values_mut().find(|sentinel| same(sentinel)) {
            known.seen = now.tick;
            return;
        }
        let peers = self.sentinels.values().filter(|sentinel| sentinel.origin == Origin::Peer).count();
        if self.settings.discover_peers && peers < MOST_PEERS {
            let id = self.add_sentinel(now, address, Origin::Peer, run_id.cloned());
            self.deadlines.set(Why::Expire(id), now.tick.after(self.settings.times.peer_expiry));
            self.tend_watches(now);
        }
    }

    fn add_sentinel(&mut self, now: Now, address: &Endpoint, origin: Origin, run_id: Option<RunId>) -> SentinelId {
        let id = SentinelId::new(self.next_number());
        let sentinel = Sentinel {
            address: address.clone(),
            origin,
            run_id,
            seen: now.tick,
            reach: Reach::Unknown,
            is_tilted: false,
            ask: AskLink::default(),
            watch: WatchLink::default(),
        };
        self.sentinels.insert(id, sentinel);
        id
    }

    /// Takes note of who a sentinel is; one that is known twice, as seed and as peer, is kept as the seed.
    pub(super) fn identify(&mut self, now: Now, id: SentinelId, run_id: RunId) {
        let twin = |other: &Sentinel| other.run_id.as_ref() == Some(&run_id);
        let twin = self.sentinels.iter().find(|(other, sentinel)| **other != id && twin(sentinel));
        let twin = twin.map(|(other, sentinel)| (*other, sentinel.origin));
        let own = self.sentinels.get_mut(&id);
        let Some(own) = own else { return };
        own.run_id = Some(run_id);
        match (own.origin, twin) {
            (_, Some((other, Origin::Peer))) => self.forget_sentinel(now, other),
            (Origin::Peer, Some(_)) => self.forget_sentinel(now, id),
            (_, _) => {}
        }
    }

    /// Forgets a sentinel that was not seen for long.
    pub(super) fn expire_sentinel(&mut self, now: Now, id: SentinelId) {
        let Some(sentinel) = self.sentinels.get(&id) else { return };
        let end = sentinel.seen.after(self.settings.times.peer_expiry);
        if end <= now.tick {
            self.forget_sentinel(now, id);
        } else {
            self.deadlines.set(Why::Expire(id), end);
        }
    }

    fn forget_sentinel(&mut self, now: Now, id: SentinelId) {
        let Some(sentinel) = self.sentinels.remove(&id) else { return };
        for link in sentinel.ask.link().into_iter().chain(sentinel.watch.link()) {
            self.close_link(link);
        }
        for why in [Why::Watch(id), Why::Pulse(id), Why::Ask(id), Why::Expire(id)] {
            self.deadlines.clear(why);
        }
        for master in self.masters.values_mut() {
            master.forget_sentinel(id);
        }
        self.tend_watches(now);
        let names: Vec<_> = self.masters.keys().cloned().collect();
        for name in names {
            self.advance(now, &name);
        }
    }

    /// Takes note of whether a sentinel can be reached; a change is an event.
    pub(super) fn note_reach(&mut self, now: Now, id: SentinelId, reach: Reach, reason: &str) {
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        if reach == Reach::Up {
            sentinel.seen = now.tick;
        }
        let before = std::mem::replace(&mut sentinel.reach, reach);
        let address = sentinel.address.clone();
        let kind = match reach {
            Reach::Up if before != Reach::Up => EventKind::SentinelUp { address },
            Reach::Down if before != Reach::Down => EventKind::SentinelDown { address, reason: reason.to_owned() },
            Reach::Up | Reach::Down | Reach::Unknown => return,
        };
        self.outputs.push_back(Output::Publish(Event { at: now, master: None, kind }));
    }

    /// The sentinels in the order in which they are asked: those that answer first, chance deciding among equals.
    pub(super) fn asking_order(&mut self) -> Vec<SentinelId> {
        let mut order: Vec<_> = self.sentinels.iter().map(|(id, sentinel)| (sentinel.reach, *id)).collect();
        for last in (1..order.len()).rev() {
            let other = self.chance.below(last as u64 + 1) as usize;
            order.swap(last, other);
        }
        order.sort_by_key(|(reach, _)| *reach);
        order.into_iter().map(|(_, id)| id).collect()
    }

    /// Who a sentinel's vote counts for: two seeds that lead to one sentinel have one vote.
    pub(super) fn voters<'a, T>(&'a self, said: &'a BTreeMap<SentinelId, T>) -> impl Iterator<Item = &'a T> {
        let is_twin = move |id: &SentinelId| {
            let own = self.sentinels.get(id).and_then(|sentinel| sentinel.run_id.as_ref());
            own.is_some() && said.range(..*id).any(|(other, _)| self.run_id(*other) == own)
        };
        said.iter().filter(move |(id, _)| !is_twin(id)).map(|(_, word)| word)
    }

    fn run_id(&self, id: SentinelId) -> Option<&RunId> {
        self.sentinels.get(&id)?.run_id.as_ref()
    }
}

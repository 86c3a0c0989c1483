//! Decides which of many deadlines comes first: one queue, at most one deadline for each reason.

use std::collections::{BTreeMap, BTreeSet};

use super::Tick;

/// A queue of deadlines; `Why` tells them apart.
#[derive(Clone, Debug)]
pub struct Deadlines<Why> {
    queue: BTreeSet<(Tick, Why)>,
    moments: BTreeMap<Why, Tick>,
}

impl<Why> Default for Deadlines<Why> {
    fn default() -> Self {
        Self { queue: BTreeSet::new(), moments: BTreeMap::new() }
    }
}

impl<Why: Ord + Clone> Deadlines<Why> {
    /// Sets the deadline of `why`, in the place of an earlier one.
    pub fn set(&mut self, why: Why, at: Tick) {
        if let Some(old) = self.moments.insert(why.clone(), at) {
            self.queue.remove(&(old, why.clone()));
        }
        self.queue.insert((at, why));
    }

    /// Sets the deadline of `why` unless an earlier one stands.
    pub fn bring_forward(&mut self, why: Why, at: Tick) {
        if self.moments.get(&why).is_none_or(|&standing| at < standing) {
            self.set(why, at);
        }
    }

    /// Drops the deadline of `why`.
    pub fn clear(&mut self, why: Why) {
        if let Some(old) = self.moments.remove(&why) {
            self.queue.remove(&(old, why));
        }
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<(Tick, Why)> {
        self.queue.first().cloned()
    }

    /// Takes the earliest deadline that has been reached.
    pub fn pop_due(&mut self, now: Tick) -> Option<(Tick, Why)> {
        let (at, why) = self.next()?;
        (at <= now).then(|| {
            self.clear(why.clone());
            (at, why)
        })
    }
}

impl<Why: Ord + Copy> Deadlines<Why> {
    /// The deadline of `why`, when there is one.
    pub fn get(&self, why: Why) -> Option<Tick> {
        self.moments.get(&why).copied()
    }
}

//! Decides what a subscriber listens to, and which commands make a fresh connection listen to the same.

use std::collections::BTreeSet;

use super::Subscription;
use crate::pool::Command;

/// What is to be listened to.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    channels: BTreeSet<Vec<u8>>,
    patterns: BTreeSet<Vec<u8>>,
    shard_channels: BTreeSet<Vec<u8>>,
}

impl Wanted {
    /// Takes a change in; gives how many confirmations the server sends for it.
    pub(super) fn change(&mut self, change: Subscription, names: &[Vec<u8>]) -> usize {
        let set = self.set(change);
        if adds(change) {
            set.extend(names.iter().cloned());
            return names.len();
        }
        if names.is_empty() {
            let count = set.len().max(1);
            set.clear();
            return count;
        }
        set.retain(|name| !names.contains(name));
        names.len()
    }

    /// Takes back what the server has refused.
    pub(super) fn withdraw(&mut self, change: Subscription, names: &[Vec<u8>]) {
        if adds(change) {
            self.set(change).retain(|name| !names.contains(name));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty() && self.shard_channels.is_empty()
    }

    /// The commands that make a fresh connection listen to all of it, and how many confirmations come.
    pub(super) fn commands(&self) -> Vec<(Command, usize)> {
        let sets = [
            (Subscription::Subscribe, &self.channels),
            (Subscription::PSubscribe, &self.patterns),
            (Subscription::SSubscribe, &self.shard_channels),
        ];
        let used = sets.into_iter().filter(|(_, set)| !set.is_empty());
        used.map(|(change, set)| (command(change, set.iter()), set.len())).collect()
    }

    fn set(&mut self, change: Subscription) -> &mut BTreeSet<Vec<u8>> {
        match change {
            Subscription::Subscribe | Subscription::Unsubscribe => &mut self.channels,
            Subscription::PSubscribe | Subscription::PUnsubscribe => &mut self.patterns,
            Subscription::SSubscribe | Subscription::SUnsubscribe => &mut self.shard_channels,
        }
    }
}

/// The command that makes a change.
pub(super) fn command<'a>(change: Subscription, names: impl Iterator<Item = &'a Vec<u8>>) -> Command {
    names.fold(Command::named(name(change)), Command::word)
}

fn adds(change: Subscription) -> bool {
    matches!(change, Subscription::Subscribe | Subscription::PSubscribe | Subscription::SSubscribe)
}

fn name(change: Subscription) -> &'static str {
    match change {
        Subscription::Subscribe => "SUBSCRIBE",
        Subscription::Unsubscribe => "UNSUBSCRIBE",
        Subscription::PSubscribe => "PSUBSCRIBE",
        Subscription::PUnsubscribe => "PUNSUBSCRIBE",
        Subscription::SSubscribe => "SSUBSCRIBE",
        Subscription::SUnsubscribe => "SUNSUBSCRIBE",
    }
}

#[cfg(test)]
mod tests {
    use super::{Subscription, Wanted};

    fn names(names: &[&str]) -> Vec<Vec<u8>> {
        names.iter().map(|name| name.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_fresh_connection_listens_to_what_is_left() {
        let mut wanted = Wanted::default();

        let counts = [
            wanted.change(Subscription::Subscribe, &names(&["a", "b"])),
            wanted.change(Subscription::PSubscribe, &names(&["p*"])),
            wanted.change(Subscription::Unsubscribe, &names(&["a"])),
            wanted.change(Subscription::PUnsubscribe, &[]),
            wanted.change(Subscription::SUnsubscribe, &[]),
        ];

        assert_eq!(counts, [2, 1, 1, 1, 1]);
        let commands = wanted.commands();
        let words: Vec<_> = commands.iter().flat_map(|(command, _)| command.words()).collect();
        assert_eq!(words, [&b"SUBSCRIBE"[..], b"b"]);
    }
}

//! Decides what a simulated server keeps: keys, their values, when they end, and how much that weighs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{resp::Request, types::UnixMs};

/// The number of databases.
pub(super) const DATABASES: u8 = 16;

/// The most bytes of keys and values, about; writes that add to it are refused beyond.
pub(super) const MOST_WEIGHT: usize = 256 << 20;

/// What keeping one word costs beside its bytes, about.
const WORD_COST: usize = 64;

/// What one command of a snapshot weighs at most, unless a single pair of words weighs more.
const SNAPSHOT_WEIGHT: usize = 1 << 20;

/// A key in its database.
pub(super) type Key = (u8, Vec<u8>);

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Text(Vec<u8>),
    List(VecDeque<Vec<u8>>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    Set(BTreeSet<Vec<u8>>),
}

/// A value and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) content: Content,
    pub(super) ends: Option<UnixMs>,
}

/// All keys of one server.
#[derive(Clone, Debug, Default)]
pub(super) struct Dataset {
    entries: BTreeMap<Key, Entry>,
    ends: BTreeSet<(UnixMs, Key)>,
    weight: usize,
}

impl Dataset {
    /// What all of it weighs.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn entry(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Sets a key; an empty collection is no key.
    pub(super) fn put(&mut self, key: Key, entry: Entry) {
        self.remove(&key);
        if entry.content.is_empty() {
            return;
        }
        self.weight += weigh(&key) + entry.content.weight();
        self.ends.extend(entry.ends.map(|at| (at, key.clone())));
        self.entries.insert(key, entry);
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.weight -= weigh(key) + entry.content.weight();
        if let Some(at) = entry.ends {
            self.ends.remove(&(at, key.clone()));
        }
        Some(entry)
    }

    /// Changes a collection in place, which becomes a key or none by it; `change` tells how many bytes it weighs more or less.
    pub(super) fn edit<T>(&mut self, key: &Key, empty: Content, change: impl FnOnce(&mut Content) -> (T, isize)) -> T {
        if !self.entries.contains_key(key) {
            self.weight += weigh(key);
        }
        let entry = self.entries.entry(key.clone()).or_insert(Entry { content: empty, ends: None });
        let (told, by) = change(&mut entry.content);
        self.weight = self.weight.saturating_add_signed(by);
        if entry.content.is_empty() {
            self.remove(key);
        }
        told
    }

    /// Says when a key ends; `None` = never.
    pub(super) fn set_end(&mut self, key: &Key, ends: Option<UnixMs>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if let Some(at) = entry.ends {
            self.ends.remove(&(at, key.clone()));
        }
        entry.ends = ends;
        self.ends.extend(ends.map(|at| (at, key.clone())));
    }

    /// A key that has ended by that moment, if any.
    pub(super) fn ended(&self, now: UnixMs) -> Option<Key> {
        self.ends.first().filter(|(at, _)| *at <= now).map(|(_, key)| key.clone())
    }

    /// The keys of one database, in order.
    pub(super) fn keys(&self, database: u8) -> impl Iterator<Item = (&Vec<u8>, &Entry)> {
        let all = self.entries.range((database, Vec::new())..);
        all.take_while(move |((found, _), _)| *found == database).map(|((_, name), entry)| (name, entry))
    }

    /// Removes all keys of one database, or of all.
    pub(super) fn clear(&mut self, database: Option<u8>) -> Vec<Key> {
        let is_meant = |key: &&Key| database.is_none_or(|database| key.0 == database);
        let keys: Vec<Key> = self.entries.keys().filter(is_meant).cloned().collect();
        for key in &keys {
            self.remove(key);
        }
        keys
    }

    /// The commands that make an empty dataset this one, as bytes.
    pub(super) fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut selected = None;
        for (key, entry) in &self.entries {
            if selected != Some(key.0) {
                selected = Some(key.0);
                Request::new(["SELECT".to_owned(), key.0.to_string()]).encode(&mut bytes);
            }
            entry.content.encode(&key.1, &mut bytes);
            if let Some(at) = entry.ends {
                let words = [b"PEXPIREAT".to_vec(), key.1.clone(), at.as_ms().to_string().into_bytes()];
                Request::new(words).encode(&mut bytes);
            }
        }
        bytes
    }
}

impl Content {
    /// The name `TYPE` gives it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::List(_) => "list",
            Self::Hash(_) => "hash",
            Self::Set(_) => "set",
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Text(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Hash(fields) => fields.is_empty(),
            Self::Set(items) => items.is_empty(),
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Text(text) => weigh_word(text),
            Self::List(items) => items.iter().map(|item| weigh_word(item)).sum(),
            Self::Hash(fields) => fields.iter().map(|(name, value)| weigh_word(name) + weigh_word(value)).sum(),
            Self::Set(items) => items.iter().map(|item| weigh_word(item)).sum(),
        }
    }

    fn encode(&self, key: &[u8], bytes: &mut Vec<u8>) {
        let (name, words): (_, Vec<&[u8]>) = match self {
            Self::Text(text) => ("SET", vec![text]),
            Self::List(items) => ("RPUSH", items.iter().map(Vec::as_slice).collect()),
            Self::Hash(fields) => {
                ("HSET", fields.iter().flat_map(|(name, value)| [name.as_slice(), value.as_slice()]).collect())
            }
            Self::Set(items) => ("SADD", items.iter().map(Vec::as_slice).collect()),
        };
        let head = [name.as_bytes(), key];
        let mut command = head.to_vec();
        let mut weight = 0;
        // Pairs stay together.
        for pair in words.chunks(2) {
            let added: usize = pair.iter().map(|word| weigh_word(word)).sum();
            if weight > 0 && weight + added > SNAPSHOT_WEIGHT {
                Request::new(std::mem::replace(&mut command, head.to_vec())).encode(bytes);
                weight = 0;
            }
            command.extend(pair);
            weight += added;
        }
        Request::new(command).encode(bytes);
    }
}

/// What a word of a value weighs.
pub(super) fn weigh_word(word: &[u8]) -> usize {
    word.len() + WORD_COST
}

fn weigh(key: &Key) -> usize {
    weigh_word(&key.1)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::{Content, Dataset, Entry, weigh_word};
    use crate::types::UnixMs;

    #[test]
    fn an_empty_dataset_weighs_nothing_whatever_it_held() {
        let mut data = Dataset::default();
        let (text, list) = ((0, b"text".to_vec()), (3, b"list".to_vec()));
        data.put(text.clone(), Entry { content: Content::Text(b"green".to_vec()), ends: Some(UnixMs::from_ms(5)) });
        data.put(text.clone(), Entry { content: Content::Text(b"blue".to_vec()), ends: None });
        let push = |content: &mut Content| {
            if let Content::List(items) = content {
                items.push_back(b"one".to_vec());
            }
            ((), weigh_word(b"one") as isize)
        };
        data.edit(&list, Content::List(VecDeque::new()), push);
        assert!(data.weight() > 0);
        assert_eq!(data.ended(UnixMs::from_ms(10)), None);

        let pop = |content: &mut Content| {
            if let Content::List(items) = content {
                items.pop_back();
            }
            ((), -(weigh_word(b"one") as isize))
        };
        data.edit(&list, Content::List(VecDeque::new()), pop);
        data.clear(None);

        assert_eq!((data.weight(), data.keys(3).count()), (0, 0));
    }
}

//! Decides what a command sees of the data: one database at one moment, and what it tells about its changes.

use super::data::{Content, DATABASES, Dataset, Entry, Key};
use crate::{
    resp::{Request, Value},
    types::UnixMs,
};

/// What a data command gives: its reply, or the text of its error.
pub(super) type Outcome = Result<Value, String>;

pub(super) const SYNTAX: &str = "ERR syntax error";
pub(super) const NO_INTEGER: &str = "ERR value is not an integer or out of range";
pub(super) const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

/// The data as one command sees them.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    data: &'a mut Dataset,
    database: u8,
    now: UnixMs,
    /// The keys it changed.
    pub(super) touched: Vec<Key>,
    /// What replicas are told, when that is not the command itself.
    pub(super) stands_for: Option<Request>,
}

impl<'a> Scope<'a> {
    /// One database at that moment; keys that have ended by then are not seen.
    pub(super) fn new(data: &'a mut Dataset, database: u8, now: UnixMs) -> Self {
        Self { data, database, now, touched: Vec::new(), stands_for: None }
    }

    pub(super) fn now(&self) -> UnixMs {
        self.now
    }

    pub(super) fn key(&self, name: &[u8]) -> Key {
        (self.database, name.to_vec())
    }

    /// The entry of that name that has not ended.
    pub(super) fn find(&self, name: &[u8]) -> Option<&Entry> {
        self.data.entry(&self.key(name)).filter(|entry| !self.has_ended(entry))
    }

    /// The text of that name.
    pub(super) fn text(&self, name: &[u8]) -> Result<Option<&[u8]>, String> {
        match self.find(name).map(|entry| &entry.content) {
            None => Ok(None),
            Some(Content::Text(text)) => Ok(Some(text)),
            Some(Content::List(_) | Content::Hash(_) | Content::Set(_)) => Err(WRONG_TYPE.into()),
        }
    }

    /// The names of all keys that have not ended, with their entries.
    pub(super) fn names(&self) -> impl Iterator<Item = (&Vec<u8>, &Entry)> {
        self.data.keys(self.database).filter(|(_, entry)| !self.has_ended(entry))
    }

    pub(super) fn put(&mut self, name: &[u8], content: Content, ends: Option<UnixMs>) {
        let key = self.key(name);
        self.data.put(key.clone(), Entry { content, ends });
        self.touched.push(key);
    }

    /// Removes a key; whether it was there.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        let is_there = self.find(name).is_some();
        let key = self.key(name);
        if is_there {
            self.data.remove(&key);
            self.touched.push(key);
        }
        is_there
    }

    pub(super) fn set_end(&mut self, name: &[u8], ends: Option<UnixMs>) {
        let key = self.key(name);
        self.data.set_end(&key, ends);
        self.touched.push(key);
    }

    /// Changes a collection in place; `change` tells by how many bytes it grew or shrank, or that it did nothing.
    pub(super) fn edit<T>(
        &mut self,
        name: &[u8],
        empty: Content,
        change: impl FnOnce(&mut Content) -> (T, isize),
    ) -> T {
        let key = self.key(name);
        let told = self.data.edit(&key, empty, change);
        self.touched.push(key);
        told
    }

    /// Removes all keys of this database, or of all.
    pub(super) fn clear(&mut self, database: Option<u8>) {
        self.touched.extend(self.data.clear(database));
    }

    pub(super) fn database(&self) -> u8 {
        self.database
    }

    fn has_ended(&self, entry: &Entry) -> bool {
        entry.ends.is_some_and(|at| at <= self.now)
    }
}

/// The database a word names.
pub(super) fn database_of(request: &Request, index: usize) -> Result<u8, String> {
    let number = request.integer(index).ok_or(NO_INTEGER)?;
    u8::try_from(number).ok().filter(|&number| number < DATABASES).ok_or_else(|| "ERR DB index is out of range".into())
}

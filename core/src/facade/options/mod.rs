//! Decides what options a binding may give: one checked set of keys and texts, whatever is opened with it.
//!
//! [`table`] has every option once; keyword arguments, option objects, URLs and the manual's chapter all follow it.

mod address;
mod kind;
mod manual;
mod table;

use std::{borrow::Cow, collections::BTreeMap, fmt};

pub use kind::OptionKind;
pub use manual::{options_chapter, options_json};
pub use table::{OPTIONS, OptionRow, Scope};

use super::failure::{Failure, Result};
use crate::error::ErrorKind;

/// Options by key, each with a value that is legal.
///
/// # Example
/// ```
/// use sentinelle::facade::Options;
///
/// let options = Options::new().with("sentinels", "127.0.0.1:26379,127.0.0.1:26380").unwrap().with("master", "cart").unwrap();
/// assert_eq!(options.get("master"), Some("cart"));
///
/// let failure = Options::new().with("holdmax", "1").unwrap_err();
/// assert!(failure.message.contains("holdmax"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Options {
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Options {
    /// No options: every default holds.
    pub fn new() -> Self {
        Self::default()
    }

    /// The options that a URL stands for: `redis+sentinel://user:password@host:26379,host:26379/master/0?key=value`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming what cannot be used.
    pub fn from_url(url: &str) -> Result<Self> {
        address::read(url)
    }

    /// The options of these keys and values.
    ///
    /// # Errors
    /// As [`Options::set`].
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut options = Self::new();
        pairs.into_iter().try_for_each(|(key, value)| options.set(key, value))?;
        Ok(options)
    }

    /// Sets an option; one of [`OptionKind::Lines`] gets one more line.
    ///
    /// The value is text as the option's row says. Keys may be written with `-` for `_`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming key and value.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let row = table::find(key).ok_or_else(|| refused(format!("unknown option: \"{key}\"")))?;
        row.kind.check(value).map_err(|why| {
            let shown: Cow<'_, str> = if row.kind.is_secret() { "******".into() } else { value.into() };
            refused(format!("option {}: {why}: \"{shown}\"", row.key))
        })?;
        let values = self.values.entry(row.key).or_default();
        if row.kind != OptionKind::Lines {
            values.clear();
        }
        if values.len() >= MOST_LINES {
            return Err(refused(format!("option {}: more than {MOST_LINES} lines", row.key)));
        }
        values.push(kind::in_one_form(row.kind, value));
        Ok(())
    }

    /// The same options with one more.
    ///
    /// # Errors
    /// As [`Options::set`].
    pub fn with(mut self, key: &str, value: &str) -> Result<Self> {
        self.set(key, value)?;
        Ok(self)
    }

    /// The value that was set; the last line of one that has several. Defaults are not shown.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.lines(key).last().map(String::as_str)
    }

    /// All lines that were set.
    pub fn lines(&self, key: &str) -> &[String] {
        table::find(key).and_then(|row| self.values.get(row.key)).map_or(&[], Vec::as_slice)
    }

    /// The keys that were set, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.values.keys().copied()
    }

    /// These options, where both have one those of `others`.
    #[must_use]
    pub fn overlaid(&self, others: &Self) -> Self {
        let mut all = self.clone();
        all.values.extend(others.values.iter().map(|(key, values)| (*key, values.clone())));
        all
    }

    /// Refuses options that have no meaning for any of `scopes`.
    pub(super) fn check_scopes(&self, what: &str, scopes: &[Scope]) -> Result<()> {
        let fits =
            |key: &str| table::find(key).is_some_and(|row| row.scopes.iter().any(|scope| scopes.contains(scope)));
        match self.keys().find(|key| !fits(key)) {
            Some(key) => {
                let value = self.get(key).filter(|_| table::find(key).is_some_and(|row| !row.kind.is_secret()));
                Err(refused(format!("option {key} has no meaning for a {what}: \"{}\"", value.unwrap_or("******"))))
            }
            None => Ok(()),
        }
    }

    /// The part of the options with a meaning for `scope`.
    pub(super) fn part(&self, scope: Scope) -> Self {
        let fits = |key: &str| table::find(key).is_some_and(|row| row.scopes.contains(&scope));
        let values = self.values.iter().filter(|(key, _)| fits(key));
        Self { values: values.map(|(key, values)| (*key, values.clone())).collect() }
    }

    /// A number that was set.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.get(key).and_then(|text| text.parse().ok())
    }

    /// A switch that was set.
    pub(super) fn switch(&self, key: &str) -> Option<bool> {
        self.get(key).map(kind::is_yes)
    }

    /// The addresses that were set.
    pub(super) fn addresses(&self, key: &str) -> Vec<super::Address> {
        self.get(key).map(kind::addresses).and_then(std::result::Result::ok).unwrap_or_default()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_secret = |key: &str| table::find(key).is_none_or(|row| row.kind.is_secret());
        let shown = self.values.iter().map(|(key, values)| (key, if is_secret(key) { None } else { Some(values) }));
        f.debug_map().entries(shown).finish()
    }
}

/// A failure of the options.
pub(super) fn refused(what: impl Into<String>) -> Failure {
    Failure::new(ErrorKind::Config, "read the options", what)
}

/// The most lines of one option.
const MOST_LINES: usize = 10_000;

#[cfg(test)]
mod tests;

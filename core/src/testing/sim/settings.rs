//! Decides which settings a simulated server has: their names, first values, and which values they take.

use std::collections::BTreeMap;

use crate::types::{Millis, glob_matches};

/// Names and first values.
const FIRST: &[(&str, &str)] = &[
    ("appendonly", "no"),
    ("bind", "127.0.0.1"),
    ("databases", "16"),
    ("dir", "."),
    ("maxclients", "1024"),
    ("maxmemory", "0"),
    ("maxmemory-policy", "noeviction"),
    ("masterauth", ""),
    ("masteruser", ""),
    ("min-replicas-max-lag", "10"),
    ("min-replicas-to-write", "0"),
    ("notify-keyspace-events", ""),
    ("port", "0"),
    ("protected-mode", "no"),
    ("repl-backlog-size", "1048576"),
    ("repl-diskless-sync", "yes"),
    ("repl-diskless-sync-delay", "0"),
    ("repl-ping-replica-period", "1"),
    ("repl-timeout", "10"),
    ("replica-announce-ip", ""),
    ("replica-announce-port", "0"),
    ("replica-announced", "yes"),
    ("replica-priority", "100"),
    ("replica-read-only", "yes"),
    ("replica-serve-stale-data", "yes"),
    ("requirepass", ""),
    ("save", ""),
    ("slowlog-log-slower-than", "10000"),
    ("timeout", "0"),
];

/// Settings that a running server does not change.
const FIXED: &[&str] = &["bind", "databases", "maxclients", "port", "repl-backlog-size"];

/// The settings of one server.
#[derive(Clone, Debug)]
pub(super) struct Settings(BTreeMap<&'static str, String>);

impl Settings {
    /// The settings a server begins with.
    pub(super) fn first() -> Self {
        Self(FIRST.iter().map(|&(name, value)| (name, value.to_owned())).collect())
    }

    /// Sets one before the start.
    pub(super) fn begin_with(&mut self, name: &str, value: &str) -> Result<(), String> {
        let known = current_name(name);
        let (&name, _) = self.0.get_key_value(known.as_str()).ok_or_else(|| unknown(name))?;
        check(name, value)?;
        self.0.insert(name, value.to_owned());
        Ok(())
    }

    /// Sets some, all or none.
    pub(super) fn change(&mut self, pairs: &[(String, String)]) -> Result<(), String> {
        let mut changed = self.clone();
        for (name, value) in pairs {
            if FIXED.contains(&current_name(name).as_str()) {
                return Err(format!(
                    "ERR CONFIG SET failed (possibly related to argument '{name}') - can't set immutable config"
                ));
            }
            changed.begin_with(name, value)?;
        }
        *self = changed;
        Ok(())
    }

    /// Those whose names match, also by their old names.
    pub(super) fn matching(&self, pattern: &str) -> Vec<(String, String)> {
        let pattern = pattern.to_ascii_lowercase();
        let mut found = Vec::new();
        for (name, value) in &self.0 {
            for name in [(*name).to_owned(), old_name(name)] {
                if glob_matches(pattern.as_bytes(), name.as_bytes()) && !found.contains(&(name.clone(), value.clone()))
                {
                    found.push((name, value.clone()));
                }
            }
        }
        found
    }

    /// The value of one.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The value of one that is a number.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// The value of one that counts seconds.
    pub(super) fn seconds(&self, name: &str) -> Millis {
        Millis::new(self.number(name).saturating_mul(1000))
    }

    /// Whether one that is `yes` or `no` is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.text(name) == "yes"
    }

    /// The password, when one is asked for.
    pub(super) fn password(&self) -> Option<&str> {
        Some(self.text("requirepass")).filter(|password| !password.is_empty())
    }
}

/// A value must be of the kind of the first one.
fn check(name: &str, value: &str) -> Result<(), String> {
    let first = FIRST.iter().find(|(found, _)| *found == name).map_or("", |(_, first)| first);
    let failed = |why: &str| Err(format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {why}"));
    match first {
        "yes" | "no" if !matches!(value, "yes" | "no") => failed("argument must be 'yes' or 'no'"),
        number if number.parse::<u64>().is_ok() && amount(value).is_none() => {
            failed("argument couldn't be parsed into an integer")
        }
        _ => Ok(()),
    }
}

/// A number, maybe of bytes as in `1mb`.
pub(super) fn amount(value: &str) -> Option<u64> {
    let value = value.to_ascii_lowercase();
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match &value[digits.len()..] {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// `slave-priority` is `replica-priority`.
fn current_name(name: &str) -> String {
    name.to_ascii_lowercase().replace("slave", "replica")
}

fn old_name(name: &str) -> String {
    name.replace("replica", "slave")
}

fn unknown(name: &str) -> String {
    format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'")
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn settings_are_changed_all_or_none() {
        let mut settings = Settings::first();
        let pairs = [("replica-priority", "7"), ("repl-timeout", "soon")];

        let refusal = settings.change(&pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));

        assert!(refusal.is_err_and(|text| text.contains("repl-timeout")));
        assert_eq!(settings.number("replica-priority"), 100);
    }

    #[test]
    fn a_setting_has_its_old_name_too() {
        let mut settings = Settings::first();

        settings.change(&[("slave-priority".to_owned(), "7".to_owned())]).expect("it is a number");

        assert_eq!(settings.matching("slave-priority"), [("slave-priority".to_owned(), "7".to_owned())]);
        assert_eq!(settings.matching("replica-priority"), [("replica-priority".to_owned(), "7".to_owned())]);
    }
}

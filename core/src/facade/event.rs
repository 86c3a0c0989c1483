//! Decides what an event is to a binding: one owned shape for those of sentinels, discoveries, groups and the log.

use std::fmt;

use serde::Serialize;

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The stable name, such as `+switch-master` (a sentinel's), `switched` (a discovery's), `warn` (the log's).
    pub name: String,
    /// Who tells it: `sentinel`, `discovery`, `group` or `log`.
    pub source: &'static str,
    /// The master it concerns, when it concerns one.
    pub master: Option<String>,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The epoch it tells of, when it tells of one.
    pub epoch: Option<u64>,
    /// Its facts, in order.
    pub fields: Vec<(String, String)>,
    /// The whole text.
    pub text: String,
    /// How many events were lost before this one, because they were not fetched.
    pub lost: u64,
}

impl Event {
    /// The fact of that name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Everything as one JSON object; `fields` is an object too.
    pub fn json(&self) -> String {
        let fields: serde_json::Map<_, _> =
            self.fields.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        serde_json::json!({
            "name": self.name,
            "source": self.source,
            "master": self.master,
            "at_ms": self.at_ms,
            "epoch": self.epoch,
            "fields": fields,
            "text": self.text,
            "lost": self.lost,
        })
        .to_string()
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.text)
    }
}

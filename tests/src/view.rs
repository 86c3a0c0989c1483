//! Decides what is looked at in a sentinel: its picture of the group, in one reply.

use std::{collections::BTreeMap, net::SocketAddr};

use sentinelle::{
    error::{Error, ErrorKind, Result},
    resp::Value,
    testing::Client,
};

/// What one sentinel knows of one master, from `SENTINEL MASTER`.
#[derive(Clone, Debug)]
pub struct SentinelView {
    /// The fields of the reply.
    pub fields: BTreeMap<String, String>,
}

impl SentinelView {
    /// Asks the sentinel behind this connection.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], or [`ErrorKind::Protocol`] when it does not know the name.
    pub fn ask(client: &mut Client, name: &str) -> Result<Self> {
        let reply = client.command(&["SENTINEL", "MASTER", name])?;
        let fields = fields_of(&reply)
            .ok_or_else(|| Error::new(ErrorKind::Protocol, "ask a sentinel", format!("SENTINEL MASTER: {reply:?}")))?;
        Ok(Self { fields })
    }

    /// A field's text; empty when there is no such field.
    pub fn text(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }

    /// A field's number; 0 when there is none.
    pub fn number(&self, field: &str) -> u64 {
        self.text(field).parse().unwrap_or(0)
    }

    /// Where it says the master is.
    pub fn address(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.text("ip").parse().ok()?, self.text("port").parse().ok()?))
    }

    /// Whether `flag` is among the flags.
    pub fn has_flag(&self, flag: &str) -> bool {
        self.text("flags").split(',').any(|word| word == flag)
    }
}

/// Lists of fields and values, as `SENTINEL REPLICAS` and `SENTINEL SENTINELS` give them.
pub fn list_of_fields(reply: &Value) -> Vec<BTreeMap<String, String>> {
    let Value::Array(items) = reply else { return Vec::new() };
    items.iter().filter_map(fields_of).collect()
}

fn fields_of(reply: &Value) -> Option<BTreeMap<String, String>> {
    let words = if let Value::Map(pairs) = reply {
        pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect()
    } else if let Value::Array(words) = reply {
        words.clone()
    } else {
        return None;
    };
    let texts: Option<Vec<&str>> = words.iter().map(Value::as_text).collect();
    Some(texts?.chunks_exact(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect())
}

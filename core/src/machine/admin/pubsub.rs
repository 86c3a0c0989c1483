//! Decides who listens to which events, and what may be published here: hellos, nothing else.
//!
//! Mirrors spec 11.3 and 11.4. Each client's subscriptions are bounded in number and length.

use super::{Answer, Call, Session};
use crate::{machine::Machine, resp::Value};

/// The longest channel or pattern a client may name, in bytes.
pub(super) const LONGEST: usize = 1024;

/// The most channels and patterns a client may listen to, together.
const MOST: usize = 1024;

/// The channel on which sentinels tell of themselves.
const HELLO_CHANNEL: &[u8] = b"__sentinel__:hello";

/// What a client may listen to.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Channel,
    Pattern,
}

/// `SUBSCRIBE <channel> ...`
pub(super) fn subscribe(machine: &mut Machine, call: &Call<'_>) -> Answer {
    begin(machine, call, Kind::Channel)
}

/// `PSUBSCRIBE <pattern> ...`
pub(super) fn subscribe_patterns(machine: &mut Machine, call: &Call<'_>) -> Answer {
    begin(machine, call, Kind::Pattern)
}

/// `UNSUBSCRIBE [<channel> ...]`
pub(super) fn unsubscribe(machine: &mut Machine, call: &Call<'_>) -> Answer {
    end(machine, call, Kind::Channel)
}

/// `PUNSUBSCRIBE [<pattern> ...]`
pub(super) fn unsubscribe_patterns(machine: &mut Machine, call: &Call<'_>) -> Answer {
    end(machine, call, Kind::Pattern)
}

/// `PUBLISH <channel> <message>`: a hello is heard, whatever becomes of it.
pub(super) fn publish(machine: &mut Machine, call: &Call<'_>) -> Answer {
    if call.request.word(1) != Some(HELLO_CHANNEL) {
        return Value::error("ERR Only HELLO messages are accepted by Sentinel instances.").into();
    }
    machine.hear_hello(call.now, call.request.word(2).unwrap_or_default());
    Value::Integer(1).into()
}

/// Begins to listen; all or nothing, with one confirmation for each name.
fn begin(machine: &mut Machine, call: &Call<'_>, kind: Kind) -> Answer {
    let names = &call.request.words()[1..];
    let Some(session) = machine.clients.get_mut(&call.client) else { return Answer::Elsewhere };
    if names.iter().any(|name| name.len() > LONGEST) {
        return Value::error(format!("ERR a channel or pattern may have {LONGEST} bytes at most")).into();
    }
    if session.subscriptions() + names.len() > MOST {
        return Value::error(format!("ERR a client may listen to {MOST} channels and patterns at most")).into();
    }
    let confirm = |name: &Vec<u8>| {
        names_of(session, kind).insert(name.clone());
        confirmation(kind.begun(), Value::bulk(name), session.subscriptions())
    };
    Answer::Each(names.iter().map(confirm).collect())
}

/// Ends listening to the names given, or to all; one confirmation for each name, at least one.
fn end(machine: &mut Machine, call: &Call<'_>, kind: Kind) -> Answer {
    let Some(session) = machine.clients.get_mut(&call.client) else { return Answer::Elsewhere };
    let given = &call.request.words()[1..];
    let names: Vec<Vec<u8>> =
        if given.is_empty() { names_of(session, kind).iter().cloned().collect() } else { given.to_vec() };
    if names.is_empty() {
        return Answer::Each(vec![confirmation(kind.ended(), Value::Null, session.subscriptions())]);
    }
    let confirm = |name: Vec<u8>| {
        names_of(session, kind).remove(&name);
        confirmation(kind.ended(), Value::Bulk(name), session.subscriptions())
    };
    Answer::Each(names.into_iter().map(confirm).collect())
}

/// What the session listens to in one way.
fn names_of(session: &mut Session, kind: Kind) -> &mut std::collections::BTreeSet<Vec<u8>> {
    match kind {
        Kind::Channel => &mut session.channels,
        Kind::Pattern => &mut session.patterns,
    }
}

/// A confirmation with the number of channels and patterns listened to since.
fn confirmation(verb: &str, name: Value, count: usize) -> Value {
    Value::Push(vec![Value::bulk(verb), name, Value::Integer(count as i64)])
}

impl Kind {
    fn begun(self) -> &'static str {
        match self {
            Self::Channel => "subscribe",
            Self::Pattern => "psubscribe",
        }
    }

    fn ended(self) -> &'static str {
        match self {
            Self::Channel => "unsubscribe",
            Self::Pattern => "punsubscribe",
        }
    }
}

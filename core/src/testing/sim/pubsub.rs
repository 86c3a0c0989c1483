//! Decides who hears what is published: subscribers here, and those of the replicas.

use std::collections::BTreeSet;

use super::{
    node::{Answer, Call, Node},
    session::Session,
};
use crate::{
    resp::{Request, Value},
    types::glob_matches,
};

/// The most subscriptions of one connection.
const MOST: usize = 1024;

pub(super) fn publish(node: &mut Node, call: Call<'_>) -> Answer {
    let (Some(channel), Some(text)) = (call.request.word(1), call.request.word(2)) else { return Answer::End(None) };
    let heard = node.deliver(channel, text);
    node.tell_replicas(0, call.request.clone());
    Answer::value(Value::Integer(heard))
}

pub(super) fn subscribe(node: &mut Node, call: Call<'_>) -> Answer {
    change(node, call, "subscribe", |session, name| {
        session.channels.insert(name.to_vec());
    })
}

pub(super) fn subscribe_pattern(node: &mut Node, call: Call<'_>) -> Answer {
    change(node, call, "psubscribe", |session, name| {
        session.patterns.insert(name.to_vec());
    })
}

pub(super) fn unsubscribe(node: &mut Node, call: Call<'_>) -> Answer {
    change(node, call, "unsubscribe", |session, name| {
        session.channels.remove(name);
    })
}

pub(super) fn unsubscribe_pattern(node: &mut Node, call: Call<'_>) -> Answer {
    change(node, call, "punsubscribe", |session, name| {
        session.patterns.remove(name);
    })
}

/// Changes the subscriptions to the channels a command names, or to all; there is a reply for each.
fn change(node: &mut Node, call: Call<'_>, word: &str, change: impl Fn(&mut Session, &[u8])) -> Answer {
    let Some(session) = node.sessions.get_mut(&call.client) else { return Answer::End(None) };
    if session.subscriptions() + call.request.len() > MOST + 1 {
        return Answer::error("ERR too many subscriptions");
    }
    let is_pattern = word.starts_with('p');
    let all = if is_pattern { session.patterns.clone() } else { session.channels.clone() };
    let chosen: BTreeSet<Vec<u8>> = call.request.words()[1..].iter().cloned().collect();
    let names: Vec<_> = if chosen.is_empty() { all } else { chosen }.into_iter().collect();
    if names.is_empty() {
        let count = Value::Integer(session.subscriptions() as i64);
        return Answer::value(Value::Push(vec![Value::bulk(word), Value::Null, count]));
    }
    let mut replies = Vec::new();
    for name in names {
        change(session, &name);
        let count = Value::Integer(session.subscriptions() as i64);
        replies.push(Value::Push(vec![Value::bulk(word), Value::Bulk(name), count]));
    }
    Answer::Values(replies)
}

pub(super) fn look(node: &mut Node, call: Call<'_>) -> Answer {
    let sessions = || node.sessions.values();
    let listeners = |channel: &Vec<u8>| sessions().filter(|session| session.channels.contains(channel)).count() as i64;
    let request: &Request = call.request;
    let word = request.text(1).unwrap_or_default().to_ascii_uppercase();
    Answer::value(match word.as_str() {
        "CHANNELS" => {
            let pattern = request.word(2).unwrap_or(b"*");
            let all: BTreeSet<_> = sessions().flat_map(|session| &session.channels).collect();
            Value::Array(all.into_iter().filter(|name| glob_matches(pattern, name)).map(Value::bulk).collect())
        }
        "NUMSUB" => {
            let count = |name: &Vec<u8>| [Value::bulk(name), Value::Integer(listeners(name))];
            Value::Array(request.words()[2..].iter().flat_map(count).collect())
        }
        "NUMPAT" => Value::Integer(sessions().map(|session| session.patterns.len() as i64).sum()),
        _ => Value::error(format!("ERR unknown subcommand '{word}'. Try PUBSUB HELP.")),
    })
}

impl Node {
    /// Gives a message to all subscribers, and their number; one whose messages pile up is disconnected.
    pub(super) fn deliver(&mut self, channel: &[u8], text: &[u8]) -> i64 {
        let mut heard = 0;
        self.sessions.retain(|_, session| {
            let mut messages = Vec::new();
            if session.channels.contains(channel) {
                messages.push(vec![Value::bulk("message"), Value::bulk(channel), Value::bulk(text)]);
            }
            for pattern in session.patterns.iter().filter(|pattern| glob_matches(pattern, channel)) {
                let words = [b"pmessage".as_slice(), pattern, channel, text];
                messages.push(words.into_iter().map(Value::bulk).collect());
            }
            heard += messages.len() as i64;
            messages.into_iter().all(|words| session.outbox.try_send(Value::Push(words)).is_ok())
        });
        heard
    }
}

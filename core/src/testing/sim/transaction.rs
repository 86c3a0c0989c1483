//! Decides how transactions go: queued behind MULTI, run by EXEC unless a watched key changed, told to replicas as one.

use super::{
    node::{Answer, Call, Node, keys_of},
    session::Transaction,
    table::{Command, find_command},
};
use crate::resp::{Request, Value};

pub(super) fn begin(node: &mut Node, call: Call<'_>) -> Answer {
    let Some(session) = node.sessions.get_mut(&call.client) else { return Answer::End(None) };
    if session.transaction.is_some() {
        return Answer::error("ERR MULTI calls can not be nested");
    }
    session.transaction = Some(Transaction::default());
    Answer::ok()
}

pub(super) fn discard(node: &mut Node, call: Call<'_>) -> Answer {
    let Some(session) = node.sessions.get_mut(&call.client) else { return Answer::End(None) };
    if session.transaction.take().is_none() {
        return Answer::error("ERR DISCARD without MULTI");
    }
    session.unwatch();
    Answer::ok()
}

pub(super) fn watch(node: &mut Node, call: Call<'_>) -> Answer {
    let Some(session) = node.sessions.get_mut(&call.client) else { return Answer::End(None) };
    if session.transaction.is_some() {
        return Answer::error("ERR WATCH inside MULTI is not allowed");
    }
    session.watched.extend(keys_of(session.database, &call.request.words()[1..]));
    Answer::ok()
}

pub(super) fn unwatch(node: &mut Node, call: Call<'_>) -> Answer {
    let Some(session) = node.sessions.get_mut(&call.client) else { return Answer::End(None) };
    session.unwatch();
    Answer::ok()
}

pub(super) fn execute(node: &mut Node, call: Call<'_>) -> Answer {
    let Some(session) = node.sessions.get_mut(&call.client) else { return Answer::End(None) };
    let Some(transaction) = session.transaction.take() else { return Answer::error("ERR EXEC without MULTI") };
    let is_stale = session.has_stale_watch;
    session.unwatch();
    if transaction.is_broken {
        return Answer::error("EXECABORT Transaction discarded because of previous errors.");
    }
    if is_stale {
        return Answer::value(Value::NullArray);
    }
    let writes = |request: &Request| find_command(request).is_some_and(Command::writes);
    if !node.replication.is_master() && node.settings.is_on("replica-read-only") && transaction.queue.iter().any(writes)
    {
        return Answer::error(
            "EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.",
        );
    }
    node.batch = Some(Vec::new());
    let values: Vec<_> = transaction.queue.iter().filter_map(|request| node.run_queued(call, request)).collect();
    let changes = node.batch.take().unwrap_or_default();
    node.tell_replicas_at_once(changes);
    if let Some(session) = node.sessions.get_mut(&call.client) {
        session.wrote_up_to = node.replication.offset();
    }
    Answer::value(Value::Array(values))
}

impl Node {
    /// The one reply to a command of a transaction; there nothing waits.
    fn run_queued(&mut self, call: Call<'_>, request: &Request) -> Option<Value> {
        let command = find_command(request)?;
        let answer = self.run(Call { request, ..call }, command);
        Some(match answer {
            Answer::Values(mut values) => values.pop().unwrap_or_else(Value::ok),
            Answer::Wait(waiting) => self.give_up(&waiting),
            Answer::Feed { .. } => Value::error("ERR Command not allowed inside a transaction"),
            Answer::End(value) => value.unwrap_or_else(Value::ok),
        })
    }
}

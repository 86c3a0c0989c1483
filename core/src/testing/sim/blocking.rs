//! Decides what makes a connection wait: an empty list, replicas that have yet to acknowledge, a pause.
//!
//! Nobody is promised a turn: of several that wait for one list, any may be first.

use super::{
    collections::{End, pop_one},
    node::{Answer, Call, Node, Pause},
    scope::Scope,
};
use crate::{
    resp::{Request, Value},
    types::{ClientId, Millis, Tick},
};

/// The longest wait.
const LONGEST: Millis = Millis::new(365 * 24 * 3_600_000);

/// What a connection waits for, and until when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Waiting {
    what: Awaited,
    /// When it is given up; `None` = never.
    pub(super) until: Option<Tick>,
}

#[derive(Clone, Debug, PartialEq)]
enum Awaited {
    Item { names: Vec<Vec<u8>>, end: End },
    Acknowledged { count: i64, offset: u64 },
    EndOfPause(Request),
}

impl Waiting {
    /// Waits for the end of a pause, to run the command then.
    pub(super) fn for_end_of(pause: Pause, request: Request) -> Self {
        Self { what: Awaited::EndOfPause(request), until: Some(pause.until) }
    }
}

pub(super) fn pop_left(node: &mut Node, call: Call<'_>) -> Answer {
    pop(node, call, End::Left)
}

pub(super) fn pop_right(node: &mut Node, call: Call<'_>) -> Answer {
    pop(node, call, End::Right)
}

fn pop(node: &mut Node, call: Call<'_>, end: End) -> Answer {
    let last = call.request.len() - 1;
    let seconds: Option<f64> = call.request.text(last).and_then(|text| text.parse().ok());
    let Some(seconds) = seconds.filter(|seconds| seconds.is_finite()) else {
        return Answer::error("ERR timeout is not a float or out of range");
    };
    if seconds < 0.0 {
        return Answer::error("ERR timeout is negative");
    }
    let span = Millis::new((seconds * 1000.0).ceil() as u64);
    let until = (seconds > 0.0).then(|| call.now.tick.after(span.min(LONGEST)));
    let waiting = Waiting { what: Awaited::Item { names: call.request.words()[1..last].to_vec(), end }, until };
    node.resume(call.client, &waiting).unwrap_or(Answer::Wait(waiting))
}

pub(super) fn wait(node: &mut Node, call: Call<'_>) -> Answer {
    if !node.replication.is_master() {
        return Answer::error(
            "ERR WAIT cannot be used with replica instances. Please also note that writes to replicas are just local \
             and are not propagated.",
        );
    }
    let (Some(count), Some(millis)) = (call.request.integer(1), call.request.integer(2)) else {
        return Answer::error(super::scope::NO_INTEGER);
    };
    let Ok(millis) = u64::try_from(millis) else { return Answer::error("ERR timeout is negative") };
    let offset = node.sessions.get(&call.client).map_or(0, |session| session.wrote_up_to);
    let until = (millis > 0).then(|| call.now.tick.after(Millis::new(millis).min(LONGEST)));
    let waiting = Waiting { what: Awaited::Acknowledged { count, offset }, until };
    if let Some(answer) = node.resume(call.client, &waiting) {
        return answer;
    }
    node.ask_for_acknowledgements();
    Answer::Wait(waiting)
}

impl Node {
    /// What a connection is answered that waited, once there is something to say.
    pub(super) fn resume(&mut self, client: ClientId, waiting: &Waiting) -> Option<Answer> {
        let now = self.clock.now();
        let answer = match &waiting.what {
            Awaited::Item { names, end } => self.take_item(client, names, *end),
            Awaited::Acknowledged { count, offset } => {
                let found = self.acknowledged(*offset);
                (found >= *count).then(|| Answer::value(Value::Integer(found)))
            }
            Awaited::EndOfPause(request) => {
                let is_over = self.pause.is_none_or(|pause| pause.until <= now.tick);
                return is_over.then(|| self.answer(client, request));
            }
        };
        let is_late = waiting.until.is_some_and(|until| until <= now.tick);
        answer.or_else(|| is_late.then(|| Answer::value(self.give_up(waiting))))
    }

    /// What a connection is answered that waited in vain.
    pub(super) fn give_up(&self, waiting: &Waiting) -> Value {
        match &waiting.what {
            Awaited::Item { .. } => Value::NullArray,
            Awaited::Acknowledged { offset, .. } => Value::Integer(self.acknowledged(*offset)),
            Awaited::EndOfPause(_) => Value::ok(),
        }
    }

    /// How many replicas have that much of the stream.
    fn acknowledged(&self, offset: u64) -> i64 {
        let followers = self.sessions.values().filter_map(|session| session.follower.as_ref());
        followers.filter(|follower| follower.acknowledged >= offset).count() as i64
    }

    fn take_item(&mut self, client: ClientId, names: &[Vec<u8>], end: End) -> Option<Answer> {
        if !self.replication.is_master() && self.settings.is_on("replica-read-only") {
            let text = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";
            return Some(Answer::End(Some(Value::error(text))));
        }
        let now = self.clock.now();
        let database = self.sessions.get(&client)?.database;
        for name in names {
            let mut scope = Scope::new(&mut self.data, database, now.unix);
            match pop_one(&mut scope, name, end) {
                Err(text) => return Some(Answer::error(text)),
                Ok(None) => {}
                Ok(Some(item)) => {
                    let touched = scope.touched;
                    self.note_touched(&touched);
                    let word = match end {
                        End::Left => "LPOP",
                        End::Right => "RPOP",
                    };
                    self.tell_replicas(database, Request::new([word.as_bytes(), name]));
                    return Some(Answer::value(Value::Array(vec![Value::bulk(name), Value::Bulk(item)])));
                }
            }
        }
        None
    }
}

//! Decides what goes over a connection in one go, and how the replies to it are read.

use super::{
    class::Class,
    command::Command,
    reply::{self, Course, Refused},
};
use crate::{
    error::{Error, ErrorKind, Outcome, Result},
    resp::Value,
};

/// Whether the commands of a pipeline are one transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Atomicity {
    /// They are sent together and run one after the other; other clients' commands may come in between. The default.
    #[default]
    Pipeline,
    /// They run as one, between MULTI and EXEC.
    Transaction,
}

/// Commands that are sent together, with how they are treated together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parcel<'a> {
    commands: &'a [Command],
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    One,
    Several(Atomicity),
}

/// The replies to a parcel.
#[derive(Debug)]
pub(super) enum Replies {
    One(Value),
    Several(Vec<Value>),
}

/// What the replies to a parcel come to.
#[derive(Debug)]
pub(super) enum Judged {
    Done(Replies),
    /// The server refused it; nothing of it was executed.
    Refused(Error, Course),
}

impl<'a> Parcel<'a> {
    pub(super) fn one(command: &'a Command) -> Self {
        Self { commands: std::slice::from_ref(command), shape: Shape::One }
    }

    pub(super) fn several(commands: &'a [Command], atomicity: Atomicity) -> Self {
        Self { commands, shape: Shape::Several(atomicity) }
    }

    pub(super) fn commands(&self) -> &'a [Command] {
        self.commands
    }

    /// The class that asks for the most care.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] when there is an empty command, or one that must not stand among others.
    pub(super) fn class(&self) -> Result<Class> {
        let mut class = Class::Read;
        for command in self.commands {
            let own = command.class();
            let is_misplaced = self.shape != Shape::One && matches!(own, Class::Session | Class::Blocking);
            if command.is_empty() || is_misplaced {
                let what = if is_misplaced { "it does not fit into a pipeline" } else { "it has no words" };
                return Err(Error::new(ErrorKind::Argument, "send a command", format!("{command:?}: {what}"))
                    .with_outcome(Outcome::NotSent));
            }
            class = class.max(own);
        }
        Ok(class)
    }

    /// The class that asks for the most care, whatever stands beside it.
    pub(super) fn class_on_lease(&self) -> Class {
        self.commands.iter().map(Command::class).max().unwrap_or(Class::Read)
    }

    /// How many bytes it has on the wire, about.
    pub(super) fn weight(&self) -> usize {
        self.commands.iter().map(Command::weight).sum()
    }

    /// How many replies come.
    pub(super) fn expected(&self) -> usize {
        self.commands.len() + if self.is_transaction() { 2 } else { 0 }
    }

    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        if self.is_transaction() {
            out.extend_from_slice(b"*1\r\n$5\r\nMULTI\r\n");
        }
        for command in self.commands {
            command.write_to(out);
        }
        if self.is_transaction() {
            out.extend_from_slice(b"*1\r\n$4\r\nEXEC\r\n");
        }
    }

    /// Reads the replies.
    pub(super) fn judge(&self, replies: Replies) -> Judged {
        match (self.shape, replies) {
            (Shape::One, Replies::One(Value::Error(text))) => refused(&text),
            (Shape::One, replies) => Judged::Done(replies),
            (Shape::Several(Atomicity::Transaction), replies) => judge_transaction(replies.several()),
            (Shape::Several(Atomicity::Pipeline), replies) => self.judge_pipeline(replies.several()),
        }
    }

    /// A pipeline counts as refused only when nothing of it was executed: then all of it can be sent again.
    fn judge_pipeline(&self, replies: Vec<Value>) -> Judged {
        let mut first = None;
        for (command, reply) in self.commands.iter().zip(&replies) {
            let refusal = if let Value::Error(text) = reply { Some(text) } else { None };
            match refusal.filter(|text| reply::read(text).course != Course::Tell) {
                Some(text) => first = first.or(Some(text)),
                None if command.class() == Class::Read => {}
                None => return Judged::Done(Replies::Several(replies)),
            }
        }
        match first {
            Some(text) => refused(text),
            None => Judged::Done(Replies::Several(replies)),
        }
    }

    fn is_transaction(&self) -> bool {
        self.shape == Shape::Several(Atomicity::Transaction)
    }
}

impl Replies {
    pub(super) fn one(self) -> Value {
        match self {
            Self::One(value) => value,
            Self::Several(values) => values.into_iter().next().unwrap_or(Value::Null),
        }
    }

    pub(super) fn several(self) -> Vec<Value> {
        match self {
            Self::One(value) => vec![value],
            Self::Several(values) => values,
        }
    }
}

/// The last reply is EXEC's; the first error before it is why the transaction was thrown away.
fn judge_transaction(mut replies: Vec<Value>) -> Judged {
    let last = replies.pop();
    match last {
        Some(Value::Array(items)) => Judged::Done(Replies::Several(items)),
        Some(Value::Error(last)) => {
            let why = replies.iter().find_map(|reply| if let Value::Error(text) = reply { Some(text) } else { None });
            refused(why.unwrap_or(&last))
        }
        other => {
            let subject = format!("EXEC is answered by {other:?}");
            let error = Error::new(ErrorKind::Protocol, "run a transaction", subject).with_outcome(Outcome::Unknown);
            Judged::Refused(error, Course::Tell)
        }
    }
}

fn refused(text: &str) -> Judged {
    let Refused { kind, course } = reply::read(text);
    Judged::Refused(reply::failure(text, kind), course)
}

#[cfg(test)]
mod tests {
    use super::{Atomicity, Judged, Parcel, Replies};
    use crate::{
        error::ErrorKind,
        pool::{Class, Command, reply::Course},
        resp::Value,
    };

    const READONLY: &str = "READONLY You can't write against a read only replica.";

    fn pipeline() -> Vec<Command> {
        vec![Command::new(["GET", "a"]), Command::new(["INCR", "b"])]
    }

    fn judged(atomicity: Atomicity, replies: Vec<Value>) -> String {
        match Parcel::several(&pipeline(), atomicity).judge(Replies::Several(replies)) {
            Judged::Done(replies) => format!("{} replies", replies.several().len()),
            Judged::Refused(error, course) => format!("{} {course:?}", error.kind().name()),
        }
    }

    #[test]
    fn a_parcel_is_as_delicate_as_its_most_delicate_command() {
        let commands = pipeline();
        assert_eq!(Parcel::several(&commands, Atomicity::Pipeline).class().ok(), Some(Class::Write));
        assert_eq!(Parcel::one(&commands[0]).class().ok(), Some(Class::Read));

        let misplaced = [Command::new(["WATCH", "a"])];
        let error = Parcel::several(&misplaced, Atomicity::Transaction).class().expect_err("WATCH needs a lease");
        assert_eq!(error.kind(), ErrorKind::Argument);
    }

    #[test]
    fn a_pipeline_of_which_something_was_executed_is_not_sent_again() {
        let readonly = || Value::error(READONLY);
        let again = format!("read-only {:?}", Course::FindMaster(None));
        for (replies, expected) in [
            (vec![Value::Null, Value::Integer(1)], "2 replies"),
            (vec![Value::Null, readonly()], again.as_str()),
            (vec![Value::error("WRONGTYPE no"), Value::Integer(1)], "2 replies"),
            (vec![readonly(), Value::Integer(1)], "2 replies"),
        ] {
            assert_eq!(judged(Atomicity::Pipeline, replies.clone()), expected, "{replies:?}");
        }
    }

    #[test]
    fn a_transaction_gives_what_exec_gives_or_why_it_was_thrown_away() {
        let queued = || Value::Simple("QUEUED".into());
        let results = Value::Array(vec![Value::Null, Value::Integer(1)]);

        let done = judged(Atomicity::Transaction, vec![Value::ok(), queued(), queued(), results]);
        let thrown = vec![Value::ok(), queued(), Value::error(READONLY), Value::error("EXECABORT discarded")];

        assert_eq!(done, "2 replies");
        assert_eq!(judged(Atomicity::Transaction, thrown), format!("read-only {:?}", Course::FindMaster(None)));
    }
}

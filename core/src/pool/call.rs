//! Decides what becomes of one call: where it goes, how long it waits, whether it is tried again, when it has failed.
//!
//! Tasks and threads ask the same [`Call`]; they differ only in how they send and how they wait.

use std::sync::Arc;

use super::{
    board::{Gate, View},
    class::Class,
    command::ServerWait,
    core::{Core, Parked},
    node::{Duty, Node},
    parcel::Parcel,
    reads::{self, Choice, ReadFrom},
    reply::Course,
    retry::{self, MOST_ATTEMPTS},
};
use crate::{
    error::{Error, ErrorKind, Outcome, Result, Retry},
    finder::Sign,
    types::{Generation, Millis, Tick},
};

/// One call of a user, from its beginning to its end.
#[derive(Debug)]
pub(super) struct Call {
    class: Class,
    read_from: ReadFrom,
    weight: usize,
    deadline: Tick,
    /// How long the server may keep the command waiting.
    server_wait: Option<ServerWait>,
    has_own_timeout: bool,
    /// Attempts that reached a server.
    attempts: u32,
    /// All attempts.
    tries: u32,
    pause: Option<Pause>,
    /// When to go on although the master is not confirmed.
    doubt_ends: Option<Tick>,
    has_authenticated: bool,
    /// How it failed, while it is not known whether a switch was the reason.
    ending: Option<Ending>,
    last: Option<Error>,
    parked: Option<Parked>,
}

/// A wait before the next attempt; a newer generation ends it.
#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Tick,
    generation: Generation,
}

/// A failure that may turn out to be a switch.
#[derive(Debug)]
struct Ending {
    error: Error,
    generation: Generation,
    until: Tick,
}

/// What a call does next.
#[derive(Debug)]
pub(super) enum Step {
    /// It is sent to this server.
    Go(Arc<Node>),
    /// It waits for a newer view, at most until then.
    Wait(Tick),
}

impl Call {
    /// A call that begins now.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for what cannot be sent.
    pub(super) fn begin(core: &Core, parcel: Parcel<'_>, now: Tick) -> Result<Self> {
        let settings = &core.means().settings;
        let first = parcel.commands().first();
        let own_timeout = first.and_then(super::Command::own_timeout);
        let class = parcel.class()?;
        let read_from = first.and_then(super::Command::own_read_from);
        if let Some(policy) = &read_from {
            core.means().note_policy(policy);
        }
        core.means().counters.calls.add();
        Ok(Self {
            class,
            read_from: read_from.unwrap_or_else(|| settings.read_from.clone()),
            weight: parcel.weight(),
            deadline: now.after(own_timeout.unwrap_or(settings.deadline)),
            server_wait: if class == Class::Blocking { first.and_then(super::Command::server_wait) } else { None },
            has_own_timeout: own_timeout.is_some(),
            attempts: 0,
            tries: 0,
            pause: None,
            doubt_ends: None,
            has_authenticated: false,
            ending: None,
            last: None,
            parked: None,
        })
    }

    pub(super) fn class(&self) -> Class {
        self.class
    }

    /// The time that is left to it.
    pub(super) fn left(&self, now: Tick) -> Millis {
        self.deadline.since(now)
    }

    /// When an attempt that begins now has to be answered; `None` = whenever.
    pub(super) fn reply_deadline(&self, core: &Core, now: Tick) -> Option<Tick> {
        match self.server_wait {
            // The server keeps it as long as it asked to be kept, and then has a moment to say so.
            Some(ServerWait::AtMost(wait)) if !self.has_own_timeout => Some(now.after(wait).after(SERVER_GRACE)),
            Some(ServerWait::Endless) if !self.has_own_timeout => None,
            Some(_) => Some(self.deadline),
            None => Some(self.deadline.min(now.after(core.means().settings.response_timeout))),
        }
    }

    /// When the user has no more time, for connections that judge silence themselves.
    pub(super) fn deadline(&self) -> Tick {
        self.deadline
    }

    /// What to do now.
    ///
    /// # Errors
    /// Why the call has failed.
    pub(super) fn step(&mut self, core: &Core, view: &View, now: Tick) -> Result<Step> {
        if let Some(ending) = self.ending.take() {
            return self.end(ending, view, now);
        }
        if view.gate == Gate::Closed {
            let error = Error::new(ErrorKind::Stopped, "run a command", "the pool is closed");
            return Err(self.last.take().unwrap_or(error.with_outcome(Outcome::NotSent)));
        }
        if now >= self.deadline {
            return Err(self.expired(core, view));
        }
        let Some(node) = self.target(core, view) else { return self.wait(core, self.deadline) };
        if let Some(until) = self.must_wait(&node, view, now) {
            return self.wait(core, until);
        }
        self.parked = None;
        Ok(Step::Go(node))
    }

    /// Takes note of a failed attempt.
    ///
    /// # Errors
    /// The failure itself when it is the call's.
    pub(super) fn note_failure(&mut self, core: &Core, node: &Node, error: Error, course: &Course) -> Result<()> {
        let now = core.means().tick();
        core.note_failure(node, &error, course);
        self.tries += 1;
        let outcome = error.outcome().unwrap_or(Outcome::NotSent);
        let may_be_switch = error.kind() == ErrorKind::Connection && outcome == Outcome::Unknown;
        if self.class == Class::Blocking && may_be_switch && node.duty() == Duty::Master {
            // A server that becomes a replica hangs up before anybody knows the new master.
            self.ending = Some(Ending { error, generation: node.generation(), until: now.after(SWITCH_KNOWN) });
            return Ok(());
        }
        if !self.may_go_on(&error, outcome, course, core) {
            return Err(error);
        }
        let is_moved = core.view().generation > node.generation();
        if outcome != Outcome::NotSent {
            self.attempts += 1;
            if self.attempts >= MOST_ATTEMPTS || !(is_moved || core.may_retry(now)) {
                return Err(error);
            }
        }
        let pause = if is_moved { Millis::ZERO } else { core.means().part_of(retry::longest_pause(self.tries)) };
        self.pause = Some(Pause { until: now.after(pause), generation: node.generation() });
        self.last = Some(error);
        core.means().counters.retries.add();
        Ok(())
    }

    fn may_go_on(&mut self, error: &Error, outcome: Outcome, course: &Course, core: &Core) -> bool {
        let may_follow = retry::may_follow(self.class, outcome, core.means().settings.retry_idempotent);
        let is_curable = match course {
            Course::Authenticate => !std::mem::replace(&mut self.has_authenticated, true),
            Course::Again | Course::FindMaster(_) => true,
            Course::Tell => match outcome {
                // A name or password that is wrong stays wrong.
                Outcome::NotSent => error.kind().retry() == Retry::Later,
                Outcome::Rejected => false,
                Outcome::Unknown => true,
            },
        };
        let is_ended_by_caller = error.kind() == ErrorKind::Cancelled;
        may_follow && is_curable && !is_ended_by_caller
    }

    /// Fails as soon as it is known whether another server is master, or cannot be known in time.
    fn end(&mut self, ending: Ending, view: &View, now: Tick) -> Result<Step> {
        if view.generation > ending.generation {
            let moved = Error::new(ErrorKind::Moved, "wait on the server", "another server is master");
            return Err(moved.with_outcome(Outcome::Unknown).because(ending.error));
        }
        if now >= ending.until || view.gate == Gate::Closed {
            return Err(ending.error);
        }
        let until = ending.until;
        self.ending = Some(ending);
        Ok(Step::Wait(until))
    }

    fn target(&self, core: &Core, view: &View) -> Option<Arc<Node>> {
        if self.class != Class::Read || !self.read_from.wants_replicas() {
            return view.master.clone();
        }
        let master = view.master.as_ref().filter(|_| view.gate != Gate::Searching);
        let Choice { place, is_fallback } =
            reads::choose(&self.read_from, master, &view.replicas, core.means().draw())?;
        if is_fallback {
            core.means().counters.fallbacks.add();
        }
        Some(Arc::clone(place))
    }

    /// Until when this must wait, if it must.
    fn must_wait(&mut self, node: &Node, view: &View, now: Tick) -> Option<Tick> {
        if matches!(view.gate, Gate::Held | Gate::Switching) && self.class.is_held() {
            return Some(self.deadline);
        }
        if view.gate == Gate::Searching && node.duty() == Duty::Master {
            return Some(self.deadline);
        }
        if view.gate == Gate::Unsure && self.last.is_some() && node.duty() == Duty::Master {
            let ends = *self.doubt_ends.get_or_insert(now.after(LONGEST_DOUBT));
            if now < ends {
                return Some(ends.min(self.deadline));
            }
        }
        self.doubt_ends = None;
        let pause = self.pause.filter(|pause| now < pause.until && pause.generation >= view.generation)?;
        Some(pause.until.min(self.deadline))
    }

    fn wait(&mut self, core: &Core, until: Tick) -> Result<Step> {
        if self.parked.is_none() {
            self.parked = Some(core.park(self.weight)?);
        }
        Ok(Step::Wait(until))
    }

    fn expired(&mut self, core: &Core, view: &View) -> Error {
        let diagnosis = view.trouble.as_ref().filter(|_| matches!(view.gate, Gate::Searching | Gate::Unsure));
        match (self.last.take(), diagnosis) {
            (Some(last), _) => last,
            (None, Some(trouble)) => trouble.to_error(core.name()).with_outcome(Outcome::NotSent),
            (None, None) => {
                let what = match (view.gate, self.class, self.read_from.wants_replicas()) {
                    (_, Class::Read, true) => (ErrorKind::NoReplica, "no server may be read from"),
                    (Gate::Held | Gate::Switching, ..) => (ErrorKind::Timeout, "the master is being replaced"),
                    (Gate::Searching, ..) => (ErrorKind::MasterNotReady, "no master was found in time"),
                    (Gate::Open | Gate::Unsure | Gate::Closed, ..) => (ErrorKind::Timeout, "its time is over"),
                };
                Error::new(what.0, "run a command", what.1).with_outcome(Outcome::NotSent)
            }
        }
    }
}

/// A sign that a failure gives of the master, if any.
pub(super) fn sign(error: &Error, course: &Course) -> Option<Sign> {
    match course {
        Course::FindMaster(Some(other)) => Some(Sign::Redirected(other.clone())),
        Course::FindMaster(None) if error.kind() == ErrorKind::Loading => Some(Sign::NotReady),
        Course::FindMaster(None) => Some(Sign::ReadOnly),
        Course::Again | Course::Authenticate => None,
        Course::Tell => match (error.kind(), error.outcome()) {
            (ErrorKind::MasterNotReady, _) => Some(Sign::ReadOnly),
            (ErrorKind::Loading, _) => Some(Sign::NotReady),
            (ErrorKind::Connection | ErrorKind::Timeout, Some(Outcome::NotSent)) => Some(Sign::Unreachable),
            (ErrorKind::Connection, _) => Some(Sign::Disconnected),
            _ => None,
        },
    }
}

/// How long a call that failed waits for the master to be confirmed before it tries the same one again.
const LONGEST_DOUBT: Millis = Millis::new(500);

/// How long a waiting command that lost its connection waits to learn whether the master was replaced.
const SWITCH_KNOWN: Millis = Millis::new(2_000);

/// How long a server may take to say that a blocking command's time is over.
const SERVER_GRACE: Millis = Millis::new(500);

//! Decides nothing: carries calls out, on tasks, on threads, and for those who want to be told.

use std::sync::{Arc, LazyLock};

use tokio::sync::oneshot;

use super::{
    broken::{Broken, Cause, Replied},
    call::{Call, Step},
    class::Class,
    command::Command,
    core::Core,
    fence::{self, Fence},
    lease::{BlockingLease, Lease, LeaseFor},
    link::moment,
    multiplexer::{Done, Terms},
    node::Node,
    parcel::{Judged, Parcel, Replies},
    reply::Course,
    thread_link::{Interrupt, Patience},
};
use crate::{
    error::{Error, ErrorKind, Outcome, Result},
    types::{Millis, Tick},
};

/// The end of an attempt: the replies, or why there are none and what is to be done about it.
pub(super) type Attempted<T> = std::result::Result<T, (Error, Course)>;

/// Carries a call out on a task.
pub(super) async fn execute(core: &Core, parcel: Parcel<'_>) -> Result<Replies> {
    let begun = Call::begin(core, parcel, core.means().tick());
    let mut call = begun.inspect_err(|_| core.means().counters.failures.add())?;
    let ended = go_on(core, parcel, &mut call).await;
    count(core, &ended);
    ended
}

/// Carries on with a call on a task.
pub(super) async fn go_on(core: &Core, parcel: Parcel<'_>, call: &mut Call) -> Result<Replies> {
    loop {
        let view = core.view();
        match call.step(core, &view, core.means().tick())? {
            Step::Go(node) => match attempt(core, &node, parcel, call).await {
                Ok(replies) => return Ok(replies),
                Err((error, course)) => call.note_failure(core, &node, error, &course)?,
            },
            Step::Wait(until) => {
                let moment = core.means().clock.instant(until);
                // Over or not, the call looks again.
                let _ = tokio::time::timeout_at(moment, core.board().changed(view.version)).await;
            }
        }
    }
}

async fn attempt(core: &Core, node: &Arc<Node>, parcel: Parcel<'_>, call: &Call) -> Attempted<Replies> {
    let fence = fence::of(core, node, call.class()).map_err(unsent)?;
    let now = core.means().tick();
    if call.class() == Class::Blocking || fence.is_some() {
        return attempt_alone(core, node, parcel, (call, fence)).await;
    }
    let shared = node.shared_connection(call.left(now)).await.map_err(unsent)?;
    let (done, replied) = oneshot::channel();
    let terms = Terms { class: call.class(), deadline: call.deadline(), done: Done::Channel(done) };
    if let Err((_, broken)) = shared.send(parcel, terms, now) {
        return Err(told(node, &broken));
    }
    let lost = Broken::unknown(Cause::Closed("the connection's task is gone".into()));
    judge(node, parcel, replied.await.unwrap_or(Err(lost)))
}

/// On a connection that nobody else uses meanwhile.
async fn attempt_alone(
    core: &Core,
    node: &Arc<Node>,
    parcel: Parcel<'_>,
    (call, fence): (&Call, Option<Fence>),
) -> Attempted<Replies> {
    let means = core.means();
    let (seat, mut link) = node.link(call.left(means.tick())).await.map_err(unsent)?;
    let deadline = moment(&means.clock, call.reply_deadline(core, means.tick()));
    let mut judged = judge(node, parcel, link.run(parcel, call.class(), deadline).await);
    if let (Some(fence), Ok(_)) = (fence, &judged) {
        let command = fence.command();
        let wait = Parcel::one(&command);
        let deadline = moment(&means.clock, Some(fence_deadline(core, &fence)));
        let replied = judge(node, wait, link.run(wait, call.class(), deadline).await);
        judged = fence.judge(node, replied).and(judged);
    }
    link.age_mut().touch(means.tick());
    seat.put_back(link);
    judged
}

/// Carries a call out on the calling thread.
pub(super) fn execute_blocking(core: &Core, parcel: Parcel<'_>, interrupt: Interrupt<'_>) -> Result<Replies> {
    let begun = Call::begin(core, parcel, core.means().tick());
    let mut call = begun.inspect_err(|_| core.means().counters.failures.add())?;
    let ended = go_on_blocking(core, parcel, &mut call, interrupt);
    count(core, &ended);
    ended
}

fn go_on_blocking(core: &Core, parcel: Parcel<'_>, call: &mut Call, interrupt: Interrupt<'_>) -> Result<Replies> {
    loop {
        let view = core.view();
        let now = core.means().tick();
        match call.step(core, &view, now)? {
            Step::Go(node) => match attempt_blocking(core, &node, parcel, (call, interrupt)) {
                Ok(replies) => return Ok(replies),
                Err((error, course)) => call.note_failure(core, &node, error, &course)?,
            },
            Step::Wait(until) => wait_blocking(core, (view.version, until.since(now)), interrupt)?,
        }
    }
}

fn attempt_blocking(
    core: &Core,
    node: &Arc<Node>,
    parcel: Parcel<'_>,
    (call, interrupt): (&Call, Interrupt<'_>),
) -> Attempted<Replies> {
    let fence = fence::of(core, node, call.class()).map_err(unsent)?;
    let means = core.means();
    let now = means.tick();
    let (seat, mut link) = node.thread_link(call.left(now), interrupt).map_err(unsent)?;
    let patience = Patience { clock: &means.clock, now, deadline: call.reply_deadline(core, now), interrupt };
    let mut judged = judge(node, parcel, link.run(parcel, call.class(), &patience));
    if let (Some(fence), Ok(_)) = (fence, &judged) {
        let command = fence.command();
        let wait = Parcel::one(&command);
        let patience = Patience { deadline: Some(fence_deadline(core, &fence)), ..patience };
        let replied = judge(node, wait, link.run(wait, call.class(), &patience));
        judged = fence.judge(node, replied).and(judged);
    }
    link.age_mut().touch(now);
    seat.put_back_thread_link(link);
    judged
}

/// When the replicas have to have acknowledged.
fn fence_deadline(core: &Core, fence: &Fence) -> Tick {
    core.means().tick().after(fence.patience()).after(core.means().settings.response_timeout)
}

/// A connection of one's own, for a task.
pub(super) async fn lease(core: &Arc<Core>, purpose: LeaseFor) -> Result<Lease> {
    let mut call = Call::begin(core, Parcel::one(probe(purpose)), core.means().tick())?;
    loop {
        let view = core.view();
        let now = core.means().tick();
        match call.step(core, &view, now)? {
            Step::Go(node) => match node.link(call.left(now)).await {
                Ok((seat, link)) => return Ok(Lease::new(Arc::clone(core), seat, link)),
                Err(error) => call.note_failure(core, &node, error, &Course::Tell)?,
            },
            Step::Wait(until) => {
                let moment = core.means().clock.instant(until);
                let _ = tokio::time::timeout_at(moment, core.board().changed(view.version)).await;
            }
        }
    }
}

/// A connection of one's own, for a thread.
pub(super) fn lease_blocking(core: &Arc<Core>, purpose: LeaseFor, interrupt: Interrupt<'_>) -> Result<BlockingLease> {
    let mut call = Call::begin(core, Parcel::one(probe(purpose)), core.means().tick())?;
    loop {
        let view = core.view();
        let now = core.means().tick();
        match call.step(core, &view, now)? {
            Step::Go(node) => match node.thread_link(call.left(now), interrupt) {
                Ok((seat, link)) => return Ok(BlockingLease::new(Arc::clone(core), seat, link)),
                Err(error) => call.note_failure(core, &node, error, &Course::Tell)?,
            },
            Step::Wait(until) => wait_blocking(core, (view.version, until.since(now)), interrupt)?,
        }
    }
}

/// A command that goes where the commands of a lease will go, and waits when they would have to.
fn probe(purpose: LeaseFor) -> &'static Command {
    static OF_WRITES: LazyLock<Command> = LazyLock::new(|| Command::named("PING").treated_as(Class::Write));
    static OF_READS: LazyLock<Command> = LazyLock::new(|| Command::named("PING").treated_as(Class::Read));
    match purpose {
        LeaseFor::Writes => &OF_WRITES,
        LeaseFor::Reads => &OF_READS,
    }
}

/// Waits on the calling thread for a newer view.
fn wait_blocking(core: &Core, (version, span): (u64, Millis), interrupt: Interrupt<'_>) -> Result<()> {
    core.board().wait(version, span.min(SLICE));
    if interrupt() {
        let error = Error::new(ErrorKind::Cancelled, "run a command", "the caller withdrew it");
        return Err(error.with_outcome(Outcome::NotSent));
    }
    Ok(())
}

/// Reads what came back for a parcel.
pub(super) fn judge(node: &Node, parcel: Parcel<'_>, answer: Replied) -> Attempted<Replies> {
    match answer.map(|replies| parcel.judge(replies)) {
        Ok(Judged::Done(replies)) => Ok(replies),
        Ok(Judged::Refused(error, course)) => Err((error.at(node.address()), course)),
        Err(broken) => Err(told(node, &broken)),
    }
}

fn told(node: &Node, broken: &Broken) -> (Error, Course) {
    (broken.to_error(node.address()), Course::Tell)
}

pub(super) fn unsent(error: Error) -> (Error, Course) {
    (error, Course::Tell)
}

pub(super) fn count(core: &Core, ended: &Result<Replies>) {
    if let Err(error) = ended {
        core.means().counters.failures.add();
        if error.outcome() == Some(Outcome::Unknown) {
            core.means().counters.unknown.add();
        }
    }
}

/// How long a thread waits before it asks its caller whether to go on.
const SLICE: Millis = Millis::new(100);

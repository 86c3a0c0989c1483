//! Decides how a call is made without anybody waiting for it: straight onto a shared connection where that is possible,
//! by a task of its own where it has to wait or to be tried again.

use std::sync::Arc;

use super::{
    broken::Replied,
    call::{Call, Step},
    class::Class,
    command::Command,
    core::Core,
    fence,
    multiplexer::{Done, Terms},
    node::Node,
    parcel::{Parcel, Replies},
    run,
};
use crate::{error::Result, resp::Value};

/// Is told the reply, or why there is none.
pub(super) type OnDone = Box<dyn FnOnce(Result<Value>) + Send>;

/// A call that nobody waits for.
struct Errand {
    core: Arc<Core>,
    call: Call,
    command: Arc<Command>,
    on_done: OnDone,
}

/// Makes a call; returns at once.
pub(super) fn submit(core: &Arc<Core>, command: Command, on_done: OnDone) {
    let now = core.means().tick();
    let mut call = match Call::begin(core, Parcel::one(&command), now) {
        Ok(call) => call,
        Err(error) => {
            core.means().counters.failures.add();
            return on_done(Err(error));
        }
    };
    let view = core.view();
    let next = call.step(core, &view, now);
    let errand = Errand { core: Arc::clone(core), call, command: Arc::new(command), on_done };
    match next {
        Ok(Step::Go(node)) => errand.send(node),
        Ok(Step::Wait(_)) => errand.go_on(),
        Err(error) => errand.finish(Err(error)),
    }
}

impl Errand {
    /// Hands the command to a shared connection, when there is one that may take it.
    fn send(self, node: Arc<Node>) {
        let class = self.call.class();
        let is_plain = class != Class::Blocking && matches!(fence::of(&self.core, &node, class), Ok(None));
        let Some(shared) = node.open_shared().filter(|_| is_plain) else { return self.go_on() };
        let (now, deadline, command) = (self.core.means().tick(), self.call.deadline(), Arc::clone(&self.command));
        let done = Done::Call(Box::new(move |replied| self.handle(&node, replied)));
        if let Err((terms, broken)) = shared.send(Parcel::one(&command), Terms { class, deadline, done }, now) {
            terms.done.finish(Err(broken));
        }
    }

    fn handle(mut self, node: &Node, answer: Replied) {
        match run::judge(node, Parcel::one(&self.command), answer) {
            Ok(replies) => self.finish(Ok(replies)),
            Err((error, course)) => match self.call.note_failure(&self.core, node, error, &course) {
                Ok(()) => self.go_on(),
                Err(error) => self.finish(Err(error)),
            },
        }
    }

    /// Leaves the rest to a task.
    fn go_on(mut self) {
        let runtime = self.core.runtime().clone();
        runtime.spawn(async move {
            let ended = run::go_on(&self.core, Parcel::one(&self.command), &mut self.call).await;
            self.finish(ended);
        });
    }

    fn finish(self, ended: Result<Replies>) {
        run::count(&self.core, &ended);
        (self.on_done)(ended.map(Replies::one));
    }
}

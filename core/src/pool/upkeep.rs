//! Decides what is done about connections while nothing happens: old ones end, unused ones are tried, some are kept ready.

use std::sync::Arc;

use super::{
    board::Gate,
    class::Class,
    command::Command,
    core::Core,
    node::{Means, Node},
    reads::ReadFrom,
};
use crate::{
    finder::{EventKind, Sign},
    resp::Value,
    types::{Generation, Millis, Tick},
};

/// When what was done last.
#[derive(Debug)]
pub(super) struct Upkeep {
    next: Tick,
    next_fence_look: Tick,
    fence_told: Generation,
}

impl Upkeep {
    pub(super) fn new(now: Tick) -> Self {
        Self { next: now.after(EACH), next_fence_look: now.after(FENCE_FIRST), fence_told: Generation::NONE }
    }

    /// Until there is something to do.
    pub(super) async fn due(&self, means: &Means) {
        tokio::time::sleep_until(means.clock.instant(self.next)).await;
    }

    pub(super) async fn work(&mut self, core: &Arc<Core>) {
        let now = core.means().tick();
        let late = now.since(self.next);
        self.next = now.after(EACH);
        let view = core.view();
        if late > SLEPT {
            // The process or the machine slept: whatever was connected may be gone.
            for node in view.master.iter().chain(&view.replicas) {
                node.distrust(now.after(core.means().settings.drain_reads));
            }
            core.discovery().suspect(core.name(), view.generation, Sign::Suspended);
        }
        for node in view.master.iter().chain(&view.replicas) {
            let unused_since = now.before(core.means().settings.ping_after);
            let doubtful = node.stock().sweep(now, unused_since);
            let node = Arc::clone(node);
            core.runtime().spawn(async move { node.refresh(doubtful).await });
        }
        if core.means().settings.read_from == ReadFrom::Nearest {
            for node in view.master.iter().chain(&view.replicas) {
                let node = Arc::clone(node);
                core.runtime().spawn(async move { measure(&node).await });
            }
        }
        if view.gate == Gate::Open
            && let Some(master) = view.master.clone()
        {
            core.runtime().spawn(async move { master.replenish().await });
        }
        if view.gate == Gate::Open
            && now >= self.next_fence_look
            && let Some(master) = &view.master
        {
            self.next_fence_look = now.after(FENCE_EACH);
            self.watch_fence(core, master).await;
        }
    }

    /// Tells once of each master that it takes writes when it is cut off.
    async fn watch_fence(&mut self, core: &Arc<Core>, master: &Arc<Node>) {
        look_at_fence(master).await;
        if !master.is_fenced() && self.fence_told != master.generation() {
            self.fence_told = master.generation();
            core.discovery().publish(Some(core.name()), EventKind::FenceWeak);
        }
    }
}

/// Sees whether a master is set to stop taking writes when it is cut off: only then INFO tells of good replicas.
pub(super) async fn look_at_fence(master: &Arc<Node>) {
    let info = Command::new(["INFO", "replication"]).treated_as(Class::Read);
    let told = master.ask(&info, ASK_TIME).await;
    if told.as_ref().and_then(Value::as_text).is_some_and(|text| text.contains("min_slaves_good_slaves:")) {
        master.mark_fenced();
    }
}

async fn measure(node: &Arc<Node>) {
    let clock = node.clock();
    let begun = clock.microseconds();
    if node.ask(&Command::named("PING"), ASK_TIME).await.is_some() {
        node.note_round_trip(clock.microseconds().saturating_sub(begun));
    }
}

const EACH: Millis = Millis::new(1_000);
const SLEPT: Millis = Millis::new(5_000);
const FENCE_FIRST: Millis = Millis::new(1_000);
const FENCE_EACH: Millis = Millis::new(60_000);
const ASK_TIME: Millis = Millis::new(1_000);

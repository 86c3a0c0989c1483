//! Decides what is done about connections while nothing happens: old ones end, unused ones are tried, some are kept ready.

use std::sync::{Arc, atomic::Ordering};

use super::{
    board::Gate,
    class::Class,
    command::Command,
    core::Core,
    node::{Means, Node},
    settings::WriteFence,
};
use crate::{
    finder::{EventKind, Sign},
    types::{Millis, Tick},
};

/// When what is done next.
#[derive(Debug)]
pub(super) struct Upkeep {
    next: Tick,
    next_fence_look: Tick,
}

impl Upkeep {
    pub(super) fn new(now: Tick) -> Self {
        Self { next: now.after(EACH), next_fence_look: now.after(FENCE_FIRST) }
    }

    /// Until there is something to do.
    pub(super) async fn due(&self, means: &Means) {
        tokio::time::sleep_until(means.clock.instant(self.next)).await;
    }

    pub(super) fn work(&mut self, core: &Arc<Core>) {
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
        if core.means().is_measuring.load(Ordering::Relaxed) {
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
            && let Some(master) = view.master.clone()
        {
            // Where writes depend on it, a setting that was made meanwhile is seen soon.
            let is_needed = core.means().settings.write_fence == WriteFence::MinReplicas;
            self.next_fence_look = now.after(if is_needed { EACH } else { FENCE_EACH });
            let core = Arc::clone(core);
            core.runtime().clone().spawn(async move { watch_fence(&core, &master).await });
        }
    }
}

/// Tells once of each master that it takes writes when it is cut off.
async fn watch_fence(core: &Core, master: &Arc<Node>) {
    if look_at_fence(master).await == Some(false) && master.is_weakness_news() {
        core.discovery().publish(Some(core.name()), EventKind::FenceWeak);
    }
}

/// Sees whether a master is set to stop taking writes when it is cut off: only then INFO tells of good replicas.
/// `None` when it did not answer; then what was known of it holds.
pub(super) async fn look_at_fence(master: &Arc<Node>) -> Option<bool> {
    let info = Command::new(["INFO", "replication"]).treated_as(Class::Read);
    let told = master.ask(&info, ASK_TIME).await?;
    let is_fenced = told.as_text()?.contains("min_slaves_good_slaves:");
    master.note_fence(is_fenced);
    Some(is_fenced)
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

//! Decides when a pool moves: it follows the topology, holds, warms, switches and cuts, and looks after connections.

use std::sync::Arc;

use tokio::time::timeout;

use super::{
    board::Gate,
    core::Core,
    node::{Duty, Node},
    settings::WriteFence,
    upkeep::{self, Upkeep},
};
use crate::{
    discovery::Watch,
    finder::{Phase, Topology},
    types::{Endpoint, Generation, Millis},
};

/// Follows the master until the pool or the discovery is closed.
pub(super) async fn keep(core: Arc<Core>, mut watch: Watch) {
    let mut upkeep = Upkeep::new(core.means().tick());
    follow(&core, &watch.current()).await;
    loop {
        tokio::select! {
            changed = watch.changed() => match changed {
                Ok(topology) => follow(&core, &topology).await,
                Err(_) => break,
            },
            () = upkeep.due(core.means()) => upkeep.work(&core),
        }
    }
    core.close();
}

/// Brings the pool in line with what is known of the master.
async fn follow(core: &Arc<Core>, topology: &Topology) {
    let view = core.view();
    match &topology.master {
        Some(address) if topology.generation > view.generation => switch(core, topology, address).await,
        _ => {
            let gate = gate(topology.phase);
            let replicas = replicas(core, topology, &view.replicas);
            let gone: Vec<_> = view.replicas.iter().filter(|old| !has(&replicas, old)).cloned().collect();
            core.board().publish(|view| {
                view.gate = gate;
                view.replicas = replicas;
                view.trouble.clone_from(&topology.trouble);
            });
            cut(core, gone);
        }
    }
}

fn gate(phase: Phase) -> Gate {
    match phase {
        Phase::Up => Gate::Open,
        Phase::Suspect => Gate::Unsure,
        Phase::Hold { .. } => Gate::Held,
        Phase::Resolving | Phase::Down => Gate::Searching,
        Phase::Closed => Gate::Closed,
    }
}

/// Warms the new master, shows it to all, and cuts the old one.
async fn switch(core: &Arc<Core>, topology: &Topology, address: &Endpoint) {
    let begun = core.means().tick();
    let old = core.view();
    if old.master.is_some() {
        core.board().publish(|view| view.gate = Gate::Switching);
    }
    let master = Node::new(address.clone(), topology.generation, Duty::Master, Arc::clone(core.means()));
    warm(core, &master, old.master.as_ref()).await;
    if core.means().settings.write_fence == WriteFence::MinReplicas {
        // Writes are refused by a master of which it is not known.
        upkeep::look_at_fence(&master).await;
    }
    let replicas = replicas(core, topology, &[]);
    core.board().publish(|view| {
        view.generation = topology.generation;
        view.gate = gate(topology.phase);
        view.master = Some(Arc::clone(&master));
        view.replicas = replicas;
        view.trouble.clone_from(&topology.trouble);
    });
    if old.generation > Generation::NONE {
        let counters = &core.means().counters;
        counters.switches.add();
        counters.last_switch.set(core.means().tick().since(begun).as_ms());
    }
    cut(core, old.master.iter().chain(&old.replicas).cloned().collect());
}

/// Makes connections to the new master of the kinds that were used with the old one; one at least.
async fn warm(core: &Core, master: &Arc<Node>, old: Option<&Arc<Node>>) {
    let wanted = core.means().settings.min_idle.clamp(1, MOST_WARM);
    let uses = old.map(|old| old.uses()).unwrap_or_default();
    let making = async {
        let mut others = tokio::task::JoinSet::new();
        for _ in 0..if uses.threads { wanted } else { 0 } {
            let master = Arc::clone(master);
            others.spawn(async move { master.stock_thread_link(WARM_TIME).await.is_ok() });
        }
        for _ in 0..if uses.tasks { wanted } else { 0 } {
            let master = Arc::clone(master);
            others.spawn(async move { master.stock_link(WARM_TIME).await.is_ok() });
        }
        if uses.shared || !(uses.threads || uses.tasks) {
            // A failure shows again at the first use, which deals with it.
            let _ = master.shared_connection(WARM_TIME).await;
        }
        others.join_all().await;
    };
    let _ = timeout(WARM_TIME.into(), making).await;
}

/// Lets nothing begin on these servers, and ends what is left a little later.
fn cut(core: &Core, nodes: Vec<Arc<Node>>) {
    if nodes.is_empty() {
        return;
    }
    let until = core.means().tick().after(core.means().settings.drain_reads);
    for node in &nodes {
        node.retire(until);
    }
    let moment = core.means().clock.instant(until);
    core.runtime().spawn(async move {
        tokio::time::sleep_until(moment).await;
        for node in nodes {
            node.end();
        }
    });
}

/// The replicas that may be read from; those that were there before go on.
fn replicas(core: &Core, topology: &Topology, before: &[Arc<Node>]) -> Vec<Arc<Node>> {
    let max_lag = core.means().settings.max_lag;
    let is_admitted = |lag: Option<u64>| max_lag.is_none_or(|max| lag.is_some_and(|lag| lag <= max));
    let fit = topology.replicas.iter().filter(|replica| is_admitted(replica.lag));
    fit.map(|replica| {
        let known = before.iter().find(|node| node.address() == &replica.address);
        known.cloned().unwrap_or_else(|| {
            let means = Arc::clone(core.means());
            Node::new(replica.address.clone(), topology.generation, Duty::Replica, means)
        })
    })
    .collect()
}

fn has(nodes: &[Arc<Node>], node: &Arc<Node>) -> bool {
    nodes.iter().any(|other| Arc::ptr_eq(other, node))
}

/// More would be a stampede on a server that has just become master.
const MOST_WARM: usize = 4;

const WARM_TIME: Millis = Millis::new(300);

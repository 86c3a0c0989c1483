//! Decides what callers see of the pool at one moment: which servers there are, and what may be sent to them.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::watch;

use super::node::Node;
use crate::{
    finder::Trouble,
    types::{Generation, Millis},
};

/// What callers see; never changes, a newer one takes its place.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) version: u64,
    pub(super) generation: Generation,
    pub(super) gate: Gate,
    pub(super) master: Option<Arc<Node>>,
    pub(super) replicas: Vec<Arc<Node>>,
    /// Why there is no master.
    pub(super) trouble: Option<Arc<Trouble>>,
}

/// What may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Everything.
    Open,
    /// Everything; but what failed waits until the master is confirmed.
    Unsure,
    /// Reads: a replica is being promoted.
    Held,
    /// Reads: another server is master, and connections to it are being made.
    Switching,
    /// Reads from replicas: there is no master.
    Searching,
    /// Nothing, ever.
    Closed,
}

impl Gate {
    /// The stable name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Open => "up",
            Self::Unsure => "suspect",
            Self::Held => "hold",
            Self::Switching => "switching",
            Self::Searching => "searching",
            Self::Closed => "closed",
        }
    }
}

/// Shows the newest view to all, and wakes who waits for it, tasks and threads alike.
#[derive(Debug)]
pub(super) struct Board {
    view: RwLock<Arc<View>>,
    version: Mutex<u64>,
    changed: Condvar,
    changed_for_tasks: watch::Sender<u64>,
}

impl Board {
    pub(super) fn new() -> Self {
        let view = View {
            version: 0,
            generation: Generation::NONE,
            gate: Gate::Searching,
            master: None,
            replicas: Vec::new(),
            trouble: None,
        };
        Self {
            view: RwLock::new(Arc::new(view)),
            version: Mutex::new(0),
            changed: Condvar::new(),
            changed_for_tasks: watch::Sender::new(0),
        }
    }

    pub(super) fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows a view that is made of the newest one.
    pub(super) fn publish(&self, change: impl FnOnce(&mut View)) -> Arc<View> {
        let fresh = {
            let mut shown = self.view.write().unwrap_or_else(PoisonError::into_inner);
            let mut view = View::clone(&shown);
            if view.gate == Gate::Closed {
                return Arc::clone(&shown);
            }
            change(&mut view);
            view.version += 1;
            *shown = Arc::new(view);
            Arc::clone(&shown)
        };
        *self.version() = fresh.version;
        self.changed.notify_all();
        self.changed_for_tasks.send_replace(fresh.version);
        fresh
    }

    /// Until there is a newer view than `version`; for tasks.
    pub(super) async fn changed(&self, version: u64) {
        let mut versions = self.changed_for_tasks.subscribe();
        // It fails only when the sender is gone, which is part of this.
        let _ = versions.wait_for(|shown| *shown > version).await;
    }

    /// Until there is a newer view than `version`, or `span` is over; for threads.
    pub(super) fn wait(&self, version: u64, span: Millis) {
        let shown = self.version();
        drop(self.changed.wait_timeout_while(shown, span.into(), |shown| *shown <= version));
    }

    fn version(&self) -> MutexGuard<'_, u64> {
        self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

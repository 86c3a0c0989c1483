//! Decides how those who wait for news are woken: tasks by tokio, threads without a runtime by the system.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

/// Rings when there is news; whoever has heard it up to a number waits for the next.
#[derive(Debug)]
pub(super) struct Bell {
    rings: Mutex<u64>,
    threads: Condvar,
    tasks: watch::Sender<u64>,
}

impl Bell {
    /// Wakes everybody.
    pub(super) fn ring(&self) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        *rings += 1;
        self.tasks.send_replace(*rings);
        self.threads.notify_all();
    }

    /// How often it has rung.
    pub(super) fn rings(&self) -> u64 {
        *self.tasks.borrow()
    }

    /// Waits until it has rung more often than `heard`.
    pub(super) async fn wait(&self, heard: u64) {
        // It fails only without a sender, which lives as long as this does.
        let _ = self.tasks.subscribe().wait_for(|rings| *rings > heard).await;
    }

    /// Waits on this thread until it has rung more often than `heard`, for `patience` at most.
    pub(super) fn wait_blocking(&self, heard: u64, patience: Duration) {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        // Woken or out of patience, the caller looks for itself.
        let _ = self.threads.wait_timeout_while(rings, patience, |rings| *rings <= heard);
    }
}

impl Default for Bell {
    fn default() -> Self {
        Self { rings: Mutex::default(), threads: Condvar::new(), tasks: watch::Sender::new(0) }
    }
}

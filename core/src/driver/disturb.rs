//! Decides what a test may do to a running sentinel from inside: break its storage and its clocks, and hurry it.

use std::io;

use nix::errno::Errno;
use tokio::sync::oneshot;

use super::{Sentinel, SentinelBuilder, turn::Order};
use crate::error::Result;

/// What a sentinel's storage does with what it is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Storage {
    /// It keeps it.
    #[default]
    Works,
    /// It has no room.
    IsFull,
    /// It may be read alone.
    IsReadOnly,
}

/// What a test does to a sentinel from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disturbance {
    /// The storage does this from now on.
    Storage(Storage),
    /// The clocks jump by so many milliseconds.
    Jump(i64),
    /// It looks for news at once, although nothing is due.
    Nudge,
}

impl Storage {
    /// Fails as the system does where the storage does not work.
    pub(super) fn check(self) -> io::Result<()> {
        match self {
            Self::Works => Ok(()),
            Self::IsFull => Err(Errno::ENOSPC.into()),
            Self::IsReadOnly => Err(Errno::EROFS.into()),
        }
    }
}

impl SentinelBuilder {
    /// Begins with storage that does this.
    pub(crate) fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }
}

impl Sentinel {
    /// Does that to it; in effect when this returns.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Stopped`] when it has ended.
    pub(crate) async fn disturb(&self, disturbance: Disturbance) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Disturb { disturbance, answer }).await?;
        answered.await.map_err(|_| super::turn::stopped("the sentinel has ended"))
    }

    /// Whether it has ended, by itself or by an order.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.has_changed().is_err() || self.ended.borrow().is_some()
    }
}

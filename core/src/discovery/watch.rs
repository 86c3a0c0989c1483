//! Decides how users follow a master: its snapshots, its switches, and the events of the whole discovery.

use std::{sync::Arc, time::Duration};

use super::board::{Board, Slot};
use crate::{
    error::{Error, ErrorKind, Result},
    finder::{Event, EventKind, Phase, Topology},
    net::Clock,
    types::{Endpoint, Epoch, MasterName, Millis, Tick},
};

/// Follows one master.
///
/// While it lives the master is looked after. It does not keep the [`super::Discovery`] alive.
#[derive(Debug)]
pub struct Watch {
    name: MasterName,
    board: Arc<Board>,
    slot: Arc<Slot>,
    heard: u64,
}

/// The switches of one master, in order, from the moment it was asked for.
#[derive(Debug)]
pub struct Switches {
    watch: Watch,
    events: Events,
}

/// One master took the place of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    /// The master before.
    pub old: Endpoint,
    /// The master now.
    pub new: Endpoint,
    /// Its epoch.
    pub epoch: Epoch,
    /// How long it took from the first sign.
    pub took: Millis,
}

/// The events of a discovery, in order, from the moment they were asked for.
///
/// The latest 1024 are kept for a reader that is slow.
#[derive(Clone, Debug)]
pub struct Events {
    board: Arc<Board>,
    next: u64,
}

/// An event, and how many were lost before it because the reader was too slow.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What happened.
    pub event: Event,
    /// How many events between the one read before and this one are lost.
    pub lost: u64,
}

impl Watch {
    pub(super) fn new(name: MasterName, board: Arc<Board>) -> Self {
        let slot = board.use_slot(&name);
        Self { name, board, slot, heard: 0 }
    }

    /// The name of the master.
    pub fn name(&self) -> &MasterName {
        &self.name
    }

    /// The snapshot of the moment; never waits.
    pub fn current(&self) -> Arc<Topology> {
        self.slot.topology()
    }

    /// The newest snapshot, once it is one that this watch has not given yet. Those between are passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`] when the discovery is closed.
    pub async fn changed(&mut self) -> Result<Arc<Topology>> {
        self.slot.bell.wait(self.heard).await;
        self.take()
    }

    /// Waits as [`Watch::changed`] does on a thread without a runtime; `None` when nothing changed within `patience`.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`] when the discovery is closed.
    pub fn changed_blocking(&mut self, patience: Millis) -> Result<Option<Arc<Topology>>> {
        self.slot.bell.wait_blocking(self.heard, Duration::from(patience));
        if self.slot.bell.rings() > self.heard { self.take().map(Some) } else { Ok(None) }
    }

    /// Waits until a snapshot is as `wanted` says.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`] when the discovery is closed, and after `patience` why the master is not found: see
    /// [`super::Discovery::master`].
    pub async fn wait_for(
        &mut self,
        patience: Millis,
        mut wanted: impl FnMut(&Topology) -> bool,
    ) -> Result<Arc<Topology>> {
        let waiting = async {
            loop {
                let heard = self.slot.bell.rings();
                let topology = self.current();
                if is_closed(&topology) || wanted(&topology) {
                    return topology;
                }
                self.slot.bell.wait(heard).await;
            }
        };
        match tokio::time::timeout(Duration::from(patience), waiting).await {
            Ok(topology) if is_closed(&topology) => Err(closed()),
            Ok(topology) => Ok(topology),
            Err(_) => Err(diagnosis(&self.slot.topology(), patience)),
        }
    }

    /// Waits as [`Watch::wait_for`] does, on a thread without a runtime.
    ///
    /// # Errors
    /// Those of [`Watch::wait_for`].
    pub fn wait_for_blocking(
        &mut self,
        patience: Millis,
        mut wanted: impl FnMut(&Topology) -> bool,
    ) -> Result<Arc<Topology>> {
        let clock = Clock::start();
        loop {
            let heard = self.slot.bell.rings();
            let topology = self.current();
            if is_closed(&topology) {
                return Err(closed());
            }
            if wanted(&topology) {
                return Ok(topology);
            }
            let spent = clock.now().tick.since(Tick::from_ms(0));
            let left = patience.as_ms().saturating_sub(spent.as_ms());
            if left == 0 {
                return Err(diagnosis(&topology, patience));
            }
            self.slot.bell.wait_blocking(heard, Duration::from_millis(left));
        }
    }

    fn take(&mut self) -> Result<Arc<Topology>> {
        self.heard = self.slot.bell.rings();
        let topology = self.current();
        if is_closed(&topology) { Err(closed()) } else { Ok(topology) }
    }
}

impl Clone for Watch {
    fn clone(&self) -> Self {
        let mut clone = Self::new(self.name.clone(), Arc::clone(&self.board));
        clone.heard = self.heard;
        clone
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.board.leave_slot(&self.name, &self.slot);
    }
}

impl Switches {
    pub(super) fn new(watch: Watch) -> Self {
        let events = Events::new(Arc::clone(&watch.board));
        Self { watch, events }
    }

    /// The next switch; `None` when the discovery is closed.
    ///
    /// One switch is given once, however many sentinels tell of it.
    pub async fn next(&mut self) -> Option<Switch> {
        loop {
            let notice = self.events.next().await?;
            if let Some(switch) = self.switch_of(notice.event) {
                return Some(switch);
            }
        }
    }

    /// The next switch, waited for on a thread without a runtime; `None` when there was none within `patience`.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`] when the discovery is closed.
    pub fn next_blocking(&mut self, patience: Millis) -> Result<Option<Switch>> {
        let clock = Clock::start();
        loop {
            let spent = clock.now().tick.since(Tick::from_ms(0));
            let left = Millis::new(patience.as_ms().saturating_sub(spent.as_ms()));
            let Some(notice) = self.events.next_blocking(left)? else { return Ok(None) };
            if let Some(switch) = self.switch_of(notice.event) {
                return Ok(Some(switch));
            }
        }
    }

    fn switch_of(&self, event: Event) -> Option<Switch> {
        if event.master.as_ref() != Some(&self.watch.name) {
            return None;
        }
        let EventKind::Switched { old, new, epoch, took, .. } = event.kind else { return None };
        Some(Switch { old, new, epoch, took })
    }
}

impl Events {
    pub(super) fn new(board: Arc<Board>) -> Self {
        let next = board.feed.end();
        Self { board, next }
    }

    /// The next event; `None` when the discovery is closed and all its events were read.
    pub async fn next(&mut self) -> Option<Notice> {
        loop {
            let heard = self.board.feed.bell.rings();
            if let Some(notice) = self.take() {
                return Some(notice);
            }
            if self.board.is_closed() {
                return None;
            }
            self.board.feed.bell.wait(heard).await;
        }
    }

    /// The next event, waited for on a thread without a runtime; `None` when there was none within `patience`.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`] when the discovery is closed and all its events were read.
    pub fn next_blocking(&mut self, patience: Millis) -> Result<Option<Notice>> {
        let heard = self.board.feed.bell.rings();
        if let Some(notice) = self.take() {
            return Ok(Some(notice));
        }
        if !self.board.is_closed() {
            self.board.feed.bell.wait_blocking(heard, Duration::from(patience));
        }
        match self.take() {
            None if self.board.is_closed() => Err(closed()),
            notice => Ok(notice),
        }
    }

    fn take(&mut self) -> Option<Notice> {
        let (number, event) = self.board.feed.read(self.next)?;
        let lost = number - self.next;
        self.next = number + 1;
        Some(Notice { event, lost })
    }
}

fn is_closed(topology: &Topology) -> bool {
    topology.phase == Phase::Closed
}

/// The failure of a call to a discovery that is closed.
pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Stopped, "find the master", "the discovery is closed")
}

/// Why a master was not found in time.
fn diagnosis(topology: &Topology, patience: Millis) -> Error {
    if let Some(trouble) = &topology.trouble {
        return trouble.to_error(&topology.name);
    }
    let subject = format!("\"{}\" is {} after {patience}", topology.name, topology.phase.name());
    Error::new(ErrorKind::Timeout, "find the master", subject)
}

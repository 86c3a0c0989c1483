//! Decides how all that was done to a group is undone, and how one is made fit for the next test.

use std::{
    net::SocketAddr,
    sync::{PoisonError, atomic::Ordering},
};

use super::{HaGroup, Member, SentinelNode, seat::Seat};
use crate::{driver::Storage, error::Result};

/// The `replica-priority` of a server that was not told another.
const USUAL_PRIORITY: u32 = 100;

impl HaGroup {
    /// Undoes every fault: the network is clear, who was paused goes on, who was killed is back, disks have room.
    ///
    /// It does not wait until the group has recovered; [`HaGroup::wait_ready`] does.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::NoServer`] when a member does not start again.
    pub fn heal(&self) -> Result<()> {
        self.passages.change(std::collections::BTreeMap::clear);
        self.revive(None).map(drop)
    }

    /// Undoes all that was done to members, and tells who was started again; servers then follow `master`.
    fn revive(&self, master: Option<SocketAddr>) -> Result<Vec<Member>> {
        self.seats.iter().try_for_each(SentinelNode::mend)?;
        for node in &self.nodes {
            if std::mem::take(&mut *node.is_paused()) {
                node.server().resume();
            }
        }
        let all = self.servers().into_iter().chain(self.sentinels());
        let gone: Vec<_> = all.filter(|&member| self.is_gone(member)).collect();
        gone.iter().try_for_each(|&member| self.restart_under(master, member))?;
        if self.has_priorities.swap(false, Ordering::Relaxed) {
            for server in self.servers() {
                self.set_priority(server, USUAL_PRIORITY)?;
            }
            self.has_priorities.store(false, Ordering::Relaxed);
        }
        Ok(gone)
    }

    /// Makes the group fit for the next test: heals it, removes all data, and waits until it is ready.
    ///
    /// The same processes go on, but for those that were killed. Who is the master stays it, so that may be another
    /// server than at the start.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Timeout`] with the state of the group.
    pub fn reset(&self) -> Result<()> {
        let settled = self.agreed_master();
        if let Some(master) = settled {
            // Nothing is left to be copied then; later this would end a copy that has begun.
            self.tell(master, &["FLUSHALL"])?;
        }
        self.passages.change(std::collections::BTreeMap::clear);
        // A server that comes back as a master is put right by the sentinels, who cut its connections to do so.
        let revived = self.revive(settled.map(|master| self.address(master)).transpose()?)?;
        if !revived.is_empty() {
            // Whoever is back is met before somebody happens to look.
            self.nudge();
        }
        let master = if let Some(master) = settled {
            master
        } else {
            let master = self.wait_agreement()?;
            self.tell(master, &["FLUSHALL"])?;
            master
        };
        let address = self.address(master)?;
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        for server in self.servers().into_iter().filter(|server| *server != master) {
            // The sentinels do it too, but stock ones only after some seconds.
            self.tell(server, &["REPLICAOF", &host, &port])?;
        }
        self.wait_synced_to(master)?;
        self.wait_discovered(self.patience)?;
        *self.chapter.lock().unwrap_or_else(PoisonError::into_inner) = self.log.elapsed();
        Ok(())
    }

    pub(super) fn is_gone(&self, member: Member) -> bool {
        match member {
            Member::Server(_) => self.node(member).is_ok_and(|node| !node.server().is_running()),
            Member::Sentinel(_) | Member::Client => self.seat(member).is_ok_and(|seat| seat.listens().is_none()),
        }
    }
}

impl SentinelNode {
    /// Undoes what was done to this sentinel; one that has to start again is left dead.
    fn mend(&self) -> Result<()> {
        let mut seat = self.seat();
        seat.resume();
        if let Seat::Inside(_) = &*seat {
            seat.set_storage(Storage::Works)?;
        }
        if self.is_armed.swap(false, Ordering::Relaxed) && seat.is_running() {
            seat.crash_at(None)?;
        }
        if self.has_jumped.swap(false, Ordering::Relaxed) {
            // Its steady clock cannot be put back; one that is started again has another.
            seat.crash();
            self.front.lead_nowhere();
        }
        Ok(())
    }
}

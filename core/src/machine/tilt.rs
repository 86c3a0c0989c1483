//! Decides what a stall of this sentinel's own is worth: a short one is nobody's silence, after a long one it stops
//! judging for a while (TILT).
//!
//! Mirrors spec 6.6. A stall is a deadline that was met too late by the steady clock; steps of the wall clock
//! do not matter, and a sentinel without masters has nothing to be late for. The reference counts a stall below the
//! trigger as silence of everybody it waits for: after one of `down-after-milliseconds` it calls them all down, before
//! it has looked at the answers that came meanwhile.

use super::{EventKind, Machine, Why};
use crate::{
    model::Stage,
    types::{GroupId, Millis, Now},
};

impl Machine {
    /// Enters TILT when the earliest deadline was missed by more than the trigger; a shorter stall is excused.
    pub(super) fn notice_stall(&mut self, now: Now) {
        let Some((due, _)) = self.deadlines.next() else { return };
        let late = now.tick.since(due);
        if late <= self.settings.periods.tilt_trigger {
            if late > PUNCTUAL {
                self.excuse(late);
            }
            return;
        }
        self.tilt = Some(now.tick);
        self.deadlines.set(Why::Tilt, now.tick.after(self.settings.periods.tilt));
        self.publish(now, EventKind::Tilt, None, "#tilt mode entered".into());
    }

    /// Counts a span in which this sentinel did nothing as nobody's silence: an answer has that much longer to come.
    fn excuse(&mut self, late: Millis) {
        for link in self.links.values_mut() {
            if let Some(since) = &mut link.pulse.waiting_since {
                *since = since.after(late);
            }
        }
    }

    /// Resumes judgement, of everything at once.
    pub(super) fn leave_tilt(&mut self, now: Now) {
        self.tilt = None;
        self.publish(now, EventKind::TiltEnd, None, "#tilt mode exited".into());
        let groups: Vec<_> = self.groups.keys().copied().collect();
        for group in groups {
            for node in self.members(group) {
                self.judge(now, node);
            }
            self.judge_quorum(now, group);
            self.resume_failover(now, group);
        }
    }

    /// An election or promotion that stood still is too old to go on; replicas are moved on as before.
    fn resume_failover(&mut self, now: Now, id: GroupId) {
        let Some(group) = self.groups.get(&id) else { return };
        match group.failover.as_ref().map(|failover| failover.stage) {
            Some(Stage::Reconfigure) => self.continue_reconfiguration(now, id),
            Some(_) => self.lose_patience(now, id),
            None if group.objectively_down.holds() => self.plan_attempt(now, id),
            None => {}
        }
    }
}

/// How late a timer may be without a stall.
const PUNCTUAL: Millis = Millis::new(20);

//! Decides when this sentinel does not trust its own view: after a stall it stops judging for a while (TILT).
//!
//! Mirrors spec 6.6. A stall is a deadline that was met too late by the steady clock; steps of the wall clock
//! do not matter, and a sentinel without masters has nothing to be late for.

use super::{EventKind, Machine, Why};
use crate::{
    model::Stage,
    types::{GroupId, Now},
};

impl Machine {
    /// Enters TILT when the earliest deadline was missed by more than the trigger.
    pub(super) fn notice_stall(&mut self, now: Now) {
        let Some((due, _)) = self.deadlines.next() else { return };
        if now.tick.since(due) <= self.settings.periods.tilt_trigger {
            return;
        }
        self.tilt = Some(now.tick);
        self.deadlines.set(Why::Tilt, now.tick.after(self.settings.periods.tilt));
        self.publish(now, EventKind::Tilt, None, "#tilt mode entered".into());
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

//! Decides when writes wait: from the moment a replica is told to be master until it is known to be.

use super::{EventKind, Finder, HoldEnded, HoldWrites, Phase, Why, search::Haste};
use crate::types::{Endpoint, MasterName, Millis, Now, Tick};

/// A wait that goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    started: Tick,
    /// When all sentinels were last asked within it.
    asked: Tick,
}

/// How many holds may begin within [`HOLD_WINDOW`]: a sentinel that cries wolf must not freeze its users.
const MOST_HOLDS: usize = 3;

/// See [`MOST_HOLDS`].
const HOLD_WINDOW: Millis = Millis::new(60_000);

/// How often all sentinels are asked once the chosen replica is master and only their word is missing.
const ASK_EVERY: Millis = Millis::new(100);

impl Finder {
    /// The chosen replica is told to be master: writes wait, and it is asked until it is.
    pub(super) fn begin_hold(&mut self, now: Now, name: &MasterName, chosen: &Endpoint) {
        let longest = self.settings.hold_max;
        let is_off = self.settings.hold == HoldWrites::Off;
        let Some(master) = self.masters.get_mut(name) else { return };
        master.chosen = Some(chosen.clone());
        master.first_sign.get_or_insert(now.tick);
        while master.holds.front().is_some_and(|began| now.tick.since(*began) >= HOLD_WINDOW) {
            master.holds.pop_front();
        }
        let may_hold = matches!(master.phase, Phase::Up | Phase::Suspect | Phase::Down) && master.address.is_some();
        let is_spent = master.held_in == Some(master.epoch) || master.holds.len() >= MOST_HOLDS;
        if is_off || !may_hold || is_spent {
            return;
        }
        let until = now.tick.after(longest);
        master.phase = Phase::Hold { until };
        master.hold = Some(Hold { started: now.tick, asked: now.tick });
        master.held_in = Some(master.epoch);
        master.holds.push_back(now.tick);
        self.touch(name);
        self.publish(now, name, EventKind::HoldStart { at_most: longest });
        self.deadlines.set(Why::Hold(name.clone()), until);
        self.ask_chosen(now, name);
    }

    /// Asks the chosen replica for its role, and the sentinels for their word once it is master.
    pub(super) fn ask_chosen(&mut self, now: Now, name: &MasterName) {
        let pace = self.settings.times.promotion.max(Millis::new(1));
        let Some(master) = self.masters.get_mut(name) else { return };
        let (Phase::Hold { .. }, Some(hold), Some(chosen)) = (master.phase, &mut master.hold, master.chosen.clone())
        else {
            return;
        };
        let is_due = now.tick.since(hold.asked) >= ASK_EVERY;
        if is_due {
            hold.asked = now.tick;
        }
        let is_promoted = master.is_promoted(now.tick);
        self.deadlines.set(Why::Promotion(name.clone()), now.tick.after(pace));
        self.try_server(now, name, &chosen);
        if is_promoted && is_due {
            self.search(now, name, Haste::Urgent);
        }
    }

    /// Writes go on; `because` says why.
    pub(super) fn end_hold(&mut self, now: Now, name: &MasterName, because: HoldEnded) {
        let Some(master) = self.masters.get_mut(name) else { return };
        let Some(hold) = master.hold.take() else { return };
        master.phase = Phase::Suspect;
        self.deadlines.clear(Why::Hold(name.clone()));
        self.deadlines.clear(Why::Promotion(name.clone()));
        self.touch(name);
        self.publish(now, name, EventKind::HoldEnd { held: now.tick.since(hold.started), because });
    }

    /// The failover was given up, or took too long: whoever is master now is to be found.
    pub(super) fn release_hold(&mut self, now: Now, name: &MasterName, because: HoldEnded) {
        self.end_hold(now, name, because);
        let Some(master) = self.masters.get_mut(name) else { return };
        master.chosen = None;
        if let Some(current) = master.address.clone() {
            master.disprove(&current);
        }
        self.search(now, name, Haste::Urgent);
    }
}

//! Decides what an event sets off: it only ever starts work, and what it claims is checked.

use super::{
    EventKind, Finder, HoldEnded, Phase, Sign, Why,
    decide::REPLICAS_AFTER,
    notice::{self, About, Notice},
    search::Haste,
};
use crate::types::{Endpoint, Generation, MasterName, Now, SentinelId};

impl Finder {
    /// A sentinel published an event.
    pub(super) fn hear_event(&mut self, now: Now, id: SentinelId, channel: &str, payload: &[u8]) {
        let Some(notice) = notice::read(channel, payload, &self.settings.address_map) else { return };
        match notice {
            Notice::NewMaster(name, address) => self.meet_candidate(now, id, &name, &address),
            Notice::Chosen(about) => {
                if let Some((name, chosen)) = self.concerned(&about) {
                    self.choose(now, id, &name, &chosen);
                }
            }
            Notice::Promoting(about) => {
                if let Some((name, chosen)) = self.concerned(&about) {
                    self.begin_hold(now, &name, &chosen);
                    self.search(now, &name, Haste::Hint(id));
                }
            }
            Notice::Failing(about) if self.is_current(&about) => {
                self.suspect(now, &about.master, &Sign::Sentinels);
            }
            Notice::Aborted(about) if self.is_current(&about) => self.abort(now, id, &about.master),
            Notice::Settled(about) => self.search(now, &about.master, Haste::Hint(id)),
            Notice::Replicas(about) if self.masters.contains_key(&about.master) => {
                self.deadlines.bring_forward(Why::Replicas(about.master), now.tick.after(REPLICAS_AFTER));
            }
            Notice::Peer(about, run_id) => {
                if let (true, Some((_, address))) = (self.masters.contains_key(&about.master), about.subject) {
                    self.meet_peer(now, &address, Some(&run_id));
                }
            }
            Notice::Listed(name) => self.list_changed(now, id, &name),
            Notice::Tilt => self.note_tilt(id, true),
            Notice::TiltEnded => self.note_tilt(id, false),
            Notice::Failing(_) | Notice::Aborted(_) | Notice::Replicas(_) => {}
        }
    }

    /// The master and the replica an event concerns, when its sentinel has the same master in place as we have.
    fn concerned(&self, about: &About) -> Option<(MasterName, Endpoint)> {
        let (_, subject) = about.subject.as_ref()?;
        let is_other = !subject.is_same(&about.head);
        (is_other && self.is_current(about)).then(|| (about.master.clone(), subject.clone()))
    }

    fn is_current(&self, about: &About) -> bool {
        self.masters.get(&about.master).is_some_and(|master| master.is_current(&about.head))
    }

    /// A sentinel calls this server the new master: it is asked for its role, and the sentinel for its word.
    fn meet_candidate(&mut self, now: Now, id: SentinelId, name: &MasterName, address: &Endpoint) {
        let Some(master) = self.masters.get_mut(name) else { return };
        if master.is_current(address) && master.phase == Phase::Up {
            return;
        }
        master.first_sign.get_or_insert(now.tick);
        if !master.is_promoted(now.tick) {
            master.disprove(address);
            self.try_server(now, name, address);
        }
        self.search(now, name, Haste::Hint(id));
        self.search(now, name, Haste::Urgent);
    }

    /// The leader has chosen a replica: connections are made ready.
    fn choose(&mut self, now: Now, id: SentinelId, name: &MasterName, chosen: &Endpoint) {
        let Some(master) = self.masters.get_mut(name) else { return };
        master.chosen = Some(chosen.clone());
        master.first_sign.get_or_insert(now.tick);
        self.search(now, name, Haste::Hint(id));
    }

    fn abort(&mut self, now: Now, id: SentinelId, name: &MasterName) {
        if self.masters.get(name).is_some_and(|master| master.hold.is_some()) {
            self.release_hold(now, name, HoldEnded::Aborted);
        }
        self.search(now, name, Haste::Hint(id));
    }

    /// Somebody met a sign that a master may be master no more.
    pub(super) fn suspected(&mut self, now: Now, name: &MasterName, generation: Generation, sign: &Sign) {
        if self.masters.get(name).is_none_or(|master| master.generation != generation) {
            return;
        }
        if let Sign::Redirected(told) = sign {
            let address = self.settings.address_map.reach(told);
            self.try_server(now, name, &address);
        }
        self.suspect(now, name, sign);
    }

    /// New connections wait until it is known whether the master is still master.
    pub(super) fn suspect(&mut self, now: Now, name: &MasterName, sign: &Sign) {
        let Some(master) = self.masters.get_mut(name) else { return };
        if let Some(current) = master.address.clone() {
            master.disprove(&current);
        }
        if master.phase == Phase::Up {
            master.phase = Phase::Suspect;
            master.first_sign.get_or_insert(now.tick);
            self.touch(name);
            self.publish(now, name, EventKind::Suspect { sign: sign.name() });
        }
        self.search(now, name, Haste::Urgent);
    }

    fn note_tilt(&mut self, id: SentinelId, is_tilted: bool) {
        if let Some(sentinel) = self.sentinels.get_mut(&id) {
            sentinel.is_tilted = is_tilted;
        }
    }
}

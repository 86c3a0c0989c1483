//! Decides the order of one turn: the gap, the news, the deadlines that are due, then what has changed is told.

use std::sync::Arc;

use super::{
    Finder, HoldEnded, Input, Output, Phase, Purpose, Sign, Why, master::Master, search::Haste, survey::Asker,
};
use crate::{
    error::ErrorKind,
    types::{LinkId, MasterName, Now, SentinelId},
};

/// More than any turn needs: a few deadlines for each of a thousand masters.
const MOST_DEADLINES_A_TURN: usize = 1 << 14;

impl Finder {
    /// Begins life: the seeds are known, and what fits the pattern is looked for.
    pub(super) fn begin(&mut self, now: Now) {
        self.plant_seeds(now);
        if self.settings.follow.is_some() {
            self.tend_watches(now);
            self.begin_survey(now, Asker::Pattern);
        }
    }

    /// One turn.
    pub(super) fn turn(&mut self, now: Now, input: Input) {
        let gap = self.settings.times.suspend_gap;
        if self.deadlines.next().is_some_and(|(due, _)| now.tick.since(due) > gap) {
            self.suspended(now);
        }
        self.take_news(now, input);
        for _ in 0..MOST_DEADLINES_A_TURN {
            let Some((_, why)) = self.deadlines.pop_due(now.tick) else { break };
            self.act(now, why);
        }
        self.tell_changes(now);
    }

    fn take_news(&mut self, now: Now, input: Input) {
        match input {
            Input::Elapsed => {}
            Input::Wanted(name) => {
                self.want(now, &name);
                if let Some(master) = self.masters.get_mut(&name) {
                    master.interest.is_wanted = true;
                }
            }
            Input::Dropped(name) => self.dropped(now, &name),
            Input::LinkOpened { link } => match self.links.get(&link) {
                Some((id, Purpose::Ask)) => self.ask_link_opened(now, *id, link),
                Some((id, Purpose::Watch)) => self.watch_link_opened(now, *id, link),
                None => {}
            },
            Input::LinkClosed { link, kind, reason } => match self.links.remove(&link) {
                Some((id, Purpose::Ask)) => self.ask_link_closed(now, id, kind, &reason),
                Some((id, Purpose::Watch)) => self.watch_link_closed(now, id, kind, &reason),
                None => {}
            },
            Input::Answer { link, request, value } => match self.links.get(&link) {
                Some((id, Purpose::Ask)) => self.ask_answered(now, *id, request, &value),
                Some((id, Purpose::Watch)) => self.watch_answered(now, *id, request, &value),
                None => {}
            },
            Input::Heard { link, channel, payload } => {
                if let Some((id, Purpose::Watch)) = self.links.get(&link) {
                    self.hear_event(now, *id, &channel, &payload);
                }
            }
            Input::Verified { trial, verdict } => self.verified(now, trial, verdict),
            Input::Suspected { master, generation, sign } => self.suspected(now, &master, generation, &sign),
            Input::Refresh(name) => self.search(now, &name, Haste::Calm),
            Input::Survey => self.begin_survey(now, Asker::User),
            Input::Suspended => self.suspended(now),
        }
    }

    fn act(&mut self, now: Now, why: Why) {
        match why {
            Why::Watch(_) => self.tend_watches(now),
            Why::Pulse(id) => self.feel_pulse(now, id),
            Why::Ask(id) => self.tend_ask_link(now, id),
            Why::Expire(id) => self.expire_sentinel(now, id),
            Why::Search(name) => self.advance(now, &name),
            Why::Next(name) => self.search_again(now, &name),
            Why::Trial(trial) => self.give_up_trial(now, trial),
            Why::Promotion(name) => self.ask_chosen(now, &name),
            Why::Hold(name) => self.release_hold(now, &name, HoldEnded::Expired),
            Why::Replicas(name) => self.refresh_replicas(now, &name),
            Why::Survey => self.begin_survey(now, Asker::Pattern),
        }
    }

    /// Somebody wants to know a master.
    pub(super) fn want(&mut self, now: Now, name: &MasterName) {
        if self.masters.contains_key(name) {
            return;
        }
        let master = Master::new(name, now.tick);
        self.outputs.push_back(Output::Changed(Arc::clone(&master.topology)));
        self.masters.insert(name.clone(), master);
        self.tend_watches(now);
        self.search(now, name, Haste::Calm);
    }

    /// Nobody wants to know a master any more; the pattern may still follow it.
    fn dropped(&mut self, now: Now, name: &MasterName) {
        let Some(master) = self.masters.get_mut(name) else { return };
        master.interest.is_wanted = false;
        if !master.interest.is_followed {
            self.remove_master(now, name);
        }
    }

    /// Forgets a master; without any, the sentinels are left alone.
    pub(super) fn remove_master(&mut self, now: Now, name: &MasterName) {
        self.end_hold(now, name, HoldEnded::Closed);
        let Some(mut master) = self.masters.remove(name) else { return };
        for trial in master.trials.keys() {
            self.trials.remove(trial);
            self.deadlines.clear(Why::Trial(*trial));
        }
        for why in [Why::Search, Why::Next, Why::Promotion, Why::Hold, Why::Replicas] {
            self.deadlines.clear(why(name.clone()));
        }
        master.phase = Phase::Closed;
        self.outputs.push_back(Output::Changed(Arc::new(master.view(&self.sentinels))));
        if self.masters.is_empty() && self.settings.follow.is_none() {
            let ids: Vec<_> = self.sentinels.keys().copied().collect();
            for id in ids {
                self.drop_watch(id);
            }
        }
    }

    /// The process slept: what was connected may be dead, and what was known may be old.
    fn suspended(&mut self, now: Now) {
        let ids: Vec<_> = self.sentinels.keys().copied().collect();
        for id in ids {
            if let Some(link) = self.sentinels.get(&id).and_then(|sentinel| sentinel.ask.link()) {
                self.close_link(link);
                self.ask_link_closed(now, id, ErrorKind::Timeout, "the process slept");
            }
            self.drop_watch(id);
        }
        self.tend_watches(now);
        let names: Vec<_> = self.masters.keys().cloned().collect();
        for name in names {
            self.suspect(now, &name, &Sign::Suspended);
        }
    }

    /// Notes that a master may look different after this turn.
    pub(super) fn touch(&mut self, name: &MasterName) {
        if self.masters.contains_key(name) {
            self.touched.insert(name.clone());
        }
    }

    /// Tells of each master that looks different than before this turn.
    fn tell_changes(&mut self, now: Now) {
        for name in std::mem::take(&mut self.touched) {
            let Some(master) = self.masters.get_mut(&name) else { continue };
            let view = master.view(&self.sentinels);
            if *master.topology != view {
                master.topology = Arc::new(view);
                self.outputs.push_back(Output::Changed(Arc::clone(&master.topology)));
            }
            self.unfollow_unknown(now, &name);
        }
    }

    /// A master that only the pattern follows is left alone once no sentinel monitors it.
    fn unfollow_unknown(&mut self, now: Now, name: &MasterName) {
        let Some(master) = self.masters.get(name) else { return };
        let is_unknown = master.trouble.as_ref().is_some_and(|trouble| trouble.kind == ErrorKind::MasterUnknown);
        if master.interest.is_followed && is_unknown && master.search.is_none() {
            self.unfollow(now, name);
        }
    }

    /// Asks the driver to connect to a sentinel.
    pub(super) fn open_link(&mut self, id: SentinelId, purpose: Purpose) -> LinkId {
        let link = LinkId::new(self.next_number());
        if let Some(sentinel) = self.sentinels.get(&id) {
            self.links.insert(link, (id, purpose));
            self.outputs.push_back(Output::Open { link, target: sentinel.address.clone(), purpose });
        }
        link
    }

    /// Asks the driver to drop a connection; nothing more is heard of it.
    pub(super) fn close_link(&mut self, link: LinkId) {
        if self.links.remove(&link).is_some() {
            self.outputs.push_back(Output::Close { link });
        }
    }

    /// A number that was never used before, for whatever is to be told apart.
    pub(super) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

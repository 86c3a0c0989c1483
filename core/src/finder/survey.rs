//! Decides which masters are followed without being asked for: those that are monitored and fit the pattern.

use std::collections::BTreeSet;

use super::{
    EventKind, Finder, Output, Why,
    answer::{self, MOST_MASTERS},
    search::Haste,
};
use crate::{
    resp::Value,
    types::{MasterName, Now, SentinelId, glob_matches},
};

/// A reading of the list of masters.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    /// Who has been asked.
    tried: BTreeSet<SentinelId>,
    /// Whether somebody waits for the list.
    is_wanted: bool,
}

impl Finder {
    /// Reads the list of masters, from the first sentinel that gives it.
    pub(super) fn begin_survey(&mut self, now: Now, asker: Asker) {
        let wanted = asker == Asker::User;
        if let Some(survey) = &mut self.survey {
            survey.is_wanted |= wanted;
            return;
        }
        self.survey = Some(Survey { tried: BTreeSet::new(), is_wanted: wanted });
        self.ask_next_names(now);
    }

    fn ask_next_names(&mut self, now: Now) {
        let order = self.asking_order();
        let Some(survey) = &mut self.survey else { return };
        if let Some(id) = order.into_iter().find(|id| survey.tried.insert(*id)) {
            return self.ask_names(now, id);
        }
        self.end_survey(now, Vec::new());
    }

    /// A sentinel gave no list: the next is asked.
    pub(super) fn survey_failed(&mut self, now: Now, id: SentinelId) {
        if self.survey.as_ref().is_some_and(|survey| survey.tried.contains(&id)) {
            self.ask_next_names(now);
        }
    }

    /// A sentinel answered the question for the list.
    pub(super) fn names_answered(&mut self, now: Now, id: SentinelId, value: &Value) {
        self.survey_answered(id);
        let Some(names) = answer::read_names(value) else { return self.survey_failed(now, id) };
        for name in &names {
            self.follow(now, name);
        }
        let missing =
            self.masters.values().filter(|master| master.interest.is_followed && !names.contains(&master.name));
        let missing: Vec<_> = missing.map(|master| master.name.clone()).collect();
        for name in missing {
            self.search(now, &name, Haste::Calm);
        }
        if self.survey.is_some() {
            self.end_survey(now, names);
        }
    }

    fn end_survey(&mut self, now: Now, names: Vec<MasterName>) {
        if self.survey.take().is_some_and(|survey| survey.is_wanted) {
            self.outputs.push_back(Output::Surveyed(names));
        }
        if self.settings.follow.is_some() {
            self.deadlines.set(Why::Survey, now.tick.after(self.settings.times.survey));
        }
    }

    /// Follows a master that fits the pattern.
    fn follow(&mut self, now: Now, name: &MasterName) {
        let Some(pattern) = &self.settings.follow else { return };
        let followed = self.masters.values().filter(|master| master.interest.is_followed).count();
        if !glob_matches(pattern.as_bytes(), name.as_str().as_bytes()) || followed >= MOST_MASTERS {
            return;
        }
        self.want(now, name);
        let Some(master) = self.masters.get_mut(name) else { return };
        if !std::mem::replace(&mut master.interest.is_followed, true) {
            self.publish(now, name, EventKind::MasterAdded);
        }
    }

    /// A master is monitored, is no more, or was reset.
    pub(super) fn list_changed(&mut self, now: Now, id: SentinelId, name: &MasterName) {
        if self.masters.contains_key(name) {
            self.search(now, name, Haste::Hint(id));
            self.search(now, name, Haste::Urgent);
        } else if self.settings.follow.is_some() {
            self.ask_names(now, id);
        }
    }

    /// Follows a master no longer that nobody asked for and no sentinel monitors.
    pub(super) fn unfollow(&mut self, now: Now, name: &MasterName) {
        let Some(master) = self.masters.get_mut(name) else { return };
        if std::mem::replace(&mut master.interest.is_followed, false) {
            let is_wanted = master.interest.is_wanted;
            self.publish(now, name, EventKind::MasterRemoved);
            if !is_wanted {
                self.remove_master(now, name);
            }
        }
    }
}

/// Who asks for the list of masters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// The pattern.
    Pattern,
    /// A user.
    User,
}

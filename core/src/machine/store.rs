//! Decides what waits for the disk: consequences are held until the state they rest on is stored.
//!
//! At most one store is under way. What is decided meanwhile is gathered and written by the next one,
//! so that however many votes wait, one write serves them all.

use super::{CrashPoint, Event, Machine, Output};
use crate::{
    config::{LogLevel, MasterSettings, Settings},
    model::Group,
    resp::Value,
    types::{ClientId, Endpoint, Epoch, GroupId, Millis, Now, RunId, StoreId, Tick},
};

/// What happens once the state is on disk, and what if it cannot be.
#[derive(Clone, Debug)]
pub(super) enum Consequence {
    /// A client hears the outcome.
    Reply { client: ClientId, stored: Value, failed: Value },
    /// An event is published either way.
    Publish(Event),
    /// A vote is published, unless it could not be stored: then it is none.
    PublishVote(Event),
    /// A candidate hears this vote of the group, or that there is none.
    Vote { client: ClientId, group: GroupId, leader: Option<RunId>, epoch: Epoch },
    /// The attempt of this group in this epoch, with this sentinel's own vote, may ask for votes.
    Campaign { group: GroupId, epoch: Epoch },
    /// The promotion seen in this group may be told.
    Announce { group: GroupId },
}

impl Consequence {
    /// Whether a vote rests on it, for another or for oneself.
    fn is_vote(&self) -> bool {
        matches!(self, Self::PublishVote(_) | Self::Campaign { .. })
    }
}

/// The stores under way and wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct StoreDesk {
    under_way: Option<StoreId>,
    begun: Tick,
    /// How long the last store took.
    last_took: Millis,
    waiting: Vec<Consequence>,
    wanted: bool,
    gathered: Vec<Consequence>,
}

impl Machine {
    /// Wants the state on disk; `consequence` follows when it is, or when it cannot be.
    pub(super) fn save(&mut self, consequence: Option<Consequence>) {
        self.store.wanted = true;
        self.store.gathered.extend(consequence);
    }

    /// Lets `consequence` follow once all that is decided so far is on disk, which may be so already.
    pub(super) fn after_store(&mut self, consequence: Consequence) {
        // With nothing under way and nothing wanted, the next flush finds only this and settles it at once.
        if self.store.wanted || self.store.under_way.is_none() {
            self.store.gathered.push(consequence);
        } else {
            self.store.waiting.push(consequence);
        }
    }

    /// Whether a store is under way or wanted.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn is_storing(&self) -> bool {
        self.store.under_way.is_some() || self.store.wanted
    }

    /// How long a store takes at present: as the last one did, or longer while one is under way that long.
    pub(super) fn storing_takes(&self, now: Now) -> Millis {
        let so_far = self.store.under_way.map_or(Millis::ZERO, |_| now.tick.since(self.store.begun));
        self.store.last_took.max(so_far)
    }

    /// At the end of a turn: asks for the next store unless one is under way.
    pub(super) fn flush_store(&mut self, now: Now) {
        if self.store.under_way.is_some() {
            return;
        }
        if !self.store.wanted {
            let settled = std::mem::take(&mut self.store.gathered);
            return self.settle(now, settled, &Ok(()));
        }
        if self.store.gathered.iter().any(Consequence::is_vote) && self.crashes(CrashPoint::BeforeVote) {
            return;
        }
        let store = StoreId::new(self.fresh_number());
        self.store.wanted = false;
        self.store.under_way = Some(store);
        self.store.begun = now.tick;
        self.store.waiting = std::mem::take(&mut self.store.gathered);
        let settings = Box::new(self.settings_to_store());
        self.outputs.push_back(Output::Store { store, settings });
    }

    /// A store ended: what waited for it follows.
    pub(super) fn stored(&mut self, now: Now, store: StoreId, result: &Result<(), String>) {
        if self.store.under_way != Some(store) {
            return;
        }
        self.store.under_way = None;
        self.store.last_took = now.tick.since(self.store.begun);
        match result {
            Ok(()) => self.log(LogLevel::Notice, "Sentinel new configuration saved on disk".into()),
            Err(reason) => self.log(
                LogLevel::Warning,
                format!("WARNING: Sentinel was not able to save the new configuration on disk!!!: {reason}"),
            ),
        }
        let waiting = std::mem::take(&mut self.store.waiting);
        let holds_vote = result.is_ok() && waiting.iter().any(Consequence::is_vote);
        if holds_vote && self.crashes(CrashPoint::AfterVote) {
            return;
        }
        self.settle(now, waiting, result);
    }

    fn settle(&mut self, now: Now, consequences: Vec<Consequence>, result: &Result<(), String>) {
        for consequence in consequences {
            match (consequence, result) {
                (Consequence::Reply { client, stored, .. }, Ok(())) => self.reply(client, stored),
                (Consequence::Reply { client, failed, .. }, Err(_)) => self.reply(client, failed),
                (Consequence::Publish(event), _) | (Consequence::PublishVote(event), Ok(())) => {
                    self.announce_event(event);
                }
                (Consequence::PublishVote(_), Err(_)) => {}
                (Consequence::Vote { client, group, leader, epoch }, Ok(())) => {
                    self.tell_vote(client, group, leader.as_ref(), epoch);
                }
                (Consequence::Vote { client, group, epoch, .. }, Err(_)) => self.withhold_vote(client, group, epoch),
                (Consequence::Campaign { group, epoch }, Ok(())) => self.campaign(now, group, epoch),
                (Consequence::Campaign { group, epoch }, Err(_)) => self.give_up_campaign(now, group, epoch),
                (Consequence::Announce { group }, _) => self.announce_promotion(now, group),
            }
        }
    }

    /// Gathers the whole configuration and state, as it is to be stored.
    fn settings_to_store(&self) -> Settings {
        let mut settings = self.settings.clone();
        settings.current_epoch = self.current_epoch;
        settings.masters = self.groups.values().map(|group| self.master_to_store(group)).collect();
        settings
    }

    /// One master as it is to be stored; a promotion that waits for the disk is written as done.
    fn master_to_store(&self, group: &Group) -> MasterSettings {
        let address = |node| self.nodes.get(node).map(|node: &crate::model::Node| node.address.clone());
        let promotion = group.failover.as_ref().filter(|failover| failover.confirmed);
        let promoted = promotion.and_then(|failover| failover.promoted);
        let head = promoted.unwrap_or(group.master);
        let members = group.replicas.values().chain(std::iter::once(&group.master));
        let replicas: Vec<Endpoint> = members.filter(|&&node| node != head).filter_map(address).collect();
        let peers = group.peers.iter().filter_map(|(run_id, node)| Some((address(node)?, run_id.clone())));
        MasterSettings {
            name: group.name.clone(),
            address: self.nodes[&head].address.clone(),
            quorum: group.quorum,
            down_after: group.down_after,
            failover_timeout: group.failover_timeout,
            parallel_syncs: group.parallel_syncs,
            notification_script: group.notification_script.clone(),
            client_reconfig_script: group.client_reconfig_script.clone(),
            auth_user: group.auth_user.clone(),
            auth_pass: group.auth_pass.clone(),
            reboot_down_after: group.reboot_down_after,
            renamed_commands: group.renamed_commands.iter().map(|(old, new)| (old.clone(), new.clone())).collect(),
            config_epoch: promotion.map_or(group.config_epoch, |failover| failover.epoch),
            leader_epoch: group.leader_epoch,
            replicas,
            sentinels: peers.collect(),
        }
    }
}

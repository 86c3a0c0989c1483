//! Decides how a simulated sentinel lives: its machine, its disk, its crash and its return.

use std::collections::BTreeMap;

use super::{Direction, Disk, Happening, Message, ModelSentinel, Party, World, WorldPlan, loopback, traffic::HELD};
use crate::{
    config::{MasterSettings, Periods, Settings},
    machine::{Input, Machine, Output},
    resp::{Request, Value},
    types::{ClientId, Endpoint, MasterName, Millis, StoreId},
};

impl World {
    pub(super) fn add_sentinel(&mut self, n: usize, plan: &WorldPlan) {
        let id = self.chance.run_id();
        let address = loopback(26_000 + n as u16);
        let mut disk = Settings { my_id: Some(id.clone()), ..Settings::default() };
        disk.server.port = address.port();
        for master in 0..plan.masters {
            let name = if master == 0 { "mymaster".to_owned() } else { format!("master{master}") };
            let name = MasterName::parse(&name).expect("a plain word is a name");
            let head = Endpoint::numeric(self.servers[master * (plan.replicas + 1)].address);
            let mut settings = MasterSettings::new(name, head, plan.quorum, &Periods::default());
            settings.down_after = plan.down_after;
            settings.failover_timeout = plan.failover_timeout;
            settings.parallel_syncs = plan.parallel_syncs;
            disk.masters.push(settings);
        }
        self.sentinels.push(ModelSentinel {
            id,
            address,
            disk,
            disk_state: Disk::Takes(Millis::new(2)),
            writes: 0,
            machine: None,
            waiting: BTreeMap::new(),
            links: BTreeMap::new(),
            clients: 0,
            epochs: Vec::new(),
        });
        self.start_sentinel(n);
    }

    pub(super) fn start_sentinel(&mut self, n: usize) {
        let seed = self.chance.between(Millis::ZERO, Millis::new(u64::MAX - 1)).as_ms();
        let now = self.moment();
        let host = &mut self.sentinels[n];
        host.machine = Some(Machine::new(host.disk.clone(), host.id.clone(), seed, now));
        self.drain(n);
    }

    /// Ends a sentinel as `kill -9` would; what is not on its disk is lost.
    pub fn crash_sentinel(&mut self, n: usize) {
        self.lives[n] += 1;
        self.down.insert(Party::Sentinel(n));
        self.wakes[n] = None;
        self.sentinels[n].machine = None;
        self.sentinels[n].epochs.clear();
        self.sentinels[n].links.clear();
        self.sentinels[n].waiting.clear();
        self.drop_connections(|c| c.from == n || c.to == Party::Sentinel(n));
    }

    /// Starts a crashed sentinel again, from its disk.
    pub fn restart_sentinel(&mut self, n: usize) {
        self.down.remove(&Party::Sentinel(n));
        self.start_sentinel(n);
    }

    /// Asks a sentinel something, as a client would; empty when it gives no answer at once.
    pub fn ask(&mut self, n: usize, words: &[&str]) -> Vec<Value> {
        let client = self.fresh_client(n);
        let now = self.moment();
        self.replies.insert(client, Vec::new());
        self.feed(n, Input::ClientOpened { client, address: None, local: None });
        let Some(machine) = &mut self.sentinels[n].machine else { return Vec::new() };
        machine.handle(now, Input::Asked { client, request: Request::new(words.iter().map(|word| word.as_bytes())) });
        self.drain(n);
        let values = self.replies.remove(&client).unwrap_or_default();
        self.feed(n, Input::ClientClosed { client });
        values
    }

    pub(super) fn fresh_client(&mut self, n: usize) -> ClientId {
        self.sentinels[n].clients += 1;
        ClientId::new(self.sentinels[n].clients)
    }

    pub(super) fn feed(&mut self, n: usize, input: Input) {
        let now = self.moment();
        if self.paused.contains(&Party::Sentinel(n)) {
            return;
        }
        if let Some(machine) = &mut self.sentinels[n].machine {
            machine.handle(now, input);
            self.drain(n);
        }
    }

    pub(super) fn drain(&mut self, n: usize) {
        self.check(n);
        while let Some(output) = self.sentinels[n].machine.as_mut().and_then(Machine::poll_output) {
            self.carry_out(n, output);
        }
        if let Some((at, _)) = self.sentinels[n].machine.as_ref().and_then(Machine::deadline) {
            let at = at.as_ms().max(self.now);
            if self.wakes[n].is_none_or(|planned| at < planned) {
                self.wakes[n] = Some(at);
                self.plan_at(at - self.now, Happening::Wake { sentinel: n, at });
            }
        }
    }

    /// Holds a sentinel's state against the rules, and its epochs against those it had before.
    pub(super) fn check(&mut self, n: usize) {
        self.feeds += 1;
        // The check looks at everything; in a large world it is made now and then.
        if self.servers.len() > SMALL && !self.feeds.is_multiple_of(RARELY) {
            return;
        }
        let Some(machine) = &self.sentinels[n].machine else { return };
        let broken = machine.broken_invariant();
        assert_eq!(broken, None, "sentinel {n} at {}", self.now);
        let epochs = machine.epochs();
        let earlier = self.sentinels[n].epochs.iter().zip(&epochs);
        assert!(earlier.into_iter().all(|(old, new)| old <= new), "sentinel {n} at {}: an epoch fell", self.now);
        self.sentinels[n].epochs = epochs;
    }

    pub(super) fn carry_out(&mut self, n: usize, output: Output) {
        match output {
            Output::Open { link, target } => self.plan_at(1, Happening::Connect { from: n, link, target }),
            Output::Close { link } => {
                if let Some(conn) = self.sentinels[n].links.remove(&link) {
                    self.forget(conn);
                }
            }
            Output::Send { link, request, command } => {
                if let Some(&conn) = self.sentinels[n].links.get(&link) {
                    self.sentinels[n].waiting.entry(conn).or_default().push_back(request);
                    self.plan_message(conn, Direction::Up, Message::Request(command));
                }
            }
            Output::Reply { client, values, .. } => self.carry_reply(n, client, values),
            Output::Publish(event) => self.events.push((self.now, n, event)),
            Output::Log { text, .. } => self.log.push((self.now, n, text)),
            Output::Store { store, settings } => self.begin_store(n, store, settings),
            Output::Exit { .. } => self.crash_sentinel(n),
            Output::Push { .. }
            | Output::Hangup { .. }
            | Output::Resolve { .. }
            | Output::RunScript { .. }
            | Output::KillScript { .. } => {}
        }
    }

    pub(super) fn begin_store(&mut self, n: usize, store: StoreId, settings: Box<Settings>) {
        let delay = match self.sentinels[n].disk_state {
            Disk::Takes(span) => span.as_ms(),
            Disk::Full => 1,
        };
        let life = self.lives[n];
        self.plan_at(delay, Happening::Stored { sentinel: n, store, settings, life });
    }

    pub(super) fn finish_store(&mut self, n: usize, store: StoreId, settings: Box<Settings>, life: u64) {
        if self.lives[n] != life {
            return;
        }
        let result = match self.sentinels[n].disk_state {
            Disk::Takes(_) => {
                self.sentinels[n].disk = *settings;
                self.sentinels[n].writes += 1;
                Ok(())
            }
            Disk::Full => Err("No space left on device".to_owned()),
        };
        if self.paused.contains(&Party::Sentinel(n)) {
            let settings = Box::new(self.sentinels[n].disk.clone());
            return self.plan_at(HELD, Happening::Stored { sentinel: n, store, settings, life });
        }
        self.feed(n, Input::Stored { store, result });
    }

    pub(super) fn carry_reply(&mut self, n: usize, client: ClientId, values: Vec<Value>) {
        if let Some(replies) = self.replies.get_mut(&client) {
            replies.extend(values);
            return;
        }
        if let Some(&conn) = self.clients.get(&(n, client)) {
            for value in values {
                self.plan_message(conn, Direction::Down, Message::Answer(value));
            }
        }
    }
}

/// Servers of a world whose sentinels are checked after every input.
const SMALL: usize = 20;

/// In a larger one, one of that many inputs.
const RARELY: u64 = 997;

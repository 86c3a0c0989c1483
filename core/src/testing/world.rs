//! A simulated network with its own clock: whole groups of machines and modelled servers in one thread.
//!
//! Everything that happens is drawn from one seed: the same seed gives the same history. Messages of one
//! connection keep their order; between parties that are cut off from each other they wait, as TCP would have
//! it; what a sentinel had not stored when it crashed is lost.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use super::node::{Conn, Effect, Kill, ModelServer};
use crate::{
    config::{MasterSettings, Periods, Settings},
    machine::{Event, EventKind, Input, Machine, Output},
    resp::{Request, Value},
    types::{
        Chance, ClientId, Endpoint, Epoch, LinkId, MasterName, Millis, Now, RequestId, RunId, StoreId, Tick, UnixMs,
    },
};

/// What a simulated world begins with: one master, its replicas, and the sentinels that watch it.
#[derive(Clone, Debug)]
pub struct WorldPlan {
    /// The seed of everything.
    pub seed: u64,
    /// The number of sentinels.
    pub sentinels: usize,
    /// The number of replicas of each master.
    pub replicas: usize,
    /// The number of masters.
    pub masters: usize,
    /// The quorum.
    pub quorum: u32,
    /// `down-after-milliseconds`
    pub down_after: Millis,
    /// `failover-timeout`
    pub failover_timeout: Millis,
    /// `parallel-syncs`
    pub parallel_syncs: i64,
}

/// One simulated sentinel.
#[derive(Debug)]
pub struct ModelSentinel {
    /// Its identity.
    pub id: RunId,
    /// Where it listens.
    pub address: SocketAddr,
    /// What is on its disk.
    pub disk: Settings,
    /// Whether its disk takes writes.
    pub disk_state: Disk,
    /// How many writes its disk took.
    pub writes: u64,
    machine: Option<Machine>,
    /// Each request it sent and waits for, by connection.
    waiting: BTreeMap<Conn, VecDeque<RequestId>>,
    links: BTreeMap<LinkId, Conn>,
    clients: u64,
    epochs: Vec<Epoch>,
}

/// How a disk behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// A write takes that long.
    Takes(Millis),
    /// Every write fails.
    Full,
}

/// One of the parties of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// The sentinel of that index.
    Sentinel(usize),
    /// The server of that index; masters come first.
    Server(usize),
}

/// One connection from a sentinel to a server or another sentinel.
#[derive(Clone, Debug)]
struct Connection {
    from: usize,
    link: LinkId,
    to: Party,
    client: ClientId,
}

#[derive(Clone, Debug)]
enum Happening {
    Wake { sentinel: usize, at: u64 },
    Connect { from: usize, link: LinkId, target: SocketAddr },
    Request { conn: Conn, request: Request },
    Answer { conn: Conn, value: Value },
    Heard { conn: Conn, value: Value },
    Closed { conn: Conn },
    Refused { from: usize, link: LinkId },
    Stored { sentinel: usize, store: StoreId, settings: Box<Settings>, life: u64 },
    Sync,
}

/// A simulated network of sentinels and servers.
#[derive(Debug)]
pub struct World {
    /// The modelled servers: each master, then its replicas.
    pub servers: Vec<ModelServer>,
    /// The simulated sentinels.
    pub sentinels: Vec<ModelSentinel>,
    /// Everything the sentinels published: when, who, what.
    pub events: Vec<(u64, usize, Event)>,
    /// Log lines that are no events: when, who, what.
    pub log: Vec<(u64, usize, String)>,
    now: u64,
    sequence: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    connections: BTreeMap<Conn, Connection>,
    last_conn: Conn,
    down: BTreeSet<Party>,
    paused: BTreeSet<Party>,
    cuts: BTreeSet<(Party, Party)>,
    last_sent: BTreeMap<(Conn, bool), u64>,
    lives: Vec<u64>,
    /// The one wake-up that counts, for each sentinel.
    wakes: Vec<Option<u64>>,
    chance: Chance,
    replies: BTreeMap<ClientId, Vec<Value>>,
}

impl Default for WorldPlan {
    fn default() -> Self {
        Self {
            seed: 1,
            sentinels: 3,
            replicas: 2,
            masters: 1,
            quorum: 2,
            down_after: Millis::new(1_000),
            failover_timeout: Millis::new(10_000),
            parallel_syncs: 1,
        }
    }
}

impl World {
    /// A world as planned, at its first moment: nobody has met anybody.
    pub fn new(plan: &WorldPlan) -> Self {
        let mut world = Self {
            servers: Vec::new(),
            sentinels: Vec::new(),
            events: Vec::new(),
            log: Vec::new(),
            now: 1_000,
            sequence: 0,
            queue: BTreeMap::new(),
            connections: BTreeMap::new(),
            last_conn: 0,
            down: BTreeSet::new(),
            paused: BTreeSet::new(),
            cuts: BTreeSet::new(),
            last_sent: BTreeMap::new(),
            lives: vec![0; plan.sentinels],
            wakes: vec![None; plan.sentinels],
            chance: Chance::seeded(plan.seed),
            replies: BTreeMap::new(),
        };
        for master in 0..plan.masters {
            let head = loopback(7_000 + 10 * master as u16);
            for n in 0..=plan.replicas {
                let address = loopback(head.port() + n as u16);
                let run_id = world.chance.run_id();
                world.servers.push(ModelServer::new(address, (n > 0).then_some(head), run_id));
            }
        }
        for n in 0..plan.sentinels {
            world.add_sentinel(n, plan);
        }
        world.plan_at(1, Happening::Sync);
        world
    }

    fn add_sentinel(&mut self, n: usize, plan: &WorldPlan) {
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

    /// The world's time in milliseconds.
    pub fn now(&self) -> u64 {
        self.now
    }

    fn moment(&self) -> Now {
        Now { tick: Tick::from_ms(self.now), unix: UnixMs::from_ms(1_795_000_000_000 + self.now) }
    }

    fn start_sentinel(&mut self, n: usize) {
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

    /// Ends a server as `kill -9` would.
    pub fn kill_server(&mut self, n: usize) {
        self.down.insert(Party::Server(n));
        self.drop_connections(|c| c.to == Party::Server(n));
    }

    /// Starts a killed server again, in the role it had, with its data.
    pub fn revive_server(&mut self, n: usize) {
        self.down.remove(&Party::Server(n));
        let run_id = self.chance.run_id();
        self.servers[n].reboot(run_id, self.now);
    }

    /// Stops a party as SIGSTOP would: connections stay, nothing is answered.
    pub fn pause(&mut self, party: Party) {
        self.paused.insert(party);
    }

    /// Lets a stopped party go on.
    pub fn resume(&mut self, party: Party) {
        self.paused.remove(&party);
        if let Party::Sentinel(n) = party {
            self.wakes[n] = None;
            self.feed(n, Input::Elapsed);
        }
    }

    /// Cuts two parties off from each other, both ways.
    pub fn cut(&mut self, a: Party, b: Party) {
        self.cuts.insert((a.min(b), a.max(b)));
    }

    /// Undoes all cuts.
    pub fn heal(&mut self) {
        self.cuts.clear();
    }

    /// Whether a party runs.
    pub fn is_up(&self, party: Party) -> bool {
        !self.down.contains(&party) && !self.paused.contains(&party)
    }

    /// Lets time pass, with all that happens in it.
    pub fn run_for(&mut self, span: u64) {
        let end = self.now + span;
        while let Some((&(at, _), _)) = self.queue.first_key_value() {
            if at > end {
                break;
            }
            self.step();
        }
        self.now = end;
    }

    /// Lets time pass until the condition holds; when it came to hold, or `None` after `limit` milliseconds.
    pub fn run_until(&mut self, limit: u64, mut condition: impl FnMut(&mut Self) -> bool) -> Option<u64> {
        let end = self.now + limit;
        while self.now <= end {
            if condition(self) {
                return Some(self.now);
            }
            self.step();
        }
        None
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

    /// The address a sentinel answers for a master.
    pub fn master_of(&mut self, n: usize, name: &str) -> Option<SocketAddr> {
        let values = self.ask(n, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]);
        let Some(Value::Array(parts)) = values.first() else { return None };
        let [host, port] = parts.as_slice() else { return None };
        Some(SocketAddr::new(host.as_text()?.parse().ok()?, port.as_text()?.parse().ok()?))
    }

    /// Whether all sentinels that run answer this address.
    pub fn all_answer(&mut self, name: &str, address: SocketAddr) -> bool {
        let alive: Vec<usize> = (0..self.sentinels.len()).filter(|&n| self.is_up(Party::Sentinel(n))).collect();
        alive.into_iter().all(|n| self.master_of(n, name) == Some(address))
    }

    /// The index of the server at an address.
    pub fn server_at(&self, address: SocketAddr) -> Option<usize> {
        self.servers.iter().position(|server| server.address == address)
    }

    /// The first moment at which a sentinel published an event of this kind, at or after `since`.
    pub fn first(&self, since: u64, kind: EventKind) -> Option<u64> {
        self.events.iter().find(|(at, _, event)| *at >= since && event.kind == kind).map(|(at, _, _)| *at)
    }

    fn fresh_client(&mut self, n: usize) -> ClientId {
        self.sentinels[n].clients += 1;
        ClientId::new(self.sentinels[n].clients)
    }

    fn plan_at(&mut self, delay: u64, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((self.now + delay, self.sequence), happening);
    }

    /// Plans a message of a connection behind all that were sent before it the same way.
    fn plan_message(&mut self, conn: Conn, upstream: bool, happening: Happening) {
        let delay = self.chance.between(Millis::ZERO, LONGEST_DELAY).as_ms();
        let last = self.last_sent.entry((conn, upstream)).or_default();
        let at = (self.now + delay).max(*last);
        *last = at;
        self.plan_at(at - self.now, happening);
    }

    fn step(&mut self) {
        let Some(((at, _), happening)) = self.queue.pop_first() else { return };
        self.now = self.now.max(at);
        match happening {
            Happening::Wake { sentinel, at } if self.wakes[sentinel] == Some(at) => {
                self.wakes[sentinel] = None;
                self.feed(sentinel, Input::Elapsed);
            }
            Happening::Wake { .. } => {}
            Happening::Connect { from, link, target } => self.accept(from, link, target),
            Happening::Request { conn, request } => self.serve(conn, request),
            Happening::Answer { conn, value } => self.bring_answer(conn, value),
            Happening::Heard { conn, value } => self.bring_news(conn, value),
            Happening::Closed { conn } => self.close(conn),
            Happening::Refused { from, link } => {
                self.feed(from, Input::LinkClosed { link, reason: "Connection refused".into() });
            }
            Happening::Stored { sentinel, store, settings, life } => self.finish_store(sentinel, store, settings, life),
            Happening::Sync => self.sync_replicas(),
        }
    }

    fn feed(&mut self, n: usize, input: Input) {
        let now = self.moment();
        if self.paused.contains(&Party::Sentinel(n)) {
            return;
        }
        if let Some(machine) = &mut self.sentinels[n].machine {
            machine.handle(now, input);
            self.drain(n);
        }
    }

    fn drain(&mut self, n: usize) {
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
    fn check(&mut self, n: usize) {
        let Some(machine) = &self.sentinels[n].machine else { return };
        let broken = machine.broken_invariant();
        assert_eq!(broken, None, "sentinel {n} at {}", self.now);
        let epochs = machine.epochs();
        let earlier = self.sentinels[n].epochs.iter().zip(&epochs);
        assert!(earlier.into_iter().all(|(old, new)| old <= new), "sentinel {n} at {}: an epoch fell", self.now);
        self.sentinels[n].epochs = epochs;
    }

    fn carry_out(&mut self, n: usize, output: Output) {
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
                    self.plan_message(conn, true, Happening::Request { conn, request: command });
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

    fn begin_store(&mut self, n: usize, store: StoreId, settings: Box<Settings>) {
        let delay = match self.sentinels[n].disk_state {
            Disk::Takes(span) => span.as_ms(),
            Disk::Full => 1,
        };
        let life = self.lives[n];
        self.plan_at(delay, Happening::Stored { sentinel: n, store, settings, life });
    }

    fn finish_store(&mut self, n: usize, store: StoreId, settings: Box<Settings>, life: u64) {
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

    fn carry_reply(&mut self, n: usize, client: ClientId, values: Vec<Value>) {
        if let Some(replies) = self.replies.get_mut(&client) {
            replies.extend(values);
            return;
        }
        let conn = self.connections.iter().find(|(_, c)| c.to == Party::Sentinel(n) && c.client == client);
        if let Some((&conn, _)) = conn {
            for value in values {
                self.plan_message(conn, false, Happening::Answer { conn, value });
            }
        }
    }

    fn party_at(&self, address: SocketAddr) -> Option<Party> {
        let server = self.server_at(address).map(Party::Server);
        server.or_else(|| self.sentinels.iter().position(|s| s.address == address).map(Party::Sentinel))
    }

    fn is_cut(&self, a: Party, b: Party) -> bool {
        self.cuts.contains(&(a.min(b), a.max(b)))
    }

    fn accept(&mut self, from: usize, link: LinkId, target: SocketAddr) {
        let refused = Happening::Refused { from, link };
        let Some(to) = self.party_at(target).filter(|party| !self.down.contains(party)) else {
            return self.plan_at(1, refused);
        };
        if self.is_cut(Party::Sentinel(from), to) {
            return self.plan_at(CONNECT_TIMEOUT, refused);
        }
        if self.sentinels[from].machine.is_none() {
            return;
        }
        self.last_conn += 1;
        let conn = self.last_conn;
        let client = match to {
            Party::Sentinel(n) => self.fresh_client(n),
            Party::Server(_) => ClientId::new(0),
        };
        self.connections.insert(conn, Connection { from, link, to, client });
        self.sentinels[from].links.insert(link, conn);
        if let Party::Sentinel(n) = to {
            self.feed(n, Input::ClientOpened { client, address: None, local: None });
        }
        self.feed(from, Input::LinkOpened { link, local: IpAddr::V4(Ipv4Addr::LOCALHOST) });
    }

    /// Whether a message has to wait, because somebody is stopped or cut off.
    fn is_held(&self, connection: &Connection) -> bool {
        let from = Party::Sentinel(connection.from);
        self.is_cut(from, connection.to) || self.paused.contains(&connection.to) || self.paused.contains(&from)
    }

    fn serve(&mut self, conn: Conn, request: Request) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
        if self.is_held(&connection) {
            return self.plan_at(HELD, Happening::Request { conn, request });
        }
        if self.down.contains(&connection.to) {
            return;
        }
        match connection.to {
            Party::Sentinel(n) => self.feed(n, Input::Asked { client: connection.client, request }),
            Party::Server(n) => self.serve_at(n, conn, &request),
        }
    }

    fn serve_at(&mut self, n: usize, conn: Conn, request: &Request) {
        let address = self.servers[n].address;
        let followers = self.servers.iter().enumerate();
        let followers =
            followers.filter(|(m, s)| s.follows == Some(address) && !self.down.contains(&Party::Server(*m)));
        let replicas: Vec<(SocketAddr, u64)> = followers.map(|(_, server)| (server.address, server.offset)).collect();
        let (value, effects) = self.servers[n].answer(self.now, conn, request, &replicas);
        self.plan_message(conn, false, Happening::Answer { conn, value });
        for effect in effects {
            self.take_effect(n, conn, effect);
        }
    }

    fn take_effect(&mut self, n: usize, conn: Conn, effect: Effect) {
        match effect {
            Effect::Publish(payload) => {
                let subscribers: Vec<Conn> = self.servers[n].subscribers.iter().copied().collect();
                for subscriber in subscribers {
                    let message = ["message".as_bytes(), b"__sentinel__:hello", &payload];
                    let value = Value::Array(message.into_iter().map(Value::bulk).collect());
                    self.plan_message(subscriber, false, Happening::Heard { conn: subscriber, value });
                }
            }
            Effect::Kill(kill) => {
                let subscribers = self.servers[n].subscribers.clone();
                self.drop_connections_but(conn, |id, c| {
                    c.to == Party::Server(n) && subscribers.contains(&id) == (kill == Kill::PubSub)
                });
            }
            Effect::Moved => {}
        }
    }

    fn bring_answer(&mut self, conn: Conn, value: Value) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
        if self.is_held(&connection) {
            return self.plan_at(HELD, Happening::Answer { conn, value });
        }
        let waiting = self.sentinels[connection.from].waiting.get_mut(&conn);
        if let Some(request) = waiting.and_then(VecDeque::pop_front) {
            self.feed(connection.from, Input::Answer { link: connection.link, request, value });
        }
    }

    fn bring_news(&mut self, conn: Conn, value: Value) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
        if self.is_held(&connection) {
            return self.plan_at(HELD, Happening::Heard { conn, value });
        }
        self.feed(connection.from, Input::Heard { link: connection.link, value });
    }

    /// Forgets a connection that its sentinel closed.
    fn forget(&mut self, conn: Conn) -> Option<Connection> {
        let connection = self.connections.remove(&conn)?;
        self.sentinels[connection.from].waiting.remove(&conn);
        self.last_sent.remove(&(conn, true));
        self.last_sent.remove(&(conn, false));
        match connection.to {
            Party::Server(n) => self.servers[n].disconnect(conn),
            Party::Sentinel(n) => self.feed(n, Input::ClientClosed { client: connection.client }),
        }
        Some(connection)
    }

    /// The other end closed a connection.
    fn close(&mut self, conn: Conn) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
        if self.is_cut(Party::Sentinel(connection.from), connection.to)
            || self.paused.contains(&Party::Sentinel(connection.from))
        {
            return self.plan_at(HELD, Happening::Closed { conn });
        }
        self.forget(conn);
        self.sentinels[connection.from].links.remove(&connection.link);
        self.feed(
            connection.from,
            Input::LinkClosed { link: connection.link, reason: "Connection reset by peer".into() },
        );
    }

    fn drop_connections(&mut self, chosen: impl Fn(&Connection) -> bool) {
        self.drop_connections_but(0, |_, connection| chosen(connection));
    }

    fn drop_connections_but(&mut self, spared: Conn, chosen: impl Fn(Conn, &Connection) -> bool) {
        let gone: Vec<Conn> =
            self.connections.iter().filter(|(id, c)| **id != spared && chosen(**id, c)).map(|(id, _)| *id).collect();
        for conn in gone {
            self.plan_message(conn, false, Happening::Closed { conn });
        }
    }

    /// Replication at its own pace: links come up, offsets follow.
    fn sync_replicas(&mut self) {
        for n in 0..self.servers.len() {
            let Some(master) = self.servers[n].follows.and_then(|address| self.server_at(address)) else {
                if self.is_up(Party::Server(n)) {
                    self.servers[n].offset += 1;
                }
                continue;
            };
            let works = self.is_up(Party::Server(master))
                && self.is_up(Party::Server(n))
                && !self.is_cut(Party::Server(n), Party::Server(master))
                && self.servers[master].follows != Some(self.servers[n].address);
            let synced = self.servers[n].link_up
                || self.now.saturating_sub(self.servers[n].link_down_since) >= self.servers[n].sync_takes;
            let works = works && synced;
            if works {
                self.servers[n].offset = self.servers[master].offset;
            } else if self.servers[n].link_up {
                self.servers[n].link_down_since = self.now;
            }
            self.servers[n].link_up = works;
        }
        self.plan_at(SYNC_PERIOD, Happening::Sync);
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// How long a message takes, at most.
const LONGEST_DELAY: Millis = Millis::new(2);

/// How long a message that cannot pass waits before it is tried again.
const HELD: u64 = 5;

/// How long a connection attempt into the void takes to fail.
const CONNECT_TIMEOUT: u64 = 3_000;

/// Between two steps of replication.
const SYNC_PERIOD: u64 = 10;

//! A simulated network with its own clock: whole groups of machines and modelled servers in one thread.
//!
//! Everything that happens is drawn from one seed: the same seed gives the same history. Messages of one
//! connection keep their order; between parties that are cut off from each other they wait, as TCP would have
//! it; what a sentinel had not stored when it crashed is lost.

mod host;
mod server;
mod traffic;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use server::Conn;
pub use server::ModelServer;

use crate::{
    config::Settings,
    machine::{Event, EventKind, Input, Machine},
    resp::{Request, Value},
    types::{Chance, ClientId, Epoch, LinkId, Millis, Now, RequestId, RunId, StoreId, Tick, UnixMs},
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

/// Which way a message goes on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    /// From the sentinel that opened the connection.
    Up,
    /// To it.
    Down,
}

/// What crosses a connection.
#[derive(Clone, Debug)]
enum Message {
    Request(Request),
    Answer(Value),
    News(Value),
    End,
}

#[derive(Clone, Debug)]
enum Happening {
    Wake { sentinel: usize, at: u64 },
    Connect { from: usize, link: LinkId, target: SocketAddr },
    Arrival { conn: Conn, direction: Direction, message: Message },
    Release { conn: Conn, direction: Direction },
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
    /// The connection behind each client of each sentinel.
    clients: BTreeMap<(usize, ClientId), Conn>,
    feeds: u64,
    last_conn: Conn,
    down: BTreeSet<Party>,
    paused: BTreeSet<Party>,
    cuts: BTreeSet<(Party, Party)>,
    last_sent: BTreeMap<(Conn, Direction), u64>,
    /// What waits behind a cut or a stopped party, in order.
    held: BTreeMap<(Conn, Direction), VecDeque<Message>>,
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
            clients: BTreeMap::new(),
            feeds: 0,
            last_conn: 0,
            down: BTreeSet::new(),
            paused: BTreeSet::new(),
            cuts: BTreeSet::new(),
            last_sent: BTreeMap::new(),
            held: BTreeMap::new(),
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

    /// The world's time in milliseconds.
    pub fn now(&self) -> u64 {
        self.now
    }

    fn moment(&self) -> Now {
        Now { tick: Tick::from_ms(self.now), unix: UnixMs::from_ms(1_795_000_000_000 + self.now) }
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

    fn plan_at(&mut self, delay: u64, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((self.now + delay, self.sequence), happening);
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
            Happening::Arrival { conn, direction, message } => self.pass(conn, direction, message),
            Happening::Release { conn, direction } => self.release(conn, direction),
            Happening::Refused { from, link } if self.paused.contains(&Party::Sentinel(from)) => {
                self.plan_at(traffic::HELD, Happening::Refused { from, link });
            }
            Happening::Refused { from, link } => {
                self.feed(from, Input::LinkClosed { link, reason: "Connection refused".into() });
            }
            Happening::Stored { sentinel, store, settings, life } => self.finish_store(sentinel, store, settings, life),
            Happening::Sync => self.sync_replicas(),
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

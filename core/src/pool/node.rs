//! Decides how one server is used in one generation: its shared connections, its own ones, and how all of them end.

mod checkout;

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
    atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
};

use tokio::sync::oneshot;

pub(super) use self::checkout::Seat;

use super::{
    command::Command,
    leash::Leash,
    link::Age,
    multiplexer::{Done, Multiplexer, Terms},
    parcel::Parcel,
    reads::{Place, ReadFrom},
    settings::PoolSettings,
    stats::Counters,
    stock::{Bounds, Stock},
};
use crate::{
    discovery::{BlockingConnection, Connection, Dialer, ServerKind, ServerRole, Welcome},
    error::{Error, ErrorKind, Outcome, Result},
    net::Clock,
    resp::Value,
    types::{Chance, Endpoint, Generation, Millis, Tick},
};

/// A server as it is used while one master is in place.
#[derive(Debug)]
pub(super) struct Node {
    address: Endpoint,
    generation: Generation,
    duty: Duty,
    means: Arc<Means>,
    stock: Stock,
    /// The shared connections; which one is next.
    shared: Mutex<Vec<Multiplexer>>,
    next_shared: AtomicUsize,
    dialling: tokio::sync::Mutex<Option<(Tick, Arc<Error>)>>,
    leashes: Mutex<Vec<Weak<Leash>>>,
    zone: OnceLock<String>,
    /// In microseconds; 0 = not measured.
    round_trip: AtomicU64,
    is_retired: AtomicBool,
    uses: AtomicU8,
    /// Whether it stops taking writes when it is cut off, as far as is known.
    is_fenced: AtomicBool,
    is_weakness_told: AtomicBool,
}

/// What a server is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    Master,
    Replica,
}

/// What all servers of a pool are used with.
#[derive(Debug)]
pub(super) struct Means {
    pub(super) settings: PoolSettings,
    pub(super) dialer: Dialer,
    pub(super) clock: Clock,
    pub(super) counters: Counters,
    pub(super) chance: Mutex<Chance>,
    /// Whether somebody reads by distance or by zone.
    pub(super) is_measuring: AtomicBool,
}

/// Which kinds of connection are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) shared: bool,
    pub(super) tasks: bool,
    pub(super) threads: bool,
}

impl Means {
    pub(super) fn tick(&self) -> Tick {
        self.clock.tick()
    }

    /// Takes note that somebody reads by this policy; what it has to know of the servers is learned from here on.
    pub(super) fn note_policy(&self, policy: &ReadFrom) {
        if policy.wants_measures() {
            self.is_measuring.store(true, Ordering::Relaxed);
        }
    }

    /// A random span between nothing and `most`.
    pub(super) fn part_of(&self, most: Millis) -> Millis {
        self.between(Millis::ZERO, most)
    }

    /// A random number.
    pub(super) fn draw(&self) -> u64 {
        self.between(Millis::ZERO, Millis::new(u64::MAX)).as_ms()
    }

    fn between(&self, low: Millis, high: Millis) -> Millis {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).between(low, high)
    }

    fn kind(&self) -> ServerKind {
        ServerKind::Data { database: self.settings.database }
    }

    /// An hour, or whatever is set, give or take a tenth, so that connections made together do not end together.
    fn new_age(&self) -> Age {
        let tenth = Millis::new(self.settings.max_life.as_ms() / 10);
        let life = self.settings.max_life.as_ms() - tenth.as_ms() + self.part_of(tenth.times(2)).as_ms();
        Age::new(self.tick(), Millis::new(life))
    }
}

impl Node {
    pub(super) fn new(address: Endpoint, generation: Generation, duty: Duty, means: Arc<Means>) -> Arc<Self> {
        let PoolSettings { max, max_waiters, idle_ttl, .. } = means.settings;
        Arc::new(Self {
            address,
            generation,
            duty,
            stock: Stock::new(Bounds { max, max_waiters, idle_ttl }),
            means,
            shared: Mutex::default(),
            next_shared: AtomicUsize::new(0),
            dialling: tokio::sync::Mutex::default(),
            leashes: Mutex::default(),
            zone: OnceLock::new(),
            round_trip: AtomicU64::new(0),
            is_retired: AtomicBool::new(false),
            uses: AtomicU8::new(0),
            is_fenced: AtomicBool::new(false),
            is_weakness_told: AtomicBool::new(false),
        })
    }

    pub(super) fn address(&self) -> &Endpoint {
        &self.address
    }

    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    pub(super) fn duty(&self) -> Duty {
        self.duty
    }

    pub(super) fn stock(&self) -> &Stock {
        &self.stock
    }

    /// A shared connection that is open, when there are as many as there may be.
    pub(super) fn open_shared(&self) -> Option<Multiplexer> {
        let shared = self.shared();
        if shared.len() < self.means.settings.multiplexed {
            return None;
        }
        let at = self.next_shared.fetch_add(1, Ordering::Relaxed) % shared.len();
        shared.get(at).filter(|connection| connection.is_open()).cloned()
    }

    /// A shared connection; one that is missing is made, by one caller for all.
    ///
    /// # Errors
    /// Those of dialling, each with the outcome [`Outcome::NotSent`].
    pub(super) async fn shared_connection(self: &Arc<Self>, patience: Millis) -> Result<Multiplexer> {
        if let Some(open) = self.open_shared() {
            return Ok(open);
        }
        let asked = self.means.tick();
        let mut last_failure = self.dialling.lock().await;
        if let Some(open) = self.open_shared() {
            return Ok(open);
        }
        if let Some((when, failure)) = last_failure.as_ref().filter(|(when, _)| *when >= asked) {
            let _ = when;
            return Err(again(failure, &self.address));
        }
        match self.dial(patience).await {
            Ok(connection) => {
                *last_failure = None;
                Ok(self.share(connection))
            }
            Err(error) => {
                let copy = again(&error, &self.address);
                *last_failure = Some((self.means.tick(), Arc::new(error)));
                Err(copy)
            }
        }
    }

    /// Adds a connection to the shared ones.
    pub(super) fn share(&self, connection: Connection) -> Multiplexer {
        let Means { clock, settings, .. } = &*self.means;
        let Connection { stream, decoder, .. } = connection;
        self.uses.fetch_or(SHARED, Ordering::Relaxed);
        let fresh = Multiplexer::start(stream, decoder, *clock, settings.response_timeout);
        let mut shared = self.shared();
        shared.retain(Multiplexer::is_open);
        shared.push(fresh.clone());
        drop(shared);
        if self.is_retired() {
            fresh.cut(Tick::START);
        }
        fresh
    }

    /// Connects and greets, and sees whether the server is what it is taken for.
    pub(super) async fn dial(&self, patience: Millis) -> Result<Connection> {
        let dialled = self.means.dialer.dial(&self.address, self.means.kind(), patience).await;
        self.admit(dialled, |connection| &connection.welcome)
    }

    fn dial_blocking(&self, patience: Millis) -> Result<BlockingConnection> {
        let dialled = self.means.dialer.dial_blocking(&self.address, self.means.kind(), patience);
        self.admit(dialled, |connection| &connection.welcome)
    }

    fn admit<C>(&self, dialled: Result<C>, welcome: impl Fn(&C) -> &Welcome) -> Result<C> {
        let judged = dialled.and_then(|connection| {
            let Welcome { role, zone, .. } = welcome(&connection);
            if let Some(zone) = zone {
                self.zone.get_or_init(|| zone.clone());
            }
            let fits = match self.duty {
                Duty::Master => role.is_master() || *role == ServerRole::Unknown,
                Duty::Replica => role.is_connected_replica() || *role == ServerRole::Unknown,
            };
            fits.then_some(connection).ok_or_else(|| self.misfit())
        });
        match judged {
            Ok(connection) => {
                self.means.counters.dials.add();
                Ok(connection)
            }
            Err(error) => {
                self.means.counters.failed_dials.add();
                Err(error.with_outcome(Outcome::NotSent))
            }
        }
    }

    fn misfit(&self) -> Error {
        let (kind, what) = match self.duty {
            Duty::Master => (ErrorKind::MasterNotReady, "the server is no master"),
            Duty::Replica => (ErrorKind::NoReplica, "the server is no replica that has its master's data"),
        };
        Error::new(kind, "connect", what).at(&self.address)
    }

    /// Lets nothing begin any more: idle connections end, and writes that are under way. Reads may go on until `until`.
    pub(super) fn retire(&self, until: Tick) {
        self.is_retired.store(true, Ordering::SeqCst);
        self.stock.close();
        self.leashes().iter().filter_map(Weak::upgrade).for_each(|leash| leash.cut_writes());
        self.shared().iter().for_each(|shared| shared.cut(until));
    }

    /// Ends what [`Node::retire`] let go on.
    pub(super) fn end(&self) {
        self.leashes().iter().filter_map(Weak::upgrade).for_each(|leash| leash.cut_all());
        self.shared().clear();
    }

    /// Drops all connections that are not in use and cuts the shared ones, because nobody knows whether they are alive.
    pub(super) fn distrust(&self, until: Tick) {
        let shared = std::mem::take(&mut *self.shared());
        for connection in shared {
            connection.cut(until);
        }
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::SeqCst)
    }

    /// Whether it is set to stop taking writes when it is cut off from its replicas.
    pub(super) fn is_fenced(&self) -> bool {
        self.is_fenced.load(Ordering::Relaxed)
    }

    pub(super) fn note_fence(&self, is_fenced: bool) {
        self.is_fenced.store(is_fenced, Ordering::Relaxed);
    }

    /// Whether nobody was told yet that it takes writes when it is cut off; from then on somebody is.
    pub(super) fn is_weakness_news(&self) -> bool {
        !self.is_weakness_told.swap(true, Ordering::Relaxed)
    }

    /// Commands on shared connections that have no reply yet.
    pub(super) fn shared_in_flight(&self) -> usize {
        self.shared().iter().map(Multiplexer::in_flight).sum()
    }

    /// Which kinds of connection are used.
    pub(super) fn uses(&self) -> Uses {
        let used = |kind: u8| self.uses.load(Ordering::Relaxed) & kind != 0;
        Uses { shared: used(SHARED), tasks: used(TASKS), threads: used(THREADS) }
    }

    pub(super) fn clock(&self) -> Clock {
        self.means.clock
    }

    /// A server's answer to a command, over a shared connection; `None` when there is none in time.
    pub(super) async fn ask(self: &Arc<Self>, command: &Command, patience: Millis) -> Option<Value> {
        let now = self.means.tick();
        let shared = self.shared_connection(patience).await.ok()?;
        let (done, replied) = oneshot::channel();
        let terms = Terms { class: command.class(), deadline: now.after(patience), done: Done::Channel(done) };
        shared.send(Parcel::one(command), terms, now).ok()?;
        let value = replied.await.ok()?.ok()?.one();
        (!matches!(value, Value::Error(_))).then_some(value)
    }

    /// Takes a measured answer to PING into account.
    pub(super) fn note_round_trip(&self, microseconds: u64) {
        let old = self.round_trip.load(Ordering::Relaxed);
        let new = if old == 0 { microseconds } else { (old * 7 + microseconds) / 8 };
        self.round_trip.store(new.max(1), Ordering::Relaxed);
    }

    fn keep_leash(&self, leash: &Arc<Leash>, kind: u8) {
        self.uses.fetch_or(kind, Ordering::Relaxed);
        let mut leashes = self.leashes();
        if leashes.len() >= self.means.settings.max * 2 {
            leashes.retain(|leash| leash.strong_count() > 0);
        }
        leashes.push(Arc::downgrade(leash));
        drop(leashes);
        // A switch that looked at the leashes a moment ago did not see this one.
        if self.is_retired() {
            leash.cut_all();
        }
    }

    fn shared(&self) -> MutexGuard<'_, Vec<Multiplexer>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leashes(&self) -> MutexGuard<'_, Vec<Weak<Leash>>> {
        self.leashes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place for Arc<Node> {
    fn zone(&self) -> Option<&str> {
        self.zone.get().map(String::as_str)
    }

    fn round_trip(&self) -> Option<u64> {
        Some(self.round_trip.load(Ordering::Relaxed)).filter(|measured| *measured > 0)
    }

    fn in_flight(&self) -> usize {
        self.stock.count().in_use + self.shared_in_flight()
    }
}

/// The same failure for another caller.
fn again(error: &Error, address: &Endpoint) -> Error {
    Error::new(error.kind(), error.operation(), error.subject()).with_outcome(Outcome::NotSent).at(address)
}

const SHARED: u8 = 1;
const TASKS: u8 = 2;
const THREADS: u8 = 4;

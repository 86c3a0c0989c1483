//! Decides how the modelled data server behaves: roles, offsets, INFO, the transaction that moves it.
//!
//! It keeps no data. It mirrors what a sentinel can see of redis-server: PING, INFO, PUBLISH and SUBSCRIBE,
//! SLAVEOF inside MULTI, CLIENT KILL, and the offsets of replication.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use crate::{
    resp::{Request, Value},
    testing::sim::info::{ListedReplica, ReplicaStanding, Standing},
    types::{Millis, RunId},
};

/// A connection to a modelled server.
pub(super) type Conn = u64;

/// One modelled data server.
#[derive(Clone, Debug)]
pub struct ModelServer {
    /// Where it listens.
    pub address: SocketAddr,
    /// The master it follows; `None` = it is a master.
    pub follows: Option<SocketAddr>,
    /// Its replication offset.
    pub offset: u64,
    /// `replica-priority`; 0 = never promote.
    pub priority: i64,
    /// Whether its replication link is up; kept by the world.
    pub link_up: bool,
    /// Since when its replication link is down, in milliseconds of the world's time.
    pub link_down_since: u64,
    /// How long it takes to come up behind a new master, in milliseconds.
    pub sync_takes: u64,
    /// When it last became a master; a replica has none.
    pub master_since: Option<u64>,
    /// Whether it refuses transactions, as an ACL would have it.
    pub refuses_exec: bool,
    pub(super) run_id: RunId,
    pub(super) subscribers: BTreeSet<Conn>,
    queued: BTreeMap<Conn, Vec<Request>>,
}

/// What a command makes a modelled server do, beside its answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Effect {
    /// Deliver this payload to the subscribers.
    Publish(Vec<u8>),
    /// End all connections but this one; those that subscribe, or the others.
    Kill(Kill),
    /// The role changed.
    Moved,
}

/// Which connections `CLIENT KILL` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kill {
    Normal,
    PubSub,
}

impl ModelServer {
    pub(super) fn new(address: SocketAddr, follows: Option<SocketAddr>, run_id: RunId) -> Self {
        Self {
            address,
            follows,
            offset: 1,
            priority: 100,
            link_up: follows.is_some(),
            link_down_since: 0,
            sync_takes: 0,
            master_since: follows.is_none().then_some(0),
            refuses_exec: false,
            run_id,
            subscribers: BTreeSet::new(),
            queued: BTreeMap::new(),
        }
    }

    /// Forgets what a restart forgets.
    pub(super) fn reboot(&mut self, run_id: RunId, now: u64) {
        self.run_id = run_id;
        self.subscribers.clear();
        self.queued.clear();
        self.link_down_since = now;
        self.link_up = false;
    }

    pub(super) fn disconnect(&mut self, conn: Conn) {
        self.subscribers.remove(&conn);
        self.queued.remove(&conn);
    }

    /// Answers one command; `replicas` are the addresses and offsets of the servers that follow this one.
    pub(super) fn answer(
        &mut self,
        now: u64,
        conn: Conn,
        request: &Request,
        replicas: &[(SocketAddr, u64)],
    ) -> (Value, Vec<Effect>) {
        let name = request.text(0).unwrap_or_default().to_ascii_uppercase();
        if name != "EXEC"
            && let Some(queue) = self.queued.get_mut(&conn)
        {
            queue.push(request.clone());
            return (Value::Simple("QUEUED".into()), Vec::new());
        }
        match name.as_str() {
            "MULTI" => {
                self.queued.insert(conn, Vec::new());
                (Value::ok(), Vec::new())
            }
            "EXEC" => self.execute(now, conn, replicas),
            "PING" => (Value::Simple("PONG".into()), Vec::new()),
            "INFO" => (Value::bulk(self.info(now, replicas)), Vec::new()),
            "SUBSCRIBE" => {
                self.subscribers.insert(conn);
                let channel = Value::bulk(request.word(1).unwrap_or_default());
                (Value::Array(vec![Value::bulk("subscribe"), channel, Value::Integer(1)]), Vec::new())
            }
            "PUBLISH" => {
                let payload = request.word(2).unwrap_or_default().to_vec();
                (Value::Integer(self.subscribers.len() as i64), vec![Effect::Publish(payload)])
            }
            "SLAVEOF" => (Value::ok(), self.follow(now, request)),
            "CLIENT" if request.is(1, "KILL") => {
                let kill = if request.is(3, "pubsub") { Kill::PubSub } else { Kill::Normal };
                (Value::Integer(0), vec![Effect::Kill(kill)])
            }
            _ => (Value::ok(), Vec::new()),
        }
    }

    fn execute(&mut self, now: u64, conn: Conn, replicas: &[(SocketAddr, u64)]) -> (Value, Vec<Effect>) {
        let queue = self.queued.remove(&conn).unwrap_or_default();
        if self.refuses_exec {
            return (Value::error("EXECABORT Transaction discarded because of previous errors."), Vec::new());
        }
        let answered: Vec<_> = queue.iter().map(|request| self.answer(now, conn, request, replicas)).collect();
        let (values, effects): (Vec<_>, Vec<_>) = answered.into_iter().unzip();
        (Value::Array(values), effects.concat())
    }

    fn follow(&mut self, now: u64, request: &Request) -> Vec<Effect> {
        let target = format!("{}:{}", request.text(1).unwrap_or_default(), request.text(2).unwrap_or_default());
        let target = if request.is(1, "NO") { None } else { target.parse().ok() };
        if target != self.follows {
            self.follows = target;
            self.link_up = false;
            self.link_down_since = now;
            self.master_since = target.is_none().then_some(now);
        }
        vec![Effect::Moved]
    }

    fn info(&self, now: u64, replicas: &[(SocketAddr, u64)]) -> String {
        let listed = |&(address, offset): &(SocketAddr, u64)| ListedReplica {
            host: address.ip().to_string(),
            port: address.port(),
            offset,
            lag: Millis::ZERO,
        };
        let listed: Vec<_> = replicas.iter().map(listed).collect();
        let host = self.follows.map(|master| master.ip().to_string());
        let standing = match (self.follows, &host) {
            (Some(master), Some(host)) => Standing::Replica(ReplicaStanding {
                host,
                port: master.port(),
                down_for: (!self.link_up).then(|| Millis::new(now.saturating_sub(self.link_down_since))),
                offset: self.offset,
                priority: self.priority,
                is_announced: true,
            }),
            _ => Standing::Master(&listed),
        };
        format!("# Server\r\nrun_id:{}\r\n{}", self.run_id, standing.lines())
    }
}

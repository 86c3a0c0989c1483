//! A world of scripted sentinels and servers around a finder, on a clock of its own.

use std::{collections::BTreeMap, sync::Arc};

use super::properties::nonsense;
use crate::{
    error::ErrorKind,
    finder::{
        Event, EventKind, Finder, FinderSettings, Input, Output, Phase, Purpose, Topology, Verdict, notice::CHANNELS,
    },
    resp::{Request, Value},
    types::{Endpoint, Epoch, LinkId, MasterName, Millis, Now, RunId, Tick, UnixMs},
};

/// The name of the master in most tests.
pub(super) const CART: &str = "cart";

/// How a sentinel behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// It answers.
    Well,
    /// It accepts connections and says nothing.
    Silent,
    /// It refuses connections.
    Gone,
    /// It answers every question with this error.
    Refusing(&'static str),
    /// It answers with whatever this number yields.
    Nonsense(u32),
}

/// What a sentinel says of the master: where, with which epoch; `None` when it monitors none.
pub(super) type View = Option<(u16, u64)>;

/// A scripted sentinel.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub(super) manner: Manner,
    pub(super) view: View,
    pub(super) delay: u64,
    /// The links that listen to it.
    pub(super) listeners: Vec<LinkId>,
}

/// How a server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    Master,
    Replica,
    Loading,
    Gone,
    Silent,
}

/// A finder with all that it talks to.
#[derive(Clone)]
pub(super) struct World {
    pub(super) finder: Finder,
    pub(super) now: Tick,
    pub(super) actors: Vec<Actor>,
    pub(super) servers: BTreeMap<u16, Server>,
    pub(super) events: Vec<Event>,
    pub(super) topologies: Vec<Arc<Topology>>,
    pub(super) surveyed: Vec<Vec<MasterName>>,
    /// How many outputs of any kind there were.
    pub(super) outputs: usize,
    links: BTreeMap<LinkId, (usize, Purpose)>,
    coming: BTreeMap<(Tick, u64), Input>,
    sent: u64,
}

impl World {
    /// Sentinels that all name the server at port 6301 with epoch 1; the servers at 6302 and 6303 are its replicas.
    pub(super) fn new(sentinels: u16) -> Self {
        Self::with(sentinels, |_| {})
    }

    pub(super) fn with(sentinels: u16, change: impl Fn(&mut FinderSettings)) -> Self {
        let mut settings = FinderSettings::new((0..sentinels).map(|index| at(26_001 + index)).collect());
        change(&mut settings);
        let actor = Actor { manner: Manner::Well, view: Some((6301, 1)), delay: 1, listeners: Vec::new() };
        let servers = [(6301, Server::Master), (6302, Server::Replica), (6303, Server::Replica)];
        let mut world = Self {
            finder: Finder::new(settings, 7, Now::default()),
            now: Tick::START,
            actors: vec![actor; usize::from(sentinels)],
            servers: BTreeMap::from(servers),
            events: Vec::new(),
            topologies: Vec::new(),
            surveyed: Vec::new(),
            outputs: 0,
            links: BTreeMap::new(),
            coming: BTreeMap::new(),
            sent: 0,
        };
        world.drain();
        world
    }

    /// The same world, in which the master has been found.
    pub(super) fn found(mut self) -> Self {
        self.news(Input::Wanted(cart()));
        self.run_for(100);
        assert_eq!((self.phase(), self.master()), (Phase::Up, Some(6301)));
        self
    }

    pub(super) fn topology(&self) -> &Topology {
        self.finder.topology(&cart()).expect("the master is wanted")
    }

    pub(super) fn phase(&self) -> Phase {
        self.topology().phase
    }

    /// The port of the master in place.
    pub(super) fn master(&self) -> Option<u16> {
        self.topology().master.as_ref().map(Endpoint::port)
    }

    pub(super) fn news(&mut self, input: Input) {
        self.finder.handle(self.moment(), input);
        self.drain();
    }

    /// Lets time pass.
    pub(super) fn run_for(&mut self, ms: u64) {
        let end = self.now.after(Millis::new(ms));
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until a condition holds; the span it took.
    pub(super) fn run_until(&mut self, limit: u64, holds: impl Fn(&Self) -> bool) -> u64 {
        let took = self.try_until(limit, holds);
        took.unwrap_or_else(|| panic!("not within {limit} ms: {:#?}", self.topology()))
    }

    /// Lets time pass until a condition holds; `None` when it does not within `limit`.
    pub(super) fn try_until(&mut self, limit: u64, holds: impl Fn(&Self) -> bool) -> Option<u64> {
        let begin = self.now;
        let end = begin.after(Millis::new(limit));
        while !holds(self) {
            self.step(end).then_some(())?;
        }
        Some(self.now.since(begin).as_ms())
    }

    /// Handles the next thing that happens until `end`; whether there was one.
    fn step(&mut self, end: Tick) -> bool {
        let coming = self.coming.keys().next().copied();
        let deadline = self.finder.deadline().map(|(due, _)| due.max(self.now));
        match (coming, deadline) {
            (Some(key), due) if key.0 <= end && due.is_none_or(|due| key.0 <= due) => {
                self.now = key.0.max(self.now);
                let input = self.coming.remove(&key).expect("it was there");
                self.news(input);
                true
            }
            (_, Some(due)) if due <= end => {
                self.now = due;
                self.news(Input::Elapsed);
                true
            }
            _ => false,
        }
    }

    /// A sentinel publishes an event to whoever listens.
    pub(super) fn publish(&mut self, actor: usize, channel: &str, payload: &str) {
        for link in self.actors[actor].listeners.clone() {
            let payload = payload.as_bytes().to_vec();
            self.later(1, Input::Heard { link, channel: channel.to_owned(), payload });
        }
    }

    /// An event about a replica of the master.
    pub(super) fn publish_replica(&mut self, actor: usize, channel: &str, replica: u16, master: u16) {
        let payload = format!("slave 127.0.0.1:{replica} 127.0.0.1 {replica} @ cart 127.0.0.1 {master}");
        self.publish(actor, channel, &payload);
    }

    /// All connections to a sentinel end, and no other is accepted.
    pub(super) fn kill_sentinel(&mut self, actor: usize) {
        self.actors[actor].manner = Manner::Gone;
        self.actors[actor].listeners.clear();
        let ended: Vec<_> = self.links.iter().filter(|(_, (of, _))| *of == actor).map(|(link, _)| *link).collect();
        for link in ended {
            self.links.remove(&link);
            self.later(0, closed(link));
        }
    }

    pub(super) fn has_event(&self, wanted: impl Fn(&EventKind) -> bool) -> bool {
        self.events.iter().any(|event| wanted(&event.kind))
    }

    fn moment(&self) -> Now {
        Now { tick: self.now, unix: UnixMs::from_ms(1_700_000_000_000 + self.now.as_ms()) }
    }

    pub(super) fn later(&mut self, ms: u64, input: Input) {
        self.sent += 1;
        self.coming.insert((self.now.after(Millis::new(ms)), self.sent), input);
    }

    fn drain(&mut self) {
        while let Some(output) = self.finder.poll_output() {
            self.outputs += 1;
            self.carry_out(output);
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Open { link, target, purpose } => {
                let actor = usize::from(target.port().wrapping_sub(26_001));
                let Some(known) = self.actors.get(actor) else { return self.later(1, closed(link)) };
                let delay = known.delay;
                if known.manner == Manner::Gone {
                    return self.later(delay, closed(link));
                }
                self.links.insert(link, (actor, purpose));
                self.later(delay, Input::LinkOpened { link });
            }
            Output::Close { link } => {
                if let Some((actor, _)) = self.links.remove(&link) {
                    self.actors[actor].listeners.retain(|other| *other != link);
                }
            }
            Output::Send { link, request, command } => {
                let Some((actor, purpose)) = self.links.get(&link).copied() else { return };
                if purpose == Purpose::Watch
                    && command.is(0, "subscribe")
                    && command.text(1) == CHANNELS.last().copied()
                {
                    self.actors[actor].listeners.push(link);
                }
                if let Some(value) = self.actors[actor].answer(&command, actor) {
                    self.later(self.actors[actor].delay, Input::Answer { link, request, value });
                }
            }
            Output::Verify { trial, target, .. } => {
                if let Some(verdict) = verdict(self.servers.get(&target.port())) {
                    self.later(1, Input::Verified { trial, verdict });
                }
            }
            Output::Surveyed(names) => self.surveyed.push(names),
            Output::Publish(event) => self.events.push(event),
            Output::Changed(topology) => self.topologies.push(topology),
        }
    }
}

impl Actor {
    fn answer(&self, command: &Request, own: usize) -> Option<Value> {
        match self.manner {
            Manner::Silent | Manner::Gone => return None,
            Manner::Refusing(text) => return Some(Value::error(text)),
            Manner::Nonsense(number) => return Some(nonsense(number ^ (command.len() as u32 * 7))),
            Manner::Well => {}
        }
        let view = self.view.filter(|_| command.text(2).is_none_or(|name| name == CART));
        Some(match (command.text(0)?, command.text(1).unwrap_or("")) {
            ("PING", _) => Value::Array(vec![Value::bulk("pong"), Value::bulk("")]),
            ("SUBSCRIBE", channel) => {
                Value::Array(vec![Value::bulk("subscribe"), Value::bulk(channel), Value::Integer(1)])
            }
            (_, "MYID") => Value::bulk(run_id(own).as_str()),
            (_, "GET-MASTER-ADDR-BY-NAME") => view.map_or(Value::NullArray, |(port, _)| {
                Value::Array(vec![Value::bulk("127.0.0.1"), Value::bulk(port.to_string())])
            }),
            (_, "MASTER") => match view {
                Some((_, epoch)) => flat(&[
                    ("name", CART),
                    ("flags", "master"),
                    ("num-other-sentinels", "2"),
                    ("config-epoch", &epoch.to_string()),
                    ("down-after-milliseconds", "1000"),
                ]),
                None => Value::error("ERR No such master with that name"),
            },
            (_, "REPLICAS") => {
                Value::Array([6301, 6302, 6303].iter().filter_map(|port| replica(*port, view?.0)).collect())
            }
            (_, "MASTERS") => Value::Array(view.iter().map(|_| flat(&[("name", CART)])).collect()),
            _ => Value::Array(Vec::new()),
        })
    }
}

fn replica(port: u16, master: u16) -> Option<Value> {
    let text = port.to_string();
    (port != master).then(|| {
        flat(&[
            ("ip", "127.0.0.1"),
            ("port", &text),
            ("flags", "slave"),
            ("master-link-status", "ok"),
            ("master-host", "127.0.0.1"),
            ("master-port", &master.to_string()),
            ("slave-repl-offset", &text),
            ("slave-priority", "100"),
        ])
    })
}

fn verdict(server: Option<&Server>) -> Option<Verdict> {
    match server {
        Some(Server::Master) => Some(Verdict::Master),
        Some(Server::Replica) => Some(Verdict::Replica { of: None }),
        Some(Server::Loading) => Some(Verdict::NotReady("LOADING".to_owned())),
        Some(Server::Silent) => None,
        Some(Server::Gone) | None => {
            Some(Verdict::Failed { kind: ErrorKind::Connection, reason: "connection refused".to_owned() })
        }
    }
}

pub(super) fn flat(fields: &[(&str, &str)]) -> Value {
    Value::Array(fields.iter().flat_map(|(name, value)| [Value::bulk(name), Value::bulk(value)]).collect())
}

fn closed(link: LinkId) -> Input {
    Input::LinkClosed { link, kind: ErrorKind::Connection, reason: "connection refused".to_owned() }
}

pub(super) fn run_id(actor: usize) -> RunId {
    RunId::from_bytes([actor as u8; 20])
}

pub(super) fn cart() -> MasterName {
    MasterName::parse(CART).expect("a good name")
}

pub(super) fn at(port: u16) -> Endpoint {
    Endpoint::parse("127.0.0.1", port).expect("a good address")
}

pub(super) fn epoch(number: u64) -> Epoch {
    Epoch::new(number)
}

//! One machine on a bench: its servers, peers and disk are stand-ins, and everything it sends is kept.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use sentinelle::{
    config::{MasterSettings, Periods, Settings},
    machine::{Event, EventKind, Input, Machine, Output},
    resp::{Request, Value},
    types::{ClientId, Endpoint, LinkId, MasterName, Millis, Now, RequestId, StoreId, Tick, UnixMs},
};

use crate::stand_in::{Mood, Peer, Server, run_id};

pub(crate) const MASTER: u16 = 7_000;
pub(crate) const REPLICAS: [u16; 2] = [7_001, 7_002];
pub(crate) const PEERS: [u16; 2] = [26_001, 26_002];
pub(crate) const DOWN_AFTER: u64 = 1_000;
pub(crate) const FAILOVER_TIMEOUT: u64 = 60_000;

/// What a disk does with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    /// It is done a millisecond later.
    Works,
    /// It fails a millisecond later.
    Full,
    /// It is not done until the disk works again.
    Hangs,
}

/// A command the machine sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: u64,
    pub(crate) to: u16,
    pub(crate) words: String,
}

impl Sent {
    /// Whether it says hello.
    pub(crate) fn is_hello(&self) -> bool {
        self.words.starts_with("PUBLISH __sentinel__:hello ")
    }
}

pub(crate) struct Bench {
    pub(crate) machine: Machine,
    pub(crate) now: u64,
    pub(crate) servers: BTreeMap<u16, Server>,
    pub(crate) peers: BTreeMap<u16, Peer>,
    pub(crate) disk: Disk,
    pub(crate) sent: Vec<Sent>,
    pub(crate) events: Vec<(u64, Event)>,
    pub(crate) log: Vec<String>,
    /// All that was to be stored, in order.
    pub(crate) stores: Vec<Settings>,
    /// The host names that were to be looked up.
    pub(crate) lookups: Vec<String>,
    /// The addresses that were dialled.
    pub(crate) dialled: Vec<SocketAddr>,
    hanging: Vec<StoreId>,
    replies: BTreeMap<ClientId, Vec<Value>>,
    links: BTreeMap<LinkId, u16>,
    held: Vec<(u16, LinkId, RequestId, Request)>,
    queue: BTreeMap<(u64, u64), Input>,
    sequence: u64,
    clients: u64,
}

/// The settings of a sentinel that knows one master, with replicas and peers, and quorum 2.
pub(crate) fn settings() -> Settings {
    let name = MasterName::parse("mymaster").expect("a plain word is a name");
    let mut master = MasterSettings::new(name, loopback(MASTER), 2, &Periods::default());
    master.down_after = Millis::new(DOWN_AFTER);
    master.failover_timeout = Millis::new(FAILOVER_TIMEOUT);
    master.replicas = REPLICAS.map(loopback).to_vec();
    master.sentinels = PEERS.iter().zip(['1', '2']).map(|(&port, digit)| (loopback(port), run_id(digit))).collect();
    Settings { my_id: Some(run_id('0')), masters: vec![master], ..Settings::default() }
}

pub(crate) fn loopback(port: u16) -> Endpoint {
    Endpoint::parse("127.0.0.1", port).expect("a number is an address")
}

impl Bench {
    /// A group of three sentinels, two of them stand-ins that agree to everything, watched for three seconds.
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let me = settings.my_id.clone().expect("these settings have an identity");
        let mut servers = BTreeMap::from([(MASTER, Server::new(None))]);
        servers.extend(REPLICAS.map(|port| (port, Server::new(Some(MASTER)))));
        let now = 1_000;
        let mut bench = Self {
            machine: Machine::new(settings, me, 7, moment(now)),
            now,
            servers,
            peers: PEERS.into_iter().zip(['1', '2'].map(Peer::new)).collect(),
            disk: Disk::Works,
            sent: Vec::new(),
            events: Vec::new(),
            log: Vec::new(),
            stores: Vec::new(),
            lookups: Vec::new(),
            dialled: Vec::new(),
            hanging: Vec::new(),
            replies: BTreeMap::new(),
            links: BTreeMap::new(),
            held: Vec::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            clients: 0,
        };
        bench.drain();
        bench.run(3_000);
        bench
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, span: u64) {
        let end = self.now + span;
        self.run_until(span, |_| false);
        self.now = end;
    }

    /// Lets time pass until the condition holds; whether it came to hold within `limit` milliseconds.
    pub(crate) fn run_until(&mut self, limit: u64, condition: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if condition(self) {
                return true;
            }
            let planned = self.queue.first_key_value().map(|(&(at, _), _)| at);
            let deadline = self.machine.deadline().map(|(at, _)| at.as_ms());
            let Some(next) = planned.into_iter().chain(deadline).min().filter(|&next| next <= end) else {
                return false;
            };
            self.now = self.now.max(next);
            let input = match self.queue.first_entry() {
                Some(entry) if entry.key().0 <= self.now => entry.remove(),
                Some(_) | None => Input::Elapsed,
            };
            self.feed(input);
        }
    }

    /// Lets time pass until an event of this kind, whose moment is given.
    pub(crate) fn await_event(&mut self, limit: u64, kind: EventKind) -> u64 {
        let known = self.events.len();
        let is_it = |(_, event): &&(u64, Event)| event.kind == kind;
        assert!(
            self.run_until(limit, |bench| bench.events[known..].iter().any(|event| is_it(&event))),
            "no {} within {limit} ms:\n{}",
            kind.name(),
            self.story(known.saturating_sub(10))
        );
        self.events[known..].iter().find(is_it).map_or(0, |(at, _)| *at)
    }

    fn story(&self, from: usize) -> String {
        let lines = self.events[from..].iter().take(40).map(|(at, e)| format!("{at} {} {}\n", e.kind.name(), e.text));
        lines.collect()
    }

    pub(crate) fn feed(&mut self, input: Input) {
        self.machine.handle(moment(self.now), input);
        self.drain();
        assert_eq!(self.machine.broken_invariant(), None, "at {}", self.now);
    }

    /// Sends a command as a client of its own; it goes on waiting when the answer has to wait.
    pub(crate) fn ask(&mut self, words: &[&str]) -> ClientId {
        self.clients += 1;
        let client = ClientId::new(self.clients);
        self.feed(Input::ClientOpened { client, address: None, local: None });
        self.feed(Input::Asked { client, request: Request::new(words.iter().map(|word| word.as_bytes())) });
        client
    }

    /// What a client was answered; `None` while it waits.
    pub(crate) fn reply(&self, client: ClientId) -> Option<&Value> {
        self.replies.get(&client)?.first()
    }

    /// Says hello in the name of a peer.
    pub(crate) fn hear_hello(&mut self, peer: u16, epoch: u64, master: u16, config_epoch: u64) {
        let id = &self.peers[&peer].id;
        let payload = format!("127.0.0.1,{peer},{id},{epoch},mymaster,127.0.0.1,{master},{config_epoch}");
        self.ask(&["PUBLISH", "__sentinel__:hello", &payload]);
    }

    pub(crate) fn silence(&mut self, port: u16) {
        self.set_mood(port, Mood::Silent);
    }

    /// Lets a silent one answer, first what it was asked meanwhile.
    pub(crate) fn wake(&mut self, port: u16) {
        self.set_mood(port, Mood::Awake);
        let (owed, held) = std::mem::take(&mut self.held).into_iter().partition(|(to, ..)| *to == port);
        self.held = held;
        let owed: Vec<_> = owed;
        for (_, link, request, command) in owed {
            self.serve(port, link, request, &command);
        }
    }

    /// Ends a server or peer: connections are reset, new ones refused.
    pub(crate) fn kill(&mut self, port: u16) {
        self.set_mood(port, Mood::Gone);
        let lost: Vec<LinkId> = self.links.iter().filter(|(_, to)| **to == port).map(|(link, _)| *link).collect();
        for link in lost {
            self.links.remove(&link);
            self.plan(1, Input::LinkClosed { link, reason: "Connection reset by peer".into() });
        }
    }

    fn set_mood(&mut self, port: u16, mood: Mood) {
        if let Some(server) = self.servers.get_mut(&port) {
            server.mood = mood;
        }
        if let Some(peer) = self.peers.get_mut(&port) {
            peer.mood = mood;
        }
    }

    fn mood(&self, port: u16) -> Mood {
        let server = self.servers.get(&port).map(|server| server.mood);
        server.or_else(|| self.peers.get(&port).map(|peer| peer.mood)).unwrap_or(Mood::Gone)
    }

    /// Lets the disk work again; what it had not done is done.
    pub(crate) fn mend_disk(&mut self) {
        self.disk = Disk::Works;
        for store in std::mem::take(&mut self.hanging) {
            self.plan(1, Input::Stored { store, result: Ok(()) });
        }
    }

    pub(crate) fn set_ballots(&mut self, ballot: &crate::stand_in::Ballot) {
        self.peers.values_mut().for_each(|peer| peer.ballot = ballot.clone());
    }

    /// The moments at which commands that begin so were sent to a port, at or after `since`.
    pub(crate) fn moments(&self, since: u64, to: u16, words: &str) -> Vec<u64> {
        let of_it = self.sent.iter().filter(|sent| sent.at >= since && sent.to == to && sent.words.starts_with(words));
        of_it.map(|sent| sent.at).collect()
    }

    /// The events of one kind, at or after `since`: when and what.
    pub(crate) fn events(&self, since: u64, kind: EventKind) -> Vec<(u64, &str)> {
        let of_it = self.events.iter().filter(|(at, event)| *at >= since && event.kind == kind);
        of_it.map(|(at, event)| (*at, event.text.as_str())).collect()
    }

    fn plan(&mut self, delay: u64, input: Input) {
        self.sequence += 1;
        self.queue.insert((self.now + delay, self.sequence), input);
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            self.carry_out(output);
        }
    }

    fn carry_out(&mut self, output: Output) {
        if let Output::Open { target, .. } = output {
            self.dialled.push(target);
        }
        match output {
            Output::Open { link, target } if self.mood(target.port()) == Mood::Gone => {
                self.plan(1, Input::LinkClosed { link, reason: "Connection refused".into() });
            }
            Output::Open { link, target } => {
                self.links.insert(link, target.port());
                self.plan(1, Input::LinkOpened { link, local: IpAddr::V4(Ipv4Addr::LOCALHOST) });
            }
            Output::Close { link } => {
                self.links.remove(&link);
                self.held.retain(|(_, of, ..)| *of != link);
            }
            Output::Send { link, request, command } => self.send(link, request, command),
            Output::Reply { client, values, .. } => self.replies.entry(client).or_default().extend(values),
            Output::Publish(event) => self.events.push((self.now, event)),
            Output::Log { text, .. } => self.log.push(text),
            Output::Store { store, settings } => {
                self.stores.push(*settings);
                match self.disk {
                    Disk::Works => self.plan(1, Input::Stored { store, result: Ok(()) }),
                    Disk::Full => self.plan(1, Input::Stored { store, result: Err("No space left on device".into()) }),
                    Disk::Hangs => self.hanging.push(store),
                }
            }
            Output::Resolve { host } => self.lookups.push(host),
            Output::Push { .. }
            | Output::Hangup { .. }
            | Output::RunScript { .. }
            | Output::KillScript { .. }
            | Output::Exit { .. } => {}
        }
    }

    fn send(&mut self, link: LinkId, request: RequestId, command: Request) {
        let Some(&to) = self.links.get(&link) else { return };
        let words: Vec<_> = command.words().iter().map(|word| String::from_utf8_lossy(word)).collect();
        self.sent.push(Sent { at: self.now, to, words: words.join(" ") });
        if self.mood(to) == Mood::Silent {
            self.held.push((to, link, request, command));
        } else {
            self.serve(to, link, request, &command);
        }
    }

    fn serve(&mut self, port: u16, link: LinkId, request: RequestId, command: &Request) {
        let followers = self.servers.iter().filter(|(_, server)| server.follows == Some(port));
        let followers: Vec<u16> = followers.map(|(port, _)| *port).collect();
        let (value, delay) = match (self.servers.get_mut(&port), self.peers.get(&port)) {
            (Some(server), _) => {
                let delay = if command.is(0, "INFO") { server.info_takes } else { 0 };
                (server.answer(self.now, port, command, &followers), delay)
            }
            (None, Some(peer)) => (peer.answer(command), 0),
            (None, None) => return,
        };
        self.plan(1 + delay, Input::Answer { link, request, value });
    }
}

fn moment(now: u64) -> Now {
    Now { tick: Tick::from_ms(now), unix: UnixMs::from_ms(1_795_000_000_000 + now) }
}

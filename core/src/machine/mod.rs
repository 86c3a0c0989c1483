//! The sentinel itself: a state machine that takes news and gives work, without doing any I/O.

mod admin;
mod correct;
mod deadline;
mod event;
mod failover;
mod hello;
mod input;
#[cfg(any(test, feature = "testing"))]
mod invariant;
mod links;
mod members;
mod objective;
mod output;
mod probe;
mod reset;
mod scripts;
mod simulate;
mod status;
mod store;
mod subjective;
mod tilt;
mod turn;
mod vote;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use admin::{Desk, Session};
use deadline::Deadlines;
pub use deadline::Why;
pub use event::{Event, EventKind};
pub use input::{Gauges, Input, ScriptExit};
pub use output::Output;
use scripts::ScriptDesk;
pub use simulate::CrashPoint;
use simulate::CrashPoints;
pub use status::{FailoverStatus, Health, LinkStatus, MasterStatus, PeerStatus, ReplicaStatus, Status};
use store::StoreDesk;

use crate::{
    config::Settings,
    model::{Group, Link, Node},
    types::{Chance, ClientId, Epoch, GroupId, LinkId, MasterName, NodeId, Now, RunId, Tick},
};

/// A sentinel without its senses: no socket, clock, file, thread or ambient randomness inside.
///
/// # Contract
/// - News goes in by [`Machine::handle`], one [`Input`] at a time, each with the moment it happened.
///   The steady clock of `now` never goes back.
/// - After each input the driver drains [`Machine::poll_output`] until it gives `None` and carries the
///   outputs out in order. Each may be carried out at once: what has to wait for the disk is not put
///   out before [`Input::Stored`] has come.
/// - Then it waits for news, at the latest until [`Machine::deadline`], and handles [`Input::Elapsed`].
/// - The same settings, identity, seed and inputs give the same outputs, byte for byte.
/// - No input makes it panic, loop or grow without bound.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    me: RunId,
    process_id: RunId,
    started: Now,
    chance: Chance,
    outputs: VecDeque<Output>,
    deadlines: Deadlines,
    store: StoreDesk,

    current_epoch: Epoch,
    groups: BTreeMap<GroupId, Group>,
    names: BTreeMap<MasterName, GroupId>,
    nodes: BTreeMap<NodeId, Node>,
    links: BTreeMap<LinkId, Link>,
    clients: BTreeMap<ClientId, Session>,
    desk: Desk,
    addresses: BTreeMap<(String, u16), BTreeSet<GroupId>>,
    resolving: BTreeMap<String, BTreeSet<LinkId>>,
    last_number: u64,
    /// The newest epoch in which votes were asked for, by anybody: elections for other masters may share it.
    election_epoch: Option<Epoch>,
    /// When another sentinel last told of a newer epoch.
    epoch_raised: Option<Tick>,
    scripts: ScriptDesk,
    crash_points: CrashPoints,

    /// Since when judgement is suspended.
    tilt: Option<Tick>,
    gauges: Gauges,
}

impl Machine {
    /// A sentinel with these settings, identity and seed, born at `now`.
    ///
    /// `process_id` names this run of the process; it is the `run_id` that `INFO` shows.
    pub fn new(settings: Settings, me: RunId, seed: u64, now: Now) -> Self {
        let mut chance = Chance::seeded(seed);
        let process_id = chance.run_id();
        let mut machine = Self {
            current_epoch: settings.current_epoch,
            desk: Desk::new(&settings.server),
            settings,
            me,
            process_id,
            started: now,
            chance,
            outputs: VecDeque::new(),
            deadlines: Deadlines::default(),
            store: StoreDesk::default(),
            groups: BTreeMap::new(),
            names: BTreeMap::new(),
            nodes: BTreeMap::new(),
            links: BTreeMap::new(),
            clients: BTreeMap::new(),
            addresses: BTreeMap::new(),
            resolving: BTreeMap::new(),
            last_number: 0,
            election_epoch: None,
            epoch_raised: None,
            scripts: ScriptDesk::default(),
            crash_points: CrashPoints::new(),
            tilt: None,
            gauges: Gauges::default(),
        };
        machine.open_desk();
        machine.begin(now);
        machine
    }

    /// Takes one piece of news.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.turn(now, input);
    }

    /// Looks for news at once: lost links are tried again, servers are asked for INFO and told a hello.
    ///
    /// [`Input::Elapsed`] has to follow. It changes no decision, only how soon there is something to decide on.
    pub fn look_around(&mut self, now: Now) {
        let nodes = self.nodes.keys().flat_map(|&node| [Why::Info(node), Why::Hello(node)]);
        let links = self.links.keys().map(|&link| Why::Reconnect(link));
        for why in nodes.chain(links) {
            if self.deadlines.get(why).is_some() {
                self.deadlines.bring_forward(why, now.tick);
            }
        }
    }

    /// The next piece of work, in order; `None` when there is nothing to do until news comes.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When the machine wants to be woken without news, and what for.
    pub fn deadline(&self) -> Option<(Tick, Why)> {
        self.deadlines.next()
    }
}

//! What holds whatever sentinels and servers do: lag, lie, fall silent, flap, or speak nonsense.
//!
//! A case is a short list of numbers, each of which is one move in a small world that has found its master; then all
//! is well again, and the finder has to see it.

use std::{collections::BTreeSet, sync::LazyLock};

use proptest::{
    collection::vec,
    prelude::{ProptestConfig, any},
    prop_assert, prop_assert_eq, proptest,
    test_runner::RngSeed,
};

use super::world::{Manner, Server, World, cart};
use crate::{
    finder::{
        AddressMap, Agreement, Input, Phase, Sign, answer,
        notice::{self, CHANNELS},
    },
    resp::Value,
    types::Millis,
};

/// A server port that nobody listens on.
const NOWHERE: u16 = 6309;

/// The ports of the servers.
const PORTS: [u16; 3] = [6301, 6302, 6303];

/// So many cases, the same in each run: a test that fails now and then stops those who did not break it.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() }
}

static FOUND: LazyLock<World> = LazyLock::new(|| world(Agreement::Newest).found());
static MAJORITY: LazyLock<World> = LazyLock::new(|| world(Agreement::Majority).found());

fn world(agreement: Agreement) -> World {
    World::with(3, |settings| {
        settings.agreement = agreement;
        settings.times.verify = Millis::new(300);
        settings.hold_max = Millis::new(500);
    })
}

proptest! {
    #![proptest_config(cases(10_000))]

    #[test]
    fn a_finder_never_falls_back_and_always_recovers(moves in vec(any::<u32>(), 1..8)) {
        let mut play = Play::of(FOUND.clone());

        for number in moves {
            play.make(number);
        }
        play.heal();

        let took = play.settle();
        prop_assert!(took.is_some(), "{}", play.tell());
        prop_assert_eq!(play.broken_rule(), None);
    }
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn a_majority_decides_where_one_is_asked_for(moves in vec(any::<u32>(), 1..8)) {
        let mut play = Play::of(MAJORITY.clone());

        for number in moves {
            play.make(number);
        }
        play.heal();

        prop_assert!(play.settle().is_some(), "{}", play.tell());
        prop_assert_eq!(play.broken_rule(), None);
    }

    #[test]
    fn nonsense_neither_stops_a_finder_nor_makes_it_grow(moves in vec(any::<u32>(), 1..8)) {
        let mut play = Play::of(FOUND.clone());

        for number in moves {
            play.speak_nonsense(number);
        }

        let seen = play.world.topology().sentinels.len();
        prop_assert!(seen <= 3 + 32, "{seen} sentinels");
        prop_assert!(play.world.outputs < 20_000, "{} outputs", play.world.outputs);
        play.heal();
        prop_assert!(play.settle().is_some(), "{}", play.tell());
    }
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn the_same_seed_and_news_give_the_same_work(moves in vec(any::<u32>(), 1..6)) {
        let mut play = Play::of(FOUND.clone());
        let mut again = Play::of(FOUND.clone());

        for number in moves {
            play.make(number);
            again.make(number);
        }

        prop_assert_eq!(&play.world.events, &again.world.events);
        prop_assert_eq!(&play.world.topologies, &again.world.topologies);
        prop_assert_eq!(play.world.outputs, again.world.outputs);
    }
}

proptest! {
    #![proptest_config(cases(85_000))]

    #[test]
    fn no_reply_and_no_payload_is_too_strange_to_read(number in any::<u64>(), text in vec(any::<u8>(), 0..24)) {
        let map = AddressMap::default();
        let value = nonsense(number as u32);
        let channel = CHANNELS[(number >> 32) as usize % CHANNELS.len()];

        let facts = answer::read_facts(&value);
        answer::read_word(&value, facts, Millis::ZERO, &map);
        answer::read_replicas(&value, &map);
        answer::read_peers(&value, &map);
        answer::read_names(&value);
        notice::read(channel, &text, &map);
        notice::read(channel, payload(number).as_bytes(), &map);
    }
}

#[test]
fn a_server_that_hung_when_it_was_promoted_is_asked_again_soon() {
    let mut play = Play::of(FOUND.clone());
    for number in [309_573_917, 4_203_041_810, 1_098_726_350, 3_222_978_049, 755_423_496] {
        play.make(number);
    }

    play.heal();

    assert!(play.settle().is_some(), "{}", play.tell());
}

/// A world with the truth about it.
struct Play {
    world: World,
    /// The port of the true master and its epoch.
    truth: (u16, u64),
    /// All that any sentinel ever said.
    claims: BTreeSet<(u16, u64)>,
    /// The servers that ever were masters.
    masters: BTreeSet<u16>,
}

impl Play {
    fn of(mut world: World) -> Self {
        world.topologies.clear();
        world.events.clear();
        Self { world, truth: (6301, 1), claims: BTreeSet::from([(6301, 1)]), masters: BTreeSet::from([6301]) }
    }

    /// One move: the lowest byte says which, the others with what; then some time passes.
    fn make(&mut self, number: u32) {
        let [kind, first, second, third] = number.to_le_bytes();
        let actor = usize::from(first) % 3;
        let port = PORTS[usize::from(second) % 3];
        match kind % 12 {
            0 => self.world.actors[actor].manner = manner(second),
            1 => self.fail_over(actor, second, third),
            2 => self.catch_up(actor),
            3 => self.claim(actor, (port, self.truth.1 - u64::from(third % 2 == 0 && self.truth.1 > 1))),
            4 => self.claim(actor, (NOWHERE, self.truth.1 + u64::from(third))),
            5 => self.change_server(port, third),
            6 => self.world.publish_replica(actor, "+failover-state-send-slaveof-noone", port, self.truth.0),
            7 => self.world.publish_replica(actor, "+promoted-slave", port, self.truth.0),
            8 => self.world.kill_sentinel(actor),
            9 => self.world.news(Input::Refresh(cart())),
            10 => self.complain(second),
            _ => self.world.actors[actor].delay = 1 + u64::from(second) % 64,
        }
        self.world.run_for(u64::from(third));
    }

    /// The truth changes; one sentinel knows.
    fn fail_over(&mut self, leader: usize, choice: u8, fate: u8) {
        let old = self.truth.0;
        let others: Vec<_> = PORTS.into_iter().filter(|port| *port != old).collect();
        self.truth = (others[usize::from(choice) % 2], self.truth.1 + 1);
        self.world.servers.insert(self.truth.0, Server::Master);
        self.masters.insert(self.truth.0);
        self.world.servers.insert(old, [Server::Master, Server::Replica, Server::Gone][usize::from(fate) % 3]);
        self.catch_up(leader);
    }

    /// A sentinel learns the truth.
    fn catch_up(&mut self, actor: usize) {
        let old = self.world.actors[actor].view.map_or(6301, |(port, _)| port);
        self.claim(actor, self.truth);
        self.world.publish(actor, "+switch-master", &format!("cart 127.0.0.1 {old} 127.0.0.1 {}", self.truth.0));
    }

    fn claim(&mut self, actor: usize, view: (u16, u64)) {
        self.world.actors[actor].view = Some(view);
        self.claims.insert(view);
    }

    fn change_server(&mut self, port: u16, state: u8) {
        let states = [Server::Replica, Server::Loading, Server::Gone, Server::Silent, Server::Master];
        let state = states[usize::from(state) % states.len()];
        if state == Server::Master {
            self.masters.insert(port);
        }
        self.world.servers.insert(port, state);
    }

    fn complain(&mut self, sign: u8) {
        let generation = self.world.topology().generation;
        let sign = [Sign::ReadOnly, Sign::Disconnected, Sign::Timeouts][usize::from(sign) % 3].clone();
        self.world.news(Input::Suspected { master: cart(), generation, sign });
    }

    fn speak_nonsense(&mut self, number: u32) {
        let [kind, first, second, third] = number.to_le_bytes();
        let actor = usize::from(first) % 3;
        match kind % 4 {
            0 => self.world.actors[actor].manner = Manner::Nonsense(number),
            1 => {
                let channel = CHANNELS[usize::from(second) % CHANNELS.len()];
                self.world.publish(actor, channel, &payload(u64::from(number)));
            }
            2 => self.complain(second),
            _ => self.world.news(Input::Survey),
        }
        self.world.run_for(u64::from(third));
    }

    /// All is well from now on.
    fn heal(&mut self) {
        for actor in 0..3 {
            self.world.actors[actor].manner = Manner::Well;
            self.world.actors[actor].delay = 1;
            self.claim(actor, self.truth);
        }
        for port in PORTS {
            let role = if port == self.truth.0 { Server::Master } else { Server::Replica };
            self.world.servers.insert(port, role);
        }
        self.world.news(Input::Refresh(cart()));
    }

    /// How long it takes until the finder knows the truth; `None` when that is longer than a second.
    fn settle(&mut self) -> Option<u64> {
        let truth = self.truth;
        self.world.try_until(1_000, |world| {
            let topology = world.topology();
            let is_up = matches!(topology.phase, Phase::Up);
            is_up && world.master() == Some(truth.0) && topology.epoch.as_u64() == truth.1
        })
    }

    fn tell(&self) -> String {
        let topology = self.world.topology();
        let said: Vec<_> = topology.sentinels.iter().map(|seen| seen.said.as_str()).collect();
        let master = (self.world.master(), topology.epoch.as_u64(), topology.phase);
        format!("truth {:?}, found {master:?}, {said:?}, {:?}", self.truth, topology.trouble)
    }

    /// The first rule that a handed out topology breaks.
    fn broken_rule(&self) -> Option<String> {
        let mut last = 0;
        for topology in &self.world.topologies {
            let port = topology.master.as_ref()?.port();
            let epoch = topology.epoch.as_u64();
            if epoch < last {
                return Some(format!("epoch {epoch} came behind {last}"));
            }
            last = epoch;
            if !self.claims.contains(&(port, epoch)) {
                return Some(format!("nobody ever named {port} with epoch {epoch}"));
            }
            if !self.masters.contains(&port) {
                return Some(format!("{port} never was a master"));
            }
        }
        None
    }
}

fn manner(choice: u8) -> Manner {
    match choice % 4 {
        0 => Manner::Well,
        1 => Manner::Silent,
        2 => Manner::Gone,
        _ => Manner::Refusing("NOPERM this user has no permissions to run the command"),
    }
}

/// A payload made of the words that the grammar knows, in any order.
fn payload(mut number: u64) -> String {
    let words =
        ["slave", "master", "cart", "@", "127.0.0.1", "6302", "", "99999", "\u{fffd}", "sentinel", "26001", "-1"];
    let mut text = String::new();
    while number > 0 {
        text.push_str(words[(number % 12) as usize]);
        text.push(' ');
        number /= 7;
    }
    text
}

/// A value of any shape, as deep as the number is long.
pub(super) fn nonsense(number: u32) -> Value {
    let rest = number / 7;
    let words = ["config-epoch", "18446744073709551615", "ip", "127.0.0.1", "port", "6302", "-1", "flags"];
    let word = || Value::bulk(words[(rest % 8) as usize]);
    match number % 7 {
        0 => Value::Null,
        1 => Value::Integer(i64::from(rest) - 7),
        2 => Value::error("ERR nonsense"),
        3 => word(),
        4 => Value::Array(vec![word(), nonsense(rest), word()]),
        5 => Value::Map(vec![(word(), nonsense(rest)), (word(), word())]),
        _ => Value::Array((0..rest % 64).map(|index| nonsense(rest / 64 + index)).take(8).collect()),
    }
}

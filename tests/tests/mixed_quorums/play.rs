//! Decides what a mixed group goes through.

use std::{collections::BTreeSet, fmt, ops::Range};

use sentinelle::{
    resp::Value,
    testing::{Flavour, find_sentinel, wait_until},
    types::Millis,
};
use sentinelle_tests::{Group, GroupPlan};

use crate::mind::{Finding, Mind, one_mind};

/// How long the group may take to be of one mind: several times the stock sentinels' patience, for slow machines.
const LIMIT: Millis = Millis::new(60_000);
/// The stock sentinels' links take up to a second to come back after each switch, and their first PING as long: with
/// less they would call every new master down at once.
const DOWN_AFTER: Millis = Millis::new(1_500);
/// A down-after that does not pass in a test.
const NEVER: &str = "3600000";
/// A stock sentinel that has voted begins no failover of its own for twice this long.
const FAILOVER_TIMEOUT: Millis = Millis::new(4_000);

/// Who takes part: ours come first in the group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cast {
    /// How many of ours.
    pub(crate) ours: usize,
    /// How many of theirs.
    pub(crate) theirs: usize,
    /// Whose theirs are.
    pub(crate) make: Flavour,
    /// Where a leader crashes in the last act.
    pub(crate) crash: Crash,
}

/// At which point of a failover its leader crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// When it has won the election.
    AfterElection,
    /// When the new master is certain and nobody else knows it.
    AfterPromotion,
}

/// Ours or theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Camp {
    Ours,
    Theirs,
}

/// A group in the middle of an act.
struct Stage {
    cast: Cast,
    group: Group,
    act: &'static str,
    /// The event log's time at the beginning of the act.
    begun: Millis,
    /// The master at the beginning of the act.
    master: usize,
    /// The config epoch at the beginning of the act.
    epoch: u64,
    /// Servers that are dead or hung at this moment.
    out: BTreeSet<usize>,
}

impl Cast {
    /// Starts the group and plays all acts.
    pub(crate) fn play(self) {
        let mut stage = Stage::open(self);
        stage.fail_over_by_themselves();
        stage.fail_over_by_hand(Camp::Ours, &["SENTINEL", "FAILOVER", "mymaster"]);
        stage.fail_over_by_hand(Camp::Theirs, &["SENTINEL", "FAILOVER", "mymaster"]);
        if self.make == Flavour::Valkey {
            stage.fail_over_by_hand(Camp::Theirs, &["SENTINEL", "FAILOVER", "mymaster", "COORDINATED"]);
        }
        stage.fail_over_by_two_hands();
        stage.fail_over_led_by(Camp::Theirs);
        stage.fail_over_led_by(Camp::Ours);
        stage.crash_the_leader();
        stage.restart_all();
    }
}

impl Stage {
    /// Starts the group, whose sentinels have to find each other and the replicas.
    fn open(cast: Cast) -> Self {
        let mut flavours = vec![Flavour::Sentinelle; cast.ours];
        flavours.extend(vec![cast.make; cast.theirs]);
        let mut plan = GroupPlan::with(&flavours);
        plan.quorum = u32::try_from(cast.majority()).expect("a group is small");
        plan.down_after = DOWN_AFTER;
        plan.failover_timeout = FAILOVER_TIMEOUT;
        if cast.make == Flavour::Valkey {
            plan.servers.program = Some(find_sentinel(Flavour::Valkey).expect("valkey-server is installed"));
        }
        let group = Group::start(&plan).unwrap_or_else(|error| panic!("{cast}: {error}"));
        let (begun, out) = (Millis::ZERO, BTreeSet::new());
        let mut stage = Self { cast, group, act: "discovery", begun, master: 0, epoch: 0, out };
        stage.wait("all are of one mind", |stage| stage.one_mind(None).map(drop));
        stage
    }

    /// The master dies, and one sentinel of each camp is restarted while the leader is elected.
    fn fail_over_by_themselves(&mut self) {
        self.begin("the master dies, any sentinel may lead, and two are restarted meanwhile");
        self.lose_master(Loss::Death);
        self.wait("a failover begins", |stage| stage.expect_event("+try-failover"));
        for camp in [Camp::Ours, Camp::Theirs] {
            self.restart_sentinel(self.members(camp).start);
        }
        self.converge();
        self.regain_servers();
    }

    /// An operator orders a failover at a sentinel of that camp.
    fn fail_over_by_hand(&mut self, camp: Camp, order: &[&str]) {
        self.begin(match (camp, order.len()) {
            (Camp::Ours, _) => "an operator orders a failover from one of ours",
            (Camp::Theirs, 3) => "an operator orders a failover from one of theirs",
            (Camp::Theirs, _) => "an operator orders a coordinated failover from one of theirs",
        });
        let leader = self.members(camp).start;
        // A replica whose links have just been cut is no good choice; the order is repeated until there is one.
        self.wait("the order is accepted", |stage| stage.tell(leader, order));
        self.converge();
        self.expect_leader_of(camp);
    }

    /// Two operators order a failover at the same moment, one from each camp.
    fn fail_over_by_two_hands(&mut self) {
        self.begin("two operators order a failover at once, one from ours and one from theirs");
        let order = ["SENTINEL", "FAILOVER", "mymaster"];
        let [theirs, ours] = [Camp::Theirs, Camp::Ours].map(|camp| self.members(camp).start);
        self.wait("one of theirs accepts the order", |stage| stage.tell(theirs, &order));
        // Ours refuses when it meets no good replica in the middle of the other failover; either way there is one end.
        let _ = self.tell(ours, &order);
        self.converge();
    }

    /// The master is lost, and only that camp can lead. The other camp is dead meanwhile, where it can be spared.
    fn fail_over_led_by(&mut self, camp: Camp) {
        self.begin(match camp {
            Camp::Ours => "the master hangs and one of ours has to lead",
            Camp::Theirs => "the master dies and one of theirs has to lead",
        });
        let others = self.members(camp.other());
        let spared = others.len() < self.cast.majority();
        if spared {
            others.clone().for_each(|other| self.group.sentinels[other].kill());
        } else {
            self.let_lead(self.members(camp).start);
        }
        self.lose_master(if camp == Camp::Ours { Loss::Hang } else { Loss::Death });
        self.wait("a replica is promoted", |stage| stage.expect_event("+promoted-slave"));
        if spared {
            others.for_each(|other| self.restart_sentinel(other));
        }
        self.converge();
        self.expect_leader_of(camp);
        if !spared {
            self.let_all_lead();
        }
        self.regain_servers();
    }

    /// The leader crashes in the middle of the failover and comes back.
    fn crash_the_leader(&mut self) {
        self.begin(match self.cast.crash {
            Crash::AfterElection => "the leader crashes after its election and comes back",
            Crash::AfterPromotion => "the leader crashes after the promotion and comes back",
        });
        let point = match self.cast.crash {
            Crash::AfterElection => "crash-after-election",
            Crash::AfterPromotion => "crash-after-promotion",
        };
        for index in self.all() {
            self.must_tell(index, &["SENTINEL", "SIMULATE-FAILURE", point]);
        }
        self.lose_master(Loss::Death);
        let mut crashed = None;
        self.wait("the leader crashes", |stage| {
            crashed = stage.all().find(|&index| stage.group.sentinels[index].client().is_err());
            crashed.map(drop).ok_or_else(|| "every sentinel answers".to_owned())
        });
        let crashed = crashed.expect("the wait is over");
        for survivor in self.all().filter(|&index| index != crashed) {
            self.spare(survivor);
        }
        self.restart_sentinel(crashed);
        self.converge();
        self.regain_servers();
    }

    /// All sentinels die at once and come back with what they had stored.
    fn restart_all(&mut self) {
        self.begin("all sentinels are restarted");
        // What is looked at is what they remember, not how soon they would fail over.
        self.all().for_each(|index| self.set(index, &["down-after-milliseconds", NEVER]));
        self.all().for_each(|index| self.group.sentinels[index].kill());
        self.all().for_each(|index| self.restart_sentinel(index));
        let (address, epoch) = (self.group.servers[self.master].address(), self.epoch);
        self.wait("all have the configuration they had", |stage| match stage.one_mind(None)? {
            mind if mind == (address, epoch) => Ok(()),
            mind => Err(format!("they had {address} with config epoch {epoch}, they have {mind:?}")),
        });
    }

    /// Takes back an order to crash: to ask for help with it clears it.
    fn spare(&self, sentinel: usize) {
        let client = self.group.sentinels[sentinel].client();
        let reply = client.and_then(|mut client| client.command(&["SENTINEL", "SIMULATE-FAILURE", "help"]));
        assert!(matches!(reply, Ok(Value::Array(_))), "{}: {}: {reply:?}", self.cast, self.act);
    }

    fn begin(&mut self, act: &'static str) {
        self.act = act;
        self.begun = self.group.events.elapsed();
        self.master = self.group.master();
        let view = self.group.view(0).unwrap_or_else(|error| panic!("{}: {act}: {error}", self.cast));
        self.epoch = view.number("config-epoch");
    }

    fn lose_master(&mut self, loss: Loss) {
        self.out.insert(self.master);
        match loss {
            Loss::Death => self.group.servers[self.master].kill(),
            Loss::Hang => self.group.servers[self.master].pause(),
        }
    }

    /// Brings back the servers that are out; they have to become replicas.
    fn regain_servers(&mut self) {
        for index in std::mem::take(&mut self.out) {
            let server = &mut self.group.servers[index];
            // A hung server goes on; for a dead one this does nothing.
            server.resume();
            if server.pid().is_none() {
                server.restart().unwrap_or_else(|error| panic!("{}: {}: {error}", self.cast, self.act));
            }
        }
        self.converge();
    }

    fn restart_sentinel(&mut self, index: usize) {
        let restarted = self.group.sentinels[index].restart();
        restarted.unwrap_or_else(|error| panic!("{}: {}: {error}", self.cast, self.act));
    }

    /// Only this sentinel sees the master go down, and needs nobody's agreement; the others just vote.
    fn let_lead(&mut self, leader: usize) {
        self.all()
            .filter(|&index| index != leader)
            .for_each(|index| self.set(index, &["down-after-milliseconds", NEVER]));
        self.set(leader, &["quorum", "1"]);
    }

    fn let_all_lead(&mut self) {
        let (quorum, down_after) = (self.cast.majority().to_string(), DOWN_AFTER.as_ms().to_string());
        self.all().for_each(|index| self.set(index, &["down-after-milliseconds", &down_after, "quorum", &quorum]));
    }

    fn set(&self, sentinel: usize, options: &[&str]) {
        let words: Vec<&str> = ["SENTINEL", "SET", "mymaster"].iter().chain(options).copied().collect();
        self.must_tell(sentinel, &words);
    }

    fn all(&self) -> Range<usize> {
        0..self.group.sentinels.len()
    }

    fn members(&self, camp: Camp) -> Range<usize> {
        match camp {
            Camp::Ours => 0..self.cast.ours,
            Camp::Theirs => self.cast.ours..self.group.sentinels.len(),
        }
    }

    fn tell(&self, index: usize, words: &[&str]) -> Finding {
        let reply = self.group.sentinels[index].client().and_then(|mut client| client.command(words));
        match reply {
            Ok(Value::Simple(text)) if text == "OK" => Ok(()),
            other => Err(format!("{} answers {other:?} to {words:?}", self.group.sentinel_name(index))),
        }
    }

    fn must_tell(&self, index: usize, words: &[&str]) {
        self.tell(index, words).unwrap_or_else(|error| panic!("{}: {}: {error}", self.cast, self.act));
    }

    /// The one mind of the group, with another master and a later epoch than `before`.
    fn one_mind(&self, before: Option<Mind>) -> Result<Mind, String> {
        let (master, epoch) = one_mind(&self.group, &self.out)?;
        if let Some((old, old_epoch)) = before
            && (master == old || epoch <= old_epoch)
        {
            return Err(format!("all still name {master} with config epoch {epoch}"));
        }
        Ok((master, epoch))
    }

    /// Waits until the group is of one mind about another master than at the beginning of the act.
    fn converge(&mut self) {
        let before = (self.group.servers[self.master].address(), self.epoch);
        self.wait("all are of one mind about a new master", |stage| stage.one_mind(Some(before)).map(drop));
    }

    /// The first promotion of the act has to be the work of that camp.
    fn expect_leader_of(&self, camp: Camp) {
        let members: Vec<String> = self.members(camp).map(|index| self.group.sentinel_name(index)).collect();
        let mut promotions = self.group.events.of("+promoted-slave").into_iter();
        let leader = promotions.find(|event| event.at >= self.begun).map(|event| event.from);
        let is_expected = leader.as_ref().is_some_and(|leader| members.contains(leader));
        let (cast, act) = (self.cast, self.act);
        assert!(is_expected, "{cast}: {act}: led by {leader:?}, not by one of {members:?}\n{}", self.group.snapshot());
    }

    fn expect_event(&self, channel: &str) -> Finding {
        let heard = self.group.events.of(channel).iter().any(|event| event.at >= self.begun);
        heard.then_some(()).ok_or_else(|| format!("no {channel}"))
    }

    /// Waits until `look` finds nothing wrong; a failure tells what it found last.
    fn wait(&mut self, what: &str, mut look: impl FnMut(&Self) -> Finding) {
        let mut last = String::new();
        let waited = wait_until(LIMIT, what, || match look(self) {
            Ok(()) => true,
            Err(text) => {
                last = text;
                false
            }
        });
        if let Err(error) = waited {
            panic!("{}: {}: {error}: {last}\n{}", self.cast, self.act, self.group.snapshot());
        }
    }
}

/// How a server is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// It is killed.
    Death,
    /// It answers nothing while its connections stay open.
    Hang,
}

impl Cast {
    fn majority(self) -> usize {
        usize::midpoint(self.ours, self.theirs) + 1
    }
}

impl Camp {
    fn other(self) -> Self {
        match self {
            Self::Ours => Self::Theirs,
            Self::Theirs => Self::Ours,
        }
    }
}

impl fmt::Display for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ours, theirs, make, .. } = self;
        write!(f, "{ours} of ours and {theirs} of {make:?}")
    }
}

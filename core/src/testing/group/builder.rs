//! Decides what a group consists of, and brings it to the moment when a test may begin.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use super::{
    HaGroup, Member, Node, SentinelNode,
    inside::Inside,
    member::MOST_OF_A_KIND,
    profile::{Pace, Profile},
    seat::Seat,
    server::{Make, Server},
};
use crate::{
    error::{Error, ErrorKind, Result},
    testing::{
        EventLog, Flavour, Persistence, SentinelPlan, SentinelProcess, ServerPlan, Watched,
        background::Background,
        find_sentinel,
        program::look_for_server,
        proxy::{Front, Passages},
    },
    types::{MasterName, Millis},
};

/// How long a group may take to come together.
const START: Millis = Millis::new(20_000);

/// What the servers and the sentinels of a group are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// The servers are processes, all sentinels run inside this program; the default.
    #[default]
    Real,
    /// All sentinels are processes too: stock ones, or whose [`HaGroupBuilder::makes`] says.
    RealSentinels,
    /// So many of the sentinels are processes, the first ones; the others run inside this program.
    Mixed(usize),
    /// Servers and sentinels run inside this program; no other program is needed.
    ///
    /// The servers are [`crate::testing::SimServer`]s.
    Sim,
    /// [`Backend::Real`] where a server program is found ([`crate::testing::find_server`]), else [`Backend::Sim`].
    Auto,
}

impl Backend {
    /// What is used here.
    fn resolve(self) -> Result<Self> {
        match self {
            Self::Auto => Ok(if look_for_server()?.is_some() { Self::Real } else { Self::Sim }),
            Self::Real | Self::RealSentinels | Self::Mixed(_) | Self::Sim => Ok(self),
        }
    }

    /// What the servers are.
    fn make(self) -> Make {
        if self == Self::Sim { Make::Sim } else { Make::Process }
    }
}

/// A group to be set up and started.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct HaGroupBuilder {
    name: String,
    replicas: usize,
    sentinels: usize,
    quorum: u32,
    profile: Profile,
    backend: Backend,
    makes: Vec<Flavour>,
    servers: ServerPlan,
    options: Vec<(String, String)>,
    patience: Millis,
}

impl HaGroupBuilder {
    /// The name under which clients ask for the master; default `mymaster`.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The number of replicas, 100 at most; default 2.
    pub fn replicas(mut self, count: usize) -> Self {
        self.replicas = count;
        self
    }

    /// The number of sentinels, 100 at most; default 3.
    pub fn sentinels(mut self, count: usize) -> Self {
        self.sentinels = count;
        self
    }

    /// How many sentinels must call the master down; default 2.
    pub fn quorum(mut self, quorum: u32) -> Self {
        self.quorum = quorum;
        self
    }

    /// How fast the sentinels act; default [`Profile::Fast`].
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// What the servers and the sentinels are; default [`Backend::Real`].
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Whose the sentinels are that are processes, in turn; default `redis-sentinel`, where that is missing
    /// `valkey-server --sentinel`.
    pub fn makes(mut self, makes: &[Flavour]) -> Self {
        self.makes = makes.to_vec();
        self
    }

    /// The program of the data servers; default what [`crate::testing::find_server`] finds.
    pub fn server_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.servers.program = Some(program.into());
        self
    }

    /// Whether a server that is killed has its data when it comes back; default [`Persistence::Memory`].
    pub fn persistence(mut self, persistence: Persistence) -> Self {
        self.servers.persistence = persistence;
        self
    }

    /// The password of the servers, which the sentinels are told too; default none.
    pub fn password(mut self, password: &str) -> Self {
        self.servers.password = Some(password.to_owned());
        self
    }

    /// A further option of the data servers, as `("maxmemory", "10mb")`; may be called several times. A simulated server
    /// refuses one it does not know.
    pub fn server_option(mut self, name: &str, value: &str) -> Self {
        self.servers.options.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A further option of the master in the sentinels' files, as `("parallel-syncs", "2")`; may be called several times.
    pub fn sentinel_option(mut self, name: &str, value: &str) -> Self {
        self.options.push((name.to_owned(), value.to_owned()));
        self
    }

    /// How long each wait may take before it fails; default 5 s.
    pub fn patience(mut self, patience: Millis) -> Self {
        self.patience = patience;
        self
    }

    /// Starts the group.
    ///
    /// When it returns every process has been recognised as ours, a write to the master has arrived on every replica,
    /// and every sentinel knows the replicas and the other sentinels.
    ///
    /// # Errors
    /// [`ErrorKind::NoServer`] when a program is missing or does not start, [`ErrorKind::Config`] for numbers or a name
    /// that cannot be, [`ErrorKind::Timeout`] with the state of the group when it does not come together.
    pub fn start(self) -> Result<HaGroup> {
        self.check()?;
        let backend = self.backend.resolve()?;
        let background = Background::start("ha-group", 2)?;
        let passages = Arc::new(Passages::clear());
        let mut group = HaGroup {
            name: self.name.clone(),
            quorum: self.quorum,
            backend,
            password: self.servers.password.clone(),
            pace: self.profile.pace(),
            patience: self.patience,
            chapter: Mutex::default(),
            has_priorities: AtomicBool::new(false),
            log: EventLog::begin(),
            seats: Vec::new(),
            nodes: Vec::new(),
            passages,
            background,
        };
        self.start_servers(&mut group)?;
        self.start_sentinels(&mut group)?;
        group.wait_discovered(START)?;
        Ok(group)
    }

    fn check(&self) -> Result<()> {
        let refused = |what: &str| Err(Error::new(ErrorKind::Config, "set up a group", what));
        if MasterName::parse(&self.name).is_none() {
            return refused("the name is not legal");
        }
        if self.replicas >= MOST_OF_A_KIND || self.sentinels > MOST_OF_A_KIND {
            return refused("too many members");
        }
        if self.quorum == 0 {
            return refused("a quorum of 0");
        }
        Ok(())
    }

    /// Starts all servers at once, as masters; then all but the first follow it.
    fn start_servers(&self, group: &mut HaGroup) -> Result<()> {
        for index in 0..=self.replicas {
            let member = Member::Server(index);
            let front = Front::open(member, &group.passages, &group.background)?;
            let announced = [
                ("replica-announce-ip", front.address().ip().to_string()),
                ("replica-announce-port", front.address().port().to_string()),
            ];
            let source = member.source().map(|source| ("bind-source-addr", source.to_string()));
            let mut plan = self.servers.clone();
            plan.options.extend(announced.into_iter().chain(source).map(|(name, value)| (name.to_owned(), value)));
            group.nodes.push(Node {
                front,
                server: Mutex::new(Server::launch(group.backend.make(), &plan, &member.to_string())?),
                is_paused: Mutex::default(),
            });
        }
        for node in &group.nodes {
            let mut server = node.server();
            server.wait_ready()?;
            node.front.lead_to(server.address())?;
        }
        let Some((master, replicas)) = group.nodes.split_first() else { return Ok(()) };
        for replica in replicas {
            replica.server().follow(master.front.address())?;
        }
        let master = master.server();
        replicas.iter().try_for_each(|replica| replica.server().wait_synced(&master))
    }

    fn start_sentinels(&self, group: &mut HaGroup) -> Result<()> {
        let pace = self.profile.pace();
        let outsiders = match group.backend {
            Backend::Real | Backend::Sim | Backend::Auto => 0,
            Backend::RealSentinels => self.sentinels,
            Backend::Mixed(count) => count.min(self.sentinels),
        };
        for index in 0..self.sentinels {
            let member = Member::Sentinel(index);
            let front = Front::open(member, &group.passages, &group.background)?;
            let plan = self.sentinel_plan(group, member, &front, &pace);
            let seat = if index < outsiders {
                let process = SentinelProcess::start(&SentinelPlan { flavour: self.make_of(index), ..plan })?;
                group.log.follow(&member.to_string(), process.address())?;
                Seat::Outside { process, is_paused: false }
            } else {
                Seat::Inside(Box::new(Inside::start(&member.to_string(), &plan, &pace.periods, group.log.notes())?))
            };
            seat.set_pace(&pace)?;
            if let Some(listens) = seat.listens() {
                front.lead_to(listens)?;
            }
            group.seats.push(SentinelNode::new(front, seat));
        }
        Ok(())
    }

    /// Whose the sentinel of that index is, if it is a process.
    fn make_of(&self, index: usize) -> Flavour {
        let usual = if find_sentinel(Flavour::Redis).is_ok() { Flavour::Redis } else { Flavour::Valkey };
        self.makes.iter().cycle().nth(index).copied().unwrap_or(usual)
    }

    fn sentinel_plan(&self, group: &HaGroup, member: Member, front: &Front, pace: &Pace) -> SentinelPlan {
        let mut options = self.options.clone();
        options.extend(self.servers.password.iter().map(|password| ("auth-pass".to_owned(), password.clone())));
        let mut lines = vec![
            format!("sentinel announce-ip {}", front.address().ip()),
            format!("sentinel announce-port {}", front.address().port()),
        ];
        lines.extend(member.source().map(|source| format!("bind-source-addr {source}")));
        let watched = Watched {
            name: self.name.clone(),
            address: group.nodes[0].front.address(),
            quorum: self.quorum,
            down_after: pace.down_after,
            failover_timeout: pace.failover_timeout,
            options,
        };
        SentinelPlan { flavour: Flavour::Sentinelle, program: None, masters: vec![watched], lines }
    }
}

impl Default for HaGroupBuilder {
    fn default() -> Self {
        Self {
            name: "mymaster".into(),
            replicas: 2,
            sentinels: 3,
            quorum: 2,
            profile: Profile::default(),
            backend: Backend::default(),
            makes: Vec::new(),
            servers: ServerPlan::default(),
            options: Vec::new(),
            patience: Millis::new(5_000),
        }
    }
}

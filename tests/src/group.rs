//! Decides how a whole group is started, disturbed, watched and waited for.

use std::{fmt::Write as _, net::SocketAddr};

use sentinelle::{
    error::{Error, ErrorKind, Result},
    testing::{Client, DataServer, EventLog, Flavour, SentinelPlan, SentinelProcess, Watched, wait_until},
    types::Millis,
};

use crate::{
    plan::{Discovery, GroupPlan},
    programs::built_sentinelle,
    view::{SentinelView, list_of_fields},
};

/// How long all sentinels may take to know each other and the replicas.
const DISCOVERY: Millis = Millis::new(20_000);

/// A running group; dropping it ends every process.
#[derive(Debug)]
pub struct Group {
    /// Its plan.
    pub plan: GroupPlan,
    /// The data servers; the first one was the master at the start.
    pub servers: Vec<DataServer>,
    /// The sentinels, in the order of the plan.
    pub sentinels: Vec<SentinelProcess>,
    /// The events of all sentinels, each under the name [`Group::sentinel_name`] gives.
    pub events: EventLog,
}

impl Group {
    /// Starts the servers and the sentinels, and waits until the sentinels know the replicas and each other.
    ///
    /// # Errors
    /// [`ErrorKind::NoServer`] when a program is missing or does not start, [`ErrorKind::Timeout`] with the
    /// snapshot when the group does not come together.
    pub fn start(plan: &GroupPlan) -> Result<Self> {
        let servers = DataServer::start_replicated(&plan.servers, plan.replicas)?;
        let mut options = plan.options.clone();
        options.extend(plan.servers.password.iter().map(|password| ("auth-pass".to_owned(), password.clone())));
        let watched = Watched {
            name: plan.name.clone(),
            address: servers[0].address(),
            quorum: plan.quorum,
            down_after: plan.down_after,
            failover_timeout: plan.failover_timeout,
            options,
        };
        let mut group = Self { plan: plan.clone(), servers, sentinels: Vec::new(), events: EventLog::begin() };
        for seat in &plan.sentinels {
            let program = (seat.flavour == Flavour::Sentinelle).then(built_sentinelle);
            let masters = vec![watched.clone()];
            let plan = SentinelPlan { flavour: seat.flavour, program, masters, lines: seat.lines.clone() };
            group.sentinels.push(SentinelProcess::start(&plan)?);
        }
        for index in 0..group.sentinels.len() {
            group.events.follow(&group.sentinel_name(index), group.sentinels[index].address())?;
        }
        group.wait_discovered()?;
        Ok(group)
    }

    /// The name of a sentinel in events and snapshots, such as `redis-0`.
    pub fn sentinel_name(&self, index: usize) -> String {
        let make = match self.sentinels[index].flavour() {
            Flavour::Redis => "redis",
            Flavour::Valkey => "valkey",
            Flavour::Sentinelle => "ours",
        };
        format!("{make}-{index}")
    }

    /// Where each sentinel says the master is; `None` for one that does not answer.
    fn answers(&self) -> Vec<Option<SocketAddr>> {
        self.sentinels.iter().map(|sentinel| self.answer_of(sentinel)).collect()
    }

    /// The server that most of the running sentinels call the master.
    ///
    /// # Panics
    /// When they name no server of this group.
    pub fn master(&self) -> usize {
        let answers = self.answers();
        let votes = |server: &DataServer| answers.iter().filter(|answer| **answer == Some(server.address())).count();
        let most = (0..self.servers.len()).max_by_key(|&index| votes(&self.servers[index]));
        let index = most.expect("a group has a server");
        assert!(votes(&self.servers[index]) > 0, "no sentinel names a server of the group:\n{}", self.snapshot());
        index
    }

    /// The index of the server at that address.
    fn server_at(&self, address: SocketAddr) -> Option<usize> {
        self.servers.iter().position(|server| server.address() == address)
    }

    /// Kills the master like a power failure would, and gives its index.
    ///
    /// # Panics
    /// As [`Group::master`].
    pub fn kill_master(&mut self) -> usize {
        let index = self.master();
        self.servers[index].kill();
        index
    }

    /// Stops the master in its tracks, and gives its index.
    ///
    /// # Panics
    /// As [`Group::master`].
    pub fn pause_master(&self) -> usize {
        let index = self.master();
        self.servers[index].pause();
        index
    }

    /// The role each server reports; `None` for one that does not answer.
    fn roles(&self) -> Vec<Option<String>> {
        self.servers
            .iter()
            .map(|server| {
                let mut client = self.quick_client(server.address())?;
                if let Some(password) = &self.plan.servers.password {
                    client.text(&["AUTH", password]).ok()?;
                }
                client.info("replication", "role").ok()
            })
            .collect()
    }

    /// What a sentinel knows of the master.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], or [`ErrorKind::Protocol`] when it does not know the name.
    pub fn view(&self, sentinel: usize) -> Result<SentinelView> {
        SentinelView::ask(&mut self.sentinels[sentinel].client()?, &self.plan.name)
    }

    /// Waits until every running sentinel names another master than the server `old`, all the same one, and that
    /// server calls itself master. Gives its index.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], with the snapshot.
    pub fn wait_moved_from(&self, old: usize, limit: Millis) -> Result<usize> {
        let mut new = None;
        self.wait(limit, "all sentinels name the same new master", |group| {
            let running = group.sentinels.iter().filter(|sentinel| sentinel.pid().is_some());
            let mut answers: Vec<_> = running.map(|sentinel| group.answer_of(sentinel)).collect();
            answers.dedup();
            let [Some(address)] = answers[..] else { return false };
            new = group
                .server_at(address)
                .filter(|&index| index != old && group.servers[index].role().is_ok_and(|role| role == "master"));
            new.is_some()
        })?;
        new.ok_or_else(|| Error::new(ErrorKind::Timeout, "wait", "no new master"))
    }

    /// Waits until every running sentinel names the server `index` as the master.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], with the snapshot.
    pub fn wait_all_agree(&self, index: usize, limit: Millis) -> Result<Millis> {
        let address = self.servers[index].address();
        self.wait(limit, "all sentinels name that master", |group| {
            let mut running = group.sentinels.iter().filter(|sentinel| sentinel.pid().is_some());
            running.all(|sentinel| group.answer_of(sentinel) == Some(address))
        })
    }

    /// Waits until the server `index` reports that role.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], with the snapshot.
    pub fn wait_role(&self, index: usize, role: &str, limit: Millis) -> Result<Millis> {
        self.wait(limit, &format!("server {index} reports role {role}"), |group| {
            group.servers[index].role().is_ok_and(|now| now == role)
        })
    }

    /// Waits until `is_true` of this group.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], with the snapshot.
    pub fn wait(&self, limit: Millis, what: &str, mut is_true: impl FnMut(&Self) -> bool) -> Result<Millis> {
        wait_until(limit, what, || is_true(self)).map_err(|error| error.because(self.snapshot()))
    }

    /// Every node's view, the events heard and the ends of the logs, to be shown with a failure.
    pub fn snapshot(&self) -> String {
        let mut text = String::from("\n-- servers\n");
        for (server, role) in self.servers.iter().zip(self.roles()) {
            let _ = writeln!(text, "{} {}", server.address(), role.as_deref().unwrap_or("does not answer"));
        }
        text.push_str("-- sentinels\n");
        for index in 0..self.sentinels.len() {
            let view = match self.view(index) {
                Ok(view) => ["ip", "port", "flags", "num-slaves", "num-other-sentinels", "config-epoch"]
                    .map(|field| format!("{field}={}", view.text(field)))
                    .join(" "),
                Err(error) => error.to_string(),
            };
            let _ = writeln!(text, "{} {} {view}", self.sentinel_name(index), self.sentinels[index].address());
        }
        let _ = writeln!(text, "-- events\n{}-- logs", self.events);
        for index in 0..self.sentinels.len() {
            let _ = writeln!(text, "[{}]\n{}", self.sentinel_name(index), self.sentinels[index].log_tail());
        }
        for server in &self.servers {
            let _ = writeln!(text, "[{}]\n{}", server.address(), server.log_tail());
        }
        text
    }

    /// Waits until all sentinels know all replicas, in sync and up, and each other.
    fn wait_discovered(&self) -> Result<()> {
        if self.plan.discovery == Discovery::Hurried {
            self.set_pace("200", "100");
        }
        self.wait(DISCOVERY, "all sentinels know the replicas and each other", |group| {
            (0..group.sentinels.len()).all(|index| group.knows_all(index))
        })?;
        if self.plan.discovery == Discovery::Hurried {
            self.set_pace("10000", "2000");
        }
        Ok(())
    }

    fn set_pace(&self, info: &str, publish: &str) {
        for sentinel in &self.sentinels {
            // A sentinel without SENTINEL DEBUG goes at its own pace.
            let _ = sentinel.client().and_then(|mut client| {
                client.command(&["SENTINEL", "DEBUG", "INFO-PERIOD", info, "PUBLISH-PERIOD", publish])
            });
        }
    }

    fn knows_all(&self, index: usize) -> bool {
        self.known_by(index).unwrap_or(false)
    }

    fn known_by(&self, index: usize) -> Result<bool> {
        let mut client = self.sentinels[index].client()?;
        let replicas = list_of_fields(&client.command(&["SENTINEL", "REPLICAS", &self.plan.name])?);
        let peers = list_of_fields(&client.command(&["SENTINEL", "SENTINELS", &self.plan.name])?);
        let of = |fields: &std::collections::BTreeMap<String, String>, name: &str| {
            fields.get(name).cloned().unwrap_or_default()
        };
        let replicas_fit =
            replicas.iter().all(|replica| of(replica, "flags") == "slave" && of(replica, "master-link-status") == "ok");
        let peers_fit = peers.iter().all(|peer| of(peer, "flags") == "sentinel" && !of(peer, "runid").is_empty());
        let count_fits = replicas.len() == self.plan.replicas && peers.len() + 1 == self.sentinels.len();
        Ok(count_fits && replicas_fit && peers_fit)
    }

    fn answer_of(&self, sentinel: &SentinelProcess) -> Option<SocketAddr> {
        sentinel.pid()?;
        sentinel.master(&self.plan.name).ok().flatten()
    }

    fn quick_client(&self, address: SocketAddr) -> Option<Client> {
        Client::connect(address, self.plan.down_after.plus(Millis::new(500))).ok()
    }
}

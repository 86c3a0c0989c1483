//! Decides how a data server for tests is started, so that it is in sync within milliseconds.
//!
//! The settings and the steps of [`DataServer::wait_synced`] go round two hidden seconds of the servers: a
//! diskless sync whose stream begins only with the replica's next one-second timer, and a first connection attempt
//! that is repeated only by that timer.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    client::Client,
    port::Port,
    process::Process,
    program::find_server,
    wait::{Deadline, wait_until},
};
use crate::{
    error::{Error, ErrorKind, Result},
    types::Millis,
};

/// How long a start or a first sync may take before it counts as failed.
const PATIENCE: Millis = Millis::new(10_000);
/// How many ports are tried before a start counts as failed.
const PORTS_TRIED: usize = 5;

static MARKER: AtomicU64 = AtomicU64::new(0);

/// What a data server is started with.
#[derive(Clone, Debug, Default)]
pub struct ServerPlan {
    /// The program; by default what [`find_server`] finds.
    pub program: Option<PathBuf>,
    /// Whether its data survive a kill.
    pub persistence: Persistence,
    /// The password of the server and towards its master.
    pub password: Option<String>,
    /// Further options, as `("maxmemory", "10mb")`.
    pub options: Vec<(String, String)>,
}

/// Whether a server's data survive its death.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persistence {
    /// It comes back empty.
    #[default]
    Memory,
    /// It comes back with all it had acknowledged (an append-only file).
    Disk,
}

/// A `redis-server` or `valkey-server` process on loopback; dropping it ends it.
#[derive(Debug)]
pub struct DataServer {
    plan: ServerPlan,
    process: Process,
    /// Whether the process only stands by for the next start.
    stands_by: bool,
    // Dropped after `process`, which listens on it.
    port: Port,
}

impl DataServer {
    /// Starts one server and waits until it answers.
    ///
    /// # Errors
    /// [`ErrorKind::NoServer`] when there is no program or it does not start, [`ErrorKind::Timeout`] when it does
    /// not answer; the text carries the end of its log.
    pub fn start(plan: &ServerPlan) -> Result<Self> {
        let mut server = Self::launch(plan, "server")?;
        server.wait_ready()?;
        Ok(server)
    }

    /// Starts a master and `replicas` replicas, and waits until a write reaches all of them.
    ///
    /// The master comes first.
    ///
    /// # Errors
    /// As [`DataServer::start`].
    pub fn start_replicated(plan: &ServerPlan, replicas: usize) -> Result<Vec<Self>> {
        let mut servers = (0..=replicas).map(|_| Self::launch(plan, "server")).collect::<Result<Vec<_>>>()?;
        for server in &mut servers {
            server.wait_ready()?;
        }
        let (master, replicas) = servers.split_first().ok_or_else(|| no_server("no server was started"))?;
        for replica in replicas {
            replica.follow(master.address())?;
        }
        for replica in replicas {
            replica.wait_synced(master)?;
        }
        Ok(servers)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number()).into()
    }

    /// Its process id; `None` after [`DataServer::kill`].
    pub fn pid(&self) -> Option<u32> {
        self.process.pid().filter(|_| !self.stands_by)
    }

    /// A connection to it, authenticated when it has a password.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`]
    pub fn client(&self) -> Result<Client> {
        self.client_with(Client::PATIENCE)
    }

    /// The role it reports: `master` or `slave`.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`]
    pub fn role(&self) -> Result<String> {
        self.client()?.info("replication", "role")
    }

    /// Makes it a replica of the server at `master`.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], or [`ErrorKind::Protocol`] when it refuses.
    pub fn follow(&self, master: SocketAddr) -> Result<()> {
        let (host, port) = (master.ip().to_string(), master.port().to_string());
        self.client()?.text(&["REPLICAOF", &host, &port]).map(drop)
    }

    /// Waits until what is written to `master` arrives here.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_synced(&self, master: &Self) -> Result<()> {
        let mut here = self.client()?;
        wait_until(PATIENCE, "the replication link is up", || {
            here.info("replication", "master_link_status").is_ok_and(|status| status == "up")
        })?;
        // The link is up, but the stream begins only with the next acknowledgement, up to a second later; a new
        // connection, which resumes by a partial sync, begins with one.
        here.command(&["CLIENT", "KILL", "TYPE", "master"])?;
        wait_for_marker(&mut here, &mut master.client()?)
    }

    /// Kills it like a power failure would; returns when it is gone.
    pub fn kill(&mut self) {
        self.process.kill();
        self.stands_by = false;
    }

    /// Kills it, and starts at once what [`DataServer::restart`] will bring back, if that is an empty server.
    ///
    /// Until then it counts as dead. Only who keeps its address to himself may use this.
    pub(super) fn kill_for_now(&mut self) {
        self.kill();
        // When it cannot be started now, it is when it is needed.
        self.stands_by = self.plan.persistence == Persistence::Memory && self.process.start().is_ok();
    }

    /// Whether it has ended by itself since the last look.
    pub(super) fn notice_end(&mut self) -> bool {
        self.process.notice_end()
    }

    /// Keeps its folder when it is dropped, and says where.
    pub(super) fn keep_files(&self) {
        self.process.keep_files();
    }

    /// Stops it in its tracks: connections stay open, nothing is answered.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on after [`DataServer::pause`].
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Starts it again on the same port, as a master until it is told otherwise, and waits until it answers.
    ///
    /// # Errors
    /// As [`DataServer::start`].
    pub fn restart(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.stands_by) || !self.process.is_running() {
            self.process.start()?;
        }
        self.wait_ready()
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        self.process.log_tail()
    }

    /// Starts one and does not wait until it answers.
    ///
    /// `name` is what its folder's name begins with.
    pub(super) fn launch(plan: &ServerPlan, name: &str) -> Result<Self> {
        let program = plan.program.clone().map_or_else(find_server, Ok)?;
        let process = Process::prepare(program, name)?;
        let mut server = Self { plan: plan.clone(), process, stands_by: false, port: Port::take_free()? };
        server.begin()?;
        Ok(server)
    }

    /// Starts the process on its port.
    fn begin(&mut self) -> Result<()> {
        self.process.set_arguments(arguments(&self.plan, self.port.number()));
        self.process.start()
    }

    /// Waits until it is this very process that answers; on a port lost to another one it moves to the next.
    pub(super) fn wait_ready(&mut self) -> Result<()> {
        let deadline = Deadline::within(PATIENCE);
        let mut moves = 0;
        while !self.answers_itself() {
            let failure = if !self.process.is_running() {
                "it ended"
            } else if deadline.has_passed() {
                "it does not answer"
            } else {
                super::wait::yield_briefly();
                continue;
            };
            let lost_port = self.process.log_tail().contains("Address already in use");
            if !lost_port || moves == PORTS_TRIED {
                return Err(no_server(&format!("{failure}; its log ends with:\n{}", self.log_tail())));
            }
            moves += 1;
            self.port = Port::take_free()?;
            self.begin()?;
        }
        Ok(())
    }

    /// Whether the process that answers on the port is ours, by its process id, and has its data in memory.
    fn answers_itself(&self) -> bool {
        let Some(pid) = self.process.pid() else { return false };
        let (ours, loaded) = (format!("process_id:{pid}"), "loading:0");
        self.client_with(Millis::new(500))
            .and_then(|mut client| client.text(&["INFO"]))
            .is_ok_and(|info| [ours.as_str(), loaded].iter().all(|line| info.lines().any(|found| found == *line)))
    }

    /// A connection whose replies may take as long as `patience`.
    pub(super) fn client_with(&self, patience: Millis) -> Result<Client> {
        let mut client = Client::connect(self.address(), patience)?;
        if let Some(password) = &self.plan.password {
            client.text(&["AUTH", password])?;
        }
        Ok(client)
    }
}

/// Waits until what is written `there` arrives `here`.
pub(super) fn wait_for_marker(here: &mut Client, there: &mut Client) -> Result<()> {
    let marker = format!("sentinelle:marker:{}", MARKER.fetch_add(1, Ordering::Relaxed));
    there.command(&["SET", &marker, &marker, "PX", "60000"])?;
    wait_until(PATIENCE, "a write to the master arrives at the replica", || {
        here.text(&["GET", &marker]).is_ok_and(|text| text == marker)
    })?;
    there.command(&["DEL", &marker]).map(drop)
}

/// The command line of a server that starts, syncs and dies quickly.
fn arguments(plan: &ServerPlan, port: u16) -> Vec<String> {
    let port = port.to_string();
    let append_only = match plan.persistence {
        Persistence::Memory => "no",
        Persistence::Disk => "yes",
    };
    let settings = [
        ("port", port.as_str()),
        ("bind", "127.0.0.1"),
        ("save", ""),
        ("appendonly", append_only),
        ("daemonize", "no"),
        ("protected-mode", "no"),
        ("hz", "100"),
        ("repl-diskless-sync", "yes"),
        ("repl-diskless-sync-delay", "0"),
        ("repl-diskless-load", "swapdb"),
        ("repl-backlog-size", "1mb"),
        ("repl-timeout", "10"),
        ("dir", "."),
    ];
    let password = plan.password.as_deref().map(|password| [("requirepass", password), ("masterauth", password)]);
    let options = plan.options.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all = settings.into_iter().chain(password.into_iter().flatten()).chain(options);
    all.flat_map(|(name, value)| [format!("--{name}"), value.to_owned()]).collect()
}

fn no_server(text: &str) -> Error {
    Error::new(ErrorKind::NoServer, "start a server", text)
}

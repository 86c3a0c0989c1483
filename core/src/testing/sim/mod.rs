//! Data servers without a program: small ones inside the test process that speak enough of the protocol for a failover.
//!
//! Each runs on one thread of its own, so that it can be killed and stopped in its tracks like a process. What a command
//! does is decided in `node` and the rooms it calls, without a socket; `serve` and `follow` carry the bytes.

mod backlog;
mod blocking;
mod clients;
mod collections;
mod data;
mod follow;
mod general;
pub(super) mod info;
mod keys;
mod node;
mod pubsub;
mod replicate;
mod replication;
mod report;
mod scope;
mod serve;
mod session;
mod settings;
mod strings;
mod table;
#[cfg(test)]
mod tests;
mod transaction;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::mpsc,
};

use tokio::{net::TcpListener, task::JoinHandle};

use self::{
    data::Dataset,
    follow::Source,
    node::Node,
    serve::{Shared, serve},
    settings::Settings,
};
use super::{Client, Persistence, Port, ServerPlan, background::Background, server::wait_for_marker};
use crate::{
    error::{Error, ErrorKind, Result},
    net,
    types::Millis,
};

/// How long a start may take.
const START: Millis = Millis::new(5_000);

/// A simulated data server on loopback, without any program; dropping it ends it.
///
/// It is used as a [`super::DataServer`] is. What it does not do is told in [`crate::manual::testing`].
///
/// # Example
/// ```
/// use sentinelle::testing::{ServerPlan, SimServer};
///
/// # fn main() -> sentinelle::error::Result<()> {
/// let servers = SimServer::start_replicated(&ServerPlan::default(), 1)?;
/// assert_eq!(servers[1].role()?, "slave");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SimServer {
    settings: Settings,
    persistence: Persistence,
    source: Source,
    running: Option<Running>,
    /// What is there for the next start.
    kept: Dataset,
    log: String,
    // Dropped after `running`, which listens on it.
    port: Port,
}

#[derive(Debug)]
struct Running {
    node: Shared,
    task: JoinHandle<()>,
    /// While it is held the server's thread stands still.
    brake: Option<mpsc::Sender<()>>,
    background: Background,
}

impl SimServer {
    /// Starts one server; [`ServerPlan::program`] is not used.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for an option it does not know, [`ErrorKind::Listen`] when no port is free.
    pub fn start(plan: &ServerPlan) -> Result<Self> {
        let mut settings = Settings::first();
        let mut source = None;
        let password = plan.password.iter().flat_map(|password| [("requirepass", password), ("masterauth", password)]);
        let options = plan.options.iter().map(|(name, value)| (name.as_str(), value));
        for (name, value) in password.chain(options) {
            if name == "bind-source-addr" {
                source = value.parse().ok();
            } else {
                let failed = |text| Error::new(ErrorKind::Config, "start a simulated server", text);
                settings.begin_with(name, value).map_err(failed)?;
            }
        }
        let port = Port::take_free()?;
        let mut server = Self {
            settings,
            persistence: plan.persistence,
            source,
            running: None,
            kept: Dataset::default(),
            log: String::new(),
            port,
        };
        server.restart()?;
        Ok(server)
    }

    /// Starts a master and `replicas` replicas, and waits until a write reaches all of them.
    ///
    /// The master comes first.
    ///
    /// # Errors
    /// As [`SimServer::start`].
    pub fn start_replicated(plan: &ServerPlan, replicas: usize) -> Result<Vec<Self>> {
        let servers = (0..=replicas).map(|_| Self::start(plan)).collect::<Result<Vec<_>>>()?;
        for replica in &servers[1..] {
            replica.follow(servers[0].address())?;
        }
        for replica in &servers[1..] {
            replica.wait_synced(&servers[0])?;
        }
        Ok(servers)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number()).into()
    }

    /// Whether it was started and has not ended.
    pub fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|running| !running.task.is_finished())
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

    /// Makes it a replica of the simulated server at `master`.
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
        wait_for_marker(&mut self.client()?, &mut master.client()?)
    }

    /// Ends it like a power failure would; returns when it is gone.
    pub fn kill(&mut self) {
        let Some(running) = self.running.take() else { return };
        let Running { node, brake, background, .. } = running;
        drop((brake, background));
        let mut node = node.lock();
        self.log.push_str(&node.log());
        if self.persistence == Persistence::Disk {
            self.kept = std::mem::take(&mut node.data);
        }
    }

    /// Stops it in its tracks: connections stay open, nothing is answered.
    pub fn pause(&mut self) {
        let Some(running) = self.running.as_mut().filter(|running| running.brake.is_none()) else { return };
        running.brake = Some(running.background.brake());
    }

    /// Lets it go on after [`SimServer::pause`].
    pub fn resume(&mut self) {
        if let Some(running) = &mut self.running {
            running.brake = None;
        }
    }

    /// Starts it again on the same port, as a master until it is told otherwise; one that still runs is killed first.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`]
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        let address = self.address();
        let mut settings = self.settings.clone();
        let refused = |text| Error::new(ErrorKind::Config, "start a simulated server", text);
        settings.begin_with("port", &address.port().to_string()).map_err(refused)?;
        let node = Shared::new(Node::new(address, settings, std::mem::take(&mut self.kept), net::seed()?));
        let background = Background::start("sim-server", 1)?;
        let listening = background.run(START, "a simulated server listens", TcpListener::bind(address))?;
        let listener = listening
            .map_err(|error| Error::new(ErrorKind::Listen, "listen on", address.to_string()).because(error))?;
        let task = background.handle().spawn(serve(node.clone(), listener, self.source));
        self.running = Some(Running { node, task, brake: None, background });
        Ok(())
    }

    /// All that it has logged: changes of its role and its links.
    pub fn log(&self) -> String {
        let running = self.running.as_ref().map(|running| running.node.lock().log()).unwrap_or_default();
        format!("{}{running}", self.log)
    }

    /// Whether it has ended by itself since the last look.
    pub(super) fn notice_end(&mut self) -> bool {
        let has_ended = self.running.is_some() && !self.is_running();
        if has_ended {
            self.kill();
        }
        has_ended
    }

    /// A connection whose replies may take as long as `patience`.
    pub(super) fn client_with(&self, patience: Millis) -> Result<Client> {
        let mut client = Client::connect(self.address(), patience)?;
        if let Some(password) = self.settings.password() {
            client.text(&["AUTH", password])?;
        }
        Ok(client)
    }
}

impl Drop for SimServer {
    fn drop(&mut self) {
        self.kill();
    }
}

//! Decides how one data server of a group runs: as a process, or simulated, behind the same calls.

use std::net::SocketAddr;

use crate::{
    error::{Error, ErrorKind, Result},
    testing::{Client, DataServer, ServerPlan, SimServer},
    types::Millis,
};

/// A data server of a group.
#[derive(Debug)]
pub(super) enum Server {
    /// A process.
    Process(Box<DataServer>),
    /// In this program.
    Sim(Box<SimServer>),
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Make {
    Process,
    Sim,
}

impl Server {
    /// Starts one and does not wait until it answers.
    pub(super) fn launch(make: Make, plan: &ServerPlan, name: &str) -> Result<Self> {
        match make {
            Make::Process => DataServer::launch(plan, name).map(Box::new).map(Self::Process),
            Make::Sim => SimServer::start(plan).map(Box::new).map(Self::Sim),
        }
    }

    /// Waits until it answers.
    pub(super) fn wait_ready(&mut self) -> Result<()> {
        match self {
            Self::Process(server) => server.wait_ready(),
            Self::Sim(_) => Ok(()),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Self::Process(server) => server.address(),
            Self::Sim(server) => server.address(),
        }
    }

    /// Whether it was started and not killed.
    pub(super) fn is_running(&self) -> bool {
        match self {
            Self::Process(server) => server.pid().is_some(),
            Self::Sim(server) => server.is_running(),
        }
    }

    /// Whether it has ended by itself since the last look.
    pub(super) fn notice_end(&mut self) -> bool {
        match self {
            Self::Process(server) => server.notice_end(),
            Self::Sim(server) => server.notice_end(),
        }
    }

    /// Keeps its files when it is dropped; a simulated one has none.
    pub(super) fn keep_files(&self) {
        if let Self::Process(server) = self {
            server.keep_files();
        }
    }

    pub(super) fn client(&self) -> Result<Client> {
        self.client_with(Client::PATIENCE)
    }

    pub(super) fn client_with(&self, patience: Millis) -> Result<Client> {
        match self {
            Self::Process(server) => server.client_with(patience),
            Self::Sim(server) => server.client_with(patience),
        }
    }

    pub(super) fn follow(&self, master: SocketAddr) -> Result<()> {
        match self {
            Self::Process(server) => server.follow(master),
            Self::Sim(server) => server.follow(master),
        }
    }

    /// Waits until what is written to `master`, which is of the same make, arrives here.
    pub(super) fn wait_synced(&self, master: &Self) -> Result<()> {
        match (self, master) {
            (Self::Process(server), Self::Process(master)) => server.wait_synced(master),
            (Self::Sim(server), Self::Sim(master)) => server.wait_synced(master),
            (_, _) => Err(Error::new(ErrorKind::Config, "wait for a replica", "its master is of another make")),
        }
    }

    pub(super) fn kill(&mut self) {
        match self {
            Self::Process(server) => server.kill(),
            Self::Sim(server) => server.kill(),
        }
    }

    /// Kills it, and has at hand what will come back if that is an empty process.
    pub(super) fn kill_for_now(&mut self) {
        match self {
            Self::Process(server) => server.kill_for_now(),
            Self::Sim(server) => server.kill(),
        }
    }

    pub(super) fn pause(&mut self) {
        match self {
            Self::Process(server) => server.pause(),
            Self::Sim(server) => server.pause(),
        }
    }

    pub(super) fn resume(&mut self) {
        match self {
            Self::Process(server) => server.resume(),
            Self::Sim(server) => server.resume(),
        }
    }

    pub(super) fn restart(&mut self) -> Result<()> {
        match self {
            Self::Process(server) => server.restart(),
            Self::Sim(server) => server.restart(),
        }
    }

    pub(super) fn log(&self) -> String {
        match self {
            Self::Process(server) => server.log(),
            Self::Sim(server) => server.log(),
        }
    }
}

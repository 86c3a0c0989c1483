//! Decides how a server shows its role: it is dialled as users would dial it, and the greeting asks for the role.
//!
//! A server that is being promoted is asked again and again, so a connection that served once is kept for a moment.

use std::collections::BTreeMap;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
    time::timeout,
};

use super::{Connection, Dialer, ServerKind, ServerRole, handshake::role_of, links::words};
use crate::{
    error::{Error, ErrorKind, Result},
    finder::{Input, Verdict},
    resp::Request,
    types::{Endpoint, Millis, Tick, TrialId},
};

/// The verifications under way.
pub(super) struct Trials {
    dialer: Dialer,
    tasks: JoinSet<Ended>,
    /// Connections that served, and since when they have been idle.
    idle: BTreeMap<Endpoint, (Tick, Connection)>,
}

/// A verification that is over.
pub(super) struct Ended {
    trial: TrialId,
    target: Endpoint,
    verdict: Verdict,
    connection: Option<Connection>,
}

impl Trials {
    /// None under way yet; `dialer` makes the connections.
    pub(super) fn new(dialer: Dialer) -> Self {
        Self { dialer, tasks: JoinSet::new(), idle: BTreeMap::new() }
    }

    /// Begins to ask a server for its role.
    pub(super) fn begin(&mut self, trial: TrialId, target: Endpoint) {
        let dialer = self.dialer.clone();
        let idle = self.idle.remove(&target).map(|(_, connection)| connection);
        self.tasks.spawn(async move {
            let (verdict, connection) = judge(&dialer, &target, idle).await;
            Ended { trial, target, verdict, connection }
        });
    }

    /// Waits for a verification to end; for ever when none is under way.
    pub(super) async fn next(&mut self) -> Ended {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(ended)) => return ended,
                // Aborted with its runtime: the next poll finds out.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// The news of a verification that ended; its connection is kept for a moment.
    pub(super) fn sort(&mut self, now: Tick, ended: Ended) -> Input {
        self.idle.retain(|_, (since, _)| now.since(*since) < IDLE_TIME);
        if let Some(connection) = ended.connection
            && self.idle.len() < MAX_IDLE
        {
            self.idle.insert(ended.target, (now, connection));
        }
        Input::Verified { trial: ended.trial, verdict: ended.verdict }
    }

    /// When a kept connection has to go; `None` when none is kept.
    pub(super) fn deadline(&self) -> Option<Tick> {
        self.idle.values().map(|(since, _)| since.after(IDLE_TIME)).min()
    }

    /// Drops the connections that were kept long enough.
    pub(super) fn tidy(&mut self, now: Tick) {
        self.idle.retain(|_, (since, _)| now.since(*since) < IDLE_TIME);
    }

    /// Ends all of them and waits until their connections are gone.
    pub(super) async fn end(&mut self) {
        self.idle.clear();
        self.tasks.shutdown().await;
    }
}

async fn judge(dialer: &Dialer, target: &Endpoint, idle: Option<Connection>) -> (Verdict, Option<Connection>) {
    if let Some(mut connection) = idle {
        let patience = dialer.access().connect_time.into();
        if let Ok(Ok(role)) = timeout(patience, ask_again(&mut connection)).await {
            return (verdict_of(role), Some(connection));
        }
    }
    match dialer.dial(target, ServerKind::Data { database: 0 }, dialer.access().connect_time).await {
        Ok(connection) => (verdict_of(connection.welcome.role.clone()), Some(connection)),
        Err(error) => (failure(&error), None),
    }
}

async fn ask_again(connection: &mut Connection) -> Result<ServerRole> {
    let lost = |error: std::io::Error| Error::new(ErrorKind::Connection, "ask for the role", "lost").because(error);
    let mut bytes = Vec::new();
    Request::new(["ROLE"]).encode(&mut bytes);
    connection.stream.write_all(&bytes).await.map_err(lost)?;
    connection.stream.flush().await.map_err(lost)?;
    let mut chunk = [0; 1024];
    loop {
        let count = connection.stream.read(&mut chunk).await.map_err(lost)?;
        if count == 0 {
            return Err(Error::new(ErrorKind::Connection, "ask for the role", "the server closed the connection"));
        }
        connection.decoder.feed(&chunk[..count]);
        if let Some(value) = connection.decoder.poll_value()? {
            let unsaid = || Error::new(ErrorKind::NoPermission, "ask for the role", "it may not be asked");
            return role_of(&value)?.ok_or_else(unsaid);
        }
    }
}

fn verdict_of(role: ServerRole) -> Verdict {
    match role {
        ServerRole::Master { .. } => Verdict::Master,
        ServerRole::Replica { master, .. } => Verdict::Replica { of: master },
        ServerRole::Unknown => Verdict::Unverifiable,
        ServerRole::Sentinel => {
            Verdict::Failed { kind: ErrorKind::Protocol, reason: "it is a sentinel, no data server".into() }
        }
    }
}

fn failure(error: &Error) -> Verdict {
    let reason = words(error);
    if error.kind() == ErrorKind::Loading {
        return Verdict::NotReady(reason);
    }
    Verdict::Failed { kind: error.kind(), reason }
}

/// How long a connection that served is kept for the next verification of the same server.
const IDLE_TIME: Millis = Millis::new(500);

/// How many such connections are kept.
const MAX_IDLE: usize = 8;

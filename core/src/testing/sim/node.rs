//! Decides what a simulated server answers: one command of one connection at a time, without any socket.
//!
//! Mirrors redis 7.0.15 where a client, a replica or a sentinel can tell.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
};

use tokio::sync::{mpsc, watch};

use super::{
    blocking::Waiting,
    data::{Dataset, Key, MOST_WEIGHT},
    replication::{LinkState, Replication, Target},
    scope::Scope,
    session::Session,
    settings::{Settings, amount},
    table::{Command, KeysCommand, Run, find_command},
};
use crate::{
    net::Clock,
    resp::{Protocol, Request, Standing, Value},
    types::{Chance, ClientId, Now, RunId, Tick, UnixMs},
};

/// How many log lines are kept.
const LINES: usize = 500;

/// One simulated server.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) settings: Settings,
    pub(super) data: Dataset,
    pub(super) replication: Replication,
    pub(super) sessions: BTreeMap<ClientId, Session>,
    pub(super) chance: Chance,
    pub(super) run_id: RunId,
    pub(super) address: SocketAddr,
    pub(super) started: Tick,
    pub(super) clock: Clock,
    /// Until when nobody, or no writer, is answered.
    pub(super) pause: Option<Pause>,
    /// What a transaction that runs changed, to be told to the replicas as one.
    pub(super) batch: Option<Vec<(u8, Request)>>,
    pub(super) signals: Signals,
    pub(super) commands_answered: u64,
    /// How many replicas were given all data, and how many went on from where they were.
    pub(super) syncs: (u64, u64),
    last_client: u64,
    log: VecDeque<String>,
}

/// How those who wait learn of changes.
#[derive(Debug)]
pub(super) struct Signals {
    /// Anything a connection may wait for.
    pub(super) news: watch::Sender<()>,
    /// Whom the replication link is to reach.
    pub(super) target: watch::Sender<Target>,
    /// Whether the server is to end.
    pub(super) ending: watch::Sender<bool>,
}

/// What is not answered for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) until: Tick,
    pub(super) of: Paused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paused {
    Writes,
    All,
}

/// One command of one connection at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) now: Now,
    pub(super) client: ClientId,
    pub(super) request: &'a Request,
}

/// What becomes of a command.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// These replies, maybe none.
    Values(Vec<Value>),
    /// The connection is not answered until what it waits for is there.
    Wait(Waiting),
    /// The connection gets these bytes, and then the replication stream behind that offset.
    Feed { head: Vec<u8>, from: u64 },
    /// This reply, and then the connection ends.
    End(Option<Value>),
}

impl Answer {
    pub(super) fn value(value: Value) -> Self {
        Self::Values(vec![value])
    }

    pub(super) fn ok() -> Self {
        Self::value(Value::ok())
    }

    pub(super) fn error(text: impl Into<String>) -> Self {
        Self::value(Value::error(text))
    }
}

impl Node {
    /// A master that listens at that address.
    pub(super) fn new(address: SocketAddr, settings: Settings, data: Dataset, seed: u64) -> Self {
        let mut chance = Chance::seeded(seed);
        let clock = Clock::start();
        let limit = amount(settings.text("repl-backlog-size")).map_or(1 << 20, |limit| limit as usize);
        let replication = Replication::fresh(&mut chance, limit);
        let signals = Signals {
            news: watch::Sender::new(()),
            target: watch::Sender::new(replication.target()),
            ending: watch::Sender::new(false),
        };
        Self {
            settings,
            data,
            replication,
            sessions: BTreeMap::new(),
            run_id: chance.run_id(),
            chance,
            address,
            started: clock.now().tick,
            clock,
            pause: None,
            batch: None,
            signals,
            commands_answered: 0,
            syncs: (0, 0),
            last_client: 0,
            log: VecDeque::new(),
        }
    }

    /// Lets a connection in; its messages come out at the receiver until it is closed, which ends the connection.
    pub(super) fn admit(&mut self, address: SocketAddr, local: SocketAddr) -> (ClientId, mpsc::Receiver<Value>) {
        self.last_client += 1;
        let id = ClientId::new(self.last_client);
        let (outbox, messages) = mpsc::channel(super::session::MOST_MESSAGES);
        self.sessions.insert(id, Session::new(self.clock.now().tick, address, local, outbox));
        (id, messages)
    }

    /// How many connections it has had.
    pub(super) fn clients_admitted(&self) -> u64 {
        self.last_client
    }

    /// Forgets a connection, which ends it.
    pub(super) fn dismiss(&mut self, client: ClientId) {
        self.sessions.remove(&client);
    }

    /// How that connection is spoken to.
    pub(super) fn protocol(&self, client: ClientId) -> Protocol {
        self.sessions.get(&client).map_or(Protocol::Resp2, |session| session.protocol)
    }

    /// Whether that connection may send long commands.
    pub(super) fn standing(&self, client: ClientId) -> Standing {
        let is_known = self.settings.password().is_none()
            || self.sessions.get(&client).is_some_and(|session| session.is_authenticated);
        if is_known { Standing::Known } else { Standing::Stranger }
    }

    /// Answers a command.
    pub(super) fn answer(&mut self, client: ClientId, request: &Request) -> Answer {
        let call = Call { now: self.clock.now(), client, request };
        self.expire(call.now.unix);
        self.commands_answered += 1;
        let Some(session) = self.sessions.get_mut(&client) else { return Answer::End(None) };
        session.last_active = call.now.tick;
        session.last_command = request.text(0).unwrap_or_default().to_ascii_lowercase();
        let command = match self.admit_command(call) {
            Ok(command) => command,
            Err(text) => return self.refuse(client, text),
        };
        let Some(session) = self.sessions.get_mut(&client) else { return Answer::End(None) };
        if let Some(transaction) = session.transaction.as_mut().filter(|_| command.may_be_queued()) {
            if transaction.push(request.clone()) {
                return Answer::value(Value::Simple("QUEUED".into()));
            }
            return self.refuse(client, "ERR the transaction is too large".into());
        }
        // A replica that says how far it is is not paused.
        if let Some(pause) = self.pause.filter(|pause| pause.until > call.now.tick)
            && (pause.of == Paused::All || command.writes())
            && session.follower.is_none()
        {
            return Answer::Wait(Waiting::for_end_of(pause, request.clone()));
        }
        self.run(call, command)
    }

    /// Runs a command that may be run.
    pub(super) fn run(&mut self, call: Call<'_>, command: &Command) -> Answer {
        match command.run {
            Run::Read(run) | Run::Write(run) => {
                let database = self.sessions.get(&call.client).map_or(0, |session| session.database);
                Answer::value(self.run_on_data(call, database, run))
            }
            Run::Server(run) | Run::ServerWrite(run) => run(self, call),
        }
    }

    /// Runs a data command, and tells everybody whom its changes concern.
    pub(super) fn run_on_data(&mut self, call: Call<'_>, database: u8, run: KeysCommand) -> Value {
        let mut scope = Scope::new(&mut self.data, database, call.now.unix);
        let outcome = run(&mut scope, call.request);
        let Scope { touched, stands_for, .. } = scope;
        if !touched.is_empty() || stands_for.is_some() {
            self.note_touched(&touched);
            self.tell_replicas(database, stands_for.unwrap_or_else(|| call.request.clone()));
            if let Some(session) = self.sessions.get_mut(&call.client) {
                session.wrote_up_to = self.replication.offset();
            }
        }
        outcome.unwrap_or_else(Value::Error)
    }

    /// Removes what has ended; only a master does.
    pub(super) fn expire(&mut self, now: UnixMs) {
        while self.replication.is_master()
            && let Some(key) = self.data.ended(now)
        {
            self.data.remove(&key);
            self.note_touched(std::slice::from_ref(&key));
            self.tell_replicas(key.0, Request::new([b"DEL".to_vec(), key.1]));
        }
    }

    /// Spoils the transactions that watch these keys, and wakes who waits for them.
    pub(super) fn note_touched(&mut self, keys: &[Key]) {
        for session in self.sessions.values_mut().filter(|session| !session.watched.is_empty()) {
            session.has_stale_watch |= keys.iter().any(|key| session.watched.contains(key));
        }
        self.signals.news.send_replace(());
    }

    /// Spoils all transactions that watch anything.
    pub(super) fn note_all_touched(&mut self) {
        for session in self.sessions.values_mut() {
            session.has_stale_watch |= !session.watched.is_empty();
        }
        self.signals.news.send_replace(());
    }

    /// Notes a line in the log.
    pub(super) fn note(&mut self, text: impl AsRef<str>) {
        if self.log.len() == LINES {
            self.log.pop_front();
        }
        let at = self.clock.now().unix.as_ms();
        self.log.push_back(format!("{at} {}", text.as_ref()));
    }

    /// The log's last lines.
    pub(super) fn log(&self) -> String {
        self.log.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Ends the server.
    pub(super) fn end(&mut self) {
        self.note("ends");
        self.signals.ending.send_replace(true);
    }

    /// Whether a command may be run now, by this connection, at this server.
    fn admit_command(&self, call: Call<'_>) -> Result<&'static Command, String> {
        let Call { request, client, .. } = call;
        let command = find_command(request).ok_or_else(|| unknown(request))?;
        command.check_arity(request)?;
        if self.standing(client) == Standing::Stranger && !command.is_for_strangers() {
            return Err("NOAUTH Authentication required.".into());
        }
        if command.writes() {
            self.check_write(call.now.tick, request)?;
        }
        let session = self.sessions.get(&client).ok_or("ERR the connection ends")?;
        if session.subscriptions() > 0 && session.protocol == Protocol::Resp2 && !command.is_for_subscribers() {
            let name = command.name.to_ascii_lowercase();
            return Err(format!(
                "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed \
                 in this context"
            ));
        }
        if command.reads() || command.writes() {
            self.check_link()?;
        }
        Ok(command)
    }

    fn check_write(&self, now: Tick, request: &Request) -> Result<(), String> {
        // What only removes is let through.
        let removes = ["DEL", "UNLINK", "FLUSHALL", "FLUSHDB", "LPOP", "RPOP", "HDEL", "SREM"];
        if self.data.weight() > MOST_WEIGHT && !removes.iter().any(|name| request.is(0, name)) {
            return Err("OOM command not allowed when used memory > 'maxmemory'.".into());
        }
        if !self.replication.is_master() {
            let is_read_only = self.settings.is_on("replica-read-only");
            return if is_read_only {
                Err("READONLY You can't write against a read only replica.".into())
            } else {
                Ok(())
            };
        }
        let wanted = self.settings.number("min-replicas-to-write");
        let most_lag = self.settings.seconds("min-replicas-max-lag");
        if wanted > 0 && most_lag.as_ms() > 0 {
            let followers = self.sessions.values().filter_map(|session| session.follower.as_ref());
            if (followers.filter(|follower| follower.lag(now) <= most_lag).count() as u64) < wanted {
                return Err("NOREPLICAS Not enough good replicas to write.".into());
            }
        }
        Ok(())
    }

    fn check_link(&self) -> Result<(), String> {
        let is_stale = self.replication.following().is_some_and(|following| following.link != LinkState::Connected);
        if is_stale && !self.settings.is_on("replica-serve-stale-data") {
            return Err("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.".into());
        }
        Ok(())
    }

    /// Tells a connection why not, which spoils its transaction.
    fn refuse(&mut self, client: ClientId, text: String) -> Answer {
        if let Some(transaction) = self.sessions.get_mut(&client).and_then(|session| session.transaction.as_mut()) {
            transaction.is_broken = true;
        }
        Answer::error(text)
    }
}

/// The text redis gives, with the beginning of what it was told.
fn unknown(request: &Request) -> String {
    let shown = |index: usize| {
        let word = String::from_utf8_lossy(request.word(index).unwrap_or_default()).into_owned();
        word.chars().take(128).collect::<String>()
    };
    let mut text = format!("ERR unknown command '{}', with args beginning with: ", shown(0));
    for index in 1..request.len().min(10) {
        text.extend(["'", &shown(index), "' "]);
    }
    text
}

/// The keys of one database that words name.
pub(super) fn keys_of(database: u8, words: &[Vec<u8>]) -> BTreeSet<Key> {
    words.iter().map(|word| (database, word.clone())).collect()
}

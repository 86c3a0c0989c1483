//! Decides what masters tell replicas and what replicas do with it: REPLICAOF, PSYNC, the stream and its acknowledgements.
//!
//! The handshake and the stream are those of redis; the body of a full synchronisation is not: it is the commands that
//! rebuild the data, so simulated servers replicate among themselves alone.

use super::{
    data::{Dataset, Key},
    node::{Answer, Call, Node},
    replication::{Follower, LinkState, Resumption, Target},
    scope::{Scope, database_of},
    session::Kind,
    table::{Run, find_command},
};
use crate::{
    resp::{Request, Value},
    types::{RunId, UnixMs},
};

/// What a replica was told about where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Where it is, in the history of that id.
    Here(RunId),
    /// At that offset, with data that are sent first.
    Anew { history: RunId, offset: u64 },
}

/// The link is not the one that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outdated;

pub(super) fn follow(node: &mut Node, call: Call<'_>) -> Answer {
    let Call { now, request, .. } = call;
    if request.is(1, "NO") && request.is(2, "ONE") {
        if node.replication.promote(&mut node.chance) {
            node.note("MASTER MODE enabled (user request)");
            node.change_place();
        }
        return Answer::ok();
    }
    let port = request.integer(2).and_then(|port| u16::try_from(port).ok());
    let (Some(host), Some(port)) = (request.text(1).filter(|host| host.len() <= 255), port) else {
        return Answer::error("ERR Invalid master port");
    };
    if !node.replication.follow(now.tick, host, port) {
        return Answer::value(Value::Simple("OK Already connected to specified master".into()));
    }
    node.note(format!("REPLICAOF {host}:{port} enabled (user request)"));
    node.change_place();
    Answer::ok()
}

pub(super) fn configure(node: &mut Node, call: Call<'_>) -> Answer {
    let Call { now, client, request } = call;
    let Some(session) = node.sessions.get_mut(&client) else { return Answer::End(None) };
    for at in (1..request.len()).step_by(2) {
        match request.text(at).unwrap_or_default().to_ascii_lowercase().as_str() {
            "listening-port" => session.announced.1 = request.integer(at + 1).and_then(|port| u16::try_from(port).ok()),
            "ip-address" => session.announced.0 = request.text(at + 1).filter(|ip| ip.len() <= 255).map(str::to_owned),
            "capa" => {}
            "ack" => {
                if let (Some(follower), Some(offset)) = (session.follower.as_mut(), request.integer(at + 1)) {
                    follower.acknowledged = offset.max(0) as u64;
                    follower.heard = now.tick;
                }
                node.signals.news.send_replace(());
                return Answer::Values(Vec::new());
            }
            other => return Answer::error(format!("ERR Unrecognized REPLCONF option: {other}")),
        }
    }
    Answer::ok()
}

pub(super) fn sync(node: &mut Node, call: Call<'_>) -> Answer {
    let Call { now, client, request } = call;
    if node.replication.following().is_some_and(|following| following.link != LinkState::Connected) {
        return Answer::error("NOMASTERLINK Can't SYNC while not connected with my master");
    }
    let offset = node.replication.offset();
    // A replica names the first byte it lacks, counted from 1.
    let has = request.integer(2).and_then(|wanted| u64::try_from(wanted.checked_sub(1)?).ok());
    let asked = request.text(1).unwrap_or_default();
    let resumption = has.map_or(Resumption::Full, |has| node.replication.judge(asked, has));
    let history = node.replication.history().clone();
    let (head, from) = match (resumption, has) {
        (Resumption::Partial, Some(has)) => {
            node.syncs.1 += 1;
            (format!("+CONTINUE {history}\r\n").into_bytes(), has)
        }
        (Resumption::Partial | Resumption::Full, _) => {
            node.syncs.0 += 1;
            let mut data = node.data.snapshot();
            let selected = node.replication.selected.unwrap_or(0);
            Request::new(["SELECT".to_owned(), selected.to_string()]).encode(&mut data);
            let mut head = format!("+FULLRESYNC {history} {offset}\r\n${}\r\n", data.len()).into_bytes();
            head.extend(data);
            (head, offset)
        }
    };
    let Some(session) = node.sessions.get_mut(&client) else { return Answer::End(None) };
    let host = session.announced.0.clone().unwrap_or_else(|| session.address.ip().to_string());
    let port = session.announced.1.unwrap_or_else(|| session.address.port());
    let text = format!("replica {host}:{port} resumes from {from}, {} bytes in advance", head.len());
    session.follower = Some(Follower { host, port, acknowledged: from, heard: now.tick });
    node.note(text);
    node.signals.news.send_replace(());
    Answer::Feed { head, from }
}

/// The master's side.
impl Node {
    /// Tells the replicas a command, or keeps it for the end of the transaction that runs.
    pub(super) fn tell_replicas(&mut self, database: u8, request: Request) {
        match &mut self.batch {
            Some(batch) => batch.push((database, request)),
            None => self.tell(database, &request),
        }
    }

    /// Tells the replicas what a transaction changed, so that they take all of it or nothing.
    pub(super) fn tell_replicas_at_once(&mut self, changes: Vec<(u8, Request)>) {
        let Some(&(first, _)) = changes.first() else { return };
        let is_several = changes.len() > 1;
        if is_several {
            self.tell(first, &Request::new(["MULTI"]));
        }
        let mut last = first;
        for (database, request) in changes {
            self.tell(database, &request);
            last = database;
        }
        if is_several {
            self.tell(last, &Request::new(["EXEC"]));
        }
    }

    /// Asks all replicas how far they are.
    pub(super) fn ask_for_acknowledgements(&mut self) {
        self.append(&Request::new(["REPLCONF", "GETACK", "*"]));
    }

    /// What a master does now and then: lets keys end, and shows its replicas that it lives.
    pub(super) fn keep_time(&mut self) {
        let now = self.clock.now();
        self.expire(now.unix);
        let patience = self.settings.seconds("repl-timeout");
        let silent = |session: &super::session::Session| {
            session.follower.as_ref().is_some_and(|follower| follower.lag(now.tick) > patience)
        };
        self.sessions.retain(|_, session| !silent(session));
    }

    /// Shows replicas that their master lives.
    pub(super) fn ping_replicas(&mut self) {
        if self.replication.is_master() && self.sessions.values().any(|session| session.kind() == Kind::Replica) {
            self.append(&Request::new(["PING"]));
        }
    }

    fn tell(&mut self, database: u8, request: &Request) {
        if !self.replication.is_master() {
            return;
        }
        if self.replication.selected != Some(database) {
            self.append(&Request::new(["SELECT".to_owned(), database.to_string()]));
            self.replication.selected = Some(database);
        }
        self.append(request);
    }

    fn append(&mut self, request: &Request) {
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        self.replication.backlog.append(&bytes);
        self.signals.news.send_replace(());
    }

    /// Tells everybody that the role or the master changed; replicas come again and ask where to go on.
    fn change_place(&mut self) {
        self.sessions.retain(|_, session| session.kind() != Kind::Replica);
        self.signals.target.send_replace(self.replication.target());
        self.signals.news.send_replace(());
    }
}

/// The replica's side.
impl Node {
    /// Makes the link to the master anew; whether there is one.
    pub(super) fn relink(&mut self) -> bool {
        if self.replication.is_master() {
            return false;
        }
        self.replication.relink(self.clock.now().tick);
        self.signals.target.send_replace(self.replication.target());
        true
    }

    /// Whether that is whom the link is to reach.
    pub(super) fn wants(&self, target: &Target) -> Result<(), Outdated> {
        if self.replication.is_current(target.round) { Ok(()) } else { Err(Outdated) }
    }

    /// Notes how far the link is.
    pub(super) fn note_link(&mut self, target: &Target, link: LinkState) -> Result<(), Outdated> {
        self.wants(target)?;
        if self.replication.set_link(self.clock.now().tick, link) {
            self.note(format!("the link to the master is: {}", link.name()));
            self.signals.news.send_replace(());
        }
        Ok(())
    }

    /// Notes that the master was heard.
    pub(super) fn hear_master(&mut self) {
        self.replication.hear(self.clock.now().tick);
    }

    /// Begins where the master said; `data` are what came with it.
    pub(super) fn begin_stream(
        &mut self,
        target: &Target,
        beginning: Beginning,
        data: Option<Copy>,
    ) -> Result<(), Outdated> {
        self.wants(target)?;
        match beginning {
            Beginning::Here(history) => self.replication.resume(history),
            Beginning::Anew { history, offset } => {
                self.replication.restart_at(history, offset);
                self.sessions.retain(|_, session| session.kind() != Kind::Replica);
            }
        }
        if let Some(copy) = data {
            self.replication.selected = Some(copy.selected);
            self.data = copy.data;
            self.note_all_touched();
        }
        self.note_link(target, LinkState::Connected)
    }

    /// Does what the master did, all of it or nothing; gives whether the master asks how far this is.
    pub(super) fn apply_stream(&mut self, target: &Target, requests: &[Request]) -> Result<bool, Outdated> {
        self.wants(target)?;
        self.hear_master();
        let mut is_asked = false;
        let mut bytes = Vec::new();
        for request in requests {
            request.encode(&mut bytes);
            is_asked |= request.is(0, "REPLCONF");
            if let (true, Some(channel), Some(text)) = (request.is(0, "PUBLISH"), request.word(1), request.word(2)) {
                self.deliver(channel, text);
            }
            let mut selected = self.replication.selected.unwrap_or(0);
            let touched = apply(&mut self.data, &mut selected, request);
            self.replication.selected = Some(selected);
            if !touched.is_empty() {
                self.note_touched(&touched);
            }
        }
        self.replication.backlog.append(&bytes);
        self.signals.news.send_replace(());
        Ok(is_asked)
    }
}

/// A dataset that is rebuilt from commands.
#[derive(Debug, Default)]
pub(super) struct Copy {
    data: Dataset,
    selected: u8,
}

impl Copy {
    /// Does the next command.
    pub(super) fn apply(&mut self, request: &Request) {
        apply(&mut self.data, &mut self.selected, request);
    }

    /// What it weighs by now.
    pub(super) fn weight(&self) -> usize {
        self.data.weight()
    }
}

/// Does a command that a master did; gives the keys it touched.
fn apply(data: &mut Dataset, selected: &mut u8, request: &Request) -> Vec<Key> {
    if request.is(0, "SELECT") {
        *selected = database_of(request, 1).unwrap_or(*selected);
        return Vec::new();
    }
    let command = find_command(request).filter(|command| command.check_arity(request).is_ok());
    let Some(Run::Write(run)) = command.map(|command| command.run) else { return Vec::new() };
    // The master's moment counts: what had not ended there has not ended here.
    let mut scope = Scope::new(data, *selected, UnixMs::from_ms(0));
    // It succeeded at the master.
    let _ = run(&mut scope, request);
    scope.touched
}

//! Decides how a sentinel is asked: one connection for all masters, kept a little, each question with its limit.
//!
//! `MASTER` is sent before `GET-MASTER-ADDR-BY-NAME`: when the sentinel changes its mind between the two, the new
//! address comes with the old epoch, which wins nothing; the other way round the old address would win.

use std::collections::BTreeMap;

use super::{
    Event, EventKind, Finder, Output, Purpose, Why,
    answer::{self, Facts, Said},
    sentinels::Reach,
};
use crate::{
    error::ErrorKind,
    resp::{Request, Value},
    types::{LinkId, MasterName, Millis, Now, RequestId, RunId, SentinelId, Tick},
};

/// The connection for questions to one sentinel.
#[derive(Clone, Debug, Default)]
pub(super) struct AskLink {
    state: State,
    /// When it was last of use.
    used: Tick,
    asks: BTreeMap<MasterName, Ask>,
    pending: BTreeMap<RequestId, Part>,
    /// Since when the list of masters is wanted from it.
    survey: Option<Tick>,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Opening(LinkId),
    Open(LinkId),
}

/// One question about one master.
#[derive(Clone, Debug)]
struct Ask {
    depth: Depth,
    since: Tick,
    facts: Facts,
    /// What to ask once this is answered: something happened after it was asked.
    again: Option<Depth>,
}

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// The address and the epoch.
    Pair,
    /// The replicas and the other sentinels too.
    Full,
}

/// What a command asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Identity,
    Facts(MasterName),
    Address(MasterName),
    Replicas(MasterName),
    Peers(MasterName),
    Names,
}

/// How long a connection without a question is kept: within a failover one question is seldom the last.
const KEPT: Millis = Millis::new(3_000);

impl AskLink {
    pub(super) fn link(&self) -> Option<LinkId> {
        match self.state {
            State::Closed => None,
            State::Opening(link) | State::Open(link) => Some(link),
        }
    }

    fn oldest(&self) -> Option<Tick> {
        self.asks.values().map(|ask| ask.since).chain(self.survey).min()
    }
}

impl Finder {
    /// Asks a sentinel about a master; when it is being asked already, once more behind that.
    pub(super) fn ask(&mut self, now: Now, id: SentinelId, name: &MasterName, depth: Depth) {
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        if let Some(ask) = sentinel.ask.asks.get_mut(name) {
            ask.again = ask.again.max(Some(depth));
            return;
        }
        let ask = Ask { depth, since: now.tick, facts: Facts::default(), again: None };
        sentinel.ask.asks.insert(name.clone(), ask);
        self.put_question(now, id, Some((name, depth)));
    }

    /// Asks a sentinel which masters it monitors.
    pub(super) fn ask_names(&mut self, now: Now, id: SentinelId) {
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        if sentinel.ask.survey.is_none() {
            sentinel.ask.survey = Some(now.tick);
            self.put_question(now, id, None);
        }
    }

    /// Whether a sentinel owes an answer about this master.
    pub(super) fn is_asked(&self, id: SentinelId, name: &MasterName) -> bool {
        self.sentinels.get(&id).is_some_and(|sentinel| sentinel.ask.asks.contains_key(name))
    }

    /// Sends a question on the open connection, or opens one, which sends all that wait.
    fn put_question(&mut self, now: Now, id: SentinelId, about: Option<(&MasterName, Depth)>) {
        self.deadlines.bring_forward(Why::Ask(id), now.tick.after(self.settings.times.sentinel));
        let Some(sentinel) = self.sentinels.get(&id) else { return };
        match (sentinel.ask.state, about) {
            (State::Opening(_), _) => {}
            (State::Closed, _) => {
                let link = self.open_link(id, Purpose::Ask);
                if let Some(sentinel) = self.sentinels.get_mut(&id) {
                    sentinel.ask.state = State::Opening(link);
                }
            }
            (State::Open(_), Some((name, depth))) => self.send_question(id, name, depth),
            (State::Open(_), None) => self.send_part(id, Part::Names),
        }
    }

    fn send_question(&mut self, id: SentinelId, name: &MasterName, depth: Depth) {
        self.send_part(id, Part::Facts(name.clone()));
        self.send_part(id, Part::Address(name.clone()));
        if depth == Depth::Full {
            self.send_part(id, Part::Replicas(name.clone()));
            self.send_part(id, Part::Peers(name.clone()));
        }
    }

    fn send_part(&mut self, id: SentinelId, part: Part) {
        let request = RequestId::new(self.next_number());
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        let State::Open(link) = sentinel.ask.state else { return };
        let command = command(&part);
        sentinel.ask.pending.insert(request, part);
        self.outputs.push_back(Output::Send { link, request, command });
    }

    /// The connection is usable: all that waits is asked.
    pub(super) fn ask_link_opened(&mut self, now: Now, id: SentinelId, link: LinkId) {
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        sentinel.ask.state = State::Open(link);
        sentinel.ask.used = now.tick;
        let waiting: Vec<_> = sentinel.ask.asks.iter().map(|(name, ask)| (name.clone(), ask.depth)).collect();
        let survey = sentinel.ask.survey.is_some();
        for (name, depth) in waiting {
            self.send_question(id, &name, depth);
        }
        if survey {
            self.send_part(id, Part::Names);
        }
        self.send_part(id, Part::Identity);
    }

    /// The connection is gone: every question is answered with that.
    pub(super) fn ask_link_closed(&mut self, now: Now, id: SentinelId, kind: ErrorKind, reason: &str) {
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        let ask = std::mem::take(&mut sentinel.ask);
        let address = sentinel.address.clone();
        self.deadlines.clear(Why::Ask(id));
        if ask.asks.is_empty() && ask.survey.is_none() {
            return;
        }
        let reason = answer::cut(reason);
        self.note_reach(now, id, Reach::Down, &reason);
        if kind == ErrorKind::Auth {
            self.note_refusal(now, &address, &reason);
        }
        for (name, ask) in ask.asks {
            // What happened after it was asked may be that it came back.
            match ask.again {
                Some(depth) => self.ask(now, id, &name, depth),
                None => self.hear_word(now, id, &name, Said::Failed { kind, reason: reason.clone() }),
            }
        }
        if ask.survey.is_some() {
            self.survey_failed(now, id);
        }
    }

    /// A sentinel or server refuses the user: told once until something answers there again.
    pub(super) fn note_refusal(&mut self, now: Now, address: &crate::types::Endpoint, reason: &str) {
        let is_new = self.refused.len() < MOST_REFUSED && self.refused.insert(address.clone());
        if is_new {
            let kind = EventKind::AuthFailed { address: address.clone(), reason: reason.to_owned() };
            self.outputs.push_back(Output::Publish(Event { at: now, master: None, kind }));
        }
    }

    /// An answer on a connection for questions.
    pub(super) fn ask_answered(&mut self, now: Now, id: SentinelId, request: RequestId, value: &Value) {
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        let Some(part) = sentinel.ask.pending.remove(&request) else { return };
        sentinel.ask.used = now.tick;
        match part {
            Part::Identity => {
                if let Some(run_id) = value.as_text().and_then(RunId::parse) {
                    self.identify(now, id, run_id);
                }
            }
            Part::Facts(name) => {
                if let Some(ask) = sentinel.ask.asks.get_mut(&name) {
                    ask.facts = answer::read_facts(value);
                }
            }
            Part::Address(name) => self.address_answered(now, id, &name, value),
            Part::Replicas(name) => {
                if let Some(rows) = answer::read_replicas(value, &self.settings.address_map) {
                    self.hear_replicas(now, id, &name, rows);
                }
            }
            Part::Peers(_) => {
                let rows = answer::read_peers(value, &self.settings.address_map).unwrap_or_default();
                for row in rows.iter().filter(|row| !row.is_down) {
                    self.meet_peer(now, &row.address, row.run_id.as_ref());
                }
            }
            Part::Names => self.names_answered(now, id, value),
        }
        self.rest_ask_link(now, id);
    }

    fn address_answered(&mut self, now: Now, id: SentinelId, name: &MasterName, value: &Value) {
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        let Some(ask) = sentinel.ask.asks.remove(name) else { return };
        let took = now.tick.since(ask.since);
        let said = answer::read_word(value, ask.facts, took, &self.settings.address_map);
        let address = sentinel.address.clone();
        self.note_reach(now, id, Reach::Up, "");
        match &said {
            Said::Failed { kind: ErrorKind::Auth, reason } => self.note_refusal(now, &address, &reason.clone()),
            Said::Failed { .. } | Said::Names(_) | Said::Unaware => {
                self.refused.remove(&address);
            }
        }
        if let Some(depth) = ask.again {
            self.ask(now, id, name, depth);
        }
        self.hear_word(now, id, name, said);
    }

    pub(super) fn survey_answered(&mut self, id: SentinelId) {
        if let Some(sentinel) = self.sentinels.get_mut(&id) {
            sentinel.ask.survey = None;
        }
    }

    /// Sets the deadline of a connection by what is asked on it.
    fn rest_ask_link(&mut self, now: Now, id: SentinelId) {
        let Some(sentinel) = self.sentinels.get(&id) else { return };
        let due = match (sentinel.ask.oldest(), sentinel.ask.link()) {
            (Some(oldest), _) => oldest.after(self.settings.times.sentinel),
            (None, Some(_)) => now.tick.after(KEPT),
            (None, None) => return self.deadlines.clear(Why::Ask(id)),
        };
        self.deadlines.set(Why::Ask(id), due);
    }

    /// A question has been asked too long ago, or the connection is of no more use.
    pub(super) fn tend_ask_link(&mut self, now: Now, id: SentinelId) {
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        let limit = self.settings.times.sentinel;
        match sentinel.ask.oldest() {
            Some(oldest) if now.tick < oldest.after(limit) => self.rest_ask_link(now, id),
            Some(_) => {
                if let Some(link) = sentinel.ask.link() {
                    self.close_link(link);
                }
                self.ask_link_closed(now, id, ErrorKind::Timeout, &format!("no answer within {limit}"));
            }
            None => {
                if let Some(link) = std::mem::take(&mut sentinel.ask).link() {
                    self.close_link(link);
                }
            }
        }
    }

    /// Whether a sentinel owes any answer.
    pub(super) fn owes_answer(&self, id: SentinelId) -> bool {
        self.sentinels.get(&id).is_some_and(|sentinel| sentinel.ask.oldest().is_some())
    }
}

/// The most addresses of which it is remembered that they refused the user.
const MOST_REFUSED: usize = 64;

fn command(part: &Part) -> Request {
    match part {
        Part::Identity => Request::new(["SENTINEL", "MYID"]),
        Part::Facts(name) => Request::new(["SENTINEL", "MASTER", name.as_str()]),
        Part::Address(name) => Request::new(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name.as_str()]),
        Part::Replicas(name) => Request::new(["SENTINEL", "REPLICAS", name.as_str()]),
        Part::Peers(name) => Request::new(["SENTINEL", "SENTINELS", name.as_str()]),
        Part::Names => Request::new(["SENTINEL", "MASTERS"]),
    }
}

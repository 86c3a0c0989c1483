//! Decides what clients may know of and do to connections: the `CLIENT` sub-commands.

use std::net::SocketAddr;

use super::{
    Answer, Call, Session,
    session::{Eviction, Replies},
};
use crate::{
    machine::{Machine, Output},
    resp::{Protocol, Value},
    types::{ClientId, Now},
};

/// The longest name a client may give itself, in bytes.
const LONGEST_NAME: usize = 256;

/// Which clients an operator means.
#[derive(Debug, Default)]
struct Filter {
    id: Option<i64>,
    kind: Option<Kind>,
    address: Option<String>,
    local: Option<String>,
    user: Option<String>,
    /// A client that is left alone in any case.
    except: Option<ClientId>,
}

/// The kinds of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Normal,
    Subscriber,
    /// A master or replica, of which a sentinel has none among its clients.
    Replication,
}

/// `CLIENT GETNAME`
pub(super) fn name(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let name = machine.clients.get(&call.client).map_or("", |session| &session.name);
    if name.is_empty() { Value::Null.into() } else { Value::bulk(name).into() }
}

/// `CLIENT SETNAME <name>`
pub(super) fn set_name(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let name = match parse_name(call.request.word(2).unwrap_or_default()) {
        Ok(name) => name,
        Err(refusal) => return refusal.into(),
    };
    if let Some(session) = machine.clients.get_mut(&call.client) {
        session.name = name;
    }
    Value::ok().into()
}

/// `CLIENT SETINFO LIB-NAME|LIB-VER <value>`: accepted, shown nowhere.
pub(super) fn set_info(_machine: &mut Machine, call: &Call<'_>) -> Answer {
    let option = call.shown(2);
    if !call.request.is(2, "lib-name") && !call.request.is(2, "lib-ver") {
        return Value::error(format!("ERR Unrecognized option '{option}'")).into();
    }
    if call.request.word(3).is_some_and(|value| value.iter().all(u8::is_ascii_graphic)) {
        Value::ok().into()
    } else {
        let option = option.to_ascii_lowercase();
        Value::error(format!("ERR {option} cannot contain spaces, newlines or special characters.")).into()
    }
}

/// `CLIENT ID`
pub(super) fn id(_machine: &mut Machine, call: &Call<'_>) -> Answer {
    Value::Integer(call.client.as_u64() as i64).into()
}

/// `CLIENT INFO`
pub(super) fn info(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let session = machine.clients.get(&call.client);
    let line = session.map(|session| describe(call.now, call.client, session)).unwrap_or_default();
    Value::Verbatim(line.into_bytes()).into()
}

/// `CLIENT LIST [TYPE <type> | ID <id> ...]`
pub(super) fn list(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let request = call.request;
    let shown: Vec<ClientId> = if request.len() == 2 {
        machine.clients.keys().copied().collect()
    } else if request.len() == 4 && request.is(2, "type") {
        match parse_kind(call, 3) {
            Ok(kind) => machine.chosen(&Filter { kind: Some(kind), ..Filter::default() }),
            Err(refusal) => return refusal.into(),
        }
    } else if request.len() > 3 && request.is(2, "id") {
        let ids: Option<Vec<i64>> = (3..request.len()).map(|index| request.integer(index)).collect();
        let Some(ids) = ids else { return Value::error("ERR Invalid client ID").into() };
        ids.into_iter().filter_map(|id| u64::try_from(id).ok()).map(ClientId::new).collect()
    } else {
        return Value::error("ERR syntax error").into();
    };
    let sessions = shown.into_iter().filter_map(|id| Some((id, machine.clients.get(&id)?)));
    let lines: String = sessions.map(|(id, session)| describe(call.now, id, session)).collect();
    Value::Verbatim(lines.into_bytes()).into()
}

/// `CLIENT KILL <address>` or `CLIENT KILL <filter> <value> ...`
pub(super) fn kill(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let by_address = call.request.len() == 3;
    let filter = if by_address {
        Filter { address: Some(call.shown(2)), ..Filter::default() }
    } else {
        match read_filter(machine, call) {
            Ok(filter) => filter,
            Err(refusal) => return refusal.into(),
        }
    };
    let killed = machine.chosen(&filter);
    let reply = match killed.len() {
        0 if by_address => Value::error("ERR No such client"),
        _ if by_address => Value::ok(),
        count => Value::Integer(count as i64),
    };
    machine.reply(call.client, reply);
    for client in killed {
        machine.clients.remove(&client);
        machine.outputs.push_back(Output::Hangup { client });
    }
    Answer::Elsewhere
}

/// `CLIENT REPLY ON|OFF|SKIP`
pub(super) fn reply(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let Some(session) = machine.clients.get_mut(&call.client) else { return Answer::Elsewhere };
    if call.request.is(2, "on") {
        session.replies = Replies::On;
        return Value::ok().into();
    }
    if call.request.is(2, "off") {
        session.replies = Replies::Off;
    } else if !call.request.is(2, "skip") {
        return Value::error("ERR syntax error").into();
    } else if session.replies != Replies::Off {
        session.replies = Replies::SkipNext;
    }
    Answer::Silence
}

/// `CLIENT NO-EVICT ON|OFF`: no client is ever evicted; the wish is shown in the list.
pub(super) fn no_evict(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let eviction = match (call.request.is(2, "on"), call.request.is(2, "off")) {
        (true, _) => Eviction::Refused,
        (_, true) => Eviction::Allowed,
        _ => return Value::error("ERR syntax error").into(),
    };
    if let Some(session) = machine.clients.get_mut(&call.client) {
        session.eviction = eviction;
    }
    Value::ok().into()
}

/// Reads a name that a client gives itself.
pub(super) fn parse_name(name: &[u8]) -> Result<String, Value> {
    if name.len() > LONGEST_NAME {
        return Err(Value::error(format!("ERR Client names cannot have more than {LONGEST_NAME} bytes.")));
    }
    let visible = name.iter().all(u8::is_ascii_graphic);
    let name = visible.then(|| String::from_utf8_lossy(name).into_owned());
    name.ok_or_else(|| Value::error("ERR Client names cannot contain spaces, newlines or special characters."))
}

impl Machine {
    /// The clients that a filter chooses.
    fn chosen(&self, filter: &Filter) -> Vec<ClientId> {
        let chosen = self.clients.iter().filter(|(id, session)| filter.chooses(**id, session));
        chosen.map(|(&id, _)| id).collect()
    }
}

impl Filter {
    fn chooses(&self, id: ClientId, session: &Session) -> bool {
        let fits = |wanted: &Option<String>, actual: &str| wanted.as_ref().is_none_or(|wanted| wanted == actual);
        self.id.is_none_or(|wanted| u64::try_from(wanted) == Ok(id.as_u64()))
            && self.kind.is_none_or(|kind| kind == Kind::of(session))
            && fits(&self.address, &show_address(session.address))
            && fits(&self.local, &show_address(session.local))
            && fits(&self.user, session.user.as_deref().unwrap_or("default"))
            && self.except != Some(id)
    }
}

impl Kind {
    fn of(session: &Session) -> Self {
        if session.is_subscriber() { Self::Subscriber } else { Self::Normal }
    }
}

/// Reads the filters of CLIENT KILL; the asking client is spared unless it says `SKIPME no`.
fn read_filter(machine: &Machine, call: &Call<'_>) -> Result<Filter, Value> {
    let request = call.request;
    let mut filter = Filter { except: Some(call.client), ..Filter::default() };
    for index in (2..request.len()).step_by(2) {
        let value = call.shown(index + 1);
        if index + 1 >= request.len() {
            return Err(Value::error("ERR syntax error"));
        } else if request.is(index, "id") {
            let id = request.integer(index + 1).filter(|&id| id > 0);
            filter.id = Some(id.ok_or_else(|| Value::error("ERR client-id should be greater than 0"))?);
        } else if request.is(index, "type") {
            filter.kind = Some(parse_kind(call, index + 1)?);
        } else if request.is(index, "addr") {
            filter.address = Some(value);
        } else if request.is(index, "laddr") {
            filter.local = Some(value);
        } else if request.is(index, "user") {
            if machine.desk.access.user(&value).is_none() {
                return Err(Value::error(format!("ERR No such user '{value}'")));
            }
            filter.user = Some(value);
        } else if request.is(index, "skipme") && request.is(index + 1, "yes") {
            filter.except = Some(call.client);
        } else if request.is(index, "skipme") && request.is(index + 1, "no") {
            filter.except = None;
        } else {
            return Err(Value::error("ERR syntax error"));
        }
    }
    Ok(filter)
}

/// Reads a kind of client.
fn parse_kind(call: &Call<'_>, index: usize) -> Result<Kind, Value> {
    match call.shown(index).to_ascii_lowercase().as_str() {
        "normal" => Ok(Kind::Normal),
        "pubsub" => Ok(Kind::Subscriber),
        "master" | "replica" | "slave" => Ok(Kind::Replication),
        _ => Err(Value::error(format!("ERR Unknown client type '{}'", call.shown(index)))),
    }
}

/// A client's line in the list; what a sentinel does not measure reads 0.
fn describe(now: Now, id: ClientId, session: &Session) -> String {
    let kind = if session.is_subscriber() { "P" } else { "" };
    let kept = if session.eviction == Eviction::Refused { "e" } else { "" };
    let flags = if kind.is_empty() && kept.is_empty() { "N".into() } else { format!("{kind}{kept}") };
    format!(
        "id={id} addr={} laddr={} fd=0 name={} age={} idle={} flags={flags} db=0 sub={} psub={} ssub=0 multi=-1 \
         qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd={} user={} \
         redir=-1 resp={}\n",
        show_address(session.address),
        show_address(session.local),
        session.name,
        now.tick.since(session.opened).as_ms() / 1000,
        now.tick.since(session.asked).as_ms() / 1000,
        session.channels.len(),
        session.patterns.len(),
        session.command,
        session.user.as_deref().unwrap_or("default"),
        if session.protocol == Protocol::Resp3 { 3 } else { 2 },
    )
}

/// An address as the list shows it; a Unix socket has none.
fn show_address(address: Option<SocketAddr>) -> String {
    address.map_or_else(|| ":0".into(), |address| address.to_string())
}

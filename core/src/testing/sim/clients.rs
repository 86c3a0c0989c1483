//! Decides what CLIENT does: names, lists, ends and pauses connections.

use super::{
    node::{Answer, Call, Node, Pause, Paused},
    scope::{NO_INTEGER, SYNTAX},
    session::{Kind, Session},
};
use crate::{
    resp::{Protocol, Value},
    types::{ClientId, Millis, Tick},
};

/// The longest pause.
const LONGEST: Millis = Millis::new(24 * 3_600_000);

/// Which connections `CLIENT KILL` ends.
#[derive(Debug, Default)]
struct Doomed {
    id: Option<ClientId>,
    kind: Option<Kind>,
    /// The links to the master, instead of connections here.
    are_masters: bool,
    address: Option<String>,
    local: Option<String>,
    spares_me: Option<ClientId>,
}

pub(super) fn client(node: &mut Node, call: Call<'_>) -> Answer {
    let Call { request, client, now } = call;
    let Some(session) = node.sessions.get_mut(&client) else { return Answer::End(None) };
    match request.text(1).unwrap_or_default().to_ascii_uppercase().as_str() {
        "ID" => Answer::value(Value::Integer(client.as_u64() as i64)),
        "GETNAME" if session.name.is_empty() => Answer::value(Value::Null),
        "GETNAME" => Answer::value(Value::bulk(&session.name)),
        "SETNAME" if request.len() == 3 => match request.text(2).filter(|name| is_printable(name)) {
            Some(name) => {
                name.clone_into(&mut session.name);
                Answer::ok()
            }
            None => Answer::error("ERR Client names cannot contain spaces, newlines or special characters."),
        },
        "SETINFO" if request.len() == 4 => set_library(session, request.text(2), request.text(3)),
        "INFO" => Answer::value(Value::bulk(describe(client, session, now.tick) + "\n")),
        "LIST" => {
            let lines = node.sessions.iter().map(|(&id, session)| describe(id, session, now.tick) + "\n");
            Answer::value(Value::bulk(lines.collect::<String>()))
        }
        "KILL" if request.len() > 2 => kill(node, call),
        "PAUSE" if request.len() > 2 => pause(node, call),
        "UNPAUSE" => {
            node.pause = None;
            node.signals.news.send_replace(());
            Answer::ok()
        }
        "NO-EVICT" | "NO-TOUCH" => Answer::ok(),
        other => Answer::error(format!(
            "ERR unknown subcommand or wrong number of arguments for '{other}'. Try CLIENT HELP."
        )),
    }
}

fn is_printable(name: &str) -> bool {
    name.len() <= 1024 && name.bytes().all(|byte| (b'!'..=b'~').contains(&byte))
}

fn set_library(session: &mut Session, field: Option<&str>, value: Option<&str>) -> Answer {
    let value = value.filter(|value| is_printable(value)).unwrap_or_default().to_owned();
    match field.unwrap_or_default().to_ascii_lowercase().as_str() {
        "lib-name" => session.library.0 = value,
        "lib-ver" => session.library.1 = value,
        _ => return Answer::error("ERR Unrecognized option"),
    }
    Answer::ok()
}

fn describe(id: ClientId, session: &Session, now: Tick) -> String {
    let flags = match session.kind() {
        Kind::Normal => "N",
        Kind::Subscriber => "P",
        Kind::Replica => "S",
    };
    let version = if session.protocol == Protocol::Resp3 { 3 } else { 2 };
    format!(
        "id={id} addr={} laddr={} fd=0 name={} age={} idle={} flags={flags} db={} sub={} psub={} multi={} cmd={} \
         user=default resp={version} lib-name={} lib-ver={}",
        session.address,
        session.local,
        session.name,
        now.since(session.since).as_ms() / 1000,
        now.since(session.last_active).as_ms() / 1000,
        session.database,
        session.channels.len(),
        session.patterns.len(),
        session.transaction.as_ref().map_or(-1, |transaction| transaction.queue.len() as i64),
        session.last_command,
        session.library.0,
        session.library.1
    )
}

fn kill(node: &mut Node, call: Call<'_>) -> Answer {
    let is_old_form = call.request.len() == 3;
    let doomed = match Doomed::read(call) {
        Ok(doomed) => doomed,
        Err(text) => return Answer::error(text),
    };
    let mut count = i64::from(doomed.are_masters && node.relink());
    let before = node.sessions.len();
    node.sessions.retain(|&id, session| !doomed.means(id, session));
    count += (before - node.sessions.len()) as i64;
    node.signals.news.send_replace(());
    match (is_old_form, count) {
        (true, 0) => Answer::error("ERR No such client"),
        (true, _) => Answer::ok(),
        (false, _) => Answer::value(Value::Integer(count)),
    }
}

impl Doomed {
    fn read(call: Call<'_>) -> Result<Self, String> {
        let Call { request, client, .. } = call;
        if request.len() == 3 {
            return Ok(Self { address: request.text(2).map(str::to_owned), ..Self::default() });
        }
        if !request.len().is_multiple_of(2) {
            return Err(SYNTAX.into());
        }
        let mut doomed = Self { spares_me: Some(client), ..Self::default() };
        for at in (2..request.len()).step_by(2) {
            let value = request.text(at + 1).unwrap_or_default();
            match request.text(at).unwrap_or_default().to_ascii_uppercase().as_str() {
                "ID" => {
                    let id = value.parse().map_err(|_| "ERR client-id should be greater than 0")?;
                    doomed.id = Some(ClientId::new(id));
                }
                "ADDR" => doomed.address = Some(value.to_owned()),
                "LADDR" => doomed.local = Some(value.to_owned()),
                "SKIPME" => doomed.spares_me = value.eq_ignore_ascii_case("yes").then_some(client),
                "TYPE" => match value.to_ascii_lowercase().as_str() {
                    "normal" => doomed.kind = Some(Kind::Normal),
                    "pubsub" => doomed.kind = Some(Kind::Subscriber),
                    "replica" | "slave" => doomed.kind = Some(Kind::Replica),
                    "master" => doomed.are_masters = true,
                    _ => return Err(format!("ERR Unknown client type '{value}'")),
                },
                _ => return Err(SYNTAX.into()),
            }
        }
        Ok(doomed)
    }

    fn means(&self, id: ClientId, session: &Session) -> bool {
        !self.are_masters
            && self.spares_me != Some(id)
            && self.id.is_none_or(|wanted| wanted == id)
            && self.kind.is_none_or(|kind| kind == session.kind())
            && self.address.as_ref().is_none_or(|address| *address == session.address.to_string())
            && self.local.as_ref().is_none_or(|local| *local == session.local.to_string())
    }
}

fn pause(node: &mut Node, call: Call<'_>) -> Answer {
    let Some(millis) = call.request.integer(2).and_then(|millis| u64::try_from(millis).ok()) else {
        return Answer::error(NO_INTEGER);
    };
    let of = match call.request.text(3).map(str::to_ascii_uppercase).as_deref() {
        None | Some("ALL") => Paused::All,
        Some("WRITE") => Paused::Writes,
        Some(_) => return Answer::error(SYNTAX),
    };
    node.pause = Some(Pause { until: call.now.tick.after(Millis::new(millis).min(LONGEST)), of });
    Answer::ok()
}

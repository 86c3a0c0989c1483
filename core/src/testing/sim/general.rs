//! Decides what the commands about the server itself do: who one is, its settings, its end.

use super::{
    node::{Answer, Call, Node, Pause, Paused},
    report::VERSION,
    scope::database_of,
    table::COMMANDS,
};
use crate::{
    resp::{Protocol, Request, Value},
    types::Millis,
};

/// The longest time `DEBUG SLEEP` takes.
const LONGEST_SLEEP: f64 = 3600.0;

pub(super) fn ping(node: &mut Node, call: Call<'_>) -> Answer {
    let text = call.request.word(1);
    let session = node.sessions.get(&call.client);
    if call.request.len() > 2 {
        return Answer::error("ERR wrong number of arguments for 'ping' command");
    }
    if session.is_some_and(|session| session.subscriptions() > 0 && session.protocol == Protocol::Resp2) {
        return Answer::value(Value::Array(vec![Value::bulk("pong"), Value::bulk(text.unwrap_or_default())]));
    }
    Answer::value(text.map_or_else(|| Value::Simple("PONG".into()), Value::bulk))
}

pub(super) fn echo(_: &mut Node, call: Call<'_>) -> Answer {
    Answer::value(Value::bulk(call.request.word(1).unwrap_or_default()))
}

pub(super) fn time(_: &mut Node, call: Call<'_>) -> Answer {
    let ms = call.now.unix.as_ms();
    let parts = [ms / 1000, ms % 1000 * 1000];
    Answer::value(Value::Array(parts.iter().map(|part| Value::bulk(part.to_string())).collect()))
}

pub(super) fn select(node: &mut Node, call: Call<'_>) -> Answer {
    match (database_of(call.request, 1), node.sessions.get_mut(&call.client)) {
        (Ok(database), Some(session)) => {
            session.database = database;
            Answer::ok()
        }
        (Err(text), _) => Answer::error(text),
        (_, None) => Answer::End(None),
    }
}

pub(super) fn authenticate(node: &mut Node, call: Call<'_>) -> Answer {
    let (user, password) = match call.request.len() {
        2 => (b"default".as_slice(), call.request.word(1)),
        3 => (call.request.word(1).unwrap_or_default(), call.request.word(2)),
        _ => return Answer::error(super::scope::SYNTAX),
    };
    if node.settings.password().is_none() && call.request.len() == 2 {
        return Answer::error(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?",
        );
    }
    match let_in(node, call, user, password.unwrap_or_default()) {
        Ok(()) => Answer::ok(),
        Err(text) => Answer::error(text),
    }
}

fn let_in(node: &mut Node, call: Call<'_>, user: &[u8], password: &[u8]) -> Result<(), String> {
    let is_right = node.settings.password().is_none_or(|known| known.as_bytes() == password);
    if user != b"default" || !is_right {
        return Err("WRONGPASS invalid username-password pair or user is disabled.".into());
    }
    if let Some(session) = node.sessions.get_mut(&call.client) {
        session.is_authenticated = true;
    }
    Ok(())
}

pub(super) fn hello(node: &mut Node, call: Call<'_>) -> Answer {
    let request = call.request;
    let protocol = match request.integer(1) {
        Some(2) => Some(Protocol::Resp2),
        Some(3) => Some(Protocol::Resp3),
        None if request.len() == 1 => None,
        None | Some(_) => return Answer::error("NOPROTO unsupported protocol version"),
    };
    let mut name = None;
    let mut at = 2;
    while at < request.len() {
        if request.is(at, "AUTH") && at + 2 < request.len() {
            let (user, password) = (request.word(at + 1), request.word(at + 2));
            if let Err(text) = let_in(node, call, user.unwrap_or_default(), password.unwrap_or_default()) {
                return Answer::error(text);
            }
            at += 3;
        } else if request.is(at, "SETNAME") && at + 1 < request.len() {
            name = request.text(at + 1).map(str::to_owned);
            at += 2;
        } else {
            return Answer::error(format!("ERR Syntax error in HELLO option '{}'", request.text(at).unwrap_or("?")));
        }
    }
    if node.standing(call.client) == crate::resp::Standing::Stranger {
        return Answer::error(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
             <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the \
             same time",
        );
    }
    let role = if node.replication.is_master() { "master" } else { "replica" };
    let Some(session) = node.sessions.get_mut(&call.client) else { return Answer::End(None) };
    session.protocol = protocol.unwrap_or(session.protocol);
    session.name = name.unwrap_or_else(|| session.name.clone());
    let version = if session.protocol == Protocol::Resp3 { 3 } else { 2 };
    let facts = [
        ("server", Value::bulk("redis")),
        ("version", Value::bulk(VERSION)),
        ("proto", Value::Integer(version)),
        ("id", Value::Integer(call.client.as_u64() as i64)),
        ("mode", Value::bulk("standalone")),
        ("role", Value::bulk(role)),
        ("modules", Value::Array(Vec::new())),
    ];
    Answer::value(Value::Map(facts.into_iter().map(|(name, value)| (Value::bulk(name), value)).collect()))
}

pub(super) fn quit(_: &mut Node, _: Call<'_>) -> Answer {
    Answer::End(Some(Value::ok()))
}

pub(super) fn reset(node: &mut Node, call: Call<'_>) -> Answer {
    let Some(session) = node.sessions.get_mut(&call.client) else { return Answer::End(None) };
    session.reset();
    Answer::value(Value::Simple("RESET".into()))
}

pub(super) fn shutdown(node: &mut Node, _: Call<'_>) -> Answer {
    node.end();
    Answer::End(None)
}

pub(super) fn debug(node: &mut Node, call: Call<'_>) -> Answer {
    let seconds: Option<f64> = call.request.text(2).and_then(|text| text.parse().ok());
    let (true, Some(seconds)) = (call.request.is(1, "SLEEP"), seconds) else {
        return Answer::error("ERR DEBUG of a simulated server knows only SLEEP");
    };
    let span = Millis::new((seconds.clamp(0.0, LONGEST_SLEEP) * 1000.0) as u64);
    let pause = Pause { until: call.now.tick.after(span), of: Paused::All };
    node.pause = Some(pause);
    Answer::Wait(super::blocking::Waiting::for_end_of(pause, Request::new(["ECHO", "OK"])))
}

pub(super) fn config(node: &mut Node, call: Call<'_>) -> Answer {
    let request = call.request;
    match request.text(1).unwrap_or_default().to_ascii_uppercase().as_str() {
        "GET" if request.len() > 2 => {
            let mut found = std::collections::BTreeMap::new();
            for at in 2..request.len() {
                found.extend(node.settings.matching(request.text(at).unwrap_or_default()));
            }
            let pairs = found.into_iter().map(|(name, value)| (Value::bulk(name), Value::bulk(value)));
            Answer::value(Value::Map(pairs.collect()))
        }
        "SET" if request.len() > 3 && request.len().is_multiple_of(2) => {
            let text = |word: &Vec<u8>| String::from_utf8_lossy(word).into_owned();
            let pairs: Vec<_> =
                request.words()[2..].chunks_exact(2).map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
            match node.settings.change(&pairs) {
                Ok(()) => Answer::ok(),
                Err(text) => Answer::error(text),
            }
        }
        // There is no file, and no statistics that could be false.
        "REWRITE" | "RESETSTAT" if request.len() == 2 => Answer::ok(),
        _ => Answer::error(format!(
            "ERR Unknown subcommand or wrong number of arguments for '{}'. Try CONFIG HELP.",
            request.text(1).unwrap_or_default()
        )),
    }
}

pub(super) fn command(_: &mut Node, call: Call<'_>) -> Answer {
    let describe = |command: &super::table::Command| {
        let flag = if command.writes() { "write" } else { "readonly" };
        Value::Array(vec![
            Value::bulk(command.name.to_ascii_lowercase()),
            Value::Integer(command.arity),
            Value::Array(vec![Value::Simple(flag.into())]),
            Value::Integer(i64::from(command.reads() || command.writes())),
            Value::Integer(i64::from(command.reads() || command.writes())),
            Value::Integer(1),
        ])
    };
    Answer::value(match call.request.text(1).map(str::to_ascii_uppercase).as_deref() {
        None => Value::Array(COMMANDS.iter().map(describe).collect()),
        Some("COUNT") => Value::Integer(COMMANDS.len() as i64),
        Some("DOCS") => Value::Map(Vec::new()),
        Some("INFO") => {
            let find =
                |word: &Vec<u8>| COMMANDS.iter().find(|command| word.eq_ignore_ascii_case(command.name.as_bytes()));
            let named = call.request.words()[2..].iter().map(find);
            Value::Array(named.map(|command| command.map_or(Value::NullArray, describe)).collect())
        }
        Some(other) => Value::error(format!("ERR unknown subcommand '{other}'. Try COMMAND HELP.")),
    })
}

//! Decides the commands that concern the connection and the process: PING, HELLO, AUTH, ROLE, SHUTDOWN.
//!
//! Mirrors spec 11.2.

use super::{Answer, Call, client};
use crate::{
    machine::{Machine, Output},
    resp::{Protocol, Value},
};

/// The version whose command surface this is.
pub(super) const VERSION: &str = "7.0.15";

const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";

const NOT_AUTHENTICATED: &str = "NOAUTH HELLO must be called with the client already authenticated, \
    otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select \
    the RESP protocol version at the same time";

const NO_PASSWORD_CONFIGURED: &str = "ERR AUTH <password> called without any password configured for the default user. \
    Are you sure your configuration is correct?";

/// A container without a sub-command; its count of words never lets it come here.
pub(super) fn never(_machine: &mut Machine, _call: &Call<'_>) -> Answer {
    Value::error("ERR syntax error").into()
}

/// `PING [<text>]`
pub(super) fn ping(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let text = call.request.word(1);
    if call.request.len() > 2 {
        return Value::error("ERR wrong number of arguments for 'ping' command").into();
    }
    let confined = machine.clients.get(&call.client).is_some_and(super::Session::is_confined);
    match text {
        _ if confined => Value::Array(vec![Value::bulk("pong"), Value::bulk(text.unwrap_or_default())]).into(),
        Some(text) => Value::bulk(text).into(),
        None => Value::Simple("PONG".into()).into(),
    }
}

/// `HELLO [<protocol> [AUTH <user> <password>] [SETNAME <name>]]`
pub(super) fn hello(machine: &mut Machine, call: &Call<'_>) -> Answer {
    greet(machine, call).unwrap_or_else(|refusal| refusal).into()
}

/// `AUTH [<user>] <password>`
pub(super) fn auth(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let request = call.request;
    let (user, password) = match request.len() {
        2 if machine.desk.access.default_is_free() => return Value::error(NO_PASSWORD_CONFIGURED).into(),
        2 => (Some("default"), request.word(1)),
        3 => (request.text(1), request.word(2)),
        _ => return Value::error("ERR syntax error").into(),
    };
    match machine.enter(call, user, password.unwrap_or_default()) {
        Ok(()) => Value::ok().into(),
        Err(refusal) => refusal.into(),
    }
}

/// `ROLE`
pub(super) fn role(machine: &mut Machine, _call: &Call<'_>) -> Answer {
    let names = machine.names.keys().map(|name| Value::bulk(name.as_str())).collect();
    Value::Array(vec![Value::bulk("sentinel"), Value::Array(names)]).into()
}

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`: ends the process without a reply.
pub(super) fn shutdown(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let words = 1..call.request.len();
    let has = |word| words.clone().any(|index| call.request.is(index, word));
    let known = ["nosave", "save", "now", "force", "abort"];
    let all_known = words.clone().all(|index| known.iter().any(|word| call.request.is(index, word)));
    let contradicts = has("nosave") && has("save");
    let aborts_with_more = has("abort") && ["nosave", "save", "now", "force"].into_iter().any(has);
    if !all_known || contradicts || aborts_with_more {
        return Value::error("ERR syntax error").into();
    }
    if has("abort") {
        return Value::error("ERR No shutdown in progress.").into();
    }
    machine.outputs.push_back(Output::Exit { code: 0 });
    Answer::Elsewhere
}

impl Machine {
    /// Lets the client act as `user` when the password is right.
    fn enter(&mut self, call: &Call<'_>, user: Option<&str>, password: &[u8]) -> Result<(), Value> {
        let user = user.filter(|user| self.desk.access.authenticate(user, password));
        let user = user.ok_or_else(|| Value::error(WRONG_PASSWORD))?;
        if let Some(session) = self.clients.get_mut(&call.client) {
            session.user = Some(user.into());
        }
        Ok(())
    }
}

/// Carries out HELLO: everything it asks is checked before anything is changed.
fn greet(machine: &mut Machine, call: &Call<'_>) -> Result<Value, Value> {
    let request = call.request;
    let protocol = match (request.word(1), request.integer(1)) {
        (None, _) => None,
        (_, Some(2)) => Some(Protocol::Resp2),
        (_, Some(3)) => Some(Protocol::Resp3),
        (_, Some(_)) => return Err(Value::error("NOPROTO unsupported protocol version")),
        (_, None) => return Err(Value::error("ERR Protocol version is not an integer or out of range")),
    };
    let (mut credentials, mut name, mut index) = (None, None, 2);
    while index < request.len() {
        let more = request.len() - 1 - index;
        if request.is(index, "auth") && more >= 2 {
            credentials = Some((request.text(index + 1), request.word(index + 2).unwrap_or_default()));
            index += 3;
        } else if request.is(index, "setname") && more >= 1 {
            name = Some(client::parse_name(request.word(index + 1).unwrap_or_default())?);
            index += 2;
        } else {
            return Err(Value::error(format!("ERR Syntax error in HELLO option '{}'", call.shown(index))));
        }
    }
    if let Some((user, password)) = credentials {
        machine.enter(call, user, password)?;
    }
    let session = machine.clients.get_mut(&call.client).filter(|session| session.user.is_some());
    let session = session.ok_or_else(|| Value::error(NOT_AUTHENTICATED))?;
    session.name = name.unwrap_or_else(|| std::mem::take(&mut session.name));
    session.protocol = protocol.unwrap_or(session.protocol);
    let number = if session.protocol == Protocol::Resp3 { 3 } else { 2 };
    Ok(Value::Map(vec![
        (Value::bulk("server"), Value::bulk("redis")),
        (Value::bulk("version"), Value::bulk(VERSION)),
        (Value::bulk("proto"), Value::Integer(number)),
        (Value::bulk("id"), Value::Integer(call.client.as_u64() as i64)),
        (Value::bulk("mode"), Value::bulk("sentinel")),
        (Value::bulk("modules"), Value::Array(Vec::new())),
    ]))
}

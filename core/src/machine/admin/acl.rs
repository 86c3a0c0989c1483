//! Decides what is told of users and categories: the `ACL` sub-commands that only ask.
//!
//! Users come from the configuration; they are not changed while the sentinel runs.

use super::{
    Answer, Call,
    access::{self, User},
    table::CATEGORIES,
};
use crate::{machine::Machine, resp::Value};

/// `ACL WHOAMI`
pub(super) fn who_am_i(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let user = machine.clients.get(&call.client).and_then(|session| session.user.as_deref());
    Value::bulk(user.unwrap_or("default")).into()
}

/// `ACL USERS`
pub(super) fn users(machine: &mut Machine, _call: &Call<'_>) -> Answer {
    Value::Array(machine.desk.access.users().map(|(name, _)| Value::bulk(name)).collect()).into()
}

/// `ACL LIST`
pub(super) fn list(machine: &mut Machine, _call: &Call<'_>) -> Answer {
    Value::Array(machine.desk.access.users().map(|(name, user)| Value::bulk(line(name, user))).collect()).into()
}

/// `ACL CAT [<category>]`
pub(super) fn categories(_machine: &mut Machine, call: &Call<'_>) -> Answer {
    match call.request.len() {
        2 => Value::Array(CATEGORIES.iter().map(Value::bulk).collect()).into(),
        3 => match access::in_category(&call.shown(2)) {
            Some(names) => Value::Array(names.map(Value::bulk).collect()).into(),
            None => Value::error(format!("ERR Unknown category '{}'", call.shown(2))).into(),
        },
        _ => {
            let typed = call.shown(1);
            let text = format!("ERR unknown subcommand or wrong number of arguments for '{typed}'. Try ACL HELP.");
            Value::error(text).into()
        }
    }
}

/// `ACL GETUSER <user>`
pub(super) fn show_user(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let Some(user) = call.request.text(2).and_then(|name| machine.desk.access.user(name)) else {
        return Value::Null.into();
    };
    Value::Map(vec![
        (Value::bulk("flags"), Value::Set(user.flags().iter().map(Value::bulk).collect())),
        (Value::bulk("passwords"), Value::Array(user.digests().iter().map(Value::bulk).collect())),
        (Value::bulk("commands"), Value::bulk(user.command_rules())),
        (Value::bulk("keys"), Value::bulk(user.key_rules())),
        (Value::bulk("channels"), Value::bulk(user.channel_rules())),
        (Value::bulk("selectors"), Value::Array(Vec::new())),
    ])
    .into()
}

/// A user as a line of the configuration file.
fn line(name: &str, user: &User) -> String {
    let digests = user.digests().into_iter().map(|digest| format!("#{digest}"));
    let channels = user.channel_rules();
    let channels = if channels == "&*" { channels } else { format!("resetchannels {channels}") };
    let words = ["user".into(), name.into()].into_iter().chain(user.flags().into_iter().map(String::from));
    let words = words.chain(digests).chain([user.key_rules(), channels.trim().into(), user.command_rules()]);
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

//! Decides what is told about the commands themselves: the `COMMAND` sub-commands.

use super::{
    Answer, Call, access, pattern_matches,
    table::{self, COMMANDS, Command},
};
use crate::{machine::Machine, resp::Value};

/// `COMMAND`
pub(super) fn all(_machine: &mut Machine, _call: &Call<'_>) -> Answer {
    Value::Array(table::top_level().map(details).collect()).into()
}

/// `COMMAND COUNT`
pub(super) fn count(_machine: &mut Machine, _call: &Call<'_>) -> Answer {
    Value::Integer(table::top_level().count() as i64).into()
}

/// `COMMAND INFO [<command> ...]`: null for each that does not exist.
pub(super) fn info(machine: &mut Machine, call: &Call<'_>) -> Answer {
    if call.request.len() == 2 {
        return all(machine, call);
    }
    let asked = (2..call.request.len()).map(|index| call.request.text(index).and_then(table::find));
    Value::Array(asked.map(|command| command.map_or(Value::Null, details)).collect()).into()
}

/// `COMMAND DOCS [<command> ...]`, without those that do not exist.
pub(super) fn docs(_machine: &mut Machine, call: &Call<'_>) -> Answer {
    if call.request.len() == 2 {
        return Value::Map(table::top_level().map(documentation).collect()).into();
    }
    let asked = (2..call.request.len()).filter_map(|index| call.request.text(index).and_then(table::find));
    Value::Map(asked.map(documentation).collect()).into()
}

/// `COMMAND LIST [FILTERBY MODULE|ACLCAT|PATTERN <value>]`
pub(super) fn list(_machine: &mut Machine, call: &Call<'_>) -> Answer {
    let names = COMMANDS.iter().map(|command| command.name);
    let chosen: Vec<&str> = match call.request.len() {
        2 => names.collect(),
        5 if call.request.is(2, "filterby") => {
            let value = call.shown(4);
            match call.shown(3).to_ascii_lowercase().as_str() {
                "module" => Vec::new(),
                "aclcat" => access::in_category(&value).into_iter().flatten().collect(),
                "pattern" => {
                    let pattern = value.to_ascii_lowercase();
                    names.filter(|name| pattern_matches(pattern.as_bytes(), name.as_bytes())).collect()
                }
                _ => return Value::error("ERR syntax error").into(),
            }
        }
        _ => return Value::error("ERR syntax error").into(),
    };
    Value::Array(chosen.into_iter().map(Value::bulk).collect()).into()
}

/// `COMMAND GETKEYS` and `COMMAND GETKEYSANDFLAGS`: no command of a sentinel has keys.
pub(super) fn keys(_machine: &mut Machine, call: &Call<'_>) -> Answer {
    let command = call.request.text(2).and_then(table::find);
    let text = match command {
        Some(_) => "ERR The command has no key arguments",
        None => "ERR Invalid command specified",
    };
    Value::error(text).into()
}

/// A command's ten facts: name, count of words, flags, keys, categories, tips, key rules, sub-commands.
fn details(command: &'static Command) -> Value {
    let simple = |words: &[&str]| Value::Set(words.iter().map(|&word| Value::Simple(word.into())).collect());
    let categories = command.class.categories().iter().map(|category| Value::Simple(format!("@{category}")));
    let subcommands: Vec<Value> = command.subcommands().map(details).collect();
    Value::Array(vec![
        Value::bulk(command.name),
        Value::Integer(command.arity),
        simple(command.class.flags()),
        Value::Integer(0),
        Value::Integer(0),
        Value::Integer(0),
        Value::Set(categories.collect()),
        Value::Set(command.tips().iter().map(Value::bulk).collect()),
        Value::Set(Vec::new()),
        if subcommands.is_empty() { Value::Set(subcommands) } else { Value::Array(subcommands) },
    ])
}

/// A command's name and documentation.
fn documentation(command: &'static Command) -> (Value, Value) {
    let mut facts = vec![
        (Value::bulk("summary"), Value::bulk(command.summary)),
        (Value::bulk("since"), Value::bulk(command.since)),
        (Value::bulk("group"), Value::bulk(command.group())),
    ];
    if command.name == "sentinel|slaves" {
        facts.extend([
            (Value::bulk("doc_flags"), Value::Set(vec![Value::Simple("deprecated".into())])),
            (Value::bulk("deprecated_since"), Value::bulk("5.0.0")),
            (Value::bulk("replaced_by"), Value::bulk("`SENTINEL REPLICAS`")),
        ]);
    }
    let subcommands: Vec<(Value, Value)> = command.subcommands().map(documentation).collect();
    if !subcommands.is_empty() {
        facts.push((Value::bulk("subcommands"), Value::Map(subcommands)));
    }
    (Value::bulk(command.name), Value::Map(facts))
}

//! Decides what the commands on texts do: SET with its options, GET, counters.

#![expect(clippy::unnecessary_wraps, reason = "the table of commands asks for one signature")]

use super::{
    data::Content,
    scope::{NO_INTEGER, Outcome, SYNTAX, Scope},
};
use crate::{
    resp::{Request, Value},
    types::{Millis, UnixMs},
};

/// The options behind `SET key value`.
#[derive(Debug, Default)]
struct SetOptions {
    only_if: Option<Presence>,
    ends: Option<UnixMs>,
    keeps_end: bool,
    gives_old: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    There,
    Absent,
}

pub(super) fn get(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    Ok(scope.text(word(request, 1))?.map_or(Value::Null, Value::bulk))
}

pub(super) fn set(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let options = SetOptions::read(scope, request)?;
    let (name, value) = (word(request, 1), word(request, 2));
    let old = if options.gives_old { scope.text(name)?.map_or(Value::Null, Value::bulk) } else { Value::Null };
    let found = scope.find(name);
    let is_meant = match options.only_if {
        None => true,
        Some(Presence::There) => found.is_some(),
        Some(Presence::Absent) => found.is_none(),
    };
    if !is_meant {
        return Ok(old);
    }
    let ends = if options.keeps_end { found.and_then(|entry| entry.ends) } else { options.ends };
    write(scope, name, value, ends);
    Ok(if options.gives_old { old } else { Value::ok() })
}

pub(super) fn set_if_absent(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    if scope.find(word(request, 1)).is_some() {
        return Ok(Value::Integer(0));
    }
    write(scope, word(request, 1), word(request, 2), None);
    Ok(Value::Integer(1))
}

pub(super) fn set_for_seconds(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    set_for(scope, request, 1000)
}

pub(super) fn set_for_millis(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    set_for(scope, request, 1)
}

fn set_for(scope: &mut Scope<'_>, request: &Request, unit: i64) -> Outcome {
    let ends = end_after(scope.now(), request, 2, unit)?;
    write(scope, word(request, 1), word(request, 3), Some(ends));
    Ok(Value::ok())
}

pub(super) fn get_and_set(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let old = scope.text(word(request, 1))?.map_or(Value::Null, Value::bulk);
    write(scope, word(request, 1), word(request, 2), None);
    Ok(old)
}

pub(super) fn get_and_delete(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let old = scope.text(word(request, 1))?.map_or(Value::Null, Value::bulk);
    scope.remove(word(request, 1));
    Ok(old)
}

pub(super) fn get_many(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let one = |name: &Vec<u8>| scope.text(name).ok().flatten().map_or(Value::Null, Value::bulk);
    Ok(Value::Array(request.words()[1..].iter().map(one).collect()))
}

pub(super) fn set_many(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    if request.len().is_multiple_of(2) {
        return Err("ERR wrong number of arguments for 'mset' command".into());
    }
    for pair in request.words()[1..].chunks_exact(2) {
        scope.put(&pair[0], Content::Text(pair[1].clone()), None);
    }
    Ok(Value::ok())
}

pub(super) fn length(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    Ok(Value::Integer(scope.text(word(request, 1))?.map_or(0, <[u8]>::len) as i64))
}

pub(super) fn increment(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    add(scope, request, 1)
}

pub(super) fn decrement(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    add(scope, request, -1)
}

pub(super) fn increment_by(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    add(scope, request, request.integer(2).ok_or(NO_INTEGER)?)
}

pub(super) fn decrement_by(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let by = request.integer(2).ok_or(NO_INTEGER)?;
    add(scope, request, by.checked_neg().ok_or("ERR decrement would overflow")?)
}

fn add(scope: &mut Scope<'_>, request: &Request, by: i64) -> Outcome {
    let name = word(request, 1);
    let old = match scope.text(name)? {
        None => 0,
        Some(text) => Request::new([text]).integer(0).ok_or(NO_INTEGER)?,
    };
    let new = old.checked_add(by).ok_or("ERR increment or decrement would overflow")?;
    let ends = scope.find(name).and_then(|entry| entry.ends);
    scope.put(name, Content::Text(new.to_string().into_bytes()), ends);
    Ok(Value::Integer(new))
}

/// Sets a text; replicas are told the moment it ends, not the span.
fn write(scope: &mut Scope<'_>, name: &[u8], value: &[u8], ends: Option<UnixMs>) {
    scope.put(name, Content::Text(value.to_vec()), ends);
    let mut words = vec![b"SET".to_vec(), name.to_vec(), value.to_vec()];
    words.extend(ends.into_iter().flat_map(|at| [b"PXAT".to_vec(), at.as_ms().to_string().into_bytes()]));
    scope.stands_for = Some(Request::new(words));
}

impl SetOptions {
    fn read(scope: &Scope<'_>, request: &Request) -> Result<Self, String> {
        let mut options = Self::default();
        let mut at = 3;
        while at < request.len() {
            let name = request.text(at).unwrap_or_default().to_ascii_uppercase();
            let has_end = options.ends.is_some() || options.keeps_end;
            match name.as_str() {
                "NX" if options.only_if.is_none() => options.only_if = Some(Presence::Absent),
                "XX" if options.only_if.is_none() => options.only_if = Some(Presence::There),
                "GET" => options.gives_old = true,
                "KEEPTTL" if !has_end => options.keeps_end = true,
                "EX" | "PX" | "EXAT" | "PXAT" if !has_end && at + 1 < request.len() => {
                    at += 1;
                    let unit = if name.starts_with("EX") { 1000 } else { 1 };
                    let from = if name.ends_with("AT") { UnixMs::from_ms(0) } else { scope.now() };
                    options.ends = Some(end_after(from, request, at, unit)?);
                }
                _ => return Err(SYNTAX.into()),
            }
            at += 1;
        }
        Ok(options)
    }
}

/// The moment that a span in a command ends, counted in `unit` milliseconds.
fn end_after(from: UnixMs, request: &Request, index: usize, unit: i64) -> Result<UnixMs, String> {
    let count = request.integer(index).ok_or(NO_INTEGER)?;
    let name = request.text(0).unwrap_or_default().to_ascii_lowercase();
    let span = count.checked_mul(unit).and_then(|span| u64::try_from(span).ok()).filter(|span| *span > 0);
    let span = span.ok_or_else(|| format!("ERR invalid expire time in '{name}' command"))?;
    Ok(from.after(Millis::new(span)))
}

fn word(request: &Request, index: usize) -> &[u8] {
    request.word(index).unwrap_or_default()
}

//! Decides what the commands on keys of any kind do: whether they are there, when they end, which there are.

#![expect(clippy::unnecessary_wraps, reason = "the table of commands asks for one signature")]

use super::scope::{NO_INTEGER, Outcome, Scope};
use crate::{
    resp::{Request, Value},
    types::{UnixMs, glob_matches},
};

pub(super) fn delete(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    Ok(Value::Integer(request.words()[1..].iter().filter(|name| scope.remove(name)).count() as i64))
}

pub(super) fn exists(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    Ok(Value::Integer(request.words()[1..].iter().filter(|name| scope.find(name).is_some()).count() as i64))
}

pub(super) fn kind(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    Ok(Value::Simple(scope.find(word(request, 1)).map_or("none", |entry| entry.content.kind()).into()))
}

pub(super) fn expire(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    end_at(scope, request, 1000, scope.now())
}

pub(super) fn expire_millis(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    end_at(scope, request, 1, scope.now())
}

pub(super) fn expire_at(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    end_at(scope, request, 1000, UnixMs::from_ms(0))
}

pub(super) fn expire_at_millis(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    end_at(scope, request, 1, UnixMs::from_ms(0))
}

fn end_at(scope: &mut Scope<'_>, request: &Request, unit: i64, from: UnixMs) -> Outcome {
    if request.len() > 3 {
        return Err("ERR Unsupported option of a simulated server".into());
    }
    let name = word(request, 1);
    let span = request.integer(2).ok_or(NO_INTEGER)?;
    let at = span.checked_mul(unit).and_then(|span| span.checked_add_unsigned(from.as_ms()));
    let command = request.text(0).unwrap_or_default().to_ascii_lowercase();
    let at = at.ok_or_else(|| format!("ERR invalid expire time in '{command}' command"))?;
    if scope.find(name).is_none() {
        return Ok(Value::Integer(0));
    }
    let at = UnixMs::from_ms(u64::try_from(at).unwrap_or(0));
    scope.set_end(name, Some(at));
    let words = [b"PEXPIREAT".to_vec(), name.to_vec(), at.as_ms().to_string().into_bytes()];
    scope.stands_for = Some(Request::new(words));
    Ok(Value::Integer(1))
}

pub(super) fn persist(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let name = word(request, 1);
    if scope.find(name).is_none_or(|entry| entry.ends.is_none()) {
        return Ok(Value::Integer(0));
    }
    scope.set_end(name, None);
    Ok(Value::Integer(1))
}

pub(super) fn seconds_left(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    // Rounded as redis does.
    left(scope, request, |millis| (millis + 500) / 1000)
}

pub(super) fn millis_left(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    left(scope, request, |millis| millis)
}

fn left(scope: &Scope<'_>, request: &Request, unit: fn(u64) -> u64) -> Outcome {
    let now = scope.now();
    Ok(Value::Integer(match scope.find(word(request, 1)).map(|entry| entry.ends) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => unit(at.since(now).as_ms()) as i64,
    }))
}

pub(super) fn matching(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    Ok(Value::Array(names_like(scope, word(request, 1))))
}

/// Gives all keys at once, with the cursor that says so.
pub(super) fn scan(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let mut pattern: &[u8] = b"*";
    for at in (2..request.len()).step_by(2) {
        match request.text(at).unwrap_or_default().to_ascii_uppercase().as_str() {
            "MATCH" => pattern = word(request, at + 1),
            "COUNT" => {}
            _ => return Err(super::scope::SYNTAX.into()),
        }
    }
    Ok(Value::Array(vec![Value::bulk("0"), Value::Array(names_like(scope, pattern))]))
}

fn names_like(scope: &Scope<'_>, pattern: &[u8]) -> Vec<Value> {
    scope.names().filter(|(name, _)| glob_matches(pattern, name)).map(|(name, _)| Value::bulk(name)).collect()
}

pub(super) fn count(scope: &mut Scope<'_>, _: &Request) -> Outcome {
    Ok(Value::Integer(scope.names().count() as i64))
}

pub(super) fn flush(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let database = request.is(0, "FLUSHDB").then(|| scope.database());
    scope.clear(database);
    // Replicas are told even when there was nothing here.
    scope.stands_for = Some(request.clone());
    Ok(Value::ok())
}

fn word(request: &Request, index: usize) -> &[u8] {
    request.word(index).unwrap_or_default()
}

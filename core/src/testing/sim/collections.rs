//! Decides what the commands on lists, hashes and sets do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    data::{Content, weigh_word},
    scope::{NO_INTEGER, Outcome, Scope, WRONG_TYPE},
};
use crate::resp::{Request, Value};

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Left,
    Right,
}

type List = VecDeque<Vec<u8>>;
type Hash = BTreeMap<Vec<u8>, Vec<u8>>;
type Set = BTreeSet<Vec<u8>>;

pub(super) fn push_left(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    push(scope, request, End::Left)
}

pub(super) fn push_right(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    push(scope, request, End::Right)
}

fn push(scope: &mut Scope<'_>, request: &Request, end: End) -> Outcome {
    list(scope, word(request, 1))?;
    let items = &request.words()[2..];
    let grown: usize = items.iter().map(|item| weigh_word(item)).sum();
    let length = scope.edit(word(request, 1), Content::List(List::new()), |content| {
        let Content::List(list) = content else { return (0, 0) };
        for item in items {
            match end {
                End::Left => list.push_front(item.clone()),
                End::Right => list.push_back(item.clone()),
            }
        }
        (list.len(), grown as isize)
    });
    Ok(Value::Integer(length as i64))
}

pub(super) fn pop_left(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    pop(scope, request, End::Left)
}

pub(super) fn pop_right(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    pop(scope, request, End::Right)
}

fn pop(scope: &mut Scope<'_>, request: &Request, end: End) -> Outcome {
    let name = word(request, 1);
    let count = match request.len() {
        2 => None,
        3 => Some(request.integer(2).filter(|count| *count >= 0).ok_or("ERR value is out of range, must be positive")?),
        _ => return Err(super::scope::SYNTAX.into()),
    };
    let is_there = list(scope, name)?.is_some();
    match count {
        None => Ok(pop_one(scope, name, end)?.map_or(Value::Null, Value::Bulk)),
        Some(_) if !is_there => Ok(Value::NullArray),
        Some(count) => {
            let mut items = Vec::new();
            while (items.len() as i64) < count
                && let Some(item) = pop_one(scope, name, end)?
            {
                items.push(Value::Bulk(item));
            }
            Ok(Value::Array(items))
        }
    }
}

/// Takes one item off a list.
pub(super) fn pop_one(scope: &mut Scope<'_>, name: &[u8], end: End) -> Result<Option<Vec<u8>>, String> {
    if list(scope, name)?.is_none() {
        return Ok(None);
    }
    Ok(scope.edit(name, Content::List(List::new()), |content| {
        let Content::List(list) = content else { return (None, 0) };
        let item = match end {
            End::Left => list.pop_front(),
            End::Right => list.pop_back(),
        };
        let shrunk = item.as_ref().map_or(0, |item| weigh_word(item));
        (item, -(shrunk as isize))
    }))
}

pub(super) fn list_length(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    Ok(Value::Integer(list(scope, word(request, 1))?.map_or(0, List::len) as i64))
}

pub(super) fn list_range(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let (from, to) = (request.integer(2).ok_or(NO_INTEGER)?, request.integer(3).ok_or(NO_INTEGER)?);
    let Some(items) = list(scope, word(request, 1))? else { return Ok(Value::Array(Vec::new())) };
    let length = items.len() as i64;
    let at = |index: i64| if index < 0 { index.saturating_add(length).max(0) } else { index };
    let (from, to) = (at(from), if to < 0 { to.saturating_add(length) } else { to.min(length - 1) });
    let count = to.saturating_sub(from).saturating_add(1).max(0);
    Ok(Value::Array(items.iter().skip(from as usize).take(count as usize).map(Value::bulk).collect()))
}

pub(super) fn hash_set(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    if !request.len().is_multiple_of(2) {
        let name = request.text(0).unwrap_or_default().to_ascii_lowercase();
        return Err(format!("ERR wrong number of arguments for '{name}' command"));
    }
    hash(scope, word(request, 1))?;
    let added = scope.edit(word(request, 1), Content::Hash(Hash::new()), |content| {
        let Content::Hash(fields) = content else { return (0, 0) };
        let (mut added, mut grown) = (0, 0);
        for pair in request.words()[2..].chunks_exact(2) {
            grown += weigh_word(&pair[1]) as isize;
            if let Some(old) = fields.insert(pair[0].clone(), pair[1].clone()) {
                grown -= weigh_word(&old) as isize;
            } else {
                (added, grown) = (added + 1, grown + weigh_word(&pair[0]) as isize);
            }
        }
        (added, grown)
    });
    Ok(Value::Integer(added))
}

pub(super) fn hash_get(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let fields = hash(scope, word(request, 1))?;
    Ok(fields.and_then(|fields| fields.get(word(request, 2))).map_or(Value::Null, Value::bulk))
}

pub(super) fn hash_all(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let fields = hash(scope, word(request, 1))?.into_iter().flatten();
    Ok(Value::Map(fields.map(|(name, value)| (Value::bulk(name), Value::bulk(value))).collect()))
}

pub(super) fn hash_length(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    Ok(Value::Integer(hash(scope, word(request, 1))?.map_or(0, Hash::len) as i64))
}

pub(super) fn hash_delete(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    if hash(scope, word(request, 1))?.is_none() {
        return Ok(Value::Integer(0));
    }
    let removed = scope.edit(word(request, 1), Content::Hash(Hash::new()), |content| {
        let Content::Hash(fields) = content else { return (0, 0) };
        let gone = request.words()[2..].iter().filter_map(|name| fields.remove_entry(name));
        let weights: Vec<_> = gone.map(|(name, value)| weigh_word(&name) + weigh_word(&value)).collect();
        (weights.len(), -(weights.iter().sum::<usize>() as isize))
    });
    Ok(Value::Integer(removed as i64))
}

pub(super) fn set_add(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    set(scope, word(request, 1))?;
    let added = scope.edit(word(request, 1), Content::Set(Set::new()), |content| {
        let Content::Set(items) = content else { return (0, 0) };
        let new: Vec<_> = request.words()[2..].iter().filter(|item| items.insert((*item).clone())).collect();
        (new.len(), new.iter().map(|item| weigh_word(item)).sum::<usize>() as isize)
    });
    Ok(Value::Integer(added as i64))
}

pub(super) fn set_remove(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    if set(scope, word(request, 1))?.is_none() {
        return Ok(Value::Integer(0));
    }
    let removed = scope.edit(word(request, 1), Content::Set(Set::new()), |content| {
        let Content::Set(items) = content else { return (0, 0) };
        let gone: Vec<_> = request.words()[2..].iter().filter(|item| items.remove(*item)).collect();
        (gone.len(), -(gone.iter().map(|item| weigh_word(item)).sum::<usize>() as isize))
    });
    Ok(Value::Integer(removed as i64))
}

pub(super) fn set_members(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let items = set(scope, word(request, 1))?.into_iter().flatten();
    Ok(Value::Set(items.map(Value::bulk).collect()))
}

pub(super) fn set_has(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    let is_there = set(scope, word(request, 1))?.is_some_and(|items| items.contains(word(request, 2)));
    Ok(Value::Integer(i64::from(is_there)))
}

pub(super) fn set_size(scope: &mut Scope<'_>, request: &Request) -> Outcome {
    Ok(Value::Integer(set(scope, word(request, 1))?.map_or(0, Set::len) as i64))
}

fn list<'a>(scope: &'a Scope<'_>, name: &[u8]) -> Result<Option<&'a List>, String> {
    match scope.find(name).map(|entry| &entry.content) {
        None => Ok(None),
        Some(Content::List(items)) => Ok(Some(items)),
        Some(Content::Text(_) | Content::Hash(_) | Content::Set(_)) => Err(WRONG_TYPE.into()),
    }
}

fn hash<'a>(scope: &'a Scope<'_>, name: &[u8]) -> Result<Option<&'a Hash>, String> {
    match scope.find(name).map(|entry| &entry.content) {
        None => Ok(None),
        Some(Content::Hash(fields)) => Ok(Some(fields)),
        Some(Content::Text(_) | Content::List(_) | Content::Set(_)) => Err(WRONG_TYPE.into()),
    }
}

fn set<'a>(scope: &'a Scope<'_>, name: &[u8]) -> Result<Option<&'a Set>, String> {
    match scope.find(name).map(|entry| &entry.content) {
        None => Ok(None),
        Some(Content::Set(items)) => Ok(Some(items)),
        Some(Content::Text(_) | Content::List(_) | Content::Hash(_)) => Err(WRONG_TYPE.into()),
    }
}

fn word(request: &Request, index: usize) -> &[u8] {
    request.word(index).unwrap_or_default()
}

//! Decides which replicas may be read from, out of what all sentinels tell.

use super::{Replica, answer::ReplicaRow};
use crate::types::Endpoint;

/// The most replicas of one master that are kept.
const MOST_REPLICAS: usize = 256;

/// The replicas that at least one sentinel holds for fit and that follow `master`, in the order of their addresses.
pub(super) fn unite<'a>(master: &Endpoint, told: impl Iterator<Item = &'a [ReplicaRow]>) -> Vec<Replica> {
    let follows = |row: &&ReplicaRow| row.follows.as_ref().is_none_or(|head| head.is_same(master));
    let fit = |row: &&ReplicaRow| row.is_fit && !row.address.is_same(master);
    let mut rows: Vec<&ReplicaRow> = Vec::new();
    for row in told.flatten().filter(follows).filter(fit) {
        match rows.iter().position(|known| known.address.is_same(&row.address)) {
            Some(known) if row.offset > rows[known].offset => rows[known] = row,
            None if rows.len() < MOST_REPLICAS => rows.push(row),
            Some(_) | None => {}
        }
    }
    rows.sort_by(|a, b| a.address.cmp(&b.address));
    let foremost = rows.iter().filter_map(|row| row.offset).max().unwrap_or(0);
    let replica = |row: &&ReplicaRow| Replica {
        address: row.address.clone(),
        run_id: row.run_id.clone(),
        lag: row.offset.map(|offset| foremost - offset),
        priority: row.priority,
    };
    rows.iter().map(replica).collect()
}

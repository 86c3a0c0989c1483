//! Decides when a group is of one mind: every sentinel and every server tells of the same configuration.

use std::{collections::BTreeSet, net::SocketAddr};

use sentinelle::error::Error;
use sentinelle_tests::{Group, list_of_fields};

/// A master and its config epoch.
pub(crate) type Mind = (SocketAddr, u64);

/// Nothing, or what speaks against a claim.
pub(crate) type Finding = Result<(), String>;

/// The one mind of the group; where there is none, the first thing that speaks against it.
///
/// The servers in `out` are dead or hung: nothing is expected of them.
pub(crate) fn one_mind(group: &Group, out: &BTreeSet<usize>) -> Result<Mind, String> {
    let mut minds = BTreeSet::new();
    for index in 0..group.sentinels.len() {
        minds.insert(mind_of(group, out, index).map_err(|text| format!("{}: {text}", group.sentinel_name(index)))?);
        if minds.len() > 1 {
            return Err(format!("masters and config epochs: {minds:?}"));
        }
    }
    let (master, epoch) = minds.pop_first().ok_or("no sentinel")?;
    check_servers(group, out, master)?;
    Ok((master, epoch))
}

/// The master and config epoch of a sentinel that is at rest and knows the whole group.
fn mind_of(group: &Group, out: &BTreeSet<usize>, sentinel: usize) -> Result<Mind, String> {
    let view = group.view(sentinel).map_err(|error| error.to_string())?;
    let [flags, state, replicas, peers] =
        ["flags", "failover-state", "num-slaves", "num-other-sentinels"].map(|field| view.text(field));
    let wanted = [(group.servers.len() - 1).to_string(), (group.sentinels.len() - 1).to_string()];
    if flags != "master" || !state.is_empty() || [replicas, peers] != wanted {
        return Err(format!("flags {flags}, state {state}, {replicas} replicas, {peers} peers"));
    }
    check_replicas(group, out, sentinel)?;
    let told = group.sentinels[sentinel].master("mymaster").map_err(|error| error.to_string())?;
    let address = view.address().filter(|&address| told == Some(address));
    let address = address.ok_or_else(|| format!("clients are told {told:?}, but its view is {view:?}"))?;
    Ok((address, view.number("config-epoch")))
}

/// Whether a sentinel sees every replica that runs as up.
fn check_replicas(group: &Group, out: &BTreeSet<usize>, sentinel: usize) -> Finding {
    let asked = group.sentinels[sentinel].client();
    let reply = asked.and_then(|mut client| client.command(&["SENTINEL", "REPLICAS", "mymaster"]));
    let out: Vec<String> = out.iter().map(|&index| group.servers[index].address().to_string()).collect();
    for replica in list_of_fields(&reply.map_err(|error| error.to_string())?) {
        let [name, flags] = ["name", "flags"].map(|field| replica.get(field).map_or("", String::as_str));
        if flags != "slave" && !out.iter().any(|out| out == name) {
            return Err(format!("replica {name} has flags {flags}"));
        }
    }
    Ok(())
}

/// Whether every running server is what it should be under that master.
fn check_servers(group: &Group, out: &BTreeSet<usize>, master: SocketAddr) -> Finding {
    let (host, port) = (master.ip().to_string(), master.port().to_string());
    for (index, server) in group.servers.iter().enumerate() {
        if out.contains(&index) {
            continue;
        }
        let address = server.address();
        let fields = ["role", "master_host", "master_port", "master_link_status"];
        let asked: Result<Vec<String>, Error> = server
            .client()
            .and_then(|mut client| fields.iter().map(|field| client.info("replication", field)).collect());
        let found = asked.map_err(|error| format!("server {address}: {error}"))?;
        let is_right = if address == master { found[0] == "master" } else { found == ["slave", &host, &port, "up"] };
        if !is_right {
            return Err(format!("server {address} under master {master}: {found:?}"));
        }
    }
    Ok(())
}

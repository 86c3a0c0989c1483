//! Decides how options become a test group that can be started.

use super::{
    failure::Result,
    options::{Options, Scope, refused},
};
use crate::{
    testing::{Backend, HaGroup, HaGroupBuilder, Pace, Persistence, Profile},
    types::Millis,
};

/// A group with these options.
pub(super) fn builder(options: &Options) -> Result<HaGroupBuilder> {
    options.check_scopes("test group", &[Scope::Group])?;
    let mut builder = HaGroup::builder().profile(profile(options)).backend(backend(options)?);
    if let Some(name) = options.get("name") {
        builder = builder.name(name);
    }
    if let Some(count) = options.number("replicas") {
        builder = builder.replicas(count as usize);
    }
    if let Some(count) = options.number("sentinel_count") {
        builder = builder.sentinels(count as usize);
    }
    if let Some(quorum) = options.number("quorum") {
        builder = builder.quorum(quorum as u32);
    }
    if options.get("persistence") == Some("disk") {
        builder = builder.persistence(Persistence::Disk);
    }
    if let Some(password) = options.get("password") {
        builder = builder.password(password);
    }
    if let Some(span) = options.number("patience_ms") {
        builder = builder.patience(Millis::new(span));
    }
    for (name, value) in options.lines("server_option").iter().filter_map(|line| line.split_once(' ')) {
        builder = builder.server_option(name, value);
    }
    for (name, value) in options.lines("sentinel_option").iter().filter_map(|line| line.split_once(' ')) {
        builder = builder.sentinel_option(name, value);
    }
    Ok(builder)
}

fn profile(options: &Options) -> Profile {
    let named = if options.get("profile") == Some("stock") { Profile::Stock } else { Profile::Fast };
    let (down_after, failover_timeout) = (options.number("down_after_ms"), options.number("failover_timeout_ms"));
    if down_after.is_none() && failover_timeout.is_none() {
        return named;
    }
    let pace = named.pace();
    Profile::Custom(Pace {
        down_after: down_after.map_or(pace.down_after, Millis::new),
        failover_timeout: failover_timeout.map_or(pace.failover_timeout, Millis::new),
        ..pace
    })
}

fn backend(options: &Options) -> Result<Backend> {
    let text = options.get("backend").unwrap_or("real");
    match text.split_once(':') {
        None if text == "real" => Ok(Backend::Real),
        None if text == "stock" => Ok(Backend::RealSentinels),
        None if text == "sim" => Ok(Backend::Sim),
        None if text == "auto" => Ok(Backend::Auto),
        Some(("mixed", count)) if count.parse::<usize>().is_ok() => {
            Ok(Backend::Mixed(count.parse().unwrap_or_default()))
        }
        _ => Err(refused(format!("option backend: none of real, stock, mixed:1, sim, auto: \"{text}\""))),
    }
}

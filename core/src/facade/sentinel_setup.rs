//! Decides how options, masters and texts become a sentinel that can be started: as lines of one configuration.

use std::{fs, io, path::Path};

use super::{
    failure::Result,
    monitor::Monitor,
    options::{Options, Scope, refused},
};
use crate::{
    config::{Settings, quote, read},
    driver::{Disk, Sentinel, SentinelBuilder},
    error::{Error, ErrorKind},
    types::Millis,
};

/// A sentinel with these options that monitors these masters; it goes on from what its file keeps.
pub(super) fn of_masters(options: &Options, masters: &[Monitor]) -> Result<SentinelBuilder> {
    let kept = kept(options)?;
    let known = kept.as_deref().map(settings_of).transpose()?.map(|settings| settings.masters).unwrap_or_default();
    let mut lines = vec![kept.unwrap_or_else(|| "bind 127.0.0.1 -::1".to_owned())];
    lines.extend(directives(options)?);
    for master in masters.iter().filter(|master| known.iter().all(|known| known.name.as_str() != master.name)) {
        let mut master = master.clone();
        master.options = options.part(Scope::Monitor).overlaid(&master.options);
        lines.extend(master.lines()?);
    }
    build(&lines.join("\n"), options)
}

/// A sentinel as the file says, with these options besides.
pub(super) fn of_file(path: &Path, options: &Options) -> Result<SentinelBuilder> {
    if let Some(line) = directives(options)?.first() {
        return Err(refused(format!("a configuration file says it all: \"{line}\"")));
    }
    finish(Sentinel::from_conf_file(path)?, options)
}

/// A sentinel as the text says, with these options behind it.
pub(super) fn of_text(text: &str, options: &Options) -> Result<SentinelBuilder> {
    // What is kept in the place of the text is given up, but only if it is a configuration.
    kept(options)?.as_deref().map(settings_of).transpose()?;
    build(&format!("{text}\n{}", directives(options)?.join("\n")), options)
}

/// The text of the file that keeps the state; none when there is no file yet.
fn kept(options: &Options) -> Result<Option<String>> {
    let Some(path) = options.get("config_file") else { return Ok(None) };
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(refused(format!("option config_file: not a configuration: \"{path}\"")))
        }
        Err(error) => Err(Error::new(ErrorKind::File, "read", path).because(error).into()),
    }
}

/// The settings in a text.
fn settings_of(text: &str) -> Result<Settings> {
    let unusable = |error| Error::new(ErrorKind::Config, "read", "the sentinel's configuration").because(error);
    let folder = std::path::absolute(".")
        .map_err(|error| Error::new(ErrorKind::File, "find", "the working folder").because(error))?;
    Ok(read(text, &mut Disk::at(folder)).map_err(unusable)?.settings)
}

fn build(text: &str, options: &Options) -> Result<SentinelBuilder> {
    finish(Sentinel::builder().settings(settings_of(text)?), options)
}

fn finish(mut builder: SentinelBuilder, options: &Options) -> Result<SentinelBuilder> {
    for address in options.addresses("listen") {
        let ip = address
            .host
            .parse()
            .map_err(|_| refused(format!("option listen: not a numeric address: \"{address}\"")))?;
        builder = builder.listen(std::net::SocketAddr::new(ip, address.port));
    }
    if let Some(path) = options.get("config_file") {
        builder = builder.config_file(path)?;
    }
    if let Some(seed) = options.number("seed") {
        builder = builder.seed(seed);
    }
    if let Some(span) = options.number("down_after_ms") {
        builder.settings_mut().periods.default_down_after = Millis::new(span);
    }
    if let Some(span) = options.number("failover_timeout_ms") {
        builder.settings_mut().periods.default_failover_timeout = Millis::new(span);
    }
    Ok(builder)
}

/// The lines of `sentinel.conf` that stand for the options.
fn directives(options: &Options) -> Result<Vec<String>> {
    options.check_scopes("sentinel", &[Scope::Sentinel])?;
    let line = |(key, directive): &(&str, &str)| Some(format!("{directive} {}", quote(options.get(key)?)));
    let mut lines: Vec<_> = DIRECTIVES.iter().filter_map(line).collect();
    for (key, directive) in SWITCHES {
        if let Some(is_on) = options.switch(key) {
            lines.push(format!("{directive} {}", if is_on { "yes" } else { "no" }));
        }
    }
    lines.extend_from_slice(options.lines("sentinel_directive"));
    Ok(lines)
}

/// The directive of each option.
const DIRECTIVES: &[(&str, &str)] = &[
    ("require_password", "requirepass"),
    ("announce_ip", "sentinel announce-ip"),
    ("announce_port", "sentinel announce-port"),
];

/// The directive of each switch.
const SWITCHES: &[(&str, &str)] =
    &[("resolve_hostnames", "sentinel resolve-hostnames"), ("announce_hostnames", "sentinel announce-hostnames")];

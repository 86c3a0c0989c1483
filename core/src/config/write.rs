//! Decides what is written to the configuration file: settings to lines.
//!
//! Mirrors spec 1.8 with these differences: values are quoted where they need it, defaults that the user wrote stay,
//! `known-slave` lines become `known-replica`, and lines of included files are neither repeated nor lost.

use super::{
    LogLevel, MasterSettings, OutputLimit, Outside, ServerSettings, Settings, Supervisor,
    directive::{self, OUTPUT_LIMIT, OWN_RENAME},
    draft::{Draft, Key},
};
use crate::types::{Endpoint, Epoch, HostStyle, Millis, Secret};

/// Rewrites the text of a configuration so that it says what the settings say.
///
/// Comments, order, unknown-to-a-sentinel directives and the user's letters stay. Reading the result gives
/// the settings again (but for `periods` and `config_file`, which no line holds), and rewriting it changes nothing.
///
/// # Included files
/// They are read through `outside` and never changed. What they say already is not repeated. Where the state has moved on, a line
/// in the text itself overrules them: behind the `include` where the last line wins, anywhere for `monitor`, `known-sentinel` and
/// `rename-command` lines, because [`super::read`] lets the text itself win. Only what such a file adds cannot be taken away:
/// a master, replica, peer or user that it names is back after the next start.
///
/// A stock sentinel reads the result too, unless it overrules an included `monitor`, `known-sentinel` or `rename-command` line:
/// to that one both lines are a contradiction.
pub fn rewrite(old: &str, settings: &Settings, outside: &mut dyn Outside) -> String {
    let mut draft = Draft::new(old, outside);
    put_server(&mut draft, &settings.server);
    if let Some(id) = &settings.my_id {
        put_own(&mut draft, "myid", Some(id.as_str().to_owned()));
    }
    put_own_default(&mut draft, "deny-scripts-reconfig", yes_no(settings.deny_scripts_reconfig));
    put_own_default(&mut draft, "resolve-hostnames", yes_no(settings.resolve_hostnames));
    put_own_default(&mut draft, "announce-hostnames", yes_no(settings.host_style == HostStyle::Name));
    for master in &settings.masters {
        put_master(&mut draft, settings, master);
    }
    put_own(&mut draft, "current-epoch", Some(settings.current_epoch.to_string()));
    put_own(&mut draft, "announce-ip", settings.announce_ip.clone());
    put_own(&mut draft, "announce-port", settings.announce_port.map(|port| port.to_string()));
    put_own(&mut draft, "sentinel-user", settings.sentinel_user.clone());
    put_own(&mut draft, "sentinel-pass", reveal(settings.sentinel_pass.as_ref()));
    draft.finish()
}

/// The lines about one master.
fn put_master(draft: &mut Draft, settings: &Settings, master: &MasterSettings) {
    let name = master.name.as_str();
    let line = |directive: &'static str, values: &[&str]| sentinel_line(directive, name, values);
    let key = |directive: &'static str| (directive, name.to_owned());
    let port = master.address.port().to_string();
    let host = host(settings, &master.address);
    draft.put_once(&key("monitor"), line("monitor", &[&host, &port, &master.quorum.to_string()]));
    let mut option = |directive: &'static str, value: Option<String>| put_option(draft, directive, name, value);
    option("down-after-milliseconds", Some(ms(master.down_after)));
    option("failover-timeout", Some(ms(master.failover_timeout)));
    option("parallel-syncs", Some(master.parallel_syncs.to_string()));
    option("notification-script", master.notification_script.clone());
    option("client-reconfig-script", master.client_reconfig_script.clone());
    option("auth-pass", reveal(master.auth_pass.as_ref()));
    option("auth-user", master.auth_user.clone());
    option("master-reboot-down-after-period", Some(ms(master.reboot_down_after)));
    put_epoch(draft, "config-epoch", name, master.config_epoch);
    put_epoch(draft, "leader-epoch", name, master.leader_epoch);
    let replicas = master.replicas.iter().filter(|replica| is_readable(settings, replica)).map(|replica| {
        let (host, port) = (self::host(settings, replica), replica.port().to_string());
        line("known-replica", &[&host, &port])
    });
    draft.put_all(&key("known-replica"), replicas.collect::<Vec<_>>());
    let peers = master.sentinels.iter().filter(|(address, _)| is_readable(settings, address)).map(|(address, id)| {
        let (host, port) = (self::host(settings, address), address.port().to_string());
        line("known-sentinel", &[&host, &port, id.as_str()])
    });
    draft.put_all(&key("known-sentinel"), peers.collect::<Vec<_>>());
    put_renamed(draft, master);
}

/// The renamed commands of one master; what an included file renames and nobody renames any more gets its own name.
fn put_renamed(draft: &mut Draft, master: &MasterSettings) {
    let name = master.name.as_str();
    let key = ("rename-command", name.to_owned());
    let renamed = master.renamed_commands.iter();
    let mut lines: Vec<_> =
        renamed.map(|(command, sent)| sentinel_line("rename-command", name, &[command, sent])).collect();
    let is_renamed =
        |command: &str| master.renamed_commands.iter().any(|(known, _)| known.eq_ignore_ascii_case(command));
    let undone = draft.foreign(&key).filter_map(|said| said.get(3)).filter(|command| !is_renamed(command));
    let undone: Vec<_> = undone.map(|command| sentinel_line("rename-command", name, &[command, command])).collect();
    lines.extend(undone);
    draft.put_all(&key, lines);
}

/// An option of one master: absent is empty, a default is written only over what is there.
fn put_option(draft: &mut Draft, directive: &'static str, name: &str, value: Option<String>) {
    let key = (directive, name.to_owned());
    let default = directive::sentinel(directive).map_or("", |known| known.default);
    let value = value.unwrap_or_default();
    if value != default || must_say_default(draft, &key, default) {
        draft.put(&key, sentinel_line(directive, name, &[&value]));
    }
}

/// An epoch of one master, which is always written.
fn put_epoch(draft: &mut Draft, directive: &'static str, name: &str, epoch: Epoch) {
    draft.put(&(directive, name.to_owned()), sentinel_line(directive, name, &[&epoch.to_string()]));
}

/// An option of this sentinel that is written when it is set.
fn put_own(draft: &mut Draft, directive: &'static str, value: Option<String>) {
    let key = (directive, String::new());
    if value.is_some() || draft.foreign(&key).next().is_some() {
        draft.put(&key, own_line(directive, value.unwrap_or_default()));
    }
}

/// An option of this sentinel whose default is written only over what is there.
fn put_own_default(draft: &mut Draft, directive: &'static str, value: &str) {
    let key = (directive, String::new());
    let default = directive::sentinel(directive).map_or("", |known| known.default);
    if value != default || must_say_default(draft, &key, default) {
        draft.put(&key, own_line(directive, value.to_owned()));
    }
}

/// Whether a default has to be written: a line that says nothing goes, unless it overrules an included one.
fn must_say_default(draft: &Draft, key: &Key, default: &str) -> bool {
    if default.is_empty() { draft.foreign(key).next().is_some() } else { draft.mentions(key) }
}

/// The server directives that a sentinel knows.
fn put_server(draft: &mut Draft, server: &ServerSettings) {
    let mut one = |name: &'static str, value: String| put_server_line(draft, name, vec![value]);
    one("port", server.port.to_string());
    one("bind-source-addr", server.bind_source.clone().unwrap_or_default());
    one("protected-mode", yes_no(server.protected_mode).to_owned());
    one("tcp-backlog", server.tcp_backlog.to_string());
    one("tcp-keepalive", server.tcp_keepalive.to_string());
    one("timeout", server.timeout.to_string());
    one("maxclients", server.maxclients.to_string());
    one("daemonize", yes_no(server.daemonize).to_owned());
    one("pidfile", server.pidfile.clone().unwrap_or_default());
    one("supervised", supervisor(server.supervised).to_owned());
    one("loglevel", level(server.loglevel).to_owned());
    one("logfile", server.logfile.clone());
    one("dir", server.dir.clone().unwrap_or_default());
    one("requirepass", reveal(server.requirepass.as_ref()).unwrap_or_default());
    let bind = if server.bind.is_empty() { vec![String::new()] } else { server.bind.clone() };
    put_server_line(draft, "bind", bind);
    let standard = ServerSettings::default();
    put_limit(draft, "normal", server.normal_output, standard.normal_output);
    put_limit(draft, "pubsub", server.pubsub_output, standard.pubsub_output);
    put_users(draft, server);
    let renamed = server.renamed_commands.iter().map(|(command, new)| words(["rename-command", command, new]));
    draft.put_all(&(OWN_RENAME, String::new()), renamed.collect::<Vec<_>>());
}

/// One server directive; a default is written only over what is there.
fn put_server_line(draft: &mut Draft, name: &'static str, values: Vec<String>) {
    let key = (name, String::new());
    let default = directive::server(name).map_or("", |known| known.default);
    if values.join(" ") != default || must_say_default(draft, &key, default) {
        let line = std::iter::once(name.to_owned()).chain(values).collect();
        draft.put(&key, line);
    }
}

/// The output limit of one class of clients.
fn put_limit(draft: &mut Draft, class: &str, limit: OutputLimit, default: OutputLimit) {
    let key = (OUTPUT_LIMIT, class.to_owned());
    if limit != default || draft.mentions(&key) {
        let seconds = (limit.soft_for.as_ms() / 1000).to_string();
        draft.put(&key, words([OUTPUT_LIMIT, class, &memory(limit.hard), &memory(limit.soft), &seconds]));
    }
}

/// The `user` lines, without those that an included file declares.
fn put_users(draft: &mut Draft, server: &ServerSettings) {
    let key = ("user", String::new());
    let declared: Vec<String> = draft.foreign(&key).filter_map(|said| said.get(1).cloned()).collect();
    let lines = server
        .users
        .iter()
        .filter(|user| !declared.contains(&user.name))
        .map(|user| ["user".to_owned(), user.name.clone()].into_iter().chain(user.rules.iter().cloned()).collect());
    draft.put_all(&key, lines.collect::<Vec<_>>());
}

/// A `sentinel` line about a master.
fn sentinel_line(directive: &str, name: &str, values: &[&str]) -> Vec<String> {
    words(["sentinel", directive, name].into_iter().chain(values.iter().copied()))
}

/// A `sentinel` line about this sentinel.
fn own_line(directive: &str, value: String) -> Vec<String> {
    vec!["sentinel".to_owned(), directive.to_owned(), value]
}

/// The words of a line.
fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

/// The host as it can be read again: a name only where names are looked up.
fn host(settings: &Settings, address: &Endpoint) -> String {
    if settings.resolve_hostnames { address.host().to_owned() } else { address.announced(HostStyle::Ip) }
}

/// Whether the address can be read again: names cannot while they are not looked up, and are found again by INFO and hello.
fn is_readable(settings: &Settings, address: &Endpoint) -> bool {
    settings.resolve_hostnames || address.ip().is_some()
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Verbose => "verbose",
        LogLevel::Notice => "notice",
        LogLevel::Warning => "warning",
        LogLevel::Nothing => "nothing",
    }
}

fn supervisor(supervisor: Supervisor) -> &'static str {
    match supervisor {
        Supervisor::Nobody => "no",
        Supervisor::Systemd => "systemd",
        Supervisor::Upstart => "upstart",
        Supervisor::Auto => "auto",
    }
}

fn ms(span: Millis) -> String {
    span.as_ms().to_string()
}

fn reveal(secret: Option<&Secret>) -> Option<String> {
    secret.map(|secret| secret.reveal().to_owned())
}

/// A number of bytes with the largest unit that divides it.
fn memory(bytes: u64) -> String {
    let unit = [(30, "gb"), (20, "mb"), (10, "kb")]
        .into_iter()
        .find(|(shift, _)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    unit.map_or_else(|| bytes.to_string(), |(shift, unit)| format!("{}{unit}", bytes >> shift))
}

#[cfg(test)]
mod tests;

//! Decides which keys a URL may have, whom each is for, and which values it takes: the one table of them.

use super::{
    refused,
    span::{Unit, milliseconds},
};
use crate::error::Result;

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name; those that end in `_ms` may be written without that.
    pub(super) name: &'static str,
    /// Whom it is for.
    pub(super) part: Part,
    form: Form,
    /// What others call it.
    also: &'static [&'static str],
}

/// Whom a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Neither: the master and the database.
    Place,
    /// The search for the master, and how servers are reached.
    Discovery,
    /// The pool of connections.
    Pool,
}

/// Which values a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Secret,
    Switch,
    Span(u64, u64),
    Number(u64, u64),
    Choice(&'static [&'static str]),
    Hosts,
}

impl Key {
    /// The sentinels.
    pub(super) const SENTINELS: Self = key("sentinels", Part::Discovery, Form::Hosts, &["addr", "node"]);

    /// The database.
    pub(super) const DATABASE: Self =
        key("db", Part::Place, Form::Number(0, u32::MAX as u64), &["database", "dbindex"]);

    /// The key that a URL calls `name`, and what a bare number counts there; `-`, `_` and capitals make no difference.
    pub(super) fn find(name: &str) -> Option<(&'static Self, Unit)> {
        let is = |known: &str| plain(known) == plain(name);
        let is_named = |key: &&Self| is(key.name) || is(key.name.trim_end_matches("_ms"));
        let found =
            KEYS.iter().find(is_named).or_else(|| KEYS.iter().find(|key| key.also.iter().any(|also| is(also))))?;
        let unit = if IN_SECONDS.iter().any(|known| is(known)) { Unit::Seconds } else { Unit::Milliseconds };
        Some((found, unit))
    }

    /// The key of exactly that name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The value as the table of options has it.
    pub(super) fn value(&self, text: &str) -> Result<String> {
        self.value_in(text, Unit::Milliseconds)
    }

    /// The value as the table of options has it, read from where a bare number counts `unit`.
    pub(super) fn value_in(&self, text: &str, unit: Unit) -> Result<String> {
        let between = |number: u64, least: u64, most: u64| (least..=most).contains(&number).then(|| number.to_string());
        let (value, wanted) = match self.form {
            Form::Text | Form::Secret => (Some(text.to_owned()), String::new()),
            Form::Switch => (switch(text).map(str::to_owned), "yes or no".to_owned()),
            Form::Span(least, most) => {
                let span = milliseconds(text, unit);
                (span.and_then(|span| between(span, least, most)), format!("a span of {least} to {most} ms"))
            }
            Form::Number(least, most) => {
                let number = text.parse().ok();
                (number.and_then(|number| between(number, least, most)), format!("a number from {least} to {most}"))
            }
            Form::Choice(words) => {
                let word = words.iter().find(|word| plain(word) == plain(text));
                (word.map(|word| (*word).to_owned()), format!("one of {}", words.join(", ")))
            }
            Form::Hosts => (hosts(text), "host:port, several with commas between".to_owned()),
        };
        let shown = if self.form == Form::Secret { "******" } else { text };
        value.ok_or_else(|| refused(format!("{} = \"{shown}\" is not {wanted}", self.name)))
    }
}

/// The reading policy that a switch of go-redis stands for; an empty text is none.
pub(super) fn read_policy(name: &str, value: &str) -> Result<Option<&'static str>> {
    let policy = match plain(name).as_str() {
        "replicaonly" => "replica",
        "routebylatency" => "nearest",
        "routerandomly" => "any",
        _ => return Ok(None),
    };
    match switch(value) {
        Some("yes") => Ok(Some(policy)),
        Some(_) => Ok(Some("master")),
        None => Err(refused(format!("{name} = \"{value}\" is not yes or no"))),
    }
}

/// `yes` or `no`, however it is said.
fn switch(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" | "on" => Some("yes"),
        "no" | "false" | "0" | "off" => Some("no"),
        _ => None,
    }
}

/// Each host with its port, 26379 where none is given.
fn hosts(text: &str) -> Option<String> {
    let hosts: Option<Vec<_>> = text.split(',').map(str::trim).filter(|host| !host.is_empty()).map(host).collect();
    hosts.filter(|hosts| !hosts.is_empty()).map(|hosts| hosts.join(","))
}

fn host(text: &str) -> Option<String> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (name, behind) = rest.split_once(']')?;
            name.parse::<std::net::Ipv6Addr>().ok()?;
            (format!("[{name}]"), behind.strip_prefix(':').or(behind.is_empty().then_some("")))
        }
        // Colons without brackets: the address has no port.
        None if text.parse::<std::net::Ipv6Addr>().is_ok() => (format!("[{text}]"), Some("")),
        None => match text.split_once(':') {
            Some((name, port)) => (name.to_owned(), Some(port)),
            None => (text.to_owned(), Some("")),
        },
    };
    let port: u16 = match port? {
        "" => 26_379,
        port => port.parse().ok().filter(|port| *port > 0)?,
    };
    let is_host = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "/?#@".contains(c));
    is_host.then(|| format!("{name}:{port}"))
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

const fn key(name: &'static str, part: Part, form: Form, also: &'static [&'static str]) -> Key {
    Key { name, part, form, also }
}

const YES_NO: Form = Form::Switch;
const VERIFY: Form = Form::Choice(&["full", "ca", "none"]);
const DAY: u64 = 86_400_000;

/// Names under which a bare number counts seconds, as go-redis has it.
const IN_SECONDS: &[&str] = &[
    "dial_timeout",
    "read_timeout",
    "pool_timeout",
    "conn_max_idle_time",
    "idle_timeout",
    "conn_max_lifetime",
    "max_conn_age",
];

/// Every key.
const KEYS: &[Key] = &[
    Key::SENTINELS,
    Key::DATABASE,
    key("master", Part::Place, Form::Text, &["sentinelMasterId", "sentinelServiceName", "master_name", "service_name"]),
    key("username", Part::Discovery, Form::Text, &["user"]),
    key("password", Part::Discovery, Form::Secret, &[]),
    key("client_name", Part::Discovery, Form::Text, &[]),
    key("protocol", Part::Discovery, Form::Choice(&["2", "3"]), &[]),
    key("connect_time_ms", Part::Discovery, Form::Span(1, DAY), &["dial_timeout", "connect_timeout"]),
    key("tls", Part::Discovery, YES_NO, &[]),
    key("tls_ca_file", Part::Discovery, Form::Text, &["tls_ca"]),
    key("tls_cert_file", Part::Discovery, Form::Text, &["tls_cert"]),
    key("tls_key_file", Part::Discovery, Form::Text, &["tls_key"]),
    key("tls_server_name", Part::Discovery, Form::Text, &[]),
    key("tls_insecure", Part::Discovery, YES_NO, &["skip_verify"]),
    key("tls_verify", Part::Discovery, VERIFY, &["verifyPeer"]),
    key("sentinel_username", Part::Discovery, Form::Text, &[]),
    key("sentinel_password", Part::Discovery, Form::Secret, &[]),
    key("sentinel_tls", Part::Discovery, YES_NO, &[]),
    key("sentinel_tls_ca_file", Part::Discovery, Form::Text, &[]),
    key("sentinel_tls_cert_file", Part::Discovery, Form::Text, &[]),
    key("sentinel_tls_key_file", Part::Discovery, Form::Text, &[]),
    key("sentinel_tls_server_name", Part::Discovery, Form::Text, &[]),
    key("sentinel_tls_insecure", Part::Discovery, YES_NO, &[]),
    key("sentinel_tls_verify", Part::Discovery, VERIFY, &[]),
    key("sentinel_client_name", Part::Discovery, Form::Text, &[]),
    key("sentinel_connect_time_ms", Part::Discovery, Form::Span(1, DAY), &[]),
    key("address_map", Part::Discovery, Form::Text, &[]),
    key("follow", Part::Discovery, Form::Text, &[]),
    key("discover_peers", Part::Discovery, YES_NO, &[]),
    key("agreement", Part::Discovery, Form::Choice(&["newest", "majority"]), &[]),
    key("verify", Part::Discovery, Form::Choice(&["role", "off"]), &[]),
    key("hold", Part::Discovery, Form::Choice(&["auto", "off"]), &[]),
    key("hold_max_ms", Part::Discovery, Form::Span(0, 60_000), &[]),
    key("refresh_ms", Part::Discovery, Form::Span(100, DAY), &[]),
    key("watch_max", Part::Discovery, Form::Number(1, 100), &[]),
    key("sentinel_time_ms", Part::Discovery, Form::Span(10, 60_000), &[]),
    key("stagger_ms", Part::Discovery, Form::Span(0, 60_000), &[]),
    key("wave_ms", Part::Discovery, Form::Span(1, 60_000), &[]),
    key("grace_ms", Part::Discovery, Form::Span(0, 60_000), &[]),
    key("verify_time_ms", Part::Discovery, Form::Span(1, 60_000), &[]),
    key("watch_ping_ms", Part::Discovery, Form::Span(10, DAY), &[]),
    key("watch_pong_ms", Part::Discovery, Form::Span(10, DAY), &[]),
    key("peer_expiry_ms", Part::Discovery, Form::Span(1_000, DAY), &[]),
    key("read_from", Part::Pool, Form::Text, &[]),
    key("timeout_ms", Part::Pool, Form::Span(1, DAY), &["command_timeout"]),
    key("response_timeout_ms", Part::Pool, Form::Span(1, DAY), &["read_timeout"]),
    key("max", Part::Pool, Form::Number(1, 100_000), &["pool_size", "max_active_conns"]),
    key("min_idle", Part::Pool, Form::Number(0, 100_000), &["min_idle_conns"]),
    key("max_waiters", Part::Pool, Form::Number(0, 1_000_000), &[]),
    key("checkout_wait_ms", Part::Pool, Form::Span(0, DAY), &["pool_timeout"]),
    key("idle_ttl_ms", Part::Pool, Form::Span(1, DAY), &["conn_max_idle_time", "idle_timeout"]),
    key("max_life_ms", Part::Pool, Form::Span(1, DAY), &["conn_max_lifetime", "max_conn_age"]),
    key("ping_after_ms", Part::Pool, Form::Span(1, DAY), &[]),
    key("multiplexed", Part::Pool, Form::Number(1, 64), &[]),
    key("drain_reads_ms", Part::Pool, Form::Span(0, 60_000), &[]),
    key("held_commands", Part::Pool, Form::Number(0, 1_000_000), &[]),
    key("held_bytes", Part::Pool, Form::Number(0, 1 << 30), &[]),
    key("max_lag", Part::Pool, Form::Number(0, u64::MAX), &[]),
    key("retry_idempotent", Part::Pool, YES_NO, &[]),
    key("write_fence", Part::Pool, Form::Text, &[]),
];

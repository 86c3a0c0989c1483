//! Decides how a binding names a master to be monitored, and which words and lines stand for it.

use super::{
    failure::Result,
    options::{Options, Scope, refused},
};
use crate::config::quote;

/// A master to be monitored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// The name clients ask for.
    pub name: String,
    /// Its host: a numeric address, or a name when names are resolved.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How many sentinels must call it down.
    pub quorum: u32,
    /// Its options: those of [`Scope::Monitor`].
    pub options: Options,
}

impl Monitor {
    /// A master with every option as by default.
    pub fn new(name: &str, host: &str, port: u16, quorum: u32) -> Self {
        Self { name: name.to_owned(), host: host.to_owned(), port, quorum, options: Options::new() }
    }

    /// The same master with these options.
    #[must_use]
    pub fn with(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// The lines of `sentinel.conf` that stand for it.
    pub(super) fn lines(&self) -> Result<Vec<String>> {
        let Self { name, host, port, quorum, options } = self;
        let name = quote(name);
        let mut lines = vec![format!("sentinel monitor {name} {} {port} {quorum}", quote(host))];
        let words = directives(options)?;
        lines.extend(words.iter().map(|(directive, value)| format!("sentinel {directive} {name} {value}")));
        Ok(lines)
    }

    /// The commands that have a running sentinel monitor it.
    pub(super) fn orders(&self) -> Result<Vec<Vec<Vec<u8>>>> {
        let Self { name, host, port, quorum, options } = self;
        let monitor = ["SENTINEL", "MONITOR", name, host, &port.to_string(), &quorum.to_string()];
        let mut orders = vec![to_words(monitor)];
        let changes = plain_directives(options)?;
        if !changes.is_empty() {
            orders.push(set_words(name, changes));
        }
        Ok(orders)
    }

    /// The command that changes options of a master.
    pub(super) fn changes(name: &str, options: &[(&str, &str)]) -> Result<Vec<Vec<u8>>> {
        let mut known = Options::new();
        let mut words = Vec::new();
        for (key, value) in options {
            if *key == "quorum" {
                words.push(("quorum".to_owned(), (*value).to_owned()));
            } else {
                known.set(key, value)?;
            }
        }
        words.extend(plain_directives(&known)?);
        if words.is_empty() {
            return Err(refused("no option to set"));
        }
        Ok(set_words(name, words))
    }
}

/// Directive and value of each option, as in a file.
fn directives(options: &Options) -> Result<Vec<(String, String)>> {
    let plain = plain_options(options)?.into_iter().map(|(directive, value)| (directive, quote(&value)));
    let lines = options.lines("monitor_directive").iter().filter_map(|line| line.split_once(' '));
    Ok(plain.chain(lines.map(|(directive, value)| (directive.to_owned(), value.to_owned()))).collect())
}

/// Directive and value of each option, as words of a command.
fn plain_directives(options: &Options) -> Result<Vec<(String, String)>> {
    let mut words = plain_options(options)?;
    let lines = options.lines("monitor_directive").iter().filter_map(|line| line.split_once(' '));
    words.extend(lines.map(|(directive, value)| (directive.to_owned(), value.to_owned())));
    Ok(words)
}

fn plain_options(options: &Options) -> Result<Vec<(String, String)>> {
    options.check_scopes("monitored master", &[Scope::Monitor])?;
    let known =
        DIRECTIVES.iter().filter_map(|(key, directive)| Some(((*directive).to_owned(), options.get(key)?.to_owned())));
    Ok(known.collect())
}

fn set_words(name: &str, changes: Vec<(String, String)>) -> Vec<Vec<u8>> {
    let mut words = to_words(["SENTINEL", "SET", name]);
    words.extend(changes.into_iter().flat_map(|(directive, value)| [directive.into_bytes(), value.into_bytes()]));
    words
}

fn to_words<const N: usize>(words: [&str; N]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// The directive of each option.
const DIRECTIVES: &[(&str, &str)] = &[
    ("down_after_ms", "down-after-milliseconds"),
    ("failover_timeout_ms", "failover-timeout"),
    ("parallel_syncs", "parallel-syncs"),
    ("auth_user", "auth-user"),
    ("auth_password", "auth-pass"),
    ("notification_script", "notification-script"),
    ("client_reconfig_script", "client-reconfig-script"),
    ("reboot_down_after_ms", "master-reboot-down-after-period"),
];

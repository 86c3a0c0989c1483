//! Decides what each server directive does to the settings, and which are refused.
//!
//! Mirrors spec 1.7. What orders protection that a sentinel of this crate does not give (TLS, a file of users) is refused:
//! it must never listen more openly than it was told to.

use std::collections::BTreeSet;

use super::{
    LogLevel, OutputLimit, Outside, Settings, Supervisor, UserSettings,
    directive::{self, Directive, Kind},
    number,
    read_sentinel::{some_secret, some_text, yes_or_no},
};
use crate::types::Millis;

/// The settings while server directives take effect.
#[derive(Default)]
pub(super) struct Server {
    pub(super) settings: Settings,
    /// What the operator should know.
    pub(super) remarks: Vec<String>,
    commands: Commands,
}

/// The command names as they stand after renaming.
struct Commands(BTreeSet<String>);

impl Default for Commands {
    fn default() -> Self {
        Self(COMMANDS.split_whitespace().map(str::to_owned).collect())
    }
}

impl Server {
    /// Lets one line take effect; `name` is its first word in lower case.
    pub(super) fn take(&mut self, name: &str, words: &[String], outside: &mut dyn Outside) -> Result<(), String> {
        let values = &words[1..];
        let Some(known) = directive::server(name) else {
            return match (name.contains('.'), values) {
                (true, []) => Err("Module config specified without value".to_owned()),
                (true, _) => Ok(()),
                (false, _) => Err(directive::UNKNOWN.to_owned()),
            };
        };
        if !known.words.fit(values.len()) {
            return Err(directive::wrong_word_count(name).to_owned());
        }
        match (known.kind, values) {
            (Kind::Kept, _) => Ok(()),
            (Kind::YesNo, [value]) => {
                let yes = yes_or_no(value).ok_or("argument must be 'yes' or 'no'")?;
                self.take_switch(&known, yes)
            }
            (Kind::Number(low, high), [value]) => {
                let value = number::whole(value).ok_or("argument couldn't be parsed into an integer")?;
                if !(low..=high).contains(&value) {
                    return Err(format!("argument must be between {low} and {high} inclusive"));
                }
                self.take_number(&known, value)
            }
            (Kind::Choice(choices), [value]) => self.take_choice(&known, choices, value),
            (Kind::Text, [value]) => self.take_text(&known, value),
            _ => self.take_own(&known, values, outside),
        }
    }

    /// A directive that says yes or no.
    fn take_switch(&mut self, known: &Directive, yes: bool) -> Result<(), String> {
        match known.name {
            "protected-mode" => self.settings.server.protected_mode = yes,
            "daemonize" => self.settings.server.daemonize = yes,
            "tls-replication" if yes => return Err(format!("{NO_TLS}tls-replication yes")),
            "syslog-enabled" if yes => self.ignored("syslog-enabled"),
            _ => {}
        }
        Ok(())
    }

    /// A directive with one number, which is within its bounds.
    fn take_number(&mut self, known: &Directive, value: i64) -> Result<(), String> {
        let server = &mut self.settings.server;
        match known.name {
            "port" => server.port = value as u16,
            "tcp-backlog" => server.tcp_backlog = value as u32,
            "tcp-keepalive" => server.tcp_keepalive = value as u32,
            "timeout" => server.timeout = value as u32,
            "maxclients" => server.maxclients = value as u32,
            "tls-port" if value != 0 => return Err(format!("{NO_TLS}tls-port {value}")),
            _ => {}
        }
        Ok(())
    }

    /// A directive with one word out of a few.
    fn take_choice(&mut self, known: &Directive, choices: &[&str], value: &str) -> Result<(), String> {
        let chosen = choices.iter().find(|choice| choice.eq_ignore_ascii_case(value));
        let chosen =
            chosen.ok_or_else(|| format!("argument(s) must be one of the following: {}", choices.join(", ")))?;
        match (known.name, *chosen) {
            ("supervised", "systemd") => self.settings.server.supervised = Supervisor::Systemd,
            ("supervised", "upstart") => self.settings.server.supervised = Supervisor::Upstart,
            ("supervised", "auto") => self.settings.server.supervised = Supervisor::Auto,
            ("supervised", _) => self.settings.server.supervised = Supervisor::Nobody,
            (_, "debug") => self.settings.server.loglevel = LogLevel::Debug,
            (_, "verbose") => self.settings.server.loglevel = LogLevel::Verbose,
            (_, "warning") => self.settings.server.loglevel = LogLevel::Warning,
            (_, "nothing") => self.settings.server.loglevel = LogLevel::Nothing,
            _ => self.settings.server.loglevel = LogLevel::Notice,
        }
        Ok(())
    }

    /// A directive with one free text.
    fn take_text(&mut self, known: &Directive, value: &str) -> Result<(), String> {
        let server = &mut self.settings.server;
        match known.name {
            "bind-source-addr" => server.bind_source = some_text(value),
            "pidfile" => server.pidfile = some_text(value),
            "logfile" => value.clone_into(&mut server.logfile),
            "requirepass" => server.requirepass = some_secret(value),
            "aclfile" if !value.is_empty() => {
                return Err("aclfile is not supported, declare users by 'user' lines".to_owned());
            }
            "unixsocket" if !value.is_empty() => self.ignored("unixsocket"),
            _ => {}
        }
        Ok(())
    }

    /// A directive with a grammar of its own.
    fn take_own(&mut self, known: &Directive, values: &[String], outside: &mut dyn Outside) -> Result<(), String> {
        match (known.name, values) {
            ("bind", _) => self.bind(values),
            ("dir", [folder]) => {
                outside.enter(folder)?;
                self.settings.server.dir = Some(folder.clone());
                Ok(())
            }
            ("user", [name, rules @ ..]) => self.user(name, rules),
            ("rename-command", [command, new]) => self.rename_command(command, new),
            ("client-output-buffer-limit", _) => self.output_limits(values),
            _ => Err(directive::UNKNOWN.to_owned()),
        }
    }

    /// The addresses to listen on; one empty word means none.
    fn bind(&mut self, addresses: &[String]) -> Result<(), String> {
        if addresses.len() > MOST_BOUND {
            return Err("Too many bind addresses specified.".to_owned());
        }
        let none = matches!(addresses, [only] if only.is_empty());
        self.settings.server.bind = if none { Vec::new() } else { addresses.to_vec() };
        Ok(())
    }

    /// One `user` line.
    fn user(&mut self, name: &str, rules: &[String]) -> Result<(), String> {
        if name.contains([' ', '\0']) {
            return Err(format!(
                "Error in user declaration '{name}': Usernames can't contain spaces or null characters"
            ));
        }
        if self.settings.server.users.iter().any(|user| user.name == name) {
            let why = "Duplicate user found. A user can only be defined once in config files";
            return Err(format!("Error in user declaration '{name}': {why}"));
        }
        self.settings.server.users.push(UserSettings { name: name.to_owned(), rules: rules.to_vec() });
        Ok(())
    }

    /// Renames or removes a command of this sentinel's own port.
    fn rename_command(&mut self, command: &str, new: &str) -> Result<(), String> {
        let Commands(names) = &mut self.commands;
        if !names.remove(&command.to_ascii_lowercase()) {
            return Err("No such command in rename-command".to_owned());
        }
        if !new.is_empty() && !names.insert(new.to_ascii_lowercase()) {
            return Err("Target command name already exists".to_owned());
        }
        self.settings.server.renamed_commands.push((command.to_owned(), new.to_owned()));
        Ok(())
    }

    /// Output limits, four words for each class of client.
    fn output_limits(&mut self, values: &[String]) -> Result<(), String> {
        if !values.len().is_multiple_of(4) {
            return Err("Wrong number of arguments in buffer limit configuration.".to_owned());
        }
        for limit in values.chunks_exact(4) {
            let (class, limit) = output_limit(limit)?;
            match class.as_str() {
                "normal" => self.settings.server.normal_output = limit,
                "pubsub" => self.settings.server.pubsub_output = limit,
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes a directive that was read and has no effect.
    fn ignored(&mut self, name: &str) {
        self.remarks.push(format!("The directive '{name}' has no effect in this sentinel"));
    }
}

/// The class and limit that four words stand for.
fn output_limit(words: &[String]) -> Result<(String, OutputLimit), String> {
    let class = words[0].to_ascii_lowercase();
    if !matches!(class.as_str(), "normal" | "slave" | "replica" | "pubsub") {
        return Err("Invalid client class specified in buffer limit configuration.".to_owned());
    }
    let seconds = number::whole(&words[3]).and_then(|seconds| u64::try_from(seconds).ok());
    match (number::memory(&words[1]), number::memory(&words[2]), seconds) {
        (Some(hard), Some(soft), Some(seconds)) => {
            Ok((class, OutputLimit { hard, soft, soft_for: Millis::new(seconds).times(1000) }))
        }
        _ => Err("Error in hard, soft or soft_seconds setting in buffer limit configuration.".to_owned()),
    }
}

/// How many addresses a sentinel listens on at most, as in the reference.
const MOST_BOUND: usize = 16;

/// What is said of an order to speak TLS.
const NO_TLS: &str = "TLS is not supported and nothing may be sent in the clear where it was ordered: ";

/// The commands a sentinel's own port has (spec 11.1).
const COMMANDS: &str = "acl auth client command hello info ping psubscribe publish punsubscribe role sentinel shutdown \
                        subscribe unsubscribe";

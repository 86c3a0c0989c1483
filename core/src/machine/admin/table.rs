//! Decides which commands exist: one table of names, counts of words, classes and handlers.
//!
//! Mirrors spec 9.0, 11.1 and 12.2; flags and categories are those that `COMMAND INFO` of the reference shows.

use super::{Answer, Call, acl, change, client, command, config, election, general, help, info, pubsub, query, set};
use crate::machine::Machine;

/// What carries out a command.
pub(super) type Handler = fn(&mut Machine, &Call<'_>) -> Answer;

/// One command, or one sub-command of a container.
#[derive(Debug)]
pub(super) struct Command {
    /// Its name in lower case, `container|sub-command` for a sub-command.
    pub(super) name: &'static str,
    /// The exact number of words, or the negated least number.
    pub(super) arity: i64,
    /// What flags and categories it has.
    pub(super) class: Class,
    /// The version of the reference that brought it.
    pub(super) since: &'static str,
    /// What it does, in a few words.
    pub(super) summary: &'static str,
    /// What carries it out.
    pub(super) run: Handler,
}

/// Commands with the same flags and categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// `SENTINEL` and what changes or shows the monitoring.
    Sentinel,
    /// Help texts.
    Help,
    /// What administers users.
    Users,
    /// What every user may know of users.
    Identity,
    /// A container that does nothing by itself.
    Container,
    /// What concerns the own connection.
    Connection,
    /// What concerns other connections.
    Clients,
    /// What tells about commands.
    Lookup,
    /// What is allowed before authentication.
    Entrance,
    /// `INFO`
    Info,
    /// `PING`
    Ping,
    /// What changes subscriptions.
    Subscription,
    /// `PUBLISH`
    Publish,
    /// `ROLE`
    Role,
    /// `SHUTDOWN`
    Shutdown,
}

impl Command {
    /// The container's name, when this is a sub-command.
    pub(super) fn container(&self) -> Option<&'static str> {
        self.name.split_once('|').map(|(container, _)| container)
    }

    /// Whether a command line of that many words fits.
    pub(super) fn accepts(&self, words: usize) -> bool {
        let words = i64::try_from(words).unwrap_or(i64::MAX);
        if self.arity < 0 { words >= -self.arity } else { words == self.arity }
    }

    /// The sub-commands, when this is a container.
    pub(super) fn subcommands(&self) -> impl Iterator<Item = &'static Self> {
        COMMANDS.iter().filter(|command| command.container() == Some(self.name))
    }

    /// The group its documentation belongs to.
    pub(super) fn group(&self) -> &'static str {
        match self.class {
            Class::Sentinel => "sentinel",
            Class::Help if self.name.starts_with("sentinel") => "sentinel",
            Class::Subscription | Class::Publish => "pubsub",
            Class::Ping | Class::Entrance | Class::Connection | Class::Clients => "connection",
            Class::Container | Class::Lookup if self.name.starts_with("client") => "connection",
            Class::Help
            | Class::Users
            | Class::Identity
            | Class::Container
            | Class::Lookup
            | Class::Info
            | Class::Role
            | Class::Shutdown => "server",
        }
    }

    /// Hints for proxies and clients.
    pub(super) fn tips(&self) -> &'static [&'static str] {
        match self.name {
            "client|info" | "client|list" => &["nondeterministic_output"],
            "command" | "command|docs" | "command|info" | "command|list" => &["nondeterministic_output_order"],
            "info" => &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
            "ping" => &["request_policy:all_shards", "response_policy:all_succeeded"],
            _ => &[],
        }
    }
}

impl Class {
    /// The flags of such commands.
    pub(super) fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Sentinel => &["admin"],
            Self::Help | Self::Lookup | Self::Info => &["loading", "stale"],
            Self::Users | Self::Clients => &["admin", "noscript", "loading", "stale"],
            Self::Identity | Self::Connection => &["noscript", "loading", "stale"],
            Self::Container => &[],
            Self::Entrance => &["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
            Self::Ping => &["fast"],
            Self::Subscription => &["pubsub", "noscript", "loading", "stale"],
            Self::Publish => &["pubsub", "loading", "stale", "fast"],
            Self::Role => &["noscript", "loading", "stale", "fast"],
            Self::Shutdown => &["admin", "noscript", "loading", "stale", "no_multi", "allow_busy"],
        }
    }

    /// The categories such commands are in, for users' rules.
    pub(super) fn categories(self) -> &'static [&'static str] {
        match self {
            Self::Sentinel | Self::Users | Self::Shutdown => &["admin", "slow", "dangerous"],
            Self::Help | Self::Identity | Self::Container => &["slow"],
            Self::Connection | Self::Lookup => &["slow", "connection"],
            Self::Clients => &["admin", "slow", "dangerous", "connection"],
            Self::Entrance | Self::Ping => &["fast", "connection"],
            Self::Info => &["slow", "dangerous"],
            Self::Subscription => &["pubsub", "slow"],
            Self::Publish => &["pubsub", "fast"],
            Self::Role => &["admin", "fast", "dangerous"],
        }
    }
}

/// The command or sub-command of that full name.
pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name.eq_ignore_ascii_case(name))
}

/// The commands that are no sub-commands.
pub(super) fn top_level() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().filter(|command| command.container().is_none())
}

/// A row of the table.
const fn row(
    name: &'static str,
    arity: i64,
    class: Class,
    since: &'static str,
    summary: &'static str,
    run: Handler,
) -> Command {
    Command { name, arity, class, since, summary, run }
}

/// The categories that users' rules may name, in the reference's order.
pub(super) const CATEGORIES: &[&str] = &[
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

/// Every command and sub-command.
#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    row("sentinel", -2, Class::Sentinel, "2.8.4", "A container for Sentinel commands", general::never),
    row("sentinel|ckquorum", 3, Class::Sentinel, "2.8.4", "Check for a Sentinel quorum", query::check_quorum),
    row("sentinel|config", -3, Class::Sentinel, "6.2.0", "Configure Sentinel", config::config),
    row("sentinel|debug", -2, Class::Sentinel, "7.0.0", "List or update the current configurable parameters", config::debug),
    row("sentinel|failover", 3, Class::Sentinel, "2.8.4", "Force a failover", election::failover),
    row("sentinel|flushconfig", 2, Class::Sentinel, "2.8.4", "Rewrite configuration file", change::flush_config),
    row("sentinel|get-master-addr-by-name", 3, Class::Sentinel, "2.8.4", "Get port and address of a master", query::master_address),
    row("sentinel|get-primary-addr-by-name", 3, Class::Sentinel, "8.0.0", "Get port and address of a primary", query::master_address),
    row("sentinel|help", 2, Class::Help, "6.2.0", "Show helpful text about the different subcommands", help::sentinel),
    row("sentinel|info-cache", -3, Class::Sentinel, "3.2.0", "Get cached INFO from the instances in the deployment", query::info_cache),
    row("sentinel|is-master-down-by-addr", 6, Class::Sentinel, "2.8.4", "Check if a master is down", election::is_master_down),
    row("sentinel|is-primary-down-by-addr", 6, Class::Sentinel, "8.0.0", "Check if a primary is down", election::is_master_down),
    row("sentinel|master", 3, Class::Sentinel, "2.8.4", "Shows the state of a master", query::master),
    row("sentinel|masters", 2, Class::Sentinel, "2.8.4", "List the monitored masters", query::masters),
    row("sentinel|monitor", 6, Class::Sentinel, "2.8.4", "Start monitoring", change::monitor),
    row("sentinel|myid", 2, Class::Sentinel, "6.2.0", "Get the Sentinel instance ID", query::my_id),
    row("sentinel|pending-scripts", 2, Class::Sentinel, "2.8.4", "Get information about pending scripts", query::pending_scripts),
    row("sentinel|primaries", 2, Class::Sentinel, "8.0.0", "List the monitored primaries", query::masters),
    row("sentinel|primary", 3, Class::Sentinel, "8.0.0", "Shows the state of a primary", query::master),
    row("sentinel|remove", 3, Class::Sentinel, "2.8.4", "Stop monitoring", change::remove),
    row("sentinel|replicas", 3, Class::Sentinel, "5.0.0", "List the monitored replicas", query::replicas),
    row("sentinel|reset", 3, Class::Sentinel, "2.8.4", "Reset masters by name pattern", change::reset),
    row("sentinel|sentinels", 3, Class::Sentinel, "2.8.4", "List the Sentinel instances", query::sentinels),
    row("sentinel|set", -5, Class::Sentinel, "2.8.4", "Change the configuration of a monitored master", set::set),
    row("sentinel|simulate-failure", -3, Class::Sentinel, "3.2.0", "Simulate failover scenarios", election::simulate_failure),
    row("sentinel|slaves", 3, Class::Sentinel, "2.8.0", "List the monitored slaves", query::replicas),

    row("acl", -2, Class::Container, "6.0.0", "A container for Access List Control commands ", general::never),
    row("acl|cat", -2, Class::Identity, "6.0.0", "List the ACL categories or the commands inside a category", acl::categories),
    row("acl|getuser", 3, Class::Users, "6.0.0", "Get the rules for a specific ACL user", acl::show_user),
    row("acl|help", 2, Class::Help, "6.0.0", "Show helpful text about the different subcommands", help::acl),
    row("acl|list", 2, Class::Users, "6.0.0", "List the current ACL rules in ACL config file format", acl::list),
    row("acl|users", 2, Class::Users, "6.0.0", "List the username of all the configured ACL rules", acl::users),
    row("acl|whoami", 2, Class::Identity, "6.0.0", "Return the name of the user associated to the current connection", acl::who_am_i),

    row("auth", -2, Class::Entrance, "1.0.0", "Authenticate to the server", general::auth),

    row("client", -2, Class::Container, "2.4.0", "A container for client connection commands", general::never),
    row("client|getname", 2, Class::Connection, "2.6.9", "Get the current connection name", client::name),
    row("client|help", 2, Class::Lookup, "5.0.0", "Show helpful text about the different subcommands", help::client),
    row("client|id", 2, Class::Connection, "5.0.0", "Returns the client ID for the current connection", client::id),
    row("client|info", 2, Class::Connection, "6.2.0", "Returns information about the current client connection.", client::info),
    row("client|kill", -3, Class::Clients, "2.4.0", "Kill the connection of a client", client::kill),
    row("client|list", -2, Class::Clients, "2.4.0", "Get the list of client connections", client::list),
    row("client|no-evict", 3, Class::Clients, "7.0.0", "Set client eviction mode for the current connection", client::no_evict),
    row("client|reply", 3, Class::Connection, "3.2.0", "Instruct the server whether to reply to commands", client::reply),
    row("client|setinfo", 4, Class::Connection, "7.2.0", "Set client or connection specific info", client::set_info),
    row("client|setname", 3, Class::Connection, "2.6.9", "Set the current connection name", client::set_name),

    row("command", -1, Class::Lookup, "2.8.13", "Get array of Redis command details", command::all),
    row("command|count", 2, Class::Lookup, "2.8.13", "Get total number of Redis commands", command::count),
    row("command|docs", -2, Class::Lookup, "7.0.0", "Get array of specific Redis command documentation", command::docs),
    row("command|getkeys", -4, Class::Lookup, "2.8.13", "Extract keys given a full Redis command", command::keys),
    row("command|getkeysandflags", -4, Class::Lookup, "7.0.0", "Extract keys and access flags given a full Redis command", command::keys),
    row("command|help", 2, Class::Lookup, "5.0.0", "Show helpful text about the different subcommands", help::command),
    row("command|info", -2, Class::Lookup, "2.8.13", "Get array of specific Redis command details, or all when no argument is given.", command::info),
    row("command|list", -2, Class::Lookup, "7.0.0", "Get an array of Redis command names", command::list),

    row("hello", -1, Class::Entrance, "6.0.0", "Handshake with Redis", general::hello),
    row("info", -1, Class::Info, "1.0.0", "Get information and statistics about the server", info::info),
    row("ping", -1, Class::Ping, "1.0.0", "Ping the server", general::ping),
    row("psubscribe", -2, Class::Subscription, "2.0.0", "Listen for messages published to channels matching the given patterns", pubsub::subscribe_patterns),
    row("publish", 3, Class::Publish, "2.0.0", "Post a message to a channel", pubsub::publish),
    row("punsubscribe", -1, Class::Subscription, "2.0.0", "Stop listening for messages posted to channels matching the given patterns", pubsub::unsubscribe_patterns),
    row("role", 1, Class::Role, "2.8.12", "Return the role of the instance in the context of replication", general::role),
    row("shutdown", -1, Class::Shutdown, "1.0.0", "Synchronously save the dataset to disk and then shut down the server", general::shutdown),
    row("subscribe", -2, Class::Subscription, "2.0.0", "Listen for messages published to the given channels", pubsub::subscribe),
    row("unsubscribe", -1, Class::Subscription, "2.0.0", "Stop listening for messages posted to the given channels", pubsub::unsubscribe),
];

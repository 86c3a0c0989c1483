//! Decides which options there are: the one table of keys, shapes, defaults, bounds and what they mean.

use super::kind::OptionKind::{self, AddressMap, Addresses, Choice, Lines, Millis, Number, Path, Secret, Switch, Text};

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct OptionRow {
    /// The key.
    pub key: &'static str,
    /// The shape of its value.
    pub kind: OptionKind,
    /// What holds when it is not set; empty = nothing.
    pub default: &'static str,
    /// What it means, as all languages say it.
    pub text: &'static str,
    /// What it has a meaning for.
    pub scopes: &'static [Scope],
}

/// What an option has a meaning for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A sentinel inside the program.
    Sentinel,
    /// A master that such a sentinel monitors.
    Monitor,
    /// A discovery: how sentinels are asked and watched.
    Discovery,
    /// A pool: how data servers are talked to.
    Pool,
    /// A test group.
    Group,
}

impl Scope {
    /// Every scope, in the order of the manual.
    pub const ALL: [Self; 5] = [Self::Sentinel, Self::Monitor, Self::Discovery, Self::Pool, Self::Group];

    /// The stable name: `sentinel`, `monitor`, `discovery`, `pool`, `group`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sentinel => "sentinel",
            Self::Monitor => "monitor",
            Self::Discovery => "discovery",
            Self::Pool => "pool",
            Self::Group => "group",
        }
    }

    /// The heading in the manual.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Sentinel => "A sentinel in the program",
            Self::Monitor => "A master it monitors",
            Self::Discovery => "Discovery",
            Self::Pool => "Pool",
            Self::Group => "Test group",
        }
    }
}

impl OptionRow {
    /// The unit of its value; empty when it has none.
    pub fn unit(&self) -> &'static str {
        if matches!(self.kind, Millis(..)) { "ms" } else { "" }
    }
}

/// The option of that key, `-` written for `_` or not.
pub(super) fn find(key: &str) -> Option<&'static OptionRow> {
    let is = |known: &str| {
        known.len() == key.len() && known.bytes().zip(key.bytes()).all(|(k, g)| k == g || (k, g) == (b'_', b'-'))
    };
    OPTIONS.iter().find(|row| is(row.key))
}

const fn row(
    key: &'static str,
    kind: OptionKind,
    default: &'static str,
    scopes: &'static [Scope],
    text: &'static str,
) -> OptionRow {
    OptionRow { key, kind, default, text, scopes }
}

const DAY: u64 = 86_400_000;
const S: &[Scope] = &[Scope::Sentinel];
const M: &[Scope] = &[Scope::Monitor];
const D: &[Scope] = &[Scope::Discovery];
const P: &[Scope] = &[Scope::Pool];
const G: &[Scope] = &[Scope::Group];

/// Every option.
pub const OPTIONS: &[OptionRow] = &[
    row(
        "listen",
        Addresses,
        "127.0.0.1:26379",
        S,
        "Where it listens; port 0 takes a free one. With a configuration file `bind` and `port` hold instead.",
    ),
    row(
        "config_file",
        Path,
        "",
        S,
        "The file that keeps its state, and that it goes on from; a file that is no configuration is refused. Without one it forgets its votes when it ends.",
    ),
    row("require_password", Secret, "", S, "The password that clients must give."),
    row("announce_ip", Text, "", S, "The address it tells the others, where it differs from its own."),
    row("announce_port", Number(0, 65_535), "0", S, "The port it tells the others; 0 = its own."),
    row("resolve_hostnames", Switch, "no", S, "Looks host names up."),
    row("announce_hostnames", Switch, "no", S, "Tells names in the place of addresses."),
    row(
        "sentinel_directive",
        Lines,
        "",
        S,
        "A further line of `sentinel.conf`, such as `loglevel debug`; may be set several times.",
    ),
    row("seed", Number(0, u64::MAX), "", S, "Makes the random choices repeatable; for tests."),
    row(
        "down_after_ms",
        Millis(1, DAY),
        "30000",
        &[Scope::Sentinel, Scope::Monitor, Scope::Group],
        "Silence that makes an instance down. A test group has 200.",
    ),
    row(
        "failover_timeout_ms",
        Millis(1, DAY),
        "180000",
        &[Scope::Sentinel, Scope::Monitor, Scope::Group],
        "Patience with a failover. A test group has 5000.",
    ),
    row("parallel_syncs", Number(1, 10_000), "1", M, "How many replicas are moved to a new master at once."),
    row("auth_user", Text, "", M, "The user name for the master and its replicas."),
    row("auth_password", Secret, "", M, "The password for the master and its replicas."),
    row("notification_script", Path, "", M, "A program that is run for each loud event."),
    row("client_reconfig_script", Path, "", M, "A program that is run when the master moves."),
    row(
        "reboot_down_after_ms",
        Millis(0, DAY),
        "0",
        M,
        "How long a rebooted master may load before it counts as down; 0 = for ever.",
    ),
    row(
        "monitor_directive",
        Lines,
        "",
        M,
        "A further option of the master as in `sentinel.conf`, such as `rename-command CONFIG x`; may be set several times.",
    ),
    row("sentinels", Addresses, "", D, "The sentinels to begin with; a name stands for all its addresses."),
    row("sentinel_username", Text, "", D, "The user name for the sentinels."),
    row("sentinel_password", Secret, "", D, "The password for the sentinels."),
    row("sentinel_client_name", Text, "", D, "The name of connections to sentinels, as CLIENT LIST shows it."),
    row(
        "sentinel_connect_time_ms",
        Millis(1, DAY),
        "1000",
        D,
        "How long connecting to a sentinel may take, besides what `sentinel_time_ms` bounds.",
    ),
    row("sentinel_tls", Switch, "no", D, "Talks TLS to the sentinels."),
    row(
        "sentinel_tls_ca_file",
        Path,
        "",
        D,
        "The certificates that the sentinels' must come from, as a path or as PEM text; default: the system's.",
    ),
    row("sentinel_tls_cert_file", Path, "", D, "The client's certificate for the sentinels, as a path or as PEM text."),
    row("sentinel_tls_key_file", Path, "", D, "The key of that certificate, as a path or as PEM text."),
    row(
        "sentinel_tls_server_name",
        Text,
        "",
        D,
        "The name that the sentinels' certificates must carry; default: the host.",
    ),
    row(
        "sentinel_tls_verify",
        Choice(&["full", "ca", "none"]),
        "full",
        D,
        "What is checked of a sentinel's certificate: all, its origin alone, or nothing (for tests).",
    ),
    row("sentinel_tls_insecure", Switch, "no", D, "Takes any certificate of a sentinel; for tests."),
    row(
        "address_map",
        AddressMap,
        "",
        D,
        "Addresses as the sentinels tell them, and as they are reached from here: `host:port=host:port` or `host=host`.",
    ),
    row("follow", Text, "", D, "Masters that are followed without being asked for: those whose name fits this glob."),
    row("discover_peers", Switch, "yes", D, "Learns of further sentinels from those that are known."),
    row(
        "agreement",
        Choice(&["newest", "majority"]),
        "newest",
        D,
        "Whether the newest configuration is followed, or only one that most sentinels tell.",
    ),
    row(
        "verify",
        Choice(&["role", "off"]),
        "role",
        D,
        "Whether a server must call itself master before it is used as one.",
    ),
    row("hold", Choice(&["auto", "off"]), "auto", D, "Whether writes wait while a replica is promoted."),
    row("hold_max_ms", Millis(0, 60_000), "2000", D, "How long writes wait at most."),
    row("refresh_ms", Millis(100, DAY), "10000", D, "Between two looks at the sentinels, besides their events."),
    row("watch_max", Number(1, 100), "5", D, "How many sentinels are watched at once."),
    row(
        "sentinel_time_ms",
        Millis(10, 60_000),
        "300",
        D,
        "How long a sentinel may take to be connected and to answer.",
    ),
    row("stagger_ms", Millis(0, 60_000), "50", D, "How long after one sentinel the next is asked."),
    row("wave_ms", Millis(1, 60_000), "500", D, "How long a search waits for sentinels in all."),
    row("grace_ms", Millis(0, 60_000), "30", D, "How long a good answer waits for a better one."),
    row("verify_time_ms", Millis(1, 60_000), "1000", D, "How long a server may take to show its role."),
    row("watch_ping_ms", Millis(10, DAY), "2000", D, "How often a watched sentinel is pinged."),
    row("watch_pong_ms", Millis(10, DAY), "1000", D, "How long a watched sentinel may take to answer the ping."),
    row(
        "peer_expiry_ms",
        Millis(1_000, DAY),
        "3600000",
        D,
        "How long after it was last seen a sentinel that was not given is forgotten.",
    ),
    row("username", Text, "", D, "The user name for the data servers."),
    row("password", Secret, "", &[Scope::Discovery, Scope::Group], "The password for the data servers."),
    row("client_name", Text, "", D, "The name of connections to data servers, as CLIENT LIST shows it."),
    row(
        "protocol",
        Choice(&["2", "3"]),
        "3",
        D,
        "The version of RESP that is spoken with data servers, where they can.",
    ),
    row(
        "connect_time_ms",
        Millis(1, DAY),
        "1000",
        D,
        "How long connecting to a data server may take, encryption and greeting included.",
    ),
    row("tls", Switch, "no", D, "Talks TLS to the data servers."),
    row(
        "tls_ca_file",
        Path,
        "",
        D,
        "The certificates that the data servers' must come from, as a path or as PEM text; default: the system's.",
    ),
    row("tls_cert_file", Path, "", D, "The client's certificate for the data servers, as a path or as PEM text."),
    row("tls_key_file", Path, "", D, "The key of that certificate, as a path or as PEM text."),
    row("tls_server_name", Text, "", D, "The name that the data servers' certificates must carry; default: the host."),
    row(
        "tls_verify",
        Choice(&["full", "ca", "none"]),
        "full",
        D,
        "What is checked of a data server's certificate: all, its origin alone, or nothing (for tests).",
    ),
    row("tls_insecure", Switch, "no", D, "Takes any certificate of a data server; for tests."),
    row("master", Text, "", P, "The name of the master."),
    row("db", Number(0, u32::MAX as u64), "0", P, "The database."),
    row(
        "read_from",
        Text,
        "master",
        P,
        "Who answers reads: `master`, `master_preferred`, `replica`, `replica_preferred`, `any`, `nearest`, `zone:<name>`.",
    ),
    row(
        "max_lag",
        Number(0, u64::MAX),
        "",
        P,
        "How many bytes a replica may be behind the foremost one to be read from; default: any number.",
    ),
    row("timeout_ms", Millis(1, DAY), "5000", P, "How long a command may take in all, waits and retries included."),
    row(
        "response_timeout_ms",
        Millis(1, DAY),
        "2000",
        P,
        "How long a server may be silent to one attempt before the connection is given up.",
    ),
    row(
        "max",
        Number(1, 10_000),
        "16",
        P,
        "The most connections to one server that are in use or idle, the shared ones not counted.",
    ),
    row("min_idle", Number(0, 10_000), "1", P, "How many connections to the master are kept ready."),
    row("max_waiters", Number(0, 1_000_000), "1000", P, "How many callers may wait for a connection."),
    row("checkout_wait_ms", Millis(0, DAY), "1000", P, "How long a caller waits for a connection."),
    row("idle_ttl_ms", Millis(1, DAY), "300000", P, "How long an unused connection is kept."),
    row("max_life_ms", Millis(1, DAY), "3600000", P, "How long a connection is used, give or take a tenth."),
    row(
        "ping_after_ms",
        Millis(1, DAY),
        "15000",
        P,
        "After how long unused a connection has to answer PING before it is used.",
    ),
    row(
        "multiplexed",
        Number(1, 64),
        "1",
        P,
        "How many shared connections to each server carry the commands of tasks.",
    ),
    row("drain_reads_ms", Millis(0, 60_000), "250", P, "How long reads on a replaced master may go on."),
    row("held_commands", Number(0, 1_000_000), "10000", P, "How many commands may wait for a master."),
    row("held_bytes", Number(0, 1 << 30), "16777216", P, "How many bytes of commands may wait for a master."),
    row(
        "retry_idempotent",
        Switch,
        "yes",
        P,
        "Tries a command again that may have been executed, when twice is as good as once.",
    ),
    row(
        "write_fence",
        Text,
        "none",
        P,
        "What makes a write safe against a failover that was not planned: `none`, `min_replicas`, `wait:<replicas>:<milliseconds>`.",
    ),
    row("name", Text, "mymaster", G, "The name under which clients ask for the master."),
    row("replicas", Number(0, 99), "2", G, "How many replicas the group has."),
    row("sentinel_count", Number(0, 100), "3", G, "How many sentinels the group has."),
    row("quorum", Number(1, 100), "2", G, "How many sentinels must call the master down."),
    row("profile", Choice(&["fast", "stock"]), "fast", G, "How fast the sentinels act."),
    row(
        "backend",
        Text,
        "real",
        G,
        "Who the sentinels are: `real` (inside the program), `stock` (processes), `mixed:1` (so many processes); `sim` simulates the servers too and needs no program, `auto` does so where no server is found.",
    ),
    row(
        "persistence",
        Choice(&["memory", "disk"]),
        "memory",
        G,
        "Whether a server that is killed has its data when it comes back.",
    ),
    row("patience_ms", Millis(1, DAY), "5000", G, "How long each wait may take before it fails."),
    row(
        "server_option",
        Lines,
        "",
        G,
        "A further option of the data servers, such as `maxmemory 10mb`; may be set several times.",
    ),
    row(
        "sentinel_option",
        Lines,
        "",
        G,
        "A further option of the master in the sentinels' files, such as `parallel-syncs 2`; may be set several times.",
    ),
];

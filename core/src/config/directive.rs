//! Decides which directives there are: one table of names, shapes, units, defaults and bounds.
//!
//! Mirrors spec 1.6 (`sentinel` directives) and 1.7 (server directives). A sentinel's file may hold every directive
//! of a data server; those that mean nothing here are checked by their number of words, kept and written back.

/// One directive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directive {
    /// The name in lower case, for `sentinel` directives without that word.
    pub(crate) name: &'static str,
    /// How many words follow the name.
    pub(crate) words: Words,
    /// What the words are.
    pub(crate) kind: Kind,
    /// What holds when the directive is absent, as it would be written; empty = nothing.
    pub(crate) default: &'static str,
}

/// How many words follow a directive's name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Words {
    /// That many.
    Exactly(usize),
    /// From the first to the second.
    Between(usize, usize),
    /// That many or more.
    AtLeast(usize),
}

/// What the words of a directive are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Free text.
    Text,
    /// `yes` or `no`.
    YesNo,
    /// A whole number with bounds.
    Number(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Words with a grammar of their own.
    Own,
    /// Words without meaning to a sentinel.
    Kept,
}

/// When a `sentinel` directive takes effect, so that the order in the file does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    /// Before any master is created.
    BeforeMasters,
    /// It creates a master.
    Masters,
    /// Once all masters exist.
    AfterMasters,
}

impl Directive {
    /// Whether the first word of this `sentinel` directive names a master.
    pub(crate) fn is_about_a_master(&self) -> bool {
        !self.words.fit(1)
    }
}

impl Words {
    /// Whether a directive may have that many words.
    pub(crate) fn fit(self, count: usize) -> bool {
        match self {
            Self::Exactly(wanted) => count == wanted,
            Self::Between(least, most) => (least..=most).contains(&count),
            Self::AtLeast(least) => count >= least,
        }
    }
}

/// The server directive of that name, in lower case.
pub(crate) fn server(name: &str) -> Option<Directive> {
    SERVER.iter().find(|directive| directive.name == name).copied().or_else(|| kept(name))
}

/// The `sentinel` directive of that name in any case, with its aliases resolved.
pub(crate) fn sentinel(name: &str) -> Option<Directive> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let alias = SENTINEL_ALIASES.iter().find(|(alias, _)| is(alias));
    let is = |known: &str| alias.map_or_else(|| is(known), |(_, meant)| *meant == known);
    SENTINEL.iter().find(|directive| is(directive.name)).copied()
}

/// When the `sentinel` directive of that name takes effect; unknown ones come last.
pub(crate) fn turn(name: &str) -> Turn {
    match sentinel(name).map(|directive| directive.name) {
        Some("monitor") => Turn::Masters,
        Some(
            "announce-ip"
            | "announce-port"
            | "deny-scripts-reconfig"
            | "sentinel-user"
            | "sentinel-pass"
            | "current-epoch"
            | "myid"
            | "resolve-hostnames"
            | "announce-hostnames",
        ) => Turn::BeforeMasters,
        Some(_) | None => Turn::AfterMasters,
    }
}

/// What is said of a server directive with the wrong number of words.
pub(crate) fn wrong_word_count(name: &str) -> &'static str {
    let is_looked_up_by_count =
        matches!(name, "include" | "rename-command" | "user" | "loadmodule") || RETIRED.contains(&name);
    if is_looked_up_by_count { UNKNOWN } else { "wrong number of arguments" }
}

/// What is said of a server directive that does not exist.
pub(crate) const UNKNOWN: &str = "Bad directive or wrong number of arguments";

/// A directive that is kept and otherwise ignored.
fn kept(name: &str) -> Option<Directive> {
    let of_one_word = KEPT_ONE_WORD.split_whitespace().chain(RETIRED.iter().copied()).map(|known| (known, Exactly(1)));
    let (name, words) = of_one_word.chain(KEPT_OTHERS.iter().copied()).find(|(known, _)| *known == name)?;
    Some(row(name, words, Kind::Kept, ""))
}

/// The server directives that the rewrite writes itself.
pub(crate) const WRITTEN: &[&str] = &[
    "port",
    "bind",
    "bind-source-addr",
    "protected-mode",
    "tcp-backlog",
    "tcp-keepalive",
    "timeout",
    "maxclients",
    "daemonize",
    "pidfile",
    "loglevel",
    "supervised",
    "logfile",
    "dir",
    "requirepass",
    "user",
];

/// The key of the output limits.
pub(crate) const OUTPUT_LIMIT: &str = "client-output-buffer-limit";

/// The key of the server directive `rename-command`, apart from the `sentinel` directive of that name.
pub(crate) const OWN_RENAME: &str = "own rename-command";

/// Shortens the tables.
const fn row(name: &'static str, words: Words, kind: Kind, default: &'static str) -> Directive {
    Directive { name, words, kind, default }
}

use Kind::{Choice, Number, Own, Text, YesNo};
use Words::{AtLeast, Between, Exactly};

/// The largest number that a C `int` holds.
const INT: i64 = i32::MAX as i64;

/// The `sentinel` directives; the words of those about a master begin with its name. Times are milliseconds.
const SENTINEL: &[Directive] = &[
    row("myid", Exactly(1), Text, ""),
    row("deny-scripts-reconfig", Exactly(1), YesNo, "yes"),
    row("resolve-hostnames", Exactly(1), YesNo, "no"),
    row("announce-hostnames", Exactly(1), YesNo, "no"),
    row("monitor", Exactly(4), Own, ""),
    row("down-after-milliseconds", Exactly(2), Number(1, INT), "30000"),
    row("failover-timeout", Exactly(2), Number(1, INT), "180000"),
    row("parallel-syncs", Exactly(2), Number(i32::MIN as i64, INT), "1"),
    row("notification-script", Exactly(2), Text, ""),
    row("client-reconfig-script", Exactly(2), Text, ""),
    row("auth-pass", Exactly(2), Text, ""),
    row("auth-user", Exactly(2), Text, ""),
    row("master-reboot-down-after-period", Exactly(2), Number(0, INT), "0"),
    row("config-epoch", Exactly(2), Own, "0"),
    row("leader-epoch", Exactly(2), Own, "0"),
    row("known-replica", Exactly(3), Own, ""),
    row("known-sentinel", Between(3, 4), Own, ""),
    row("rename-command", Exactly(3), Own, ""),
    row("current-epoch", Exactly(1), Own, "0"),
    row("announce-ip", Exactly(1), Text, ""),
    row("announce-port", Exactly(1), Number(0, 65535), "0"),
    row("sentinel-user", Exactly(1), Text, ""),
    row("sentinel-pass", Exactly(1), Text, ""),
];

/// Other names of `sentinel` directives: those of Redis before 5.0, and those of Valkey.
const SENTINEL_ALIASES: &[(&str, &str)] =
    &[("known-slave", "known-replica"), ("primary-reboot-down-after-period", "master-reboot-down-after-period")];

/// The server directives that mean something to a sentinel. Times are seconds.
const SERVER: &[Directive] = &[
    row("port", Exactly(1), Number(0, 65535), "26379"),
    row("bind", AtLeast(0), Own, "* -::*"),
    row("bind-source-addr", Exactly(1), Text, ""),
    row("protected-mode", Exactly(1), YesNo, "no"),
    row("tcp-backlog", Exactly(1), Number(0, INT), "511"),
    row("tcp-keepalive", Exactly(1), Number(0, INT), "300"),
    row("timeout", Exactly(1), Number(0, INT), "0"),
    row("maxclients", Exactly(1), Number(1, u32::MAX as i64), "10000"),
    row("daemonize", Exactly(1), YesNo, "no"),
    row("pidfile", Exactly(1), Text, ""),
    row("loglevel", Exactly(1), Choice(&["debug", "verbose", "notice", "warning", "nothing"]), "notice"),
    row("logfile", Exactly(1), Text, ""),
    row("dir", Exactly(1), Own, ""),
    row("requirepass", Exactly(1), Text, ""),
    row("user", AtLeast(1), Own, ""),
    row("rename-command", Exactly(2), Own, ""),
    row("client-output-buffer-limit", AtLeast(0), Own, ""),
    row("include", Exactly(1), Own, ""),
    row("loadmodule", AtLeast(1), Kind::Kept, ""),
    row("tls-port", Exactly(1), Number(0, 65535), "0"),
    row("tls-replication", Exactly(1), YesNo, "no"),
    row("aclfile", Exactly(1), Text, ""),
    row("unixsocket", Exactly(1), Text, ""),
    row("syslog-enabled", Exactly(1), YesNo, "no"),
    row("supervised", Exactly(1), Choice(&["upstart", "systemd", "auto", "no"]), "no"),
];

/// Kept directives of other shapes than one word.
const KEPT_OTHERS: &[(&str, Words)] = &[
    ("latency-tracking-info-percentiles", AtLeast(0)),
    ("oom-score-adj-values", Exactly(3)),
    ("replicaof", Exactly(2)),
    ("save", AtLeast(0)),
    ("shutdown-on-sigint", AtLeast(0)),
    ("shutdown-on-sigterm", AtLeast(0)),
    ("slaveof", Exactly(2)),
];

/// Kept directives that the reference still reads and ignores.
const RETIRED: &[&str] = &["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"];

/// Kept directives of one word: those of Redis 7.0, then of later versions and of Valkey.
const KEPT_ONE_WORD: &str = "
    acl-pubsub-default acllog-max-len active-defrag-cycle-max active-defrag-cycle-min active-defrag-cycle-us
    active-defrag-ignore-bytes active-defrag-max-scan-fields active-defrag-threshold-lower
    active-defrag-threshold-upper active-expire-effort activedefrag activerehashing always-show-logo
    aof-disable-auto-gc aof-load-truncated aof-rewrite-cpulist aof-rewrite-incremental-fsync aof-timestamp-enabled
    aof-use-rdb-preamble aof_rewrite_cpulist appenddirname appendfilename appendfsync appendonly
    auto-aof-rewrite-min-size auto-aof-rewrite-percentage availability-zone bgsave-cpulist bgsave_cpulist
    bio-cpulist bio_cpulist busy-reply-threshold client-query-buffer-limit cluster-allow-pubsubshard-when-down
    cluster-allow-reads-when-down cluster-allow-replica-migration cluster-announce-bus-port
    cluster-announce-client-ipv4 cluster-announce-client-ipv6 cluster-announce-client-port
    cluster-announce-client-tls-port cluster-announce-hostname cluster-announce-human-nodename cluster-announce-ip
    cluster-announce-port cluster-announce-tls-port cluster-blacklist-ttl cluster-config-file
    cluster-config-save-behavior cluster-databases cluster-enabled cluster-link-sendbuf-limit
    cluster-manual-failover-timeout cluster-migration-barrier cluster-node-timeout cluster-ping-interval
    cluster-port cluster-preferred-endpoint-type cluster-replica-no-failover cluster-replica-validity-factor
    cluster-require-full-coverage cluster-slave-no-failover cluster-slave-validity-factor
    cluster-slot-migration-log-max-len cluster-slot-stats-enabled commandlog-execution-slower-than
    commandlog-large-reply-max-len commandlog-large-request-max-len commandlog-reply-larger-than
    commandlog-request-larger-than commandlog-slow-execution-max-len crash-log-enabled crash-memcheck-enabled
    databases dbfilename disable-thp dual-channel-replication-enabled dynamic-hz enable-debug-assert
    enable-debug-command enable-module-command enable-protected-configs events-per-io-thread
    extended-redis-compatibility hash-max-listpack-entries hash-max-listpack-value hash-max-ziplist-entries
    hash-max-ziplist-value hash-seed hide-user-data-from-log hll-sparse-max-bytes hz ignore-warnings import-mode
    io-threads io-threads-always-active io-threads-do-reads jemalloc-bg-thread key-load-delay
    latency-monitor-threshold latency-tracking lazyexpire-nested-arbitrary-keys lazyfree-lazy-eviction
    lazyfree-lazy-expire lazyfree-lazy-server-del lazyfree-lazy-user-del lazyfree-lazy-user-flush lfu-decay-time
    lfu-log-factor list-compress-depth list-max-listpack-size list-max-ziplist-size locale-collate log-format
    log-timestamp-format lookahead lua-enable-insecure-api lua-time-limit masterauth masteruser
    max-new-connections-per-cycle max-new-tls-connections-per-cycle maxmemory maxmemory-clients
    maxmemory-eviction-tenacity maxmemory-policy maxmemory-samples min-io-threads-avoid-copy-reply
    min-replicas-max-lag min-replicas-to-write min-slaves-max-lag min-slaves-to-write
    min-string-size-avoid-copy-reply min-string-size-avoid-copy-reply-threaded mptcp no-appendfsync-on-rewrite
    notify-keyspace-events oom-score-adj prefetch-batch-max-size primaryauth primaryuser proc-title-template
    propagation-error-behavior proto-max-bulk-len rdb-del-sync-files rdb-key-save-delay rdb-save-incremental-fsync
    rdb-version-check rdbchecksum rdbcompression rdma-bind rdma-completion-vector rdma-port rdma-rx-size
    repl-backlog-size repl-backlog-ttl repl-disable-tcp-nodelay repl-diskless-load repl-diskless-sync
    repl-diskless-sync-delay repl-diskless-sync-max-replicas repl-mptcp repl-ping-replica-period
    repl-ping-slave-period repl-timeout replica-announce-ip replica-announce-port replica-announced
    replica-full-sync-buffer-limit replica-ignore-disk-write-errors replica-ignore-maxmemory replica-lazy-flush
    replica-priority replica-read-only replica-serve-stale-data sanitize-dump-payload server-cpulist server_cpulist
    set-max-intset-entries set-max-listpack-entries set-max-listpack-value set-proc-title shutdown-timeout
    slave-announce-ip slave-announce-port slave-ignore-maxmemory slave-lazy-flush slave-priority slave-read-only
    slave-serve-stale-data slot-migration-max-failover-repl-bytes slowlog-log-slower-than slowlog-max-len
    socket-mark-id stop-writes-on-bgsave-error stream-node-max-bytes stream-node-max-entries syslog-facility
    syslog-ident tls-auth-clients tls-auth-clients-user tls-auto-reload-interval tls-ca-cert-dir tls-ca-cert-file
    tls-cert-file tls-ciphers tls-ciphersuites tls-client-cert-file tls-client-key-file tls-client-key-file-pass
    tls-cluster tls-dh-params-file tls-key-file tls-key-file-pass tls-prefer-server-ciphers tls-protocols
    tls-session-cache-size tls-session-cache-timeout tls-session-caching tracking-table-max-keys unixsocketgroup
    unixsocketperm use-exit-on-panic zset-max-listpack-entries zset-max-listpack-value zset-max-ziplist-entries
    zset-max-ziplist-value
";

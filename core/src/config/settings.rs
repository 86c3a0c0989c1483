//! Decides what can be set: the whole of a sentinel's configuration and lasting state, as plain data.
//!
//! The same value starts a machine and is what it asks to have stored: load(save(x)) = x.
//! Mirrors spec 1.6 (sentinel directives), 1.7 (server directives) and 9.16 (periods).

use crate::types::{Endpoint, Epoch, HostStyle, MasterName, Millis, RunId, Secret};

/// A sentinel's configuration and lasting state.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// This sentinel's identity; `None` until the first start. Source: `sentinel myid`.
    pub my_id: Option<RunId>,
    /// The newest epoch seen. Source: `sentinel current-epoch`.
    pub current_epoch: Epoch,
    /// The host told to others in the place of the local address. Source: `sentinel announce-ip`.
    pub announce_ip: Option<String>,
    /// The port told to others; `None` = the listening port. Source: `sentinel announce-port`.
    pub announce_port: Option<u16>,
    /// Whether `SENTINEL SET` may not change script paths; default yes. Source: `sentinel deny-scripts-reconfig`.
    pub deny_scripts_reconfig: bool,
    /// Whether host names are looked up; default no. Source: `sentinel resolve-hostnames`.
    pub resolve_hostnames: bool,
    /// How addresses are written. Source: `sentinel announce-hostnames`.
    pub host_style: HostStyle,
    /// The user name for peers. Source: `sentinel sentinel-user`.
    pub sentinel_user: Option<String>,
    /// The password for peers. Source: `sentinel sentinel-pass`.
    pub sentinel_pass: Option<Secret>,
    /// The monitored masters, in file order.
    pub masters: Vec<MasterSettings>,
    /// The tunable periods. Source: `SENTINEL DEBUG`.
    pub periods: Periods,
    /// What concerns the process and its port.
    pub server: ServerSettings,
}

/// One monitored master: options and lasting state.
#[derive(Clone, Debug, PartialEq)]
pub struct MasterSettings {
    /// The name clients ask for.
    pub name: MasterName,
    /// The master's address.
    pub address: Endpoint,
    /// How many sentinels must call it down; at least 1.
    pub quorum: u32,
    /// Silence that makes it down; default 30000 ms. Source: `down-after-milliseconds`.
    pub down_after: Millis,
    /// Patience with a failover; default 180000 ms. Source: `failover-timeout`.
    pub failover_timeout: Millis,
    /// Replicas reconfigured at once; default 1. Source: `parallel-syncs`.
    pub parallel_syncs: i64,
    /// Program run for each warning event. Source: `notification-script`.
    pub notification_script: Option<String>,
    /// Program run when the master moves. Source: `client-reconfig-script`.
    pub client_reconfig_script: Option<String>,
    /// User name for the master and its replicas. Source: `auth-user`.
    pub auth_user: Option<String>,
    /// Password for the master and its replicas. Source: `auth-pass`.
    pub auth_pass: Option<Secret>,
    /// How long a rebooted master may load before it counts as down; 0 = for ever. Source: `master-reboot-down-after-period`.
    pub reboot_down_after: Millis,
    /// Renamed commands of the servers: (as known, as sent). Source: `rename-command`.
    pub renamed_commands: Vec<(String, String)>,
    /// The version of the address. Source: `config-epoch`.
    pub config_epoch: Epoch,
    /// The epoch of the last vote given. Source: `leader-epoch`.
    pub leader_epoch: Epoch,
    /// The known replicas. Source: `known-replica`, `known-slave`.
    pub replicas: Vec<Endpoint>,
    /// The known peers. Source: `known-sentinel`.
    pub sentinels: Vec<(Endpoint, RunId)>,
}

/// The spans between recurring acts; not stored. Source: `SENTINEL DEBUG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Periods {
    /// Between two INFO to a server; default 10000 ms.
    pub info: Millis,
    /// Between two PING to an instance, at most; default 1000 ms.
    pub ping: Millis,
    /// Between two questions to a peer, at most; default 1000 ms.
    pub ask: Millis,
    /// Between two hellos to an instance; default 2000 ms.
    pub publish: Millis,
    /// `down-after-milliseconds` of masters added later; default 30000 ms.
    pub default_down_after: Millis,
    /// `failover-timeout` of masters added later; default 180000 ms.
    pub default_failover_timeout: Millis,
    /// A stall longer than this enters TILT; default 2000 ms.
    pub tilt_trigger: Millis,
    /// How long TILT lasts; default 30000 ms.
    pub tilt: Millis,
    /// How long a replica may take to begin following the new master; default 10000 ms.
    pub replica_reconf: Millis,
    /// How old a connection must be before silence closes it; default 15000 ms.
    pub min_link_reconnect: Millis,
    /// How long an election may take; default 10000 ms.
    pub election: Millis,
    /// How long a script may run; default 60000 ms.
    pub script_runtime: Millis,
    /// The first delay before a failed script is run again; default 30000 ms.
    pub script_retry: Millis,
}

/// What concerns the process, its port and its log.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerSettings {
    /// The listening port; 0 = none; default 26379.
    pub port: u16,
    /// Addresses to listen on (`*`, `::*`, `-` before one that may be missing); default `* -::*`.
    pub bind: Vec<String>,
    /// Source address of outgoing links. Source: `bind-source-addr`.
    pub bind_source: Option<String>,
    /// Refuse remote clients while there is no password; default no.
    pub protected_mode: bool,
    /// Accept queue length; default 511.
    pub tcp_backlog: u32,
    /// Seconds between TCP keep-alive probes; 0 = off; default 300.
    pub tcp_keepalive: u32,
    /// Seconds after which an idle client is closed; 0 = never; default 0.
    pub timeout: u32,
    /// Clients at once; default 10000.
    pub maxclients: u32,
    /// Go to the background; default no.
    pub daemonize: bool,
    /// Who is told when the process is ready, which then stays in the foreground; default nobody.
    pub supervised: Supervisor,
    /// File that holds the process id.
    pub pidfile: Option<String>,
    /// Log file; empty = standard output.
    pub logfile: String,
    /// The least level that is logged; default notice.
    pub loglevel: LogLevel,
    /// Working folder; `None` = where the process started.
    pub dir: Option<String>,
    /// The default user's password. Source: `requirepass`.
    pub requirepass: Option<Secret>,
    /// `user` lines, in file order.
    pub users: Vec<UserSettings>,
    /// Renamed or removed (empty) commands of this sentinel's own port. Source: `rename-command`.
    pub renamed_commands: Vec<(String, String)>,
    /// Output limit of ordinary clients; default none (the server's own hard bound holds).
    pub normal_output: OutputLimit,
    /// Output limit of subscribers; default 32 MB, or 8 MB for 60 s.
    pub pubsub_output: OutputLimit,
    /// The configuration file's path, as `INFO` shows it; empty when there is none.
    pub config_file: String,
}

/// Who watches over the process. Source: `supervised`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervisor {
    /// Nobody.
    Nobody,
    /// systemd, by its notification socket.
    Systemd,
    /// upstart; it is not told.
    Upstart,
    /// systemd where its socket is there, else nobody.
    Auto,
}

/// One `user` line: name and rules, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSettings {
    /// The user's name.
    pub name: String,
    /// The rules in order, such as `on`, `>password`, `~*`, `+@all`.
    pub rules: Vec<String>,
}

/// How much unread output a client may leave. Source: `client-output-buffer-limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes that close at once; 0 = no limit.
    pub hard: u64,
    /// Bytes that close after `soft_for`; 0 = no limit.
    pub soft: u64,
    /// How long the soft limit may be exceeded.
    pub soft_for: Millis,
}

/// How loud a log line or event is. Source: `loglevel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// Much.
    Verbose,
    /// What an operator wants to see; the default.
    Notice,
    /// Only what matters.
    Warning,
    /// No line at all.
    Nothing,
}

impl Settings {
    /// The user name and password for outgoing links to peers:
    /// `sentinel-pass` with `sentinel-user`, else `requirepass` alone.
    pub fn peer_credentials(&self) -> Option<(Option<&str>, &Secret)> {
        match (&self.sentinel_pass, &self.server.requirepass) {
            (Some(pass), _) => Some((self.sentinel_user.as_deref(), pass)),
            (None, Some(pass)) => Some((None, pass)),
            (None, None) => None,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            my_id: None,
            current_epoch: Epoch::ZERO,
            announce_ip: None,
            announce_port: None,
            deny_scripts_reconfig: true,
            resolve_hostnames: false,
            host_style: HostStyle::Ip,
            sentinel_user: None,
            sentinel_pass: None,
            masters: Vec::new(),
            periods: Periods::default(),
            server: ServerSettings::default(),
        }
    }
}

impl MasterSettings {
    /// A master with every option at its default.
    pub fn new(name: MasterName, address: Endpoint, quorum: u32, periods: &Periods) -> Self {
        Self {
            name,
            address,
            quorum,
            down_after: periods.default_down_after,
            failover_timeout: periods.default_failover_timeout,
            parallel_syncs: 1,
            notification_script: None,
            client_reconfig_script: None,
            auth_user: None,
            auth_pass: None,
            reboot_down_after: Millis::ZERO,
            renamed_commands: Vec::new(),
            config_epoch: Epoch::ZERO,
            leader_epoch: Epoch::ZERO,
            replicas: Vec::new(),
            sentinels: Vec::new(),
        }
    }
}

impl Default for Periods {
    fn default() -> Self {
        Self {
            info: Millis::new(10_000),
            ping: Millis::new(1_000),
            ask: Millis::new(1_000),
            publish: Millis::new(2_000),
            default_down_after: Millis::new(30_000),
            default_failover_timeout: Millis::new(180_000),
            tilt_trigger: Millis::new(2_000),
            tilt: Millis::new(30_000),
            replica_reconf: Millis::new(10_000),
            min_link_reconnect: Millis::new(15_000),
            election: Millis::new(10_000),
            script_runtime: Millis::new(60_000),
            script_retry: Millis::new(30_000),
        }
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            port: 26379,
            bind: vec!["*".into(), "-::*".into()],
            bind_source: None,
            protected_mode: false,
            tcp_backlog: 511,
            tcp_keepalive: 300,
            timeout: 0,
            maxclients: 10_000,
            daemonize: false,
            supervised: Supervisor::Nobody,
            pidfile: None,
            logfile: String::new(),
            loglevel: LogLevel::Notice,
            dir: None,
            requirepass: None,
            users: Vec::new(),
            renamed_commands: Vec::new(),
            normal_output: OutputLimit { hard: 0, soft: 0, soft_for: Millis::ZERO },
            pubsub_output: OutputLimit { hard: 32 << 20, soft: 8 << 20, soft_for: Millis::new(60_000) },
            config_file: String::new(),
        }
    }
}

//! Decides how a sentinel is set up and started.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex},
};

use tokio::{
    net::TcpListener,
    sync::{broadcast, mpsc, watch},
};

use super::{
    Sentinel,
    disk::{Disk, read_text},
    disturb::Storage,
    gauges::Meter,
    links::Links,
    listen::{listen_on, listen_on_bind},
    log::{Log, LogLine, LogSink},
    outbox::Traffic,
    scripts::Scripts,
    server::Server,
    store::ConfigFile,
    turn::{Driver, Inbox, Work},
};
use crate::{
    config::{LogLevel, MasterSettings, Periods, Settings, read},
    error::{Error, ErrorKind, Result},
    machine::Machine,
    net::{Clock, run_id, seed},
    types::{Endpoint, MasterName, Millis},
};

/// A sentinel to be set up and started.
///
/// Without [`SentinelBuilder::settings`] and [`SentinelBuilder::listen`] it listens on the loopback addresses, port 26379.
/// Without [`SentinelBuilder::config_file`] nothing survives the process: such a sentinel forgets its votes and may, started
/// again with the same identity, vote twice in one epoch.
#[must_use = "a builder does nothing until it is started"]
pub struct SentinelBuilder {
    settings: Settings,
    listen: Option<Vec<SocketAddr>>,
    config_file: Option<ConfigFile>,
    remarks: Vec<String>,
    log: Option<LogSink>,
    seed: Option<u64>,
    pub(super) storage: Storage,
}

impl SentinelBuilder {
    pub(super) fn from_conf_file(path: &Path) -> Result<Self> {
        let shown = || path.display().to_string();
        let text = read_text(path).map_err(|error| Error::new(ErrorKind::File, "read", shown()).because(error))?;
        let builder = Self::default().config_file(path)?;
        let folder = builder.config_file.as_ref().map(|file| file.folder.clone()).unwrap_or_default();
        let loaded = read(&text, &mut Disk::at(folder))
            .map_err(|error| Error::new(ErrorKind::Config, "read", shown()).because(error))?;
        Ok(Self { settings: loaded.settings, remarks: loaded.remarks, ..builder })
    }

    /// Takes all settings, those made before included.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The settings as they stand, to change any of them.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Monitors a master; its other options have the values that hold when this is called.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the name or host is not legal, the name is in use, or the quorum is 0.
    pub fn monitor(mut self, name: &str, host: &str, port: u16, quorum: u32) -> Result<Self> {
        let refused = |what: &str| Error::new(ErrorKind::Config, "monitor a master", format!("{what}: \"{name}\""));
        let legal = MasterName::parse(name).ok_or_else(|| refused("not a legal name"))?;
        let address = Endpoint::parse(host, port).ok_or_else(|| refused("not a legal host for"))?;
        if address.is_name() && !self.settings.resolve_hostnames {
            return Err(refused("a host name while names are not resolved for"));
        }
        if port == 0 || quorum == 0 {
            return Err(refused("port and quorum must not be 0 for"));
        }
        if self.settings.masters.iter().any(|master| master.name == legal) {
            return Err(refused("a name in use"));
        }
        let master = MasterSettings::new(legal, address, quorum, &self.settings.periods);
        self.settings.masters.push(master);
        Ok(self)
    }

    /// Sets `down-after-milliseconds` of every master so far and of those added later.
    pub fn down_after(mut self, span: Millis) -> Self {
        self.settings.periods.default_down_after = span;
        self.settings.masters.iter_mut().for_each(|master| master.down_after = span);
        self
    }

    /// Sets `failover-timeout` of every master so far and of those added later.
    pub fn failover_timeout(mut self, span: Millis) -> Self {
        self.settings.periods.default_failover_timeout = span;
        self.settings.masters.iter_mut().for_each(|master| master.failover_timeout = span);
        self
    }

    /// Takes the spans between recurring acts.
    pub fn periods(mut self, periods: Periods) -> Self {
        self.settings.periods = periods;
        self
    }

    /// Looks host names up (`resolve-hostnames`); to be called before a master with one is added.
    pub fn resolve_hostnames(mut self) -> Self {
        self.settings.resolve_hostnames = true;
        self
    }

    /// Listens on this address, in the place of `bind` and `port`; port 0 takes a free one. May be called several times.
    ///
    /// The port of the first address is the one that is announced and stored.
    pub fn listen(mut self, address: impl Into<SocketAddr>) -> Self {
        self.listen.get_or_insert_default().push(address.into());
        self
    }

    /// Keeps configuration and state in this file, which is made when it is missing. It is written, not read.
    ///
    /// A relative path, and relative paths inside the file, begin at the working folder of this moment.
    ///
    /// # Errors
    /// [`ErrorKind::File`] when the path is empty or there is no working folder.
    pub fn config_file(mut self, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let missing = |error| Error::new(ErrorKind::File, "find", path.display().to_string()).because(error);
        let folder = std::path::absolute(".").map_err(missing)?;
        self.config_file = Some(ConfigFile { path: std::path::absolute(path).map_err(missing)?, folder });
        Ok(self)
    }

    /// Sends lines for the log there; without it they go to `tracing`.
    pub fn log(mut self, sink: LogSink) -> Self {
        self.log = Some(sink);
        self
    }

    /// Makes the random choices repeatable; for tests.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Starts it on the runtime of the caller.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`] with the address that cannot be had, [`ErrorKind::Config`] for a value that cannot be used,
    /// [`ErrorKind::File`] when the system gives no randomness.
    pub async fn start(self) -> Result<Sentinel> {
        let Self { mut settings, listen, config_file: file, remarks, log, seed: wanted_seed, storage } = self;
        let listeners = match listen {
            Some(addresses) => {
                settings.server.bind = bind_words(&addresses);
                listen_on(&addresses, settings.server.tcp_backlog)?
            }
            None => listen_on_bind(&settings.server.bind, settings.server.port, settings.server.tcp_backlog).await?,
        };
        let addresses = listeners.iter().map(local_address).collect::<Result<Vec<_>>>()?;
        settings.server.port = addresses.first().map_or(0, SocketAddr::port);
        settings.server.config_file = file.as_ref().map(|file| file.path.display().to_string()).unwrap_or_default();
        let source = source_address(&settings)?;
        let id = match &settings.my_id {
            Some(id) => id.clone(),
            None => run_id()?,
        };
        let seed = match wanted_seed {
            Some(seed) => seed,
            None => seed()?,
        };

        let traffic = Arc::new(Traffic::default());
        let (orders, of_orders) = mpsc::channel(ORDERS);
        let (link_news, of_links) = mpsc::channel(NEWS);
        let (client_news, of_clients) = mpsc::channel(NEWS);
        let (side, of_side) = mpsc::channel(NEWS);
        let (events, first_events) = broadcast::channel(EVENTS);
        let mut server = Server::new(&settings.server, Arc::clone(&traffic), client_news);
        for listener in listeners {
            server.accept_at(listener);
        }
        let clock = Clock::start();
        let is_protected = settings.server.protected_mode;
        let mut log = Log::new(log);
        for text in remarks {
            log.line(&LogLine { level: LogLevel::Warning, text, at: clock.now().unix });
        }
        let driver = Driver {
            machine: Machine::new(settings, id.clone(), seed, clock.now()),
            clock,
            links: Links::new(source, Arc::clone(&traffic), link_news),
            server,
            scripts: Scripts::new(side.clone()),
            meter: Meter::new(traffic),
            log,
            events,
            file,
            storage,
            is_protected,
            inbox: Inbox { orders: of_orders, links: of_links, clients: of_clients, side: of_side },
            side,
            work: Work::default(),
        };
        let (tell_end, ended) = watch::channel(None);
        let weak_events = driver.events.downgrade();
        tokio::spawn(async move {
            let exit = driver.run().await;
            tell_end.send_replace(Some(exit));
        });
        let first_events = Mutex::new(Some(first_events));
        Ok(Sentinel { id, addresses, orders, events: weak_events, first_events, ended })
    }
}

impl Default for SentinelBuilder {
    fn default() -> Self {
        let mut settings = Settings::default();
        settings.server.bind = vec!["127.0.0.1".into(), "-::1".into()];
        Self {
            settings,
            listen: None,
            config_file: None,
            remarks: Vec::new(),
            log: None,
            seed: None,
            storage: Storage::default(),
        }
    }
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr> {
    listener
        .local_addr()
        .map_err(|error| Error::new(ErrorKind::Listen, "listen", "a socket without address").because(error))
}

/// The `bind` list that says the same, so that a stored configuration listens there again.
fn bind_words(addresses: &[SocketAddr]) -> Vec<String> {
    let words = addresses.iter().map(|address| match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => "*".to_owned(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => "::*".to_owned(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip.to_string(),
    });
    words.collect()
}

fn source_address(settings: &Settings) -> Result<Option<IpAddr>> {
    let Some(text) = &settings.server.bind_source else { return Ok(None) };
    let refused =
        || Error::new(ErrorKind::Config, "read bind-source-addr", format!("not a numeric address: \"{text}\""));
    text.parse().map(Some).map_err(|_| refused())
}

/// How many orders of the handle may wait.
const ORDERS: usize = 64;

/// How much news may wait; whoever has more to tell waits with it.
const NEWS: usize = 256;

/// How many events are kept for a listener that is slow.
const EVENTS: usize = 1024;

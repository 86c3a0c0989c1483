//! Decides how an address that a sentinel tells is reached from here: behind NAT, containers, tunnels.

use std::{collections::BTreeMap, fmt, sync::Arc};

use crate::types::Endpoint;

/// Translates each address that a sentinel tells, wherever it tells it.
///
/// The seeds are not translated: they are given as this process reaches them.
///
/// # Example
/// ```
/// use sentinelle::{finder::AddressMap, types::Endpoint};
///
/// let at = |host, port| Endpoint::parse(host, port).expect("a good address");
/// let map = AddressMap::default().entry(&at("172.17.0.2", 6379), at("127.0.0.1", 16379));
/// assert_eq!(map.reach(&at("172.17.0.2", 6379)), at("127.0.0.1", 16379));
/// assert_eq!(map.reach(&at("172.17.0.3", 6379)), at("172.17.0.3", 6379));
/// ```
#[derive(Clone, Default)]
pub struct AddressMap {
    exact: BTreeMap<(String, u16), Endpoint>,
    hosts: BTreeMap<String, String>,
    function: Option<Arc<Translate>>,
}

/// An address as told to the address as reached.
type Translate = dyn Fn(&Endpoint) -> Endpoint + Send + Sync;

impl AddressMap {
    /// A map that is a function; the same address must always give the same result.
    pub fn by(function: impl Fn(&Endpoint) -> Endpoint + Send + Sync + 'static) -> Self {
        Self { function: Some(Arc::new(function)), ..Self::default() }
    }

    /// The same map with one more address translated.
    #[must_use]
    pub fn entry(mut self, told: &Endpoint, reached: Endpoint) -> Self {
        self.exact.insert((told.host().to_ascii_lowercase(), told.port()), reached);
        self
    }

    /// The same map with a whole host translated, whatever the port; an exact entry goes before it.
    #[must_use]
    pub fn host(mut self, told: &str, reached: &str) -> Self {
        self.hosts.insert(told.to_ascii_lowercase(), reached.to_owned());
        self
    }

    /// The address under which this process reaches what a sentinel calls `told`.
    pub fn reach(&self, told: &Endpoint) -> Endpoint {
        let host = told.host().to_ascii_lowercase();
        let mapped = match self.exact.get(&(host.clone(), told.port())) {
            Some(reached) => Some(reached.clone()),
            None => self.hosts.get(&host).and_then(|reached| Endpoint::parse(reached, told.port())),
        };
        let mapped = mapped.unwrap_or_else(|| told.clone());
        self.function.as_ref().map_or(mapped.clone(), |function| function(&mapped))
    }
}

impl fmt::Debug for AddressMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressMap")
            .field("exact", &self.exact)
            .field("hosts", &self.hosts)
            .field("function", &self.function.is_some())
            .finish()
    }
}

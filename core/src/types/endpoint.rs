//! Decides what an address is: the host as given, the IP it resolved to, the port.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// A host and port, with the IP address once it is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    host: Arc<str>,
    ip: Option<IpAddr>,
    port: u16,
}

/// How an address is written in replies, events, files and hellos.
///
/// Source: `sentinel announce-hostnames`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostStyle {
    /// The resolved IP address (`announce-hostnames no`).
    #[default]
    Ip,
    /// The host name as given (`announce-hostnames yes`).
    Name,
}

impl Endpoint {
    /// An endpoint from a host and port; the IP is known at once when `host` is numeric.
    ///
    /// `None` when the host is empty, longer than 255 bytes, or holds a blank, a comma or a control character.
    pub fn parse(host: &str, port: u16) -> Option<Self> {
        let fits = !host.is_empty()
            && host.len() <= 255
            && !host.chars().any(|c| c == ',' || c.is_whitespace() || c.is_control());
        fits.then(|| Self { host: Arc::from(host), ip: host.parse().ok(), port })
    }

    /// The endpoint of a socket address.
    pub fn numeric(address: SocketAddr) -> Self {
        Self { host: Arc::from(address.ip().to_string()), ip: Some(address.ip()), port: address.port() }
    }

    /// The host as given: a name or a numeric address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The IP address, when known.
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// The port; 0 means "never connect".
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the host is a name that a resolver has to look up.
    pub fn is_name(&self) -> bool {
        self.host.parse::<IpAddr>().is_err()
    }

    /// The address to dial, when the IP is known and the port is not 0.
    pub fn socket(&self) -> Option<SocketAddr> {
        (self.port != 0).then_some(())?;
        Some(SocketAddr::new(self.ip?, self.port))
    }

    /// The same host and port with the IP it resolved to.
    #[must_use]
    pub fn resolved(&self, ip: IpAddr) -> Self {
        Self { ip: Some(ip), ..self.clone() }
    }

    /// The host in the style asked for; the name where no IP is known.
    pub fn announced(&self, style: HostStyle) -> String {
        match (style, self.ip) {
            (HostStyle::Ip, Some(ip)) => ip.to_string(),
            (HostStyle::Ip, None) | (HostStyle::Name, _) => self.host.to_string(),
        }
    }

    /// Whether both lead to the same place: equal ports, and equal IPs or equal host names.
    pub fn is_same(&self, other: &Self) -> bool {
        let same_ip = self.ip.is_some() && self.ip == other.ip;
        self.port == other.port && (same_ip || self.host.eq_ignore_ascii_case(&other.host))
    }

    /// The key of a replica: `host:port`, with brackets around an IPv6 address.
    pub fn key(&self, style: HostStyle) -> String {
        let host = self.announced(style);
        if host.contains(':') { format!("[{host}]:{}", self.port) } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key(HostStyle::Name))
    }
}

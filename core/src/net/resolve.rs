//! Decides which addresses a host name has, within two seconds, never on the caller's thread; of several IPv4 comes first.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};

use tokio::sync::{Semaphore, oneshot};

/// Looks up `host`; a numeric one is its own address.
///
/// `desk` bounds how many lookups are under way: one that the system does not end keeps its place until it does.
///
/// # Errors
/// Why there is no address, in words.
pub async fn look_up(host: &str, desk: &Arc<Semaphore>) -> Result<IpAddr, String> {
    let found = look_up_all(host, desk).await?;
    first_address(found).ok_or_else(|| NO_ADDRESS.into())
}

/// Looks up every address of `host`, IPv4 and IPv6, in the resolver's order; a numeric one is its own address.
///
/// `desk` bounds how many lookups are under way, as for [`look_up`].
///
/// # Errors
/// Why there is no address, in words.
pub async fn look_up_all(host: &str, desk: &Arc<Semaphore>) -> Result<Vec<IpAddr>, String> {
    if let Ok(ip) = host.parse() {
        return Ok(vec![ip]);
    }
    let (host, desk) = (host.to_owned(), Arc::clone(desk));
    tokio::time::timeout(PATIENCE, ask_system(host, desk)).await.unwrap_or_else(|_| Err(TOO_SLOW.into()))
}

/// Looks up every address of `host` on a thread without a runtime, for `patience` at most.
///
/// # Errors
/// Why there is no address, in words.
pub fn look_up_all_blocking(host: &str, patience: Duration) -> Result<Vec<IpAddr>, String> {
    if let Ok(ip) = host.parse() {
        return Ok(vec![ip]);
    }
    let (answer, answered) = std::sync::mpsc::channel();
    let asked = host.to_owned();
    std::thread::Builder::new()
        .name("snl-resolve".into())
        .spawn(move || {
            // The asker may have lost patience.
            let _ = answer.send((asked.as_str(), 0).to_socket_addrs().map(addresses));
        })
        .map_err(|error| super::reason(&error))?;
    match answered.recv_timeout(patience) {
        Ok(Ok(found)) if found.is_empty() => Err(NO_ADDRESS.into()),
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(super::reason(&error)),
        Err(_) => Err(TOO_SLOW.into()),
    }
}

/// The address to take of several: the first IPv4, else the first.
pub fn first_address(found: impl IntoIterator<Item = IpAddr>) -> Option<IpAddr> {
    let mut first = None;
    for ip in found {
        if ip.is_ipv4() {
            return Some(ip);
        }
        first.get_or_insert(ip);
    }
    first
}

async fn ask_system(host: String, desk: Arc<Semaphore>) -> Result<Vec<IpAddr>, String> {
    let place = desk.acquire_owned().await.map_err(|error| error.to_string())?;
    let (answer, answered) = oneshot::channel();
    tokio::spawn(async move {
        let found = tokio::net::lookup_host((host.as_str(), 0)).await;
        // The asker may have lost patience.
        let _ = answer.send(found.map(addresses));
        drop(place);
    });
    match answered.await {
        Ok(Ok(found)) if found.is_empty() => Err(NO_ADDRESS.into()),
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(super::reason(&error)),
        Err(_) => Err("the resolver was stopped".into()),
    }
}

/// Each address once, in the resolver's order, and not endlessly many.
fn addresses(found: impl Iterator<Item = SocketAddr>) -> Vec<IpAddr> {
    let mut distinct = Vec::new();
    for address in found.take(MAX_ADDRESSES) {
        if !distinct.contains(&address.ip()) {
            distinct.push(address.ip());
        }
    }
    distinct
}

const PATIENCE: Duration = Duration::from_secs(2);

/// More addresses than this of one name are not tried.
const MAX_ADDRESSES: usize = 32;

const NO_ADDRESS: &str = "the name has no address";
const TOO_SLOW: &str = "the resolver did not answer in time";

#[cfg(test)]
mod tests {
    use std::{
        net::{IpAddr, Ipv4Addr, Ipv6Addr},
        sync::Arc,
    };

    use tokio::sync::Semaphore;

    use super::{first_address, look_up};

    #[tokio::test]
    async fn a_number_needs_no_resolver() {
        let closed = Arc::new(Semaphore::new(0));

        assert_eq!(look_up("::1", &closed).await, Ok(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_resolver_that_is_busy_for_too_long_is_told_of() {
        let closed = Arc::new(Semaphore::new(0));

        assert_eq!(look_up("localhost", &closed).await, Err("the resolver did not answer in time".into()));
    }

    #[tokio::test]
    async fn the_loopback_has_a_name() {
        let desk = Arc::new(Semaphore::new(1));

        let ip = look_up("localhost", &desk).await.expect("every system knows localhost");

        assert!(ip.is_loopback());
    }

    #[test]
    fn ipv4_comes_before_ipv6() {
        let (four, six) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));

        assert_eq!(first_address([six, four]), Some(four));
        assert_eq!(first_address([six]), Some(six));
        assert_eq!(first_address([]), None);
    }
}

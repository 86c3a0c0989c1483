//! Decides which address a host name has: IPv4 before IPv6, within two seconds, never on the caller's thread.

use std::{
    net::{IpAddr, SocketAddr},
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
    if let Ok(ip) = host.parse() {
        return Ok(ip);
    }
    tokio::time::timeout(PATIENCE, ask_system(host.to_owned(), Arc::clone(desk)))
        .await
        .unwrap_or_else(|_| Err("the resolver did not answer in time".into()))
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

async fn ask_system(host: String, desk: Arc<Semaphore>) -> Result<IpAddr, String> {
    let place = desk.acquire_owned().await.map_err(|error| error.to_string())?;
    let (answer, answered) = oneshot::channel();
    tokio::spawn(async move {
        let found = tokio::net::lookup_host((host.as_str(), 0)).await;
        // The asker may have lost patience.
        let _ = answer.send(found.map(|found| first_address(found.map(|address: SocketAddr| address.ip()))));
        drop(place);
    });
    match answered.await {
        Ok(Ok(Some(ip))) => Ok(ip),
        Ok(Ok(None)) => Err("the name has no address".into()),
        Ok(Err(error)) => Err(super::reason(&error)),
        Err(_) => Err("the resolver was stopped".into()),
    }
}

const PATIENCE: Duration = Duration::from_secs(2);

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

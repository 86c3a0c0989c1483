//! Decides where this sentinel listens: the words of `bind`, what may be missing, what a failure is.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use nix::errno::Errno;
use tokio::net::TcpListener;

use crate::{
    error::{Error, ErrorKind, Result},
    net::listen,
};

/// Listens on every address of a `bind` list.
///
/// `*` is every IPv4 address, `::*` every IPv6 address; one behind a `-` may be missing. Port 0 listens nowhere.
pub(super) async fn listen_on_bind(bind: &[String], port: u16, backlog: u32) -> Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    if port == 0 {
        return Ok(listeners);
    }
    for word in bind {
        let (presence, host) = match word.strip_prefix('-') {
            Some(host) => (Presence::Optional, host),
            None => (Presence::Required, word.as_str()),
        };
        for ip in addresses(host).await.map_err(|error| refused(word, port).because(error))? {
            match listen(SocketAddr::new(ip, port), backlog) {
                Ok(listener) => listeners.push(listener),
                Err(error) if may_be_left_out(&error, presence) => {}
                Err(error) => return Err(refused(word, port).because(error)),
            }
        }
    }
    if listeners.is_empty() && !bind.is_empty() {
        return Err(Error::new(ErrorKind::Listen, "listen", format!("no address of \"{}\" is there", bind.join(" "))));
    }
    Ok(listeners)
}

/// Listens on exactly these addresses; port 0 takes a free one.
pub(super) fn listen_on(addresses: &[SocketAddr], backlog: u32) -> Result<Vec<TcpListener>> {
    addresses
        .iter()
        .map(|address| {
            listen(*address, backlog)
                .map_err(|error| Error::new(ErrorKind::Listen, "listen", address.to_string()).because(error))
        })
        .collect()
}

/// Whether an address has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

async fn addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    match host {
        "*" => Ok(vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)]),
        "::*" => Ok(vec![IpAddr::V6(Ipv6Addr::UNSPECIFIED)]),
        name => match name.parse() {
            Ok(ip) => Ok(vec![ip]),
            Err(_) => Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()),
        },
    }
}

/// As in redis: a protocol that the system does not have is left out always, an address only when it may be missing.
fn may_be_left_out(error: &io::Error, presence: Presence) -> bool {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EADDRNOTAVAIL) => presence == Presence::Optional,
        Some(
            Errno::ENOPROTOOPT
            | Errno::EPROTONOSUPPORT
            | Errno::ESOCKTNOSUPPORT
            | Errno::EPFNOSUPPORT
            | Errno::EAFNOSUPPORT,
        ) => true,
        Some(_) | None => false,
    }
}

fn refused(word: &str, port: u16) -> Error {
    let host = word.strip_prefix('-').unwrap_or(word);
    let shown = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    Error::new(ErrorKind::Listen, "listen", shown)
}

#[cfg(test)]
mod tests {
    use super::{listen_on, listen_on_bind};
    use crate::error::ErrorKind;

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let taken = listen_on(&[([127, 0, 0, 1], 0).into()], 16).expect("there are free ports");
        let address = taken[0].local_addr().expect("it listens");

        let of_builder = listen_on(&[address], 16).expect_err("the port is taken");
        let of_bind = listen_on_bind(&["127.0.0.1".into()], address.port(), 16).await.expect_err("the port is taken");

        assert_eq!((of_builder.kind(), of_builder.subject()), (ErrorKind::Listen, address.to_string().as_str()));
        assert_eq!((of_bind.kind(), of_bind.subject()), (ErrorKind::Listen, address.to_string().as_str()));
    }

    #[tokio::test]
    async fn an_address_that_may_be_missing_is_left_out() {
        let free = listen_on(&[([127, 0, 0, 1], 0).into()], 16).expect("there are free ports");
        let port = free[0].local_addr().expect("it listens").port();
        drop(free);
        // 203.0.113.0/24 is reserved for documentation: no host has an address of it.
        let bind = ["127.0.0.1".to_owned(), "-203.0.113.77".to_owned()];

        let listeners = listen_on_bind(&bind, port, 16).await.expect("one address is there");
        let missing = listen_on_bind(&["203.0.113.77".into()], port, 16).await;

        assert_eq!(listeners.len(), 1);
        assert_eq!(missing.expect_err("it has to be there").kind(), ErrorKind::Listen);
    }

    #[tokio::test]
    async fn port_0_of_a_file_listens_nowhere() {
        assert!(listen_on_bind(&["*".into()], 0, 16).await.expect("nothing is asked for").is_empty());
    }
}

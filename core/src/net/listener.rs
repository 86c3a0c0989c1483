//! Decides how a listening socket is set up.

use std::{io, net::SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Listens on `address` with an accept queue of `backlog`.
///
/// An IPv6 address takes no IPv4 clients, so that both families can have the same port.
///
/// # Errors
/// The system's.
pub fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restarted sentinel gets its port back although old connections still linger.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::listen;

    #[tokio::test]
    async fn both_families_can_have_the_same_port() {
        let ipv4 = listen(([0, 0, 0, 0], 0).into(), 16).expect("there are free ports");
        let port = ipv4.local_addr().expect("it listens").port();

        match listen((std::net::Ipv6Addr::UNSPECIFIED, port).into(), 16) {
            Ok(ipv6) => assert_eq!(ipv6.local_addr().expect("it listens").port(), port),
            Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::AddrInUse),
        }
        assert!(listen(([0, 0, 0, 0], port).into(), 16).is_err());
    }
}

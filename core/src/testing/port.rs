//! Decides which port a process of ours listens on: free, and nobody else's until its process is gone for good.
//!
//! Ports are taken below the range that the system gives to outgoing connections, so that one stays free
//! while its server is down between a kill and a restart. Other test programs keep away from it meanwhile, or their
//! servers would be taken for ours.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::error::{Error, ErrorKind, Result};

const FIRST: u32 = 16_000;
const COUNT: u32 = 10_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A TCP port on 127.0.0.1 that is ours until this is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// No test program takes a TCP port whose UDP port it cannot have.
    _sign: UdpSocket,
}

impl Port {
    /// Takes a port on which nothing listens and that this process has not had before.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`] when every port of the range is in use.
    pub fn take_free() -> Result<Self> {
        // Each process starts elsewhere, so that test programs side by side seldom meet.
        let start = std::process::id().wrapping_mul(97);
        let steps = (0..COUNT).map(|_| NEXT.fetch_add(1, Ordering::Relaxed));
        let mut ports = steps.map(|step| (FIRST + start.wrapping_add(step) % COUNT) as u16);
        ports.find_map(Self::take).ok_or_else(|| {
            Error::new(ErrorKind::Listen, "find a free port", format!("none of {FIRST} to {}", FIRST + COUNT))
        })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    fn take(number: u16) -> Option<Self> {
        let sign = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok().map(|_| Self { number, _sign: sign })
    }
}

#[cfg(test)]
mod tests {
    use super::Port;
    use std::net::TcpListener;

    #[test]
    fn a_port_in_use_is_not_taken() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();

        assert!(Port::take(port).is_none());
    }

    #[test]
    fn a_port_is_taken_once_until_it_is_dropped() {
        let port = Port::take_free().expect("ports are free");
        let number = port.number();

        assert!(Port::take(number).is_none());
        drop(port);
        assert!(Port::take(number).is_some());
    }
}

//! Decides which port a process of ours listens on: free at this moment, and handed out once.
//!
//! Ports are taken below the range that the system gives to outgoing connections, so that one stays free
//! while its server is down between a kill and a restart.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::error::{Error, ErrorKind, Result};

const FIRST: u32 = 16_000;
const COUNT: u32 = 10_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A port on 127.0.0.1 on which nothing listens and that this process has not handed out before.
pub(super) fn take_free() -> Result<u16> {
    // Each process starts elsewhere, so that test programs side by side seldom meet.
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = (FIRST + start.wrapping_add(step) % COUNT) as u16;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(Error::new(ErrorKind::Listen, "find a free port", format!("none of {FIRST} to {}", FIRST + COUNT)))
}

/// Whether a listener on that port would succeed.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{is_free, take_free};
    use std::net::TcpListener;

    #[test]
    fn a_port_in_use_is_not_handed_out() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();

        assert!(!is_free(port));
    }

    #[test]
    fn no_port_is_handed_out_twice() {
        let first = take_free().expect("ports are free");
        let second = take_free().expect("ports are free");

        assert_ne!(first, second);
    }
}

//! Decides how a client reaches a server that has several addresses: the next is tried while the one before is silent.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpStream as BlockingTcp},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::{Clock, connection::tune};
use crate::types::{Millis, Tick};

/// Connects to `port` of the first of `addresses` that answers, for `patience` at most.
///
/// The next address is begun 100 ms after the one before, or at once when that one failed.
///
/// # Errors
/// The system's last one, and `TimedOut` when nobody answered.
pub async fn connect(addresses: &[IpAddr], port: u16, patience: Duration) -> io::Result<TcpStream> {
    let mut left = addresses.iter().map(|ip| SocketAddr::new(*ip, port));
    let mut attempts = JoinSet::new();
    if left.len() == 0 {
        return Err(silence());
    }
    let end = deadline(patience);
    let mut next = deadline(Duration::ZERO);
    loop {
        tokio::select! {
            biased;
            Some(joined) = attempts.join_next() => match joined.unwrap_or_else(|_| Err(silence())) {
                Ok(stream) => return Ok(stream),
                Err(error) if left.len() == 0 && attempts.is_empty() => return Err(error),
                Err(_) => next = deadline(Duration::ZERO),
            },
            () = tokio::time::sleep_until(end) => return Err(silence()),
            () = tokio::time::sleep_until(next), if left.len() > 0 => {
                if let Some(target) = left.next() {
                    attempts.spawn(attempt(target, end));
                }
                next = deadline(STAGGER);
            }
        }
    }
}

/// Connects as [`connect`] does, on a thread without a runtime and one address after the other.
///
/// # Errors
/// The system's last one, and `TimedOut` when nobody answered.
pub fn connect_blocking(addresses: &[IpAddr], port: u16, patience: Duration) -> io::Result<BlockingTcp> {
    let clock = Clock::start();
    let mut failure = silence();
    for (tried, ip) in addresses.iter().enumerate() {
        let spent = Duration::from(clock.now().tick.since(Tick::from_ms(0)));
        let share = patience.saturating_sub(spent) / (addresses.len() - tried) as u32;
        if share < Duration::from(Millis::new(1)) {
            break;
        }
        match BlockingTcp::connect_timeout(&SocketAddr::new(*ip, port), share) {
            Ok(stream) => {
                tune(&SockRef::from(&stream))?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

async fn attempt(target: SocketAddr, end: Instant) -> io::Result<TcpStream> {
    let stream = timeout_at(end, TcpStream::connect(target)).await.map_err(|_| silence())??;
    tune(&SockRef::from(&stream))?;
    Ok(stream)
}

fn deadline(from_now: Duration) -> Instant {
    Instant::now() + from_now
}

fn silence() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "Connection timed out")
}

/// Long enough for a healthy server on the same continent to win alone.
const STAGGER: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::{
        net::{IpAddr, Ipv4Addr},
        time::Duration,
    };

    use tokio::net::TcpListener;

    use super::{connect, connect_blocking};

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn an_address_that_refuses_is_passed_over() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let port = listener.local_addr().expect("it listens").port();
        let addresses = [Ipv4Addr::new(127, 0, 0, 9), Ipv4Addr::LOCALHOST].map(IpAddr::V4);

        let stream = connect(&addresses, port, PATIENCE).await.expect("the second listens");
        let blocking = connect_blocking(&addresses, port, PATIENCE).expect("the second listens");

        assert_eq!(stream.peer_addr().expect("it is connected").ip(), addresses[1]);
        assert_eq!(blocking.peer_addr().expect("it is connected").ip(), addresses[1]);
    }

    #[tokio::test]
    async fn no_address_at_all_is_a_failure_and_no_wait() {
        let ended = connect(&[], 1, PATIENCE).await;

        assert!(ended.is_err() && connect_blocking(&[], 1, PATIENCE).is_err());
    }
}

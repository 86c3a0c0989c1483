//! Decides how a connection is made and tuned: how long to try, from where, and when silence ends it.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};

/// Where a connection leads, and where it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The other end.
    pub target: SocketAddr,
    /// The address of this end; `None` leaves the choice to the system.
    pub source: Option<IpAddr>,
}

/// Connects, for two seconds at most.
///
/// # Errors
/// The system's, and `TimedOut` when there was no answer.
pub async fn dial(route: Route) -> io::Result<TcpStream> {
    let connecting = async {
        let socket = if route.target.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(source) = route.source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        socket.connect(route.target).await
    };
    let stream = tokio::time::timeout(CONNECT_TIME, connecting)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "Connection timed out"))??;
    stream.set_nodelay(true)?;
    keep_alive(&stream, LINK_KEEPALIVE)?;
    // Without it, bytes that a dead host never acknowledges are repeated for a quarter of an hour.
    #[cfg(target_os = "linux")]
    SockRef::from(&stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED_TIME))?;
    Ok(stream)
}

/// Sets up a client's connection; `keepalive` seconds of silence are followed by probes, 0 = none.
///
/// # Errors
/// The system's.
pub fn tune_client(stream: &TcpStream, keepalive: u32) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if keepalive > 0 {
        keep_alive(stream, Duration::from_secs(u64::from(keepalive)))?;
    }
    Ok(())
}

/// Sets up a connection of ours to a sentinel or data server: probed when silent, ended when bytes stay unacknowledged.
pub(super) fn tune(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket
        .set_tcp_keepalive(&TcpKeepalive::new().with_time(CLIENT_IDLE).with_interval(CLIENT_PROBE).with_retries(3))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(CLIENT_PROBE))?;
    Ok(())
}

/// Probes after `idle`, three times, as redis does: the connection ends after about twice that silence.
fn keep_alive(stream: &TcpStream, idle: Duration) -> io::Result<()> {
    let interval = (idle / 3).max(Duration::from_secs(1));
    let probes = TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(3);
    SockRef::from(stream).set_tcp_keepalive(&probes)
}

/// Shorter than the three seconds after which the system repeats its second attempt: dialling anew reaches a host
/// that is back sooner than waiting does.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// A silent connection is probed after this long.
const CLIENT_IDLE: Duration = Duration::from_secs(15);
/// Between two probes, and how long sent bytes may stay unacknowledged.
const CLIENT_PROBE: Duration = Duration::from_secs(5);

const LINK_KEEPALIVE: Duration = Duration::from_secs(15);

#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use tokio::net::TcpListener;

    use super::{Route, dial};
    use crate::net::reason;

    #[tokio::test]
    async fn a_connection_starts_where_it_is_told_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let target = listener.local_addr().expect("it listens");
        let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

        let stream = dial(Route { target, source: Some(source) }).await.expect("the port is open");

        assert_eq!(stream.local_addr().expect("it is connected").ip(), source);
        assert!(stream.nodelay().expect("it is connected"));
    }

    #[tokio::test]
    async fn a_closed_port_refuses_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let target = listener.local_addr().expect("it listens");
        drop(listener);

        let error = dial(Route { target, source: None }).await.expect_err("nothing listens");

        assert_eq!(reason(&error), "Connection refused");
    }
}

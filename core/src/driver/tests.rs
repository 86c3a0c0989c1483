use std::time::Duration;

use tokio::{net::TcpStream, time::timeout};

use super::Sentinel;
use crate::error::ErrorKind;

async fn started() -> Sentinel {
    Sentinel::builder().listen(([127, 0, 0, 1], 0)).start().await.expect("loopback has free ports")
}

#[tokio::test]
async fn a_stopped_sentinel_has_closed_its_port() {
    let sentinel = started().await;
    let address = sentinel.address().expect("it listens");
    let _client = TcpStream::connect(address).await.expect("it listens");

    let exit = timeout(Duration::from_millis(100), sentinel.stop()).await.expect("it ends soon");

    assert_eq!(exit.code, None);
    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(sentinel.command(["PING"]).await.expect_err("it has ended").kind(), ErrorKind::Stopped);
    assert_eq!(sentinel.stop().await, exit);
}

#[tokio::test]
async fn a_dropped_sentinel_ends() {
    let sentinel = started().await;
    let address = sentinel.address().expect("it listens");
    let mut events = sentinel.events();

    drop(sentinel);

    while events.next().await.is_some() {}
    let ended = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(5), ended).await.expect("it ends soon");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let first = started().await;
    let address = first.address().expect("it listens");

    let error = Sentinel::builder().listen(address).start().await.expect_err("the port is taken");

    assert_eq!((error.kind(), error.subject()), (ErrorKind::Listen, address.to_string().as_str()));
}

#[tokio::test]
async fn a_master_that_cannot_be_monitored_is_refused_when_it_is_named() {
    for (name, host, port, quorum) in [
        ("a b", "127.0.0.1", 6379, 1),
        ("a", "", 6379, 1),
        ("a", "127.0.0.1", 0, 1),
        ("a", "127.0.0.1", 1, 0),
        ("a", "x.y", 1, 1),
    ] {
        let refused = Sentinel::builder().monitor(name, host, port, quorum);
        assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::Config), "{name} {host} {port} {quorum}");
    }
    let twice =
        Sentinel::builder().monitor("a", "127.0.0.1", 1, 1).and_then(|builder| builder.monitor("a", "127.0.0.1", 2, 1));
    assert_eq!(twice.err().map(|error| error.kind()), Some(ErrorKind::Config));
}

//! How a sentinel lives: started, asked, heard, stored and stopped.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::{Events, Heard, Sentinel, SentinelBuilder};
use crate::{config::Settings, error::ErrorKind, machine::EventKind, resp::Value, types::Secret};

mod clients;

const SOON: Duration = Duration::from_secs(10);

fn on_free_port() -> SentinelBuilder {
    Sentinel::builder().listen(([127, 0, 0, 1], 0))
}

async fn started(set: impl FnOnce(&mut Settings)) -> Sentinel {
    let mut builder = on_free_port();
    set(builder.settings_mut());
    builder.start().await.expect("loopback has free ports")
}

/// A client's end of a connection; every wait has an end.
struct Client(TcpStream);

impl Client {
    async fn of(sentinel: &Sentinel) -> Self {
        Self(TcpStream::connect(address(sentinel)).await.expect("it listens"))
    }

    /// A client whose system keeps little for it that it has not read.
    async fn with_little_room(sentinel: &Sentinel) -> Self {
        let socket = TcpSocket::new_v4().expect("there are descriptors");
        socket.set_recv_buffer_size(4096).expect("the system allows it");
        Self(socket.connect(address(sentinel)).await.expect("it listens"))
    }

    async fn send(&mut self, bytes: &[u8]) {
        timeout(SOON, self.0.write_all(bytes)).await.expect("it reads").expect("it is open");
    }

    async fn read(&mut self, count: usize) -> String {
        let mut bytes = vec![0; count];
        timeout(SOON, self.0.read_exact(&mut bytes)).await.expect("it answers").expect("it is open");
        String::from_utf8(bytes).expect("the answers of these tests are text")
    }

    /// Everything until the other side ends the connection, however it does.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = timeout(SOON, self.0.read_to_end(&mut bytes)).await.expect("it ends the connection");
        String::from_utf8(bytes).expect("the answers of these tests are text")
    }

    async fn ask(&mut self, bytes: &[u8], answer: &str) {
        self.send(bytes).await;
        assert_eq!(self.read(answer.len()).await, answer);
    }
}

fn address(sentinel: &Sentinel) -> SocketAddr {
    sentinel.address().expect("it listens")
}

async fn next(events: &mut Events) -> Option<Heard> {
    timeout(SOON, events.next()).await.expect("it comes soon")
}

#[tokio::test]
async fn a_stopped_sentinel_has_closed_its_port() {
    let sentinel = started(|_| {}).await;
    let address = address(&sentinel);
    let mut client = Client::of(&sentinel).await;
    client.ask(b"PING\r\n", "+PONG\r\n").await;

    let exit = timeout(SOON, sentinel.stop()).await.expect("it ends");

    assert_eq!(exit.code, None);
    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(client.rest().await, "");
    assert_eq!(sentinel.command(["PING"]).await.expect_err("it has ended").kind(), ErrorKind::Stopped);
    assert_eq!(sentinel.status().await.expect_err("it has ended").kind(), ErrorKind::Stopped);
    assert_eq!(sentinel.stop().await, exit);
}

#[tokio::test]
async fn a_dropped_sentinel_ends() {
    let sentinel = started(|_| {}).await;
    let address = address(&sentinel);
    let mut events = sentinel.events();

    drop(sentinel);

    while next(&mut events).await.is_some() {}
    let ended = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, ended).await.expect("it ends soon");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let first = started(|_| {}).await;

    let error = Sentinel::builder().listen(address(&first)).start().await.expect_err("the port is taken");

    assert_eq!((error.kind(), error.subject()), (ErrorKind::Listen, address(&first).to_string().as_str()));
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
    let once = Sentinel::builder().monitor("a", "127.0.0.1", 1, 1).expect("the name is free");
    assert_eq!(once.monitor("a", "127.0.0.1", 2, 1).err().map(|error| error.kind()), Some(ErrorKind::Config));
}

#[tokio::test]
async fn a_command_inside_the_process_needs_no_password() {
    let sentinel = started(|settings| settings.server.requirepass = Some(Secret::new("pw"))).await;

    let id = sentinel.command(["SENTINEL", "MYID"]).await.expect("it runs");
    let unknown = sentinel.command(["NONSENSE"]).await.expect("it runs");
    let several = sentinel.command(["SUBSCRIBE", "a", "b"]).await.expect("it runs");

    assert_eq!(id.as_text(), Some(sentinel.id().as_str()));
    assert!(matches!(&unknown, Value::Error(text) if text.starts_with("ERR unknown command")), "{unknown:?}");
    assert!(matches!(&several, Value::Array(items) if items.len() == 2), "{several:?}");
}

#[tokio::test]
async fn events_are_heard_from_the_start_and_end_with_the_sentinel() {
    let builder = on_free_port().monitor("m", "127.0.0.1", 1, 1).expect("the name is free");
    let sentinel = builder.start().await.expect("loopback has free ports");
    let mut events = sentinel.events();

    let first = next(&mut events).await;

    assert!(matches!(&first, Some(Heard::Event(event)) if event.kind == EventKind::Monitor), "{first:?}");
    sentinel.stop().await;
    while next(&mut events).await.is_some() {}
    assert_eq!(next(&mut sentinel.events()).await, None);
}

#[tokio::test]
async fn a_slow_listener_is_told_how_much_it_missed() {
    let builder = on_free_port().monitor("m", "127.0.0.1", 1, 1).expect("the name is free");
    let sentinel = builder.start().await.expect("loopback has free ports");
    let mut events = sentinel.events();

    for _ in 0..1100 {
        sentinel.command(["SENTINEL", "SET", "m", "quorum", "1"]).await.expect("it runs");
    }

    let first = next(&mut events).await;
    assert!(matches!(first, Some(Heard::Missed(count)) if count >= 76), "{first:?}");
}

#[tokio::test]
async fn shutdown_ends_the_sentinel_with_its_code() {
    let sentinel = started(|_| {}).await;
    let mut client = Client::of(&sentinel).await;

    client.send(b"SHUTDOWN\r\n").await;

    let exit = timeout(SOON, sentinel.wait()).await.expect("it ends");
    assert_eq!(exit.code, Some(0));
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn what_is_stored_starts_the_next_one() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("sentinel.conf");
    let builder = on_free_port().config_file(&path).expect("there is a working folder");
    let first = builder.start().await.expect("loopback has free ports");
    let answer = first.command(["SENTINEL", "MONITOR", "m", "127.0.0.1", "1", "1"]).await.expect("it runs");
    first.stop().await;

    let next = Sentinel::from_conf_file(&path).expect("it was written by a sentinel");
    let next = next.start().await.expect("its port is free again");

    assert_eq!(answer, Value::ok());
    assert_eq!((next.id(), next.addresses()), (first.id(), first.addresses()));
    let name = next.status().await.expect("it runs").masters[0].name.as_str().to_owned();
    assert_eq!(name, "m");
}

#[tokio::test]
async fn a_store_that_fails_is_told_to_the_client_and_the_log() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let (tell, lines) = std::sync::mpsc::channel();
    let builder =
        on_free_port().config_file(folder.path().join("gone/sentinel.conf")).expect("there is a working folder");
    let log = move |line: &super::LogLine| tell.send(line.text.clone()).expect("the test listens");
    let sentinel = builder.log(Box::new(log)).start().await.expect("loopback has free ports");

    let answer = sentinel.command(["SENTINEL", "MONITOR", "m", "127.0.0.1", "1", "1"]).await.expect("it runs");

    assert_eq!(answer, Value::error("ERR Failed to save config file. Check server logs."));
    let lines = lines.try_iter().collect::<Vec<_>>();
    let expected = [
        "Could not create tmp config file (No such file or directory)",
        "WARNING: Sentinel was not able to save the new configuration on disk!!!: No such file or directory",
    ];
    for line in expected {
        assert!(lines.iter().any(|logged| logged == line), "{lines:?}");
    }
}

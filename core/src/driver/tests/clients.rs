//! How clients are served: in order, within bounds, none at the cost of the others.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{Client, SOON, Sentinel, on_free_port, started};
use crate::{
    config::OutputLimit,
    types::{Millis, Secret},
};

#[tokio::test]
async fn commands_are_answered_in_order_however_they_are_cut() {
    let sentinel = started(|_| {}).await;
    let mut client = Client::of(&sentinel).await;

    for byte in b"*2\r\n$4\r\nPING\r\n$2\r\nhi\r\nPING\r\nPING \"a b\"\r\n" {
        client.send(&[*byte]).await;
    }

    assert_eq!(client.read(24).await, "$2\r\nhi\r\n+PONG\r\n$3\r\na b\r\n");
}

#[tokio::test]
async fn a_client_that_ends_its_side_gets_its_answers() {
    let sentinel = started(|_| {}).await;
    let mut client = Client::of(&sentinel).await;

    client.send(&b"PING\r\n".repeat(1000)).await;
    client.0.shutdown().await.expect("it is open");

    assert_eq!(client.rest().await, "+PONG\r\n".repeat(1000));
}

#[tokio::test]
async fn a_client_that_ends_its_side_gets_the_answers_that_wait_for_the_disk() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let builder = on_free_port().config_file(folder.path().join("sentinel.conf")).expect("there is a working folder");
    let sentinel = builder.start().await.expect("loopback has free ports");
    let mut client = Client::of(&sentinel).await;

    client.send(b"SENTINEL FLUSHCONFIG\r\nSENTINEL FLUSHCONFIG\r\nPING\r\n").await;
    client.0.shutdown().await.expect("it is open");

    assert_eq!(client.rest().await, "+OK\r\n+OK\r\n+PONG\r\n");
}

#[tokio::test]
async fn what_is_no_command_is_told_and_ends_the_connection() {
    let sentinel = started(|_| {}).await;
    for (bytes, expected) in [
        (&b"PING\r\n*1\r\n+4\r\n"[..], "+PONG\r\n-ERR Protocol error: expected '$', got '+'\r\n"),
        (b"PING \"\r\nPING\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
        (b"POST / HTTP/1.1\r\nPING\r\n", ""),
    ] {
        let mut client = Client::of(&sentinel).await;
        client.send(bytes).await;

        assert_eq!(client.rest().await, expected);
    }
}

#[tokio::test]
async fn one_client_too_many_is_turned_away() {
    let sentinel = started(|settings| settings.server.maxclients = 2).await;
    let mut clients = [Client::of(&sentinel).await, Client::of(&sentinel).await];
    for client in &mut clients {
        client.ask(b"PING\r\n", "+PONG\r\n").await;
    }

    let mut third = Client::of(&sentinel).await;

    assert_eq!(third.rest().await, "-ERR max number of clients reached\r\n");
    let [first, mut second] = clients;
    drop(first);
    second.ask(b"PING\r\n", "+PONG\r\n").await;
    let room = async {
        loop {
            let mut client = Client::of(&sentinel).await;
            // A connection that is turned away is reset when it writes late.
            let _ = client.0.write_all(b"PING\r\n").await;
            let mut answer = [0; 1];
            if client.0.read(&mut answer).await.is_ok_and(|count| count == 1) && answer == *b"+" {
                return;
            }
        }
    };
    timeout(SOON, room).await.expect("a place that was left is free again");
}

#[tokio::test]
async fn a_silent_client_is_closed_and_a_subscriber_is_not() {
    let sentinel = started(|settings| settings.server.timeout = 1).await;
    let mut silent = Client::of(&sentinel).await;
    let mut subscriber = Client::of(&sentinel).await;
    subscriber.ask(b"SUBSCRIBE x\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n").await;

    assert_eq!(silent.rest().await, "");
    // Who came later is closed later: by then the subscriber has been silent for long enough.
    assert_eq!(Client::of(&sentinel).await.rest().await, "");
    subscriber.ask(b"PING\r\n", "*2\r\n$4\r\npong\r\n$0\r\n\r\n").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let limit = OutputLimit { hard: 100_000, soft: 0, soft_for: Millis::ZERO };
    let sentinel = started(|settings| settings.server.normal_output = limit).await;
    let mut client = Client::of(&sentinel).await;
    let question = [b"PING ".as_slice(), &vec![b'x'; 50_000], b"\r\n"].concat();

    let cut_off = async { while client.0.write_all(&question).await.is_ok() {} };

    timeout(SOON, cut_off).await.expect("it is not served for ever");
    Client::of(&sentinel).await.ask(b"PING\r\n", "+PONG\r\n").await;
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_is_cut_off() {
    let limit = OutputLimit { hard: 0, soft: 1000, soft_for: Millis::ZERO };
    let mut builder = on_free_port().monitor("m", "127.0.0.1", 1, 1).expect("the name is free");
    builder.settings_mut().server.pubsub_output = limit;
    let sentinel = builder.start().await.expect("loopback has free ports");
    let mut subscriber = Client::with_little_room(&sentinel).await;
    subscriber.ask(b"PSUBSCRIBE *\r\n", "*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n").await;

    // The system's own buffers take some megabytes first.
    let mut loud = Client::of(&sentinel).await;
    for _ in 0..100 {
        loud.send(&b"SENTINEL SET m quorum 1\r\n".repeat(1000)).await;
        assert_eq!(loud.read(5000).await, "+OK\r\n".repeat(1000));
    }

    let heard = subscriber.rest().await.matches("+set").count();
    assert!(heard < 100_000, "all {heard} events came");
}

#[tokio::test]
async fn a_stranger_is_served_no_further_than_it_reads() {
    let sentinel = started(|settings| settings.server.requirepass = Some(Secret::new("pw"))).await;
    let mut client = Client::of(&sentinel).await;
    let flood = b"PING\r\n".repeat(2000);

    let stuck = async {
        loop {
            client.0.write_all(&flood).await.expect("it is not cut off");
        }
    };

    assert!(timeout(Duration::from_millis(500), stuck).await.is_err());
    let answer = "-NOAUTH Authentication required.\r\n";
    assert_eq!(client.read(answer.len() * 10_000).await, answer.repeat(10_000));
}

#[tokio::test]
async fn a_stranger_becomes_known_between_two_commands() {
    let sentinel = started(|settings| settings.server.requirepass = Some(Secret::new("pw"))).await;
    let long = [b"*2\r\n$4\r\nPING\r\n$20000\r\n".as_slice(), &vec![b'x'; 20_000], b"\r\n"].concat();

    let mut known = Client::of(&sentinel).await;
    known.send(&[b"AUTH pw\r\n".as_slice(), &long].concat()).await;
    let mut stranger = Client::of(&sentinel).await;
    stranger.send(&long).await;

    assert_eq!(known.read(5 + 20_010).await, format!("+OK\r\n$20000\r\n{}\r\n", "x".repeat(20_000)));
    assert_eq!(stranger.rest().await, "-ERR Protocol error: unauthenticated bulk length\r\n");
}

#[tokio::test]
async fn a_hundred_thousand_commands_at_once_are_answered() {
    let sentinel = started(|_| {}).await;
    let client = Client::of(&sentinel).await;
    let (mut reader, mut writer) = client.0.into_split();
    let writing = tokio::spawn(async move {
        let chunk = b"PING\r\n".repeat(10_000);
        for _ in 0..10 {
            writer.write_all(&chunk).await.expect("it is open");
        }
        writer
    });

    let mut answers = vec![0; 700_000];
    timeout(SOON * 6, reader.read_exact(&mut answers)).await.expect("it answers").expect("it is open");

    assert!(answers.chunks(7).all(|answer| answer == b"+PONG\r\n"));
    writing.await.expect("it wrote everything");
}

#[tokio::test]
async fn a_flood_of_one_client_does_not_stop_the_others() {
    let sentinel = started(|_| {}).await;
    let (mut reader, mut writer) = Client::of(&sentinel).await.0.into_split();
    let flood = tokio::spawn(async move {
        let chunk = b"PING\r\n".repeat(10_000);
        while writer.write_all(&chunk).await.is_ok() {}
    });
    let drain = tokio::spawn(async move {
        let mut junk = vec![0; 65_536];
        while reader.read(&mut junk).await.is_ok_and(|count| count > 0) {}
    });

    let mut other = Client::of(&sentinel).await;
    for _ in 0..20 {
        other.ask(b"PING\r\n", "+PONG\r\n").await;
    }

    timeout(SOON, sentinel.stop()).await.expect("it ends");
    drain.await.expect("it ends with the connection");
    flood.await.expect("it ends with the connection");
}

#[tokio::test]
async fn a_stranger_from_elsewhere_is_turned_away_in_protected_mode() {
    let Some(outside) = outside_address() else { return };
    let protected = |pass: Option<&str>| {
        let mut builder = Sentinel::builder().listen((outside, 0)).listen(([127, 0, 0, 1], 0));
        builder.settings_mut().server.protected_mode = true;
        builder.settings_mut().server.requirepass = pass.map(Secret::new);
        builder.start()
    };
    let open = protected(None).await.expect("this host has the address");
    let guarded = protected(Some("pw")).await.expect("this host has the address");

    assert!(Client::of(&open).await.rest().await.starts_with("-DENIED Redis is running in protected mode because "));
    Client::of(&guarded).await.ask(b"PING\r\n", "-NOAUTH Authentication required.\r\n").await;
    let mut near = Client(TcpStream::connect(open.addresses()[1]).await.expect("it listens"));
    near.ask(b"PING\r\n", "+PONG\r\n").await;
}

/// An address of this host that is not the loopback; none where there is no network.
fn outside_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: a datagram socket only learns which way it would go.
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[tokio::test]
async fn many_long_commands_at_once_do_not_take_all_memory() {
    let sentinel = started(|_| {}).await;
    let mut clients = Vec::new();
    let almost = [b"*2\r\n$8000000\r\n".as_slice(), &vec![b'x'; 7_999_000]].concat();

    let mut cut_off = 0;
    while cut_off == 0 && clients.len() < 60 {
        let mut client = Client::of(&sentinel).await;
        // The one that goes beyond the bound is closed while it writes.
        cut_off += usize::from(client.0.write_all(&almost).await.is_err());
        clients.push(client);
    }

    assert!(cut_off == 1 && clients.len() > 30, "{cut_off} of {}", clients.len());
    Client::of(&sentinel).await.ask(b"PING\r\n", "+PONG\r\n").await;
    drop(clients);
}

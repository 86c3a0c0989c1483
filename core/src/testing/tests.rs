//! The room against real servers and a scripted one.

use std::{io::Write as _, net::TcpListener, thread};

use super::{Client, DataServer, EventLog, Persistence, ServerPlan, Stopwatch, wait_until};
use crate::{error::ErrorKind, resp::Value, types::Millis};

const SOON: Millis = Millis::new(5000);

#[test]
fn a_write_to_a_fresh_master_is_on_its_replicas_without_the_hidden_second() {
    let servers = DataServer::start_replicated(&ServerPlan::default(), 2).expect("the servers start");
    let mut master = servers[0].client().expect("the master answers");

    let watch = Stopwatch::start();
    master.command(&["SET", "colour", "green"]).expect("the master takes a write");
    for replica in &servers[1..] {
        let mut client = replica.client().expect("the replica answers");
        wait_until(SOON, "the write is there", || client.text(&["GET", "colour"]).is_ok_and(|text| text == "green"))
            .expect("the write arrives");
    }

    assert!(watch.elapsed_ms() < Millis::new(900), "took {}", watch.elapsed_ms());
}

#[test]
fn a_restarted_server_has_its_data_only_when_they_are_on_disk() {
    for (persistence, expected) in
        [(Persistence::Memory, Value::Null), (Persistence::Disk, Value::Bulk(b"green".to_vec()))]
    {
        let plan = ServerPlan { persistence, ..ServerPlan::default() };
        let mut server = DataServer::start(&plan).expect("the server starts");
        let address = server.address();
        let set = ["SET", "colour", "green"];
        server.client().and_then(|mut client| client.command(&set)).expect("the server takes a write");

        server.kill();
        server.restart().expect("the server starts again");

        assert_eq!(server.address(), address);
        let value = server.client().and_then(|mut client| client.command(&["GET", "colour"]));
        assert_eq!(value.expect("the server answers"), expected, "{persistence:?}");
    }
}

#[test]
fn a_paused_server_accepts_and_does_not_answer_until_it_is_resumed() {
    let server = DataServer::start(&ServerPlan::default()).expect("the server starts");

    server.pause();
    let mut client = Client::connect(server.address(), Millis::new(50)).expect("the system still accepts");
    let silence = client.command(&["PING"]).expect_err("a stopped process does not answer");
    server.resume();
    let answer = client.read_within(SOON).expect("the connection is open");

    assert_eq!(silence.kind(), ErrorKind::Connection);
    assert_eq!(answer, Some(Value::Simple("PONG".into())), "it answers what it was asked");
}

#[test]
fn a_server_with_a_bad_option_fails_with_the_end_of_its_log() {
    let plan = ServerPlan { options: vec![("no-such-option".into(), "1".into())], ..ServerPlan::default() };

    let error = DataServer::start(&plan).expect_err("the server refuses the option");

    assert_eq!(error.kind(), ErrorKind::NoServer);
    assert!(error.to_string().contains("no-such-option"), "{error}");
}

#[test]
fn a_password_guards_the_server_and_lets_its_replica_in() {
    let plan = ServerPlan { password: Some("hush".into()), ..ServerPlan::default() };
    let servers = DataServer::start_replicated(&plan, 1).expect("the servers start");

    let mut stranger = Client::connect(servers[0].address(), SOON).expect("it accepts");
    let refusal = stranger.command(&["GET", "colour"]).expect("it answers");

    assert!(matches!(refusal, Value::Error(text) if text.starts_with("NOAUTH")));
    assert_eq!(servers[1].role().expect("the replica answers"), "slave");
}

#[test]
fn every_kind_of_reply_is_read() {
    let wire = b"+OK\r\n-ERR no\r\n:-7\r\n$2\r\nhi\r\n$-1\r\n*-1\r\n*2\r\n:1\r\n+a\r\n_\r\n#t\r\n,1.5\r\n(12\r\n=6\r\ntxt:hi\r\n\
        %1\r\n+k\r\n:1\r\n~1\r\n:1\r\n>1\r\n:1\r\n";
    let mut client = client_of_a_server_that_sends(wire);

    let replies: Vec<_> = (0..15).map(|_| client.read().expect("the bytes are good")).collect();

    let one = || vec![Value::Integer(1)];
    let expected = vec![
        Value::ok(),
        Value::error("ERR no"),
        Value::Integer(-7),
        Value::bulk("hi"),
        Value::Null,
        Value::NullArray,
        Value::Array(vec![Value::Integer(1), Value::Simple("a".into())]),
        Value::Null,
        Value::Boolean(true),
        Value::Double(1.5),
        Value::BigNumber("12".into()),
        Value::Verbatim(b"hi".to_vec()),
        Value::Map(vec![(Value::Simple("k".into()), Value::Integer(1))]),
        Value::Set(one()),
        Value::Push(one()),
    ];
    assert_eq!(replies, expected);
}

#[test]
fn bytes_that_are_no_reply_are_refused() {
    for wire in [&b"?\r\n"[..], b"\r\n", b"$99999999999\r\n", b":x\r\n", &b"*1\r\n".repeat(20)] {
        let error = client_of_a_server_that_sends(wire).read().expect_err("the bytes are bad");

        assert_eq!(error.kind(), ErrorKind::Protocol, "{wire:?}");
    }
}

#[test]
fn a_log_hears_events_in_order_and_says_what_it_heard_when_one_is_missing() {
    let server = DataServer::start(&ServerPlan::default()).expect("the server starts");
    let mut log = EventLog::begin();
    log.follow("it", server.address()).expect("it takes a subscription");
    let mut client = server.client().expect("the server answers");
    client.command(&["PUBLISH", "+sdown", "master m"]).expect("it publishes");
    client.command(&["PUBLISH", "+odown", "master m"]).expect("it publishes");

    log.wait_for(SOON, "odown is heard", |event| event.channel == "+odown").expect("it comes");
    let missing = log.wait_for(Millis::new(1), "the end", |event| event.channel == "-").expect_err("it never comes");

    let channels: Vec<_> = log.events().into_iter().map(|event| event.channel).collect();
    assert_eq!(channels, ["+sdown", "+odown"]);
    assert!(missing.to_string().contains("+odown master m"), "{missing}");
}

fn client_of_a_server_that_sends(wire: &[u8]) -> Client {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let wire = wire.to_vec();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the client connects");
        stream.write_all(&wire).expect("the client reads");
    });
    Client::connect(address, SOON).expect("the listener accepts")
}

//! Connections against a server whose every byte the test decides.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

use super::{Input, LinkId, LinkNews, Links, Request, RequestId, Traffic, Value};

const LINK: LinkId = LinkId::new(1);

/// A link and the server it leads to.
struct Pair {
    links: Links,
    news: mpsc::Receiver<LinkNews>,
    listener: TcpListener,
}

impl Pair {
    async fn new() -> Self {
        let (tell, news) = mpsc::channel(16);
        let links = Links::new(None, Arc::new(Traffic::default()), tell);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        Self { links, news, listener }
    }

    /// Opens the link; gives the server's end.
    async fn connect(&mut self) -> TcpStream {
        self.links.open(LINK, self.listener.local_addr().expect("it listens"));
        let (stream, _) = self.listener.accept().await.expect("the link connects");
        let opened = self.inputs(1).await;
        assert!(matches!(opened[..], [Input::LinkOpened { link: LINK, .. }]), "{opened:?}");
        stream
    }

    /// The inputs that come of the news, until there are so many.
    async fn inputs(&mut self, count: usize) -> Vec<Input> {
        let mut inputs = Vec::new();
        while inputs.len() < count {
            let news = timeout(Duration::from_secs(5), self.news.recv()).await.expect("news comes soon");
            let mut heard = self.links.receive(news.expect("the links hold its sender"));
            while let Some(input) = self.links.next_input(&mut heard) {
                inputs.push(input);
            }
        }
        inputs
    }

    fn send(&mut self, number: u64, words: &[&str]) -> Option<Input> {
        self.links.send(LINK, RequestId::new(number), &Request::new(words.iter().copied().map(str::as_bytes)))
    }
}

fn answer(number: u64, value: Value) -> Input {
    Input::Answer { link: LINK, request: RequestId::new(number), value }
}

fn closed(reason: &str) -> Input {
    Input::LinkClosed { link: LINK, reason: reason.into() }
}

fn message(text: &str) -> Value {
    Value::Array(vec![Value::bulk("message"), Value::bulk("c"), Value::bulk(text)])
}

#[tokio::test]
async fn answers_find_their_commands_in_order() {
    let mut pair = Pair::new().await;
    let mut server = pair.connect().await;

    pair.send(1, &["PING"]);
    pair.send(2, &["INFO"]);
    pair.links.flush();
    let mut sent = vec![0; 28];
    server.read_exact(&mut sent).await.expect("both commands come");
    server.write_all(b"+PONG\r\n$2\r\nhi\r\n").await.expect("the link is open");

    assert_eq!(sent, b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nINFO\r\n");
    assert_eq!(pair.inputs(2).await, [answer(1, Value::Simple("PONG".into())), answer(2, Value::bulk("hi"))]);
}

#[tokio::test]
async fn a_message_answers_nothing_once_subscribed() {
    let mut pair = Pair::new().await;
    let mut server = pair.connect().await;
    let acknowledged = Value::Array(vec![Value::bulk("subscribe"), Value::bulk("c"), Value::Integer(1)]);

    pair.send(1, &["SUBSCRIBE", "c"]);
    pair.send(2, &["PING"]);
    let bytes = b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n+PONG\r\n";
    server.write_all(bytes).await.expect("the link is open");

    let expected = [
        answer(1, acknowledged),
        Input::Heard { link: LINK, value: message("hi") },
        answer(2, Value::Simple("PONG".into())),
    ];
    assert_eq!(pair.inputs(3).await, expected);
}

#[tokio::test]
async fn a_message_on_a_command_link_is_an_answer_like_any_other() {
    let mut pair = Pair::new().await;
    let mut server = pair.connect().await;

    pair.send(1, &["EXEC"]);
    server.write_all(b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n").await.expect("the link is open");

    assert_eq!(pair.inputs(1).await, [answer(1, message("hi"))]);
}

#[tokio::test]
async fn an_answer_without_a_question_closes_the_link() {
    for (bytes, reason) in [
        (&b"-ERR max number of clients reached\r\n"[..], "ERR max number of clients reached"),
        (b"+PONG\r\n+PONG\r\n", "An answer without a question"),
        (b"*1000000000\r\n", "Protocol error: too many values in one reply"),
        (b"HTTP/1.1 400 Bad Request\r\n", "Protocol error: an unknown type of value"),
        (b"", "Server closed the connection"),
    ] {
        let mut pair = Pair::new().await;
        let mut server = pair.connect().await;

        server.write_all(bytes).await.expect("the link is open");
        drop(server);

        assert_eq!(pair.inputs(1).await, [closed(reason)]);
        assert_eq!(pair.send(9, &["PING"]), None);
    }
}

#[tokio::test]
async fn a_port_that_is_closed_closes_the_link() {
    let mut pair = Pair::new().await;
    let target = pair.listener.local_addr().expect("it listens");
    pair.listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");

    pair.links.open(LINK, target);

    assert_eq!(pair.inputs(1).await, [closed("Connection refused")]);
}

#[tokio::test]
async fn news_of_a_connection_that_was_closed_is_dropped() {
    let mut pair = Pair::new().await;
    let mut first = pair.connect().await;
    pair.send(1, &["PING"]);
    first.write_all(b"+PONG\r\n").await.expect("the link is open");
    let late =
        timeout(Duration::from_secs(5), pair.news.recv()).await.expect("news comes soon").expect("it has a sender");

    pair.links.close(LINK);
    let mut second = pair.connect().await;
    pair.send(2, &["PING"]);
    let mut heard = pair.links.receive(late);

    assert_eq!(pair.links.next_input(&mut heard), None);
    second.write_all(b"+NEW\r\n").await.expect("the link is open");
    assert_eq!(pair.inputs(1).await, [answer(2, Value::Simple("NEW".into()))]);
    assert_eq!(first.read(&mut [0; 64]).await.unwrap_or(0), 0, "the first connection has ended");
}

#[tokio::test]
async fn what_follows_a_close_in_the_same_news_is_dropped() {
    let mut pair = Pair::new().await;
    let mut server = pair.connect().await;
    pair.send(1, &["PING"]);
    pair.send(2, &["PING"]);
    server.write_all(b"+A\r\n+B\r\n").await.expect("the link is open");
    let news =
        timeout(Duration::from_secs(5), pair.news.recv()).await.expect("news comes soon").expect("it has a sender");

    let mut heard = pair.links.receive(news);
    let first = pair.links.next_input(&mut heard);
    pair.links.close(LINK);

    assert_eq!(first, Some(answer(1, Value::Simple("A".into()))));
    assert_eq!(pair.links.next_input(&mut heard), None);
}

#[tokio::test]
async fn a_server_that_takes_nothing_loses_its_link() {
    let mut pair = Pair::new().await;
    let _server = pair.connect().await;
    let large = "x".repeat(64 << 10);

    let broken = (0..1000).find_map(|number| {
        let broken = pair.send(number, &["PUBLISH", &large]);
        pair.links.flush();
        broken
    });

    assert_eq!(broken, Some(closed("Too much unsent output")));
}

//! Bad input at a sentinel's port and from the servers it watches: ours answers like redis-sentinel, and lives on.
//!
//! Needs redis-sentinel for the comparison.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use sentinelle::{
    driver::Sentinel,
    testing::{Flavour, SentinelPlan, SentinelProcess, wait_until},
    types::{Millis, Secret},
};
use tokio::runtime::Runtime;

/// How a connection stands after what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Closed,
}

/// A sentinel in this process, with the threads it runs on.
struct Ours {
    runtime: Runtime,
    sentinel: Sentinel,
}

impl Ours {
    fn start(password: Option<&str>, master: Option<SocketAddr>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("there are threads");
        let mut builder = Sentinel::builder().listen(([127, 0, 0, 1], 0));
        if let Some(master) = master {
            builder = builder.monitor("m", "127.0.0.1", master.port(), 1).expect("the name is free");
        }
        builder.settings_mut().server.requirepass = password.map(Secret::new);
        let sentinel = runtime.block_on(builder.start()).expect("loopback has free ports");
        Self { runtime, sentinel }
    }

    fn address(&self) -> SocketAddr {
        self.sentinel.address().expect("it listens")
    }

    fn is_alive(&self) -> bool {
        [&b"+PONG"[..], b"-NOAU"].contains(&answer_to_ping(self.address()).as_slice())
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.runtime.block_on(self.sentinel.stop());
    }
}

/// The first five bytes of what a sentinel answers to a PING.
fn answer_to_ping(address: SocketAddr) -> [u8; 5] {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("the span is not zero");
    stream.write_all(b"PING\r\n").expect("it reads");
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).expect("it answers");
    answer
}

/// Sends bytes and gives everything that comes back until the other side is done or quiet.
///
/// It is quiet when it has answered another client meanwhile, so that no pause of the whole machine counts.
fn exchange(address: SocketAddr, bytes: &[u8]) -> (Vec<u8>, End) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(QUIET)).expect("the span is not zero");
    // It may have been refused in the middle.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    let mut was_quiet = false;
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return (answer, End::Closed),
            Ok(count) => {
                answer.extend_from_slice(&chunk[..count]);
                was_quiet = false;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if was_quiet {
                    return (answer, End::Open);
                }
                was_quiet = true;
                answer_to_ping(address);
            }
            Err(_) => return (answer, End::Closed),
        }
    }
}

#[test]
fn bad_requests_are_answered_like_the_reference_answers_them() {
    compare(None, &requests());
}

#[test]
fn bad_requests_of_strangers_are_answered_like_the_reference_answers_them() {
    let word =
        |length: usize| [format!("*1\r\n${length}\r\n").into_bytes(), vec![b'a'; length], b"\r\n".to_vec()].concat();
    let words = |count: usize| [format!("*{count}\r\n").into_bytes(), b"$1\r\na\r\n".repeat(count)].concat();
    let mut cases = requests();
    cases.extend([word(16_384), word(16_385), words(10), words(11)]);
    cases.push([b"AUTH pw\r\n".to_vec(), words(11)].concat());
    cases.push([b"AUTH wrong\r\n".to_vec(), words(11)].concat());

    compare(Some("pw"), &cases);
}

fn compare(password: Option<&str>, cases: &[Vec<u8>]) {
    let plan = SentinelPlan { flavour: Flavour::Redis, program: None, masters: Vec::new(), lines: Vec::new() };
    let reference = SentinelProcess::start(&plan).expect("redis-sentinel is installed");
    if let Some(password) = password {
        let mut operator = reference.client().expect("it answers");
        operator.command(&["ACL", "SETUSER", "default", "resetpass", &format!(">{password}")]).expect("it answers");
    }
    let ours = Ours::start(password, None);
    let (theirs_at, ours_at) = (reference.address(), ours.address());

    let differences: Vec<String> = thread::scope(|scope| {
        let asked = cases.iter().map(|case| {
            scope.spawn(move || {
                let (theirs, ours) = (exchange(theirs_at, case), exchange(ours_at, case));
                (theirs != ours)
                    .then(|| format!("{}\n  reference {}\n  ours      {}", shown(case), told(&theirs), told(&ours)))
            })
        });
        let asked: Vec<_> = asked.collect();
        asked.into_iter().filter_map(|asked| asked.join().expect("no exchange panics")).collect()
    });

    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(ours.is_alive());
}

fn shown(bytes: &[u8]) -> String {
    format!("{:?} ({} bytes)", String::from_utf8_lossy(&bytes[..bytes.len().min(70)]), bytes.len())
}

fn told((answer, end): &(Vec<u8>, End)) -> String {
    format!("{} {end:?}", shown(answer))
}

/// Requests that are malformed, nearly malformed, or strange; those with a bound of our own are not here.
fn requests() -> Vec<Vec<u8>> {
    let mut cases: Vec<Vec<u8>> = [
        "*-1\r\nPING\r\n",
        "*0\r\nPING\r\n",
        "*1048576\r\n",
        "*2147483648\r\n",
        "*9223372036854775808\r\n",
        "*+3\r\n",
        "*03\r\n",
        "* 3\r\n",
        "*\r\n",
        "*3",
        "*1\r\n$-1\r\n",
        "*1\r\n$-2\r\n",
        "*1\r\n$536870913\r\n",
        "*1\r\n$99999999999999999999\r\n",
        "*1\r\n+4\r\nPING\r\n",
        "*1\r\n:4\r\nPING\r\n",
        "*1\r\n\r\n",
        "*1\r\n$4\r\nPINGxxPING\r\n",
        "*1\rX$4\rXPINGxxPING\r\n",
        "*1\n$4\nPING\n",
        "*1\r\n$4\r\nPIN",
        "*1\r\n$0\r\n\r\nPING\r\n",
        "\"\"\r\nPING\r\n",
        "\"PI\\x4eG\" 'a b'\r\n",
        "PING \"a\\n\\t\\q\\x4\"\r\n",
        "PING \"a\r\n",
        "PING 'a\r\n",
        "PING \"a\"b\r\n",
        "PING 'a'b\r\n",
        "PING a\"b c\"\r\n",
        "PING 'a\\'b\\n'\r\n",
        "PING \u{b} x\r\n",
        "PING a\rb\r\n",
        "\r\n\n\r\nPING\r\n",
        "  \t \r\nPING\r\n",
        "PING\n",
        "POST / HTTP/1.1\r\nPING\r\n",
        "post\r\nPING\r\n",
        "Host: x\r\nPING\r\n",
        "*2\r\n$4\r\nPOST\r\n$1\r\nx\r\nPING\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\nPING\r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nPING\r\n",
        "$4\r\nPING\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "~1\r\n:1\r\n",
        ">1\r\n$4\r\nPING\r\n",
        "_\r\n#t\r\n,1\r\n",
        "QUIT\r\nPING\r\n",
        "MULTI\r\nPING\r\nEXEC\r\n",
        "SUBSCRIBE a\r\nPING\r\nSENTINEL MASTERS\r\nUNSUBSCRIBE a\r\nROLE\r\n",
        "HELLO 4\r\nHELLO x\r\nHELLO 2 FOO\r\nHELLO 3 AUTH a\r\nPING\r\n",
        "AUTH\r\nAUTH a b c\r\nPING\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    cases.push(b"*1\r\n$5\r\nPI\0NG\r\nPING\r\n".to_vec());
    cases.push(b"*2\r\n$4\r\nPING\r\n$3\r\na\0b\r\n".to_vec());
    let long = |start: &str| [start.as_bytes(), &vec![b'1'; (64 << 10) + 1]].concat();
    cases.extend([long("a"), long("*"), long("*1\r\n$"), long("*1\r\n")]);
    cases.push(b"\r\n".repeat(50_000));
    cases.push(b"*0\r\n".repeat(50_000));
    cases
}

#[test]
fn our_own_bounds_are_told_and_end_the_connection() {
    let ours = Ours::start(None, None);
    for (bytes, expected) in [
        (&b"*1048577\r\n"[..], "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n$8388609\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"*2\r\n$8000000\r\n", ""),
    ] {
        let (answer, end) = exchange(ours.address(), bytes);

        assert_eq!(String::from_utf8_lossy(&answer), expected);
        assert_eq!(end, if expected.is_empty() { End::Open } else { End::Closed });
    }
}

#[test]
fn a_handshake_of_another_protocol_leaves_others_alone() {
    let ours = Ours::start(None, None);
    let tls_hello = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(), &[0x5a; 500]].concat();
    let proxy_header =
        [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".as_slice(), &[10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2]].concat();

    let (to_tls, _) = exchange(ours.address(), &tls_hello);
    let (to_proxy, _) = exchange(ours.address(), &proxy_header);

    assert_eq!(to_tls, b"");
    let mut lines = to_proxy.split_inclusive(|&byte| byte == b'\n');
    assert!(lines.all(|line| line.starts_with(b"-ERR unknown command")), "{}", shown(&to_proxy));
    assert!(ours.is_alive());
}

#[test]
fn thousands_of_half_commands_leave_others_alone() {
    let ours = Ours::start(None, None);
    let mut loris = Vec::new();
    for _ in 0..400 {
        let mut stream = TcpStream::connect(ours.address()).expect("it listens");
        stream.write_all(b"*2\r\n$4\r\nPING\r\n$100").expect("it reads");
        loris.push(stream);
    }

    assert!(ours.is_alive());
    drop(loris);
    let gone = || ours.runtime.block_on(ours.sentinel.command(["CLIENT", "LIST"])).is_ok_and(|list| lines(&list) <= 1);
    wait_until(Millis::new(10_000), "the clients that left are forgotten", gone).expect("each of them is noticed");
}

fn lines(list: &sentinelle::resp::Value) -> usize {
    list.as_text().expect("a list is text").lines().count()
}

/// A server that answers whoever connects with the same bytes, many times over.
fn hostile_server(answer: Vec<u8>, times: usize) -> (SocketAddr, std::sync::mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr().expect("it listens");
    let (tell, connections) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), true) = (stream, tell.send(()).is_ok()) else { return };
            let answer = answer.clone();
            thread::spawn(move || {
                let mut junk = [0; 4096];
                // It answers once it was asked, until it is cut off.
                if stream.read(&mut junk).is_ok() && (0..times).all(|_| stream.write_all(&answer).is_ok()) {
                    while stream.read(&mut junk).is_ok_and(|count| count > 0) {}
                }
            });
        }
    });
    (address, connections)
}

#[test]
fn replies_that_are_none_cost_the_server_its_connection_and_nothing_else() {
    for (answer, times) in [
        (b"*1000000000\r\n".to_vec(), 1),
        (b"*1\r\n".to_vec(), 100_000),
        (b"$-5\r\n".to_vec(), 1),
        (b"$16777217\r\n".to_vec(), 1),
        (vec![b'a'; 1 << 16], 1000),
        ([b"+".as_slice(), &vec![b'a'; 1 << 16]].concat(), 1000),
        (b"+PONG\r\n".to_vec(), 1_000_000),
        (b"*262144\r\n".to_vec(), 1000),
        (b"|1\r\n+a\r\n+b\r\n".to_vec(), 1_000_000),
        (b"-ERR max number of clients reached\r\n".to_vec(), 10),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), 1),
    ] {
        let text = shown(&answer);
        let (address, connections) = hostile_server(answer, times);
        let ours = Ours::start(None, Some(address));

        // Two for the first attempt, more once these were given up.
        for _ in 0..4 {
            connections
                .recv_timeout(Duration::from_secs(20))
                .unwrap_or_else(|_| panic!("it does not dial anew: {text}"));
        }

        assert!(ours.is_alive(), "{text}");
    }
}

#[test]
fn replies_of_the_wrong_type_are_borne() {
    for answer in [
        "*-1\r\n",
        "$-1\r\n",
        "*0\r\n",
        ":1\r\n",
        "%1\r\n+a\r\n:1\r\n",
        ">2\r\n+a\r\n:1\r\n",
        "-LOADING x\r\n",
        "-BUSY x\r\n",
    ] {
        let (address, connections) = hostile_server(answer.as_bytes().to_vec(), 1);
        let ours = Ours::start(None, Some(address));

        connections.recv_timeout(Duration::from_secs(10)).expect("it dials");

        assert!(ours.is_alive(), "{answer:?}");
    }
}

/// How long nothing comes before an answer counts as whole.
const QUIET: Duration = Duration::from_millis(400);

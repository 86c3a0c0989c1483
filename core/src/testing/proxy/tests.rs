//! The proxy between a client and a server that sends back what it hears.

use std::{
    io::{ErrorKind as IoErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use super::{Fate, Front, Passage, Passages, Slices, Toxicity};
use crate::{
    testing::{Stopwatch, background::Background, group::Member, wait_until},
    types::Millis,
};

const THERE: (Member, Member) = (Member::Client, Member::Server(0));
const BACK: (Member, Member) = (Member::Server(0), Member::Client);

#[test]
fn bytes_are_carried_both_ways_and_the_end_too() {
    let stage = Stage::set();
    let mut client = stage.client();

    assert_eq!(echo(&mut client, b"hello"), Some(b"hello".to_vec()));
    client.shutdown(std::net::Shutdown::Write).expect("it is open");

    assert_eq!(client.read(&mut [0; 8]).expect("it ends in order"), 0);
}

#[test]
fn much_is_carried_whole_and_in_order() {
    let stage = Stage::set();
    let mut client = stage.client();
    let sent: Vec<u8> = (0..2_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let mut writer = client.try_clone().expect("a socket can be shared");
    let copy = sent.clone();
    let writing = thread::spawn(move || writer.write_all(&copy).is_ok());

    let mut received = vec![0; sent.len()];
    client.read_exact(&mut received).expect("all comes back");

    assert!(writing.join().expect("it does not panic"));
    assert!(received == sent);
}

#[test]
fn held_bytes_arrive_when_the_fault_is_mended() {
    for lane in [THERE, BACK] {
        let stage = Stage::set();
        let mut client = stage.client();
        assert!(echo(&mut client, b"one").is_some());

        stage.mark(lane, Passage::of(Fate::Held));
        let held = is_silent(&mut client, b"two");
        let mut late = stage.client();
        let silent = is_silent(&mut late, b"new");
        stage.passages.change(std::collections::BTreeMap::clear);

        assert!(held && silent, "{lane:?}");
        assert_eq!(read(&mut client, 3, Duration::from_secs(5)), Some(b"two".to_vec()), "{lane:?}");
        assert_eq!(read(&mut late, 3, Duration::from_secs(5)), Some(b"new".to_vec()), "{lane:?}");
    }
}

#[test]
fn a_reset_passage_resets_what_is_open_and_what_is_new() {
    let stage = Stage::set();
    let mut client = stage.client();
    assert!(echo(&mut client, b"one").is_some());

    stage.mark(THERE, Passage::of(Fate::Reset));

    assert!(is_reset(&mut client));
    assert!(is_reset(&mut stage.client()));
}

#[test]
fn a_refused_passage_leaves_what_is_open() {
    let stage = Stage::set();
    let mut client = stage.client();
    assert!(echo(&mut client, b"one").is_some());

    stage.mark(THERE, Passage::of(Fate::Refused));

    assert!(is_reset(&mut stage.client()));
    assert!(echo(&mut client, b"two").is_some());
}

#[test]
fn connections_are_reset_once() {
    let stage = Stage::set();
    let mut client = stage.client();
    assert!(echo(&mut client, b"one").is_some());

    stage.front.reset_connections();

    assert!(is_reset(&mut client));
    assert!(echo(&mut stage.client(), b"two").is_some());
}

#[test]
fn a_slow_passage_takes_its_time() {
    let stage = Stage::set();
    let mut client = stage.client();
    assert!(echo(&mut client, b"one").is_some());
    let slow = Passage { latency: Millis::new(60), ..Passage::CLEAR };
    stage.mark(THERE, slow);
    stage.mark(BACK, Passage { jitter: Millis::new(20), ..slow });

    let watch = Stopwatch::start();
    client.write_all(b"two").expect("it is open");
    let answer = read(&mut client, 3, Duration::from_secs(5));

    assert_eq!(answer, Some(b"two".to_vec()));
    assert!(watch.elapsed_ms() >= Millis::new(120), "took {}", watch.elapsed_ms());
}

#[test]
fn a_narrow_passage_lets_few_bytes_through() {
    let stage = Stage::set();
    let mut client = stage.client();
    stage.mark(BACK, Passage { bytes_per_second: Some(10_000), ..Passage::CLEAR });

    let watch = Stopwatch::start();
    client.write_all(&[7; 2_000]).expect("it is open");
    let answer = read(&mut client, 2_000, Duration::from_secs(5));

    assert_eq!(answer.map(|bytes| bytes.len()), Some(2_000));
    assert!(watch.elapsed_ms() >= Millis::new(150), "took {}", watch.elapsed_ms());
}

#[test]
fn a_front_without_a_process_resets() {
    let background = Background::start("test", 1).expect("the system has threads");
    let passages = Arc::new(Passages::clear());
    let front = Front::open(Member::Server(0), &passages, &background).expect("loopback has a free port");

    // Where it can be, the address is that of a dead process: bound by us, refused to all.
    match TcpStream::connect(front.address()) {
        Ok(mut client) => assert!(!cfg!(target_os = "linux") && is_reset(&mut client)),
        Err(error) => assert_eq!(error.kind(), IoErrorKind::ConnectionRefused),
    }
}

#[test]
fn a_front_opens_and_shuts_and_leaves_what_is_open() {
    let stage = Stage::set();
    let mut client = stage.client();
    assert!(echo(&mut client, b"one").is_some());

    stage.front.lead_nowhere();
    let refused = TcpStream::connect(stage.front.address()).map_or(true, |mut client| is_reset(&mut client));
    let still = echo(&mut client, b"two");
    stage.front.lead_to(start_echo()).expect("it is our address");

    assert!(refused && still.is_some());
    assert!(echo(&mut stage.client(), b"three").is_some());
}

#[test]
fn a_sliced_passage_brings_small_pieces() {
    let stage = Stage::set();
    let mut client = stage.client();
    let slices = Slices { bytes: 2, pause: Millis::new(10) };
    stage.mark(BACK, Passage { slices: Some(slices), ..Passage::CLEAR });
    client.set_read_timeout(Some(Duration::from_secs(5))).expect("it is a span");

    let watch = Stopwatch::start();
    client.write_all(&[7; 20]).expect("it is open");
    let mut pieces = Vec::new();
    while pieces.iter().sum::<usize>() < 20 {
        pieces.push(client.read(&mut [0; 64]).expect("more comes"));
    }

    assert!(pieces[0] <= 2 && pieces.len() > 1, "{pieces:?}");
    assert!(watch.elapsed_ms() >= Millis::new(90), "took {}", watch.elapsed_ms());
}

#[test]
fn a_connection_ends_when_its_allowance_is_used_up() {
    for lane in [THERE, BACK] {
        let stage = Stage::set();
        let mut client = stage.client();
        assert!(echo(&mut client, b"before").is_some());
        stage.mark(lane, Passage { allowance: Some(5), ..Passage::CLEAR });

        client.write_all(b"hello, world").expect("it is open");
        client.set_read_timeout(Some(Duration::from_secs(5))).expect("it is a span");
        let mut heard = Vec::new();
        // Its end may be a reset, since not all that was sent was taken.
        let _ = client.read_to_end(&mut heard);

        if lane == BACK {
            assert_eq!(heard, b"hello");
        } else {
            assert!(heard.len() <= 5, "{heard:?}");
        }
        assert_eq!(client.read(&mut [0; 8]).unwrap_or(0), 0, "it has ended");
    }
}

#[test]
fn the_end_of_a_connection_can_be_late() {
    let stage = Stage::set();
    let mut client = stage.client();
    assert!(echo(&mut client, b"one").is_some());
    stage.mark(THERE, Passage { end_delay: Millis::new(100), ..Passage::CLEAR });

    let watch = Stopwatch::start();
    client.shutdown(std::net::Shutdown::Write).expect("it is open");
    client.set_read_timeout(Some(Duration::from_secs(5))).expect("it is a span");

    assert_eq!(client.read(&mut [0; 8]).expect("it ends in order"), 0);
    assert!(watch.elapsed_ms() >= Millis::new(100), "took {}", watch.elapsed_ms());
}

#[test]
fn connections_are_counted_while_they_can_be_used() {
    let stage = Stage::set();
    let count = || stage.front.count_connections(Member::Client);
    let mut clients = [stage.client(), stage.client()];
    for client in &mut clients {
        assert!(echo(client, b"one").is_some());
    }
    assert_eq!(count(), 2);

    stage.mark(THERE, Passage::of(Fate::Held));
    let held = count();
    stage.passages.change(std::collections::BTreeMap::clear);
    drop(clients);

    assert_eq!(held, 0);
    wait_until(Millis::new(5_000), "none is left", || count() == 0).expect("their ends are noticed");
}

#[test]
fn a_fault_befalls_the_part_of_the_connections_it_is_told() {
    let stage = Stage::set();
    let mut clients: Vec<_> = (0..20).map(|_| stage.client()).collect();
    for client in &mut clients {
        assert!(echo(client, b"one").is_some());
        client.set_nonblocking(true).expect("it is a socket");
    }

    stage.mark(THERE, Passage { toxicity: Toxicity::of(0.5), ..Passage::of(Fate::Held) });
    let usable = stage.front.count_connections(Member::Client);
    for client in &mut clients {
        client.write_all(b"x").expect("it has room");
    }
    let mut answered = 0;
    let mut look = |wanted| {
        let mut count = |answered: &mut usize| {
            *answered += clients.iter_mut().filter_map(|client| client.read(&mut [0; 8]).ok()).sum::<usize>();
            *answered >= wanted
        };
        wait_until(Millis::new(5_000), "they answer", || count(&mut answered)).map(|_| answered)
    };

    assert!((8..=12).contains(&usable), "{usable} of 20");
    assert_eq!(look(usable).expect("those it spares answer"), usable);
    stage.passages.change(std::collections::BTreeMap::clear);
    assert_eq!(look(20).expect("all answer in the end"), 20);
}

#[cfg(target_os = "linux")]
#[test]
fn a_fault_between_two_members_leaves_the_others_alone() {
    let stage = Stage::set();
    stage.mark((Member::Sentinel(0), Member::Server(0)), Passage::of(Fate::Reset));

    let from = |member: Member| {
        let source = member.source().expect("members have addresses of their own");
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("there are sockets");
        socket.bind(&SocketAddr::from((source, 0)).into()).expect("all of 127.0.0.0/8 is ours");
        socket.connect(&stage.front.address().into()).expect("the front listens");
        TcpStream::from(socket)
    };

    assert!(is_reset(&mut from(Member::Sentinel(0))));
    assert!(echo(&mut from(Member::Sentinel(1)), b"one").is_some());
}

/// A front before an echo.
struct Stage {
    front: Front,
    passages: Arc<Passages>,
    _background: Background,
}

impl Stage {
    fn set() -> Self {
        let background = Background::start("test", 1).expect("the system has threads");
        let passages = Arc::new(Passages::clear());
        let front = Front::open(Member::Server(0), &passages, &background).expect("loopback has a free port");
        front.lead_to(start_echo()).expect("it is our address");
        Self { front, passages, _background: background }
    }

    fn mark(&self, lane: (Member, Member), passage: Passage) {
        self.passages.change(|marked| {
            marked.insert(lane, passage);
        });
    }

    fn client(&self) -> TcpStream {
        TcpStream::connect(self.front.address()).expect("the front listens")
    }
}

/// What comes back.
fn echo(client: &mut TcpStream, bytes: &[u8]) -> Option<Vec<u8>> {
    client.write_all(bytes).ok()?;
    read(client, bytes.len(), Duration::from_secs(5))
}

/// Whether nothing comes back for a while.
fn is_silent(client: &mut TcpStream, bytes: &[u8]) -> bool {
    client.write_all(bytes).expect("it is open");
    read(client, bytes.len(), Duration::from_millis(100)).is_none()
}

fn start_echo() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut reader = stream.try_clone().expect("a socket can be shared");
                let mut writer = stream;
                // The client may be gone.
                let _ = std::io::copy(&mut reader, &mut writer);
            });
        }
    });
    address
}

fn read(client: &mut TcpStream, count: usize, patience: Duration) -> Option<Vec<u8>> {
    client.set_read_timeout(Some(patience)).expect("it is a span");
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).ok().map(|()| bytes)
}

fn is_reset(client: &mut TcpStream) -> bool {
    client.set_read_timeout(Some(Duration::from_secs(5))).expect("it is a span");
    client.read(&mut [0; 8]).is_err_and(|error| error.kind() == IoErrorKind::ConnectionReset)
}

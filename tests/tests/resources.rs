//! What a sentinel takes from its process and gives back: sockets, threads of time, descriptors when there are few.
//!
//! The descriptors of a whole process are counted, so these tests run one after the other.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use sentinelle::{
    driver::Sentinel,
    resp::Value,
    testing::{Client, Flavour, SentinelPlan, SentinelProcess, Stopwatch, wait_until},
    types::Millis,
};
use sentinelle_tests::built_sentinelle;

const SOON: Millis = Millis::new(10_000);

fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn descriptors(process: &str) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd")).expect("the system shows open files").count()
}

/// A server that takes connections and says nothing.
fn silent_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr().expect("it listens");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let (mut stream, mut junk) = (stream, [0; 4096]);
                while stream.read(&mut junk).is_ok_and(|count| count > 0) {}
            });
        }
    });
    address
}

#[test]
fn a_stopped_sentinel_gives_everything_back_within_100_ms() {
    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("there are threads");
    let master = silent_server();
    // The first sentinel of a process opens what the runtime keeps for all.
    stop_one(&runtime, master, 1);
    let before = descriptors("self");

    let mut took: Vec<_> = (0..5).map(|_| stop_one(&runtime, master, 200)).collect();
    took.sort_unstable();

    // The middle one of five: the machine may stop in the midst of one.
    assert!(took[2] < Millis::new(100), "they took {took:?}");
    wait_until(SOON, "every descriptor is given back", || descriptors("self") <= before).expect("all are closed");
}

/// Starts a sentinel, connects clients, has it connect to its master, and gives how long it took to stop.
fn stop_one(runtime: &tokio::runtime::Runtime, master: SocketAddr, clients: usize) -> Millis {
    let folder = std::env::temp_dir().join(format!("sentinelle-resources-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("there is room for a folder");
    let builder = Sentinel::builder().listen(([127, 0, 0, 1], 0)).config_file(folder.join("sentinel.conf"));
    let builder = builder.and_then(|builder| builder.monitor("m", "127.0.0.1", master.port(), 1));
    let sentinel = runtime.block_on(builder.expect("the name is free").start()).expect("loopback has free ports");
    let address = sentinel.address().expect("it listens");
    let clients: Vec<_> = (0..clients).map(|_| Client::connect(address, SOON).expect("it listens")).collect();
    let all_in = || {
        let list = runtime.block_on(sentinel.command(["CLIENT", "LIST"])).expect("it runs");
        list.as_text().is_some_and(|list| list.lines().count() >= clients.len())
    };
    wait_until(SOON, "all clients are in", all_in).expect("they are let in");

    let watch = Stopwatch::start();
    runtime.block_on(sentinel.stop());
    let took = watch.elapsed_ms();

    drop(clients);
    std::fs::remove_dir_all(&folder).expect("nothing else lies in it");
    took
}

fn executable(limit: u32) -> (SentinelProcess, String) {
    let program = Some(built_sentinelle());
    let plan = SentinelPlan { flavour: Flavour::Sentinelle, program, masters: Vec::new(), lines: Vec::new() };
    let sentinel = SentinelProcess::start(&plan).expect("it starts");
    let pid = sentinel.pid().expect("it runs").to_string();
    let limited = Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={limit}:{limit}")]).status();
    assert!(limited.is_ok_and(|status| status.success()), "prlimit (util-linux) is needed");
    (sentinel, pid)
}

#[test]
fn a_process_out_of_descriptors_recovers() {
    let _alone = alone();
    let few = 40;
    let (sentinel, pid) = executable(few);

    let crowd: Vec<_> = (0..100).map(|_| TcpStream::connect(sentinel.address()).expect("the queue has room")).collect();
    wait_until(SOON, "its descriptors are used up", || descriptors(&pid) >= few as usize - 1)
        .expect("the crowd is let in");
    let spent = cpu_ticks(&pid);
    let mut last = crowd.last().expect("it is a crowd");
    last.set_read_timeout(Some(Duration::from_millis(500))).expect("the span is not zero");
    assert!(last.read(&mut [0; 1]).is_err(), "who waits in the queue hears nothing");
    let spent = cpu_ticks(&pid) - spent;
    drop(crowd);

    let alive = || Client::connect(sentinel.address(), SOON).is_ok_and(|mut client| client.command(&["PING"]).is_ok());
    wait_until(SOON, "it answers again", alive).expect("it recovers");
    assert!(spent < 25, "it spun: {spent} of 50 ticks");
}

/// What the process has used of its processors, in hundredths of a second.
fn cpu_ticks(process: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("the process runs");
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<u64>().expect("the system counts in numbers")).sum()
}

#[test]
fn a_subscriber_is_served_while_thousands_come_and_go() {
    let _alone = alone();
    let (sentinel, pid) = executable(256);
    let mut subscriber = sentinel.client().expect("it answers");
    subscriber.command(&["SUBSCRIBE", "+monitor"]).expect("it answers");

    for _ in 0..3000 {
        let mut stream = TcpStream::connect(sentinel.address()).expect("it listens");
        stream.write_all(b"PING\r\nSENTINEL MASTERS\r\n").expect("it was let in");
    }

    let mut operator = sentinel.client().expect("it answers");
    operator.command(&["SENTINEL", "MONITOR", "m", "127.0.0.1", "1", "1"]).expect("it answers");
    let Value::Array(event) = subscriber.read().expect("the event comes") else { panic!("an event is an array") };
    assert_eq!(event[1], Value::bulk("+monitor"));
    drop(operator);
    wait_until(SOON, "the crowd is forgotten", || descriptors(&pid) < 30).expect("each of them is noticed");
}

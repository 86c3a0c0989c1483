//! The runtime of a test, and sentinels that no group has: silent ones, black holes, liars.

use std::{
    future::Future,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use sentinelle::{
    discovery::{Discovery, DiscoveryBuilder},
    error::Result,
    resp::{RequestDecoder, Standing, Value},
    testing::{HaGroup, Port},
    types::{Endpoint, Millis},
};
use socket2::{Domain, Socket, Type};

/// How long anything may take on a machine that is busy.
pub(crate) const PATIENCE: Millis = Millis::new(10_000);

/// A runtime for discoveries.
pub(crate) struct Stage {
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    pub(crate) fn open() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self { runtime: builder.worker_threads(2).enable_all().build().expect("threads can be started") }
    }

    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn start(&self, builder: DiscoveryBuilder) -> Result<Discovery> {
        let _inside = self.runtime.enter();
        builder.start()
    }

    /// A discovery of the group's sentinels.
    pub(crate) fn discover(&self, group: &HaGroup) -> Result<Discovery> {
        self.start(seeded(group.sentinel_addresses()))
    }

    /// The master's address, waited for.
    pub(crate) fn master(&self, discovery: &Discovery, group: &HaGroup) -> Result<SocketAddr> {
        self.run(discovery.master(group.name(), PATIENCE)).map(|master| master.socket().expect("it is numeric"))
    }
}

/// A builder with these sentinels.
pub(crate) fn seeded(seeds: impl IntoIterator<Item = SocketAddr>) -> DiscoveryBuilder {
    Discovery::builder().seeds(seeds.into_iter().map(Endpoint::numeric))
}

/// A port that refuses connections as long as it is held.
pub(crate) fn closed_port() -> Result<(SocketAddr, Port)> {
    let port = Port::take_free()?;
    Ok(((Ipv4Addr::LOCALHOST, port.number()).into(), port))
}

/// An address that takes connections and never says a word.
pub(crate) struct Silent {
    listener: TcpListener,
}

impl Silent {
    pub(crate) fn open() -> Self {
        Self { listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports") }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it listens")
    }
}

/// An address that answers no attempt to connect: its queue is full.
pub(crate) struct BlackHole {
    address: SocketAddr,
    // Both keep the queue as it is.
    #[expect(dead_code, reason = "it is held open")]
    held: (Socket, Vec<TcpStream>),
}

impl BlackHole {
    pub(crate) fn open() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("sockets exist");
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("loopback has free ports");
        listener.listen(0).expect("it is bound");
        let address = listener.local_addr().ok().and_then(|address| address.as_socket()).expect("it is IPv4");
        let mut fillers = Vec::new();
        while let Ok(filler) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            fillers.push(filler);
        }
        Self { address, held: (listener, fillers) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A sentinel that says what a script makes of each command; its threads end with its clients.
pub(crate) struct Liar {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl Liar {
    pub(crate) fn open(answer: impl Fn(&str) -> Value + Send + Clone + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
        let address = listener.local_addr().expect("it listens");
        let is_over = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&is_over);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept()
                && !ending.load(Ordering::Acquire)
            {
                let answer = answer.clone();
                thread::spawn(move || converse(stream, &answer));
            }
        });
        Self { address, is_over }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // It wakes the thread that listens.
        let _ = TcpStream::connect(self.address);
    }
}

fn converse(mut stream: TcpStream, answer: &impl Fn(&str) -> Value) {
    let mut decoder = RequestDecoder::default();
    let mut chunk = [0; 4096];
    while let Ok(count) = stream.read(&mut chunk) {
        if count == 0 {
            return;
        }
        decoder.feed(&chunk[..count]);
        while let Ok(Some(request)) = decoder.poll_request(Standing::Known) {
            let words: Vec<_> = request.words().iter().map(|word| String::from_utf8_lossy(word)).collect();
            let mut bytes = Vec::new();
            answer(&words.join(" ").to_ascii_lowercase()).encode(sentinelle::resp::Protocol::Resp2, &mut bytes);
            if stream.write_all(&bytes).is_err() {
                return;
            }
        }
    }
}

//! Decides how a simulated replica reaches its master: the handshake, the data, the stream, and again when it breaks.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpSocket, TcpStream},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at},
};

use super::{
    data::MOST_WEIGHT,
    replicate::{Beginning, Copy, Outdated},
    replication::{LinkState, Target},
    serve::Shared,
};
use crate::{
    resp::{Request, RequestDecoder, Standing},
    types::RunId,
};

/// Where a server's own connections begin; `None` = wherever the system likes.
pub(super) type Source = Option<Ipv4Addr>;

/// How long after a failure a link is made anew; after each further one twice as long, up to the longest.
const FIRST_RETRY: Duration = Duration::from_millis(10);
const LONGEST_RETRY: Duration = Duration::from_secs(1);
/// How often a replica says how far it is.
const ACKNOWLEDGE: Duration = Duration::from_secs(1);
/// The longest line of a master's answers.
const LONGEST_LINE: u64 = 1024;
/// The most commands of one transaction in the stream.
const MOST_AT_ONCE: usize = 1 << 16;

/// Keeps the link to whoever is the master, as long as the server lives.
pub(super) async fn keep_link(node: Shared, source: Source) {
    let mut targets = node.lock().signals.target.subscribe();
    let mut pause = FIRST_RETRY;
    loop {
        let target = targets.borrow_and_update().clone();
        if target.master.is_none() {
            // The node lives as long as this.
            let _ = targets.changed().await;
            continue;
        }
        let ended = tokio::select! {
            ended = live_once(&node, &target, source) => ended,
            _ = targets.changed() => {
                pause = FIRST_RETRY;
                continue;
            }
        };
        {
            let mut node = node.lock();
            let was_up = node.replication.following().is_some_and(|following| following.link == LinkState::Connected);
            pause = if was_up { FIRST_RETRY } else { (pause * 2).min(LONGEST_RETRY) };
            if node.note_link(&target, LinkState::Connect).is_ok()
                && was_up
                && let Err(error) = ended
            {
                node.note(format!("lost the master: {error}"));
            }
        }
        tokio::select! {
            () = sleep(pause) => {}
            _ = targets.changed() => targets.mark_changed(),
        }
    }
}

/// One connection to the master, from its beginning to its end.
async fn live_once(node: &Shared, target: &Target, source: Source) -> io::Result<()> {
    let Some((host, port)) = &target.master else { return Ok(()) };
    let (patience, password) = {
        let node = node.lock();
        (node.settings.seconds("repl-timeout").into(), node.settings.text("masterauth").to_owned())
    };
    let stream = timeout(patience, dial(host, *port, source)).await??;
    stream.set_nodelay(true)?;
    let mut link = Link { node, target, stream: BufReader::new(stream), patience };
    link.introduce(&password).await?;
    let beginning = link.ask_where().await?;
    let data = match &beginning {
        Beginning::Here(_) => None,
        Beginning::Anew { .. } => Some(link.read_data().await?),
    };
    node.lock().begin_stream(target, beginning, data)?;
    link.follow_stream().await
}

async fn dial(host: &str, port: u16, source: Source) -> io::Result<TcpStream> {
    let mut addresses = tokio::net::lookup_host((host, port)).await?;
    let address = addresses.find(SocketAddr::is_ipv4).ok_or(io::ErrorKind::AddrNotAvailable)?;
    let socket = TcpSocket::new_v4()?;
    if let Some(source) = source.filter(|_| address.ip().is_loopback()) {
        socket.bind((IpAddr::V4(source), 0).into())?;
    }
    socket.connect(address).await
}

struct Link<'a> {
    node: &'a Shared,
    target: &'a Target,
    stream: BufReader<TcpStream>,
    patience: Duration,
}

impl Link<'_> {
    async fn introduce(&mut self, password: &str) -> io::Result<()> {
        let pong = self.ask(&["PING"]).await?;
        let is_answer = pong == "+PONG" || ["-NOAUTH", "-NOPERM"].iter().any(|code| pong.starts_with(code));
        if !is_answer {
            return Err(io::Error::other(pong));
        }
        if !password.is_empty() {
            self.ask_for_ok(&["AUTH", password]).await?;
        }
        let (port, host) = {
            let node = self.node.lock();
            let announced = node.settings.number("replica-announce-port");
            let port = if announced == 0 { u64::from(node.address.port()) } else { announced };
            (port.to_string(), node.settings.text("replica-announce-ip").to_owned())
        };
        self.ask_for_ok(&["REPLCONF", "listening-port", &port]).await?;
        if !host.is_empty() {
            self.ask_for_ok(&["REPLCONF", "ip-address", &host]).await?;
        }
        self.ask_for_ok(&["REPLCONF", "capa", "psync2"]).await
    }

    async fn ask_where(&mut self) -> io::Result<Beginning> {
        let (history, wanted) = {
            let node = self.node.lock();
            (node.replication.history().to_string(), (node.replication.offset() + 1).to_string())
        };
        let line = self.ask(&["PSYNC", &history, &wanted]).await?;
        let words: Vec<_> = line.split(' ').collect();
        let parsed = match words.as_slice() {
            ["+CONTINUE", id] => RunId::parse(id).map(Beginning::Here),
            ["+FULLRESYNC", id, offset] => {
                RunId::parse(id).zip(offset.parse().ok()).map(|(history, offset)| Beginning::Anew { history, offset })
            }
            _ => None,
        };
        parsed.ok_or_else(|| io::Error::other(line))
    }

    async fn read_data(&mut self) -> io::Result<Copy> {
        self.node.lock().note_link(self.target, LinkState::Sync)?;
        let line = self.read_line().await?;
        let length = line.strip_prefix('$').and_then(|length| length.parse::<usize>().ok());
        let mut missing = length.ok_or_else(|| io::Error::other(line))?;
        let (mut decoder, mut copy) = (RequestDecoder::default(), Copy::default());
        while missing > 0 {
            let bytes = timeout(self.patience, self.stream.fill_buf()).await??;
            let count = bytes.len().min(missing);
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            decoder.feed(&bytes[..count]);
            self.stream.consume(count);
            missing -= count;
            while let Some(request) = decoder.poll_request(Standing::Known).map_err(io::Error::other)? {
                copy.apply(&request);
            }
            if copy.weight() > 2 * MOST_WEIGHT {
                return Err(io::Error::other("the master has too much data"));
            }
        }
        Ok(copy)
    }

    async fn follow_stream(&mut self) -> io::Result<()> {
        let mut decoder = RequestDecoder::default();
        let mut together = Vec::new();
        let mut beat = interval(ACKNOWLEDGE);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let mut is_asked = false;
            let filled = tokio::select! {
                _ = beat.tick() => None,
                filled = timeout_at(heard + self.patience, self.stream.fill_buf()) => Some(filled??),
            };
            match filled {
                None => is_asked = true,
                Some([]) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(bytes) => {
                    heard = Instant::now();
                    decoder.feed(bytes);
                    let count = bytes.len();
                    self.stream.consume(count);
                    while let Some(request) = decoder.poll_request(Standing::Known).map_err(io::Error::other)? {
                        is_asked |= self.take(request, &mut together)?;
                    }
                }
            }
            if is_asked {
                let offset = self.node.lock().replication.offset().to_string();
                self.send(&["REPLCONF", "ACK", &offset]).await?;
            }
        }
    }

    /// Does the next command of the stream, or keeps it until its transaction is whole; whether an answer is wanted.
    fn take(&self, request: Request, together: &mut Vec<Request>) -> io::Result<bool> {
        let is_inside = !together.is_empty() || request.is(0, "MULTI");
        let is_whole = !is_inside || request.is(0, "EXEC");
        together.push(request);
        if together.len() > MOST_AT_ONCE {
            return Err(io::Error::other("a transaction of the master is too large"));
        }
        if !is_whole {
            return Ok(false);
        }
        let requests = std::mem::take(together);
        Ok(self.node.lock().apply_stream(self.target, &requests)?)
    }

    async fn ask_for_ok(&mut self, words: &[&str]) -> io::Result<()> {
        let line = self.ask(words).await?;
        if line == "+OK" { Ok(()) } else { Err(io::Error::other(line)) }
    }

    async fn ask(&mut self, words: &[&str]) -> io::Result<String> {
        self.send(words).await?;
        self.read_line().await
    }

    async fn send(&mut self, words: &[&str]) -> io::Result<()> {
        let mut bytes = Vec::new();
        Request::new(words.iter().copied()).encode(&mut bytes);
        timeout(self.patience, self.stream.get_mut().write_all(&bytes)).await?
    }

    async fn read_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LONGEST_LINE);
        timeout(self.patience, limited.read_until(b'\n', &mut line)).await??;
        let line = line.strip_suffix(b"\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(String::from_utf8_lossy(line).into_owned())
    }
}

impl From<Outdated> for io::Error {
    fn from(_: Outdated) -> Self {
        Self::other("another master is wanted")
    }
}

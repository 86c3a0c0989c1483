//! Decides how a simulated server meets the world: it listens, reads commands, writes answers, messages and the stream.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep_until},
};

use super::{
    blocking::Waiting,
    follow::{Source, keep_link},
    node::{Answer, Node},
};
use crate::{
    resp::{Protocol, RequestDecoder, Value},
    types::ClientId,
};

/// The most connections of one server; more wait in the system's queue.
const MOST: usize = 1024;
/// How many bytes are read or written in one piece.
const PIECE: usize = 64 * 1024;
/// How many bytes a connection that waits may send ahead.
const MOST_AHEAD: usize = 1 << 20;
/// How often a server looks whether keys have ended and replicas are silent.
const BEAT: Duration = Duration::from_millis(100);
/// How many beats there are in a second.
const BEATS_A_SECOND: u64 = 10;
/// How long a server waits after a failed accept, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(5);

/// A node that its connections share.
#[derive(Clone, Debug)]
pub(super) struct Shared(Arc<Mutex<Node>>);

impl Shared {
    pub(super) fn new(node: Node) -> Self {
        Self(Arc::new(Mutex::new(node)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Node> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The life of a server.
pub(super) async fn serve(node: Shared, listener: TcpListener, source: Source) {
    let mut ending = node.lock().signals.ending.subscribe();
    let mut open = JoinSet::new();
    open.spawn(keep_link(node.clone(), source));
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut beats = 0_u64;
    loop {
        tokio::select! {
            _ = ending.changed() => return,
            accepted = listener.accept(), if open.len() <= MOST => match accepted {
                Ok((stream, peer)) => {
                    if let Ok(connection) = Connection::open(&node, stream, peer) {
                        open.spawn(connection.attend());
                    }
                }
                Err(_) => tokio::time::sleep(BREATH).await,
            },
            Some(_) = open.join_next() => {}
            _ = beat.tick() => {
                beats += 1;
                let mut node = node.lock();
                node.keep_time();
                let seconds = node.settings.number("repl-ping-replica-period").max(1);
                if beats.is_multiple_of(seconds.saturating_mul(BEATS_A_SECOND)) {
                    node.ping_replicas();
                }
            }
        }
    }
}

/// One connection to a server.
#[derive(Debug)]
struct Connection {
    node: Shared,
    client: ClientId,
    messages: mpsc::Receiver<Value>,
    stream: TcpStream,
    decoder: RequestDecoder,
    read: Vec<u8>,
    /// Answers that are not written yet.
    out: Vec<u8>,
}

/// Why a connection ends.
#[derive(Debug)]
struct Ended;

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Connection {
    fn open(node: &Shared, stream: TcpStream, peer: SocketAddr) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let (client, messages) = node.lock().admit(peer, stream.local_addr()?);
        let decoder = RequestDecoder::default();
        let node = node.clone();
        Ok(Self { node, client, messages, stream, decoder, read: Vec::with_capacity(PIECE), out: Vec::new() })
    }

    async fn attend(mut self) {
        // However it ends, there is nobody left to be told.
        let _ = self.converse().await;
    }

    async fn converse(&mut self) -> Result<(), Ended> {
        loop {
            tokio::select! {
                message = self.messages.recv() => {
                    self.take_message(message)?;
                    self.flush().await?;
                }
                count = self.stream.read_buf(&mut self.read) => {
                    self.take_bytes(count?)?;
                    self.answer_all().await?;
                }
            }
        }
    }

    /// Answers all commands that have arrived.
    async fn answer_all(&mut self) -> Result<(), Ended> {
        loop {
            let standing = self.node.lock().standing(self.client);
            let request = match self.decoder.poll_request(standing) {
                Ok(Some(request)) => request,
                Ok(None) => return self.flush().await,
                Err(refusal) => {
                    if let Some(told) = refusal.told() {
                        Value::error(told).encode(Protocol::Resp2, &mut self.out);
                    }
                    self.flush().await?;
                    return Err(Ended);
                }
            };
            let mut answer = self.node.lock().answer(self.client, &request);
            while let Answer::Wait(waiting) = answer {
                self.flush().await?;
                answer = self.wait(&waiting).await?;
            }
            self.carry_out(answer).await?;
        }
    }

    async fn carry_out(&mut self, answer: Answer) -> Result<(), Ended> {
        let protocol = self.node.lock().protocol(self.client);
        match answer {
            Answer::Values(values) => values.iter().for_each(|value| value.encode(protocol, &mut self.out)),
            Answer::Feed { head, from } => {
                self.out.extend(head);
                self.flush().await?;
                self.feed(from).await?;
            }
            Answer::End(last) => {
                if let Some(value) = last {
                    value.encode(protocol, &mut self.out);
                }
                self.flush().await?;
                return Err(Ended);
            }
            Answer::Wait(_) => {}
        }
        if self.out.len() > PIECE { self.flush().await } else { Ok(()) }
    }

    /// Waits until there is something to say; messages come through meanwhile.
    async fn wait(&mut self, waiting: &Waiting) -> Result<Answer, Ended> {
        let (mut news, until) = {
            let node = self.node.lock();
            (node.signals.news.subscribe(), waiting.until.map(|until| node.clock.instant(until)))
        };
        loop {
            let answer = self.node.lock().resume(self.client, waiting);
            if let Some(answer) = answer {
                return Ok(answer);
            }
            let deadline = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            let has_room = self.decoder.held() < MOST_AHEAD;
            tokio::select! {
                _ = news.changed() => {}
                () = deadline => {}
                message = self.messages.recv() => {
                    self.take_message(message)?;
                    self.flush().await?;
                }
                count = self.stream.read_buf(&mut self.read), if has_room => self.take_bytes(count?)?,
            }
        }
    }

    /// Gives a replica the stream; ends when that cannot be had any more.
    async fn feed(&mut self, mut from: u64) -> Result<(), Ended> {
        let mut news = self.node.lock().signals.news.subscribe();
        loop {
            let piece = self.node.lock().replication.backlog.since(from, PIECE).ok_or(Ended)?;
            from += piece.len() as u64;
            self.stream.write_all(&piece).await?;
            if !piece.is_empty() {
                continue;
            }
            tokio::select! {
                _ = news.changed() => {}
                message = self.messages.recv() => message.map(drop).ok_or(Ended)?,
                count = self.stream.read_buf(&mut self.read) => {
                    self.take_bytes(count?)?;
                    // A replica says how far it is, and is told nothing.
                    while let Some(request) = self.decoder.poll_request(crate::resp::Standing::Known).map_err(|_| Ended)? {
                        self.node.lock().answer(self.client, &request);
                    }
                }
            }
        }
    }

    fn take_message(&mut self, message: Option<Value>) -> Result<(), Ended> {
        let protocol = self.node.lock().protocol(self.client);
        message.ok_or(Ended)?.encode(protocol, &mut self.out);
        Ok(())
    }

    fn take_bytes(&mut self, count: usize) -> Result<(), Ended> {
        if count == 0 {
            return Err(Ended);
        }
        self.decoder.feed(&self.read);
        self.read.clear();
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        let written = self.stream.write_all(&self.out).await;
        self.out.clear();
        Ok(written?)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.node.lock().dismiss(self.client);
    }
}

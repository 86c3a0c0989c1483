//! Decides who may connect, how fast each is served, and who is cut off for not reading.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::{
    client::{ClientNews, Conversation, Patience, Wire},
    outbox::Traffic,
};
use crate::{
    config::{OutputLimit, ServerSettings},
    net::{reason, tune_client},
    resp::{Protocol, Refusal, Request, RequestDecoder, Standing, Value},
    types::{ClientId, Tick},
};

/// The clients of this sentinel's port.
pub(super) struct Server {
    clients: BTreeMap<ClientId, Client>,
    /// Clients whose bytes may hold another command, in the order in which they are served.
    ready: VecDeque<ClientId>,
    touched: Vec<ClientId>,
    /// Memory that waits for the rest of commands, of all clients.
    held: usize,
    limits: Limits,
    tasks: JoinSet<()>,
    news: mpsc::Sender<ClientNews>,
    traffic: Arc<Traffic>,
}

struct Limits {
    clients: usize,
    keepalive: u32,
    idle: Option<Duration>,
    normal: OutputLimit,
    subscriber: OutputLimit,
}

/// One client as the loop sees it.
struct Client {
    wire: Arc<Wire>,
    decoder: RequestDecoder,
    turn: Turn,
    /// Commands the machine has yet to reply to.
    owed: usize,
    /// Memory that waits for the rest of its command.
    held: usize,
    /// Since when it leaves more unread than its soft limit.
    swollen_since: Option<Tick>,
    task: AbortHandle,
}

/// Whose move it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// The client's: its task reads.
    Client,
    /// Ours: its bytes may hold a command, and it is in the queue.
    Ours,
    /// The machine's: it has too many replies to give before it takes another command.
    Machine,
    /// Its task's: it has to write before more is decoded.
    Drain,
    /// The machine's: the client says no more, and the connection ends with the last reply.
    LastReplies,
    /// Nobody's: the connection ends once everything is written.
    Over,
}

/// What a client's bytes turned out to be.
pub(super) enum Decoded {
    /// A command.
    Request(Request),
    /// Nothing whole yet, or nothing that may be served now.
    Nothing,
    /// A part of a command, for which there is no memory. The client has to be removed.
    Overfull,
    /// No command; a client that is told so was told, and its connection ends. Any other has to be removed.
    Refused(Refusal),
}

impl Server {
    /// A server without clients or listeners.
    pub(super) fn new(settings: &ServerSettings, traffic: Arc<Traffic>, news: mpsc::Sender<ClientNews>) -> Self {
        let idle = (settings.timeout > 0).then(|| Duration::from_secs(u64::from(settings.timeout)));
        let limits = Limits {
            clients: crate::net::affordable_clients(settings.maxclients),
            keepalive: settings.tcp_keepalive,
            idle,
            normal: settings.normal_output,
            subscriber: settings.pubsub_output,
        };
        Self {
            clients: BTreeMap::new(),
            ready: VecDeque::new(),
            touched: Vec::new(),
            held: 0,
            limits,
            tasks: JoinSet::new(),
            news,
            traffic,
        }
    }

    /// Accepts whoever connects to `listener`.
    pub(super) fn accept_at(&mut self, listener: TcpListener) {
        self.tasks.spawn(accept(listener, self.news.clone()));
    }

    /// The number of clients.
    pub(super) fn count(&self) -> usize {
        self.clients.len()
    }

    /// Takes a connection in under the name `client`; `false` when there are too many.
    pub(super) fn admit(&mut self, client: ClientId, stream: TcpStream) -> bool {
        while self.tasks.try_join_next().is_some() {}
        if self.clients.len() >= self.limits.clients {
            // The connection is new, so its send buffer has room for this much.
            let _ = stream.try_write(b"-ERR max number of clients reached\r\n");
            return false;
        }
        // A connection that cannot be tuned is one that is gone already; its task will notice.
        let _ = tune_client(&stream, self.limits.keepalive);
        let wire = Arc::new(Wire::default());
        let conversation = Conversation {
            client,
            wire: Arc::clone(&wire),
            traffic: Arc::clone(&self.traffic),
            news: self.news.clone(),
            idle: self.limits.idle,
        };
        let task = self.tasks.spawn(conversation.live(stream));
        let decoder = RequestDecoder::default();
        let known = Client { wire, decoder, turn: Turn::Client, owed: 0, held: 0, swollen_since: None, task };
        self.clients.insert(client, known);
        true
    }

    /// Takes bytes a client sent.
    pub(super) fn feed(&mut self, client: ClientId, bytes: &[u8]) {
        if let Some(known) = self.clients.get_mut(&client)
            && known.turn != Turn::Over
        {
            known.decoder.feed(bytes);
            self.queue(client);
        }
    }

    /// Says a last word to a client and ends its connection.
    pub(super) fn dismiss(&mut self, client: ClientId, word: &Value) {
        if let Some(known) = self.clients.get(&client) {
            known.wire.outbox.put(|bytes| word.encode(Protocol::Resp2, bytes));
        }
        self.hang_up(client);
    }

    /// Takes note that a client says no more.
    pub(super) fn ended(&mut self, client: ClientId) {
        if let Some(known) = self.clients.get_mut(&client)
            && known.turn != Turn::Over
        {
            known.turn = Turn::LastReplies;
            self.end_after_last_reply(client);
        }
    }

    /// Goes on with a client that has written what it had to.
    pub(super) fn drained(&mut self, client: ClientId) {
        if self.clients.get(&client).is_some_and(|known| known.turn == Turn::Drain) {
            self.queue(client);
        }
    }

    /// Whether a client waits to be served.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The client to serve next.
    pub(super) fn next_ready(&mut self) -> Option<ClientId> {
        self.ready.pop_front()
    }

    /// The next command of a client, when it is its turn.
    pub(super) fn decode(&mut self, client: ClientId, standing: Standing) -> Decoded {
        let Some(known) = self.clients.get_mut(&client) else { return Decoded::Nothing };
        if known.turn != Turn::Ours {
            return Decoded::Nothing;
        }
        if standing == Standing::Stranger && known.wire.outbox.pending() > MAX_STRANGER_OUTPUT {
            known.turn = Turn::Drain;
            known.wire.outbox.await_empty();
            return Decoded::Nothing;
        }
        match known.decoder.poll_request(standing) {
            Ok(Some(request)) => {
                known.owed += 1;
                if known.owed >= MOST_OWED {
                    known.turn = Turn::Machine;
                }
                Decoded::Request(request)
            }
            Ok(None) => {
                let held = known.decoder.held();
                self.held = self.held - known.held + held;
                known.held = held;
                // The one who asks for the last of the memory goes, unless it is a small one who comes too late.
                if self.held > MAX_HELD && held > FREE_TO_HOLD {
                    return Decoded::Overfull;
                }
                known.turn = Turn::Client;
                known.wire.give_leave();
                Decoded::Nothing
            }
            Err(refusal) => {
                if let Some(text) = refusal.told() {
                    self.dismiss(client, &Value::error(text));
                }
                Decoded::Refused(refusal)
            }
        }
    }

    /// Goes on serving a client later, for others wait too.
    pub(super) fn put_off(&mut self, client: ClientId) {
        if self.clients.get(&client).is_some_and(|known| known.turn == Turn::Ours) {
            self.ready.push_back(client);
        }
    }

    /// The machine has replied: the client's next command may be served, at once or in its turn.
    pub(super) fn replied(&mut self, client: ClientId, served: Option<ClientId>) {
        let Some(known) = self.clients.get_mut(&client) else { return };
        known.owed = known.owed.saturating_sub(1);
        if known.turn == Turn::Machine {
            if served == Some(client) {
                known.turn = Turn::Ours;
            } else {
                self.queue(client);
            }
        }
    }

    /// Puts values on their way to a client; `false` when it leaves too much unread and was cut off.
    pub(super) fn write(
        &mut self,
        now: Tick,
        client: ClientId,
        patience: Patience,
        append: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let Some(known) = self.clients.get_mut(&client) else { return true };
        if known.turn == Turn::Over {
            return true;
        }
        let pending = known.wire.outbox.put(append) as u64;
        self.touched.push(client);
        known.wire.set_patience(patience);
        let limit = match patience {
            Patience::AsSet => self.limits.normal,
            Patience::Endless => self.limits.subscriber,
        };
        if known.exceeds(limit, pending, now) {
            self.remove(client);
            return false;
        }
        self.end_after_last_reply(client);
        true
    }

    /// Has everything written that was put in since the last call, in one write for each client.
    pub(super) fn flush(&mut self) {
        for client in self.touched.drain(..) {
            if let Some(known) = self.clients.get(&client) {
                known.wire.outbox.wake();
            }
        }
    }

    /// Ends a connection once everything is written.
    pub(super) fn hang_up(&mut self, client: ClientId) {
        if let Some(known) = self.clients.get_mut(&client) {
            known.turn = Turn::Over;
            known.wire.outbox.finish();
        }
    }

    /// Forgets a client, its connection too; whether it was known.
    pub(super) fn remove(&mut self, client: ClientId) -> bool {
        let known = self.clients.remove(&client);
        if let Some(known) = &known {
            self.held -= known.held;
            known.task.abort();
        }
        known.is_some()
    }

    /// Closes every listener and connection and waits until they are gone.
    pub(super) async fn end(&mut self) {
        self.clients.clear();
        self.tasks.shutdown().await;
    }

    /// Ends the connection of a client that says no more and has its replies.
    fn end_after_last_reply(&mut self, client: ClientId) {
        if self.clients.get(&client).is_some_and(|known| known.turn == Turn::LastReplies && known.owed == 0) {
            self.hang_up(client);
        }
    }

    fn queue(&mut self, client: ClientId) {
        if let Some(known) = self.clients.get_mut(&client) {
            known.turn = Turn::Ours;
            self.ready.push_back(client);
        }
    }
}

impl Client {
    /// Whether so much unread output ends the connection.
    fn exceeds(&mut self, limit: OutputLimit, pending: u64, now: Tick) -> bool {
        let hard = if limit.hard == 0 { MAX_OUTPUT } else { limit.hard.min(MAX_OUTPUT) };
        if pending > hard {
            return true;
        }
        if limit.soft == 0 || pending <= limit.soft {
            self.swollen_since = None;
            return false;
        }
        now.since(*self.swollen_since.get_or_insert(now)) > limit.soft_for
    }
}

/// Accepts until it is dropped; a system that is out of descriptors or memory gets time to recover.
async fn accept(listener: TcpListener, news: mpsc::Sender<ClientNews>) {
    loop {
        let item = match listener.accept().await {
            Ok((stream, address)) => ClientNews::Arrived { stream, address },
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                ClientNews::NotAccepted { reason: reason(&error) }
            }
        };
        if news.send(item).await.is_err() {
            return;
        }
    }
}

/// Whether the failure concerns a connection that ended before it was accepted, and nothing else.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::Interrupted)
}

/// Commands of one client that may wait for the disk at once; their votes are written together.
const MOST_OWED: usize = 256;

/// The most output that any client may leave unread, whatever its limits say.
const MAX_OUTPUT: u64 = 64 << 20;

/// The most memory that waits for the rest of commands, of all clients together.
const MAX_HELD: usize = 256 << 20;

/// What each client may hold beyond that: a command is seldom longer.
const FREE_TO_HOLD: usize = 32 << 10;

/// The output that a client that has yet to authenticate may leave unread before it is served on.
const MAX_STRANGER_OUTPUT: usize = 1024;

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

//! Decides what becomes of outgoing connections: one task for each, its bytes both ways, which answer is to which command.
//!
//! *Never* does news of a connection that was closed reach the machine: each connection has a number of its own, and
//! news that carries another is dropped.

use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use tokio::{
    io::AsyncReadExt as _,
    net::tcp::ReadHalf,
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::outbox::{Flushed, Outbox, Traffic};
use crate::{
    machine::Input,
    net::{Route, dial, reason},
    resp::{Request, Value, ValueDecoder},
    types::{LinkId, RequestId},
};

/// All outgoing connections.
pub(super) struct Links {
    channels: BTreeMap<LinkId, Channel>,
    /// The number of the connection opened last.
    opened: u64,
    touched: Vec<LinkId>,
    tasks: JoinSet<()>,
    shared: Shared,
}

/// What every connection's task needs.
#[derive(Clone)]
struct Shared {
    news: mpsc::Sender<LinkNews>,
    traffic: Arc<Traffic>,
    source: Option<IpAddr>,
}

/// One connection as the loop sees it.
struct Channel {
    number: u64,
    outbox: Arc<Outbox>,
    waiting: VecDeque<RequestId>,
    mode: Mode,
    task: AbortHandle,
}

/// What may come without having been asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Commands,
    Subscribed,
}

/// What a connection's task has to tell.
#[derive(Debug)]
pub(super) struct LinkNews {
    link: LinkId,
    number: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Opened { local: IpAddr },
    Came(Vec<Value>),
    Closed { reason: String },
}

impl Links {
    /// No connections yet; they start at `source`, and their news goes to `news`.
    pub(super) fn new(source: Option<IpAddr>, traffic: Arc<Traffic>, news: mpsc::Sender<LinkNews>) -> Self {
        let shared = Shared { news, traffic, source };
        Self { channels: BTreeMap::new(), opened: 0, touched: Vec::new(), tasks: JoinSet::new(), shared }
    }

    /// Begins to connect.
    pub(super) fn open(&mut self, link: LinkId, target: SocketAddr) {
        self.close(link);
        self.opened += 1;
        let outbox = Arc::new(Outbox::default());
        let task = Task { link, number: self.opened, shared: self.shared.clone(), outbox: Arc::clone(&outbox) };
        let task = self.tasks.spawn(task.live(target));
        let channel = Channel { number: self.opened, outbox, waiting: VecDeque::new(), mode: Mode::Commands, task };
        self.channels.insert(link, channel);
        while self.tasks.try_join_next().is_some() {}
    }

    /// Drops the connection, or stops connecting.
    pub(super) fn close(&mut self, link: LinkId) {
        if let Some(channel) = self.channels.remove(&link) {
            channel.task.abort();
        }
    }

    /// Puts a command on its way; gives the news when that breaks the connection.
    pub(super) fn send(&mut self, link: LinkId, request: RequestId, command: &Request) -> Option<Input> {
        let channel = self.channels.get_mut(&link)?;
        channel.waiting.push_back(request);
        let pending = channel.outbox.put(|bytes| command.encode(bytes));
        self.touched.push(link);
        (pending > MAX_UNSENT).then(|| self.break_off(link, "Too much unsent output"))
    }

    /// Has everything written that was sent since the last call, in one write for each connection.
    pub(super) fn flush(&mut self) {
        for link in self.touched.drain(..) {
            if let Some(channel) = self.channels.get(&link) {
                channel.outbox.wake();
            }
        }
    }

    /// Turns news into inputs, one at a time: `tell` may close the connection, and then the rest is dropped.
    pub(super) fn receive(&mut self, news: LinkNews) -> Arrivals {
        let what = if self.is_current(news.link, news.number) { Some(news.what) } else { None };
        let rest = match what {
            Some(What::Opened { local }) => vec![Item::Input(Input::LinkOpened { link: news.link, local })],
            Some(What::Closed { reason }) => vec![Item::Closed { reason }],
            Some(What::Came(values)) => values.into_iter().map(Item::Value).collect(),
            None => Vec::new(),
        };
        Arrivals { link: news.link, number: news.number, rest: rest.into() }
    }

    /// The next input of what was heard.
    pub(super) fn next_input(&mut self, heard: &mut Arrivals) -> Option<Input> {
        if !self.is_current(heard.link, heard.number) {
            return None;
        }
        match heard.rest.pop_front()? {
            Item::Input(input) => Some(input),
            Item::Closed { reason } => Some(self.break_off(heard.link, &reason)),
            Item::Value(value) => Some(self.sort(heard.link, value)),
        }
    }

    /// Drops all connections and waits until they are gone.
    pub(super) async fn end(&mut self) {
        self.channels.clear();
        self.tasks.shutdown().await;
    }

    /// Finds out what a value is: an answer, a message, or a reason to close.
    fn sort(&mut self, link: LinkId, value: Value) -> Input {
        let Some(channel) = self.channels.get_mut(&link) else {
            return Input::LinkClosed { link, reason: "Closed".into() };
        };
        let kind = announcement(&value);
        if channel.mode == Mode::Subscribed && kind == Some(Announcement::Message) {
            return Input::Heard { link, value };
        }
        if kind == Some(Announcement::Subscription) {
            channel.mode = Mode::Subscribed;
        }
        if let Some(request) = channel.waiting.pop_front() {
            return Input::Answer { link, request, value };
        }
        let reason = if let Value::Error(text) = value { text } else { "An answer without a question".into() };
        self.break_off(link, &reason)
    }

    fn break_off(&mut self, link: LinkId, reason: &str) -> Input {
        self.close(link);
        Input::LinkClosed { link, reason: reason.to_owned() }
    }

    fn is_current(&self, link: LinkId, number: u64) -> bool {
        self.channels.get(&link).is_some_and(|channel| channel.number == number)
    }
}

/// News that was taken from a connection and not yet told.
pub(super) struct Arrivals {
    link: LinkId,
    number: u64,
    rest: VecDeque<Item>,
}

enum Item {
    Input(Input),
    Value(Value),
    Closed { reason: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Announcement {
    Subscription,
    Message,
}

/// What the first word of an array says that is pub/sub traffic.
fn announcement(value: &Value) -> Option<Announcement> {
    let (Value::Array(items) | Value::Push(items)) = value else { return None };
    match items.first()?.as_text()? {
        "message" | "pmessage" => Some(Announcement::Message),
        "subscribe" | "psubscribe" | "unsubscribe" | "punsubscribe" => Some(Announcement::Subscription),
        _ => None,
    }
}

/// The life of one connection.
struct Task {
    link: LinkId,
    number: u64,
    shared: Shared,
    outbox: Arc<Outbox>,
}

impl Task {
    async fn live(self, target: SocketAddr) {
        let reason = self.converse(target).await;
        self.tell(What::Closed { reason }).await;
    }

    /// Connects and carries bytes both ways; gives why that ended.
    async fn converse(&self, target: SocketAddr) -> String {
        let mut stream = match dial(Route { target, source: self.shared.source }).await {
            Ok(stream) => stream,
            Err(error) => return reason(&error),
        };
        match stream.local_addr() {
            Ok(local) => self.tell(What::Opened { local: local.ip() }).await,
            Err(error) => return reason(&error),
        }
        let (mut reader, mut writer) = stream.split();
        let writing = async {
            loop {
                match self.outbox.flush(&mut writer, &self.shared.traffic).await {
                    Ok(Flushed::Empty | Flushed::AwaitedEmpty) => {}
                    Ok(Flushed::Finished) => return "Closed".to_owned(),
                    Err(error) => return reason(&error),
                }
            }
        };
        tokio::select! {
            reason = self.listen(&mut reader) => reason,
            reason = writing => reason,
        }
    }

    async fn listen(&self, reader: &mut ReadHalf<'_>) -> String {
        let mut decoder = ValueDecoder::default();
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = match reader.read(&mut chunk).await {
                Ok(0) => return "Server closed the connection".into(),
                Ok(count) => count,
                Err(error) => return reason(&error),
            };
            self.shared.traffic.count_received(count);
            decoder.feed(&chunk[..count]);
            let mut values = Vec::new();
            let end = loop {
                match decoder.poll_value() {
                    Ok(Some(value)) => values.push(value),
                    Ok(None) => break None,
                    Err(error) => break Some(format!("Protocol error: {}", error.subject())),
                }
            };
            if !values.is_empty() {
                self.tell(What::Came(values)).await;
            }
            if let Some(reason) = end {
                return reason;
            }
        }
    }

    async fn tell(&self, what: What) {
        // The loop that would hear it is gone only when this task is about to be dropped too.
        let _ = self.shared.news.send(LinkNews { link: self.link, number: self.number, what }).await;
    }
}

/// How many bytes are read at once.
const CHUNK: usize = 16 << 10;

/// Commands are few and small: a connection that has not taken this much is stuck.
const MAX_UNSENT: usize = 1 << 20;

#[cfg(test)]
mod tests;

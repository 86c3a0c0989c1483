//! Decides what becomes of connections to sentinels: one task for each, its bytes both ways, which answer is to which command.

use std::collections::{BTreeMap, VecDeque};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::{Connection, Dialer, ServerKind};
use crate::{
    error::{Error, ErrorKind},
    finder::Input,
    net::reason,
    resp::{Request, Value, ValueDecoder},
    types::{Endpoint, LinkId, RequestId},
};

/// All connections to sentinels.
pub(super) struct Links {
    open: BTreeMap<LinkId, Link>,
    tasks: JoinSet<()>,
    dialer: Dialer,
    news: mpsc::Sender<LinkNews>,
}

/// One connection as the loop sees it.
struct Link {
    unsent: mpsc::Sender<Vec<u8>>,
    waiting: VecDeque<RequestId>,
    task: AbortHandle,
}

/// What a connection's task has to tell.
#[derive(Debug)]
pub(super) struct LinkNews {
    link: LinkId,
    what: What,
}

#[derive(Debug)]
enum What {
    Opened,
    Came(Value),
    Closed { kind: ErrorKind, reason: String },
}

impl Links {
    /// No connections yet; `dialer` makes them, and their news goes to `news`.
    pub(super) fn new(dialer: Dialer, news: mpsc::Sender<LinkNews>) -> Self {
        Self { open: BTreeMap::new(), tasks: JoinSet::new(), dialer, news }
    }

    /// Begins to connect.
    pub(super) fn open(&mut self, link: LinkId, target: Endpoint) {
        let (unsent, outbox) = mpsc::channel(MAX_UNSENT);
        let task = Task { link, dialer: self.dialer.clone(), news: self.news.clone(), outbox };
        let task = self.tasks.spawn(task.live(target));
        self.open.insert(link, Link { unsent, waiting: VecDeque::new(), task });
        while self.tasks.try_join_next().is_some() {}
    }

    /// Drops the connection, or stops connecting.
    pub(super) fn close(&mut self, link: LinkId) {
        if let Some(link) = self.open.remove(&link) {
            link.task.abort();
        }
    }

    /// Puts a command on its way; gives the news when that breaks the connection.
    pub(super) fn send(&mut self, link: LinkId, request: RequestId, command: &Request) -> Option<Input> {
        let channel = self.open.get_mut(&link)?;
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        channel.waiting.push_back(request);
        let is_stuck = channel.unsent.try_send(bytes).is_err();
        is_stuck.then(|| self.break_off(link, ErrorKind::Connection, "it takes no more commands".into()))
    }

    /// What news means to the finder; `None` when it is of a link that was closed.
    pub(super) fn sort(&mut self, news: LinkNews) -> Option<Input> {
        let link = news.link;
        let channel = self.open.get_mut(&link)?;
        let value = match news.what {
            What::Opened => return Some(Input::LinkOpened { link }),
            What::Closed { kind, reason } => return Some(self.break_off(link, kind, reason)),
            What::Came(value) => value,
        };
        let value = match message(value) {
            Ok((channel, payload)) => return Some(Input::Heard { link, channel, payload }),
            Err(value) => value,
        };
        if let Some(request) = channel.waiting.pop_front() {
            return Some(Input::Answer { link, request, value });
        }
        let reason = if let Value::Error(text) = value { text } else { "an answer without a question".into() };
        Some(self.break_off(link, ErrorKind::Protocol, reason))
    }

    /// Drops all connections and waits until they are gone.
    pub(super) async fn end(&mut self) {
        self.open.clear();
        self.tasks.shutdown().await;
    }

    fn break_off(&mut self, link: LinkId, kind: ErrorKind, reason: String) -> Input {
        self.close(link);
        Input::LinkClosed { link, kind, reason }
    }
}

/// The channel and payload of a message; the value itself when it is none.
fn message(value: Value) -> Result<(String, Vec<u8>), Value> {
    if let Value::Array(items) | Value::Push(items) = &value
        && let [kind, channel, Value::Bulk(payload)] = items.as_slice()
        && kind.as_text() == Some("message")
        && let Some(channel) = channel.as_text()
    {
        return Ok((channel.to_owned(), payload.clone()));
    }
    Err(value)
}

/// The life of one connection.
struct Task {
    link: LinkId,
    dialer: Dialer,
    news: mpsc::Sender<LinkNews>,
    outbox: mpsc::Receiver<Vec<u8>>,
}

impl Task {
    async fn live(mut self, target: Endpoint) {
        let patience = self.dialer.access().connect_time;
        let error = match self.dialer.dial(&target, ServerKind::Sentinel, patience).await {
            Ok(connection) => {
                self.tell(What::Opened).await;
                self.converse(connection).await
            }
            Err(error) => error,
        };
        let reason = words(&error);
        self.tell(What::Closed { kind: error.kind(), reason }).await;
    }

    /// Carries bytes both ways; gives why that ended.
    async fn converse(&mut self, connection: Connection) -> Error {
        let (reader, mut writer) = tokio::io::split(connection.stream);
        let listening = listen(reader, connection.decoder, self.link, &self.news);
        let writing = async {
            while let Some(mut bytes) = self.outbox.recv().await {
                while let Ok(more) = self.outbox.try_recv() {
                    bytes.extend(more);
                }
                if let Err(error) = writer.write_all(&bytes).await {
                    return lost(reason(&error));
                }
                if let Err(error) = writer.flush().await {
                    return lost(reason(&error));
                }
            }
            lost("closed".into())
        };
        tokio::select! {
            error = listening => error,
            error = writing => error,
        }
    }

    async fn tell(&self, what: What) {
        // The loop that would hear it is gone only when this task is about to be dropped too.
        let _ = self.news.send(LinkNews { link: self.link, what }).await;
    }
}

async fn listen(
    mut reader: impl tokio::io::AsyncRead + Unpin,
    mut decoder: ValueDecoder,
    link: LinkId,
    news: &mpsc::Sender<LinkNews>,
) -> Error {
    let mut chunk = vec![0; CHUNK];
    loop {
        loop {
            match decoder.poll_value() {
                // The loop that would hear it is gone only when this task is about to be dropped too.
                Ok(Some(value)) => drop(news.send(LinkNews { link, what: What::Came(value) }).await),
                Ok(None) => break,
                Err(error) => return error,
            }
        }
        match reader.read(&mut chunk).await {
            Ok(0) => return lost("the sentinel closed the connection".into()),
            Ok(count) => decoder.feed(&chunk[..count]),
            Err(error) => return lost(reason(&error)),
        }
    }
}

fn lost(why: String) -> Error {
    Error::new(ErrorKind::Connection, "ask a sentinel", why)
}

/// What went wrong, for a line that names the sentinel already.
pub(super) fn words(error: &Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.subject().to_owned(), ToString::to_string)
}

/// How many commands may wait to be written: a connection that does not take these is stuck.
const MAX_UNSENT: usize = 256;

/// How many bytes are read at once.
const CHUNK: usize = 16 << 10;

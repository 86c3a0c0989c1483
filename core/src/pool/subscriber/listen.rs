//! Decides how a subscriber stays with the master: it connects, asks for all that is wanted, and starts over after a break.

use std::{collections::VecDeque, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{mpsc, oneshot},
    time::{sleep_until, timeout_at},
};

use super::{Delivery, Gap, Message, Order, Subscription, inbox::Inbox, wanted, wanted::Wanted};
use crate::{
    discovery::Connection,
    error::{Error, Result},
    finder::{EventKind, Sign},
    pool::{
        Command,
        board::Gate,
        call,
        core::Core,
        node::Node,
        reply::{self, Course},
    },
    resp::Value,
    types::{Generation, Millis, Tick},
};

/// Listens until the pool is closed or the subscriber gone.
pub(super) async fn listen(core: Arc<Core>, inbox: Arc<Inbox>, ordered: mpsc::UnboundedReceiver<Order>) {
    let mut listener = Listener {
        core,
        inbox,
        ordered,
        wanted: Wanted::default(),
        pending: VecDeque::new(),
        heard: None,
        failures: 0,
    };
    listener.run().await;
    listener.inbox.close();
}

struct Listener {
    core: Arc<Core>,
    inbox: Arc<Inbox>,
    ordered: mpsc::UnboundedReceiver<Order>,
    wanted: Wanted,
    /// Changes that the server has not confirmed, in the order they were sent.
    pending: VecDeque<Pending>,
    /// The master that was listened to last, and until when.
    heard: Option<(Generation, Tick)>,
    failures: u32,
}

/// A change under way.
struct Pending {
    change: Subscription,
    names: Vec<Vec<u8>>,
    missing: usize,
    done: Option<oneshot::Sender<Result<()>>>,
}

/// Why listening to one connection ended.
enum Ended {
    /// Another server is master.
    Switched,
    /// The connection broke.
    Broken,
    /// The pool is closed, or the subscriber gone.
    Closed,
}

impl Listener {
    async fn run(&mut self) {
        loop {
            if self.wanted.is_empty() && self.pending.is_empty() {
                match self.ordered.recv().await {
                    Some(order) => drop(self.take(order)),
                    None => return,
                }
            }
            let Some(node) = self.master().await else { return };
            let ended = match node.dial(DIAL_TIME).await {
                Ok(connection) => self.serve(&node, connection).await,
                Err(error) => {
                    if let Some(sign) = call::sign(&error, &Course::Tell) {
                        self.core.discovery().suspect(self.core.name(), node.generation(), sign);
                    }
                    Ended::Broken
                }
            };
            match ended {
                Ended::Closed => return,
                Ended::Switched => self.failures = 0,
                Ended::Broken => self.pause().await,
            }
        }
    }

    /// The master, once there is one.
    async fn master(&self) -> Option<Arc<Node>> {
        loop {
            let view = self.core.view();
            match (view.gate, &view.master) {
                (Gate::Closed, _) => return None,
                (Gate::Open | Gate::Unsure | Gate::Held, Some(master)) => return Some(Arc::clone(master)),
                (Gate::Open | Gate::Unsure | Gate::Held | Gate::Switching | Gate::Searching, _) => {
                    self.core.board().changed(view.version).await;
                }
            }
        }
    }

    async fn pause(&mut self) {
        self.failures += 1;
        let span = self.core.means().part_of(crate::pool::retry::longest_pause(self.failures));
        let until = self.core.means().clock.instant(self.core.means().tick().after(span));
        let version = self.core.view().version;
        let _ = timeout_at(until, self.core.board().changed(version)).await;
    }

    async fn serve(&mut self, node: &Node, connection: Connection) -> Ended {
        let mut connection = connection;
        if self.ask_for_all(&mut connection).await.is_err() {
            return Ended::Broken;
        }
        let ended = self.hear(node, &mut connection).await;
        if self.heard.is_some() {
            self.heard = Some((node.generation(), self.core.means().tick()));
        }
        if matches!(ended, Ended::Broken) && !node.is_retired() {
            self.core.discovery().suspect(self.core.name(), node.generation(), Sign::Disconnected);
        }
        ended
    }

    /// Asks a fresh connection for all that is wanted; changes that were under way are part of it.
    async fn ask_for_all(&mut self, connection: &mut Connection) -> std::io::Result<()> {
        let waiting: Vec<_> = self.pending.drain(..).filter_map(|pending| pending.done).collect();
        let mut bytes = Vec::new();
        for (command, missing) in self.wanted.commands() {
            command.write_to(&mut bytes);
            let change = Subscription::Subscribe;
            self.pending.push_back(Pending { change, names: Vec::new(), missing, done: None });
        }
        if self.pending.is_empty() {
            for done in waiting {
                let _ = done.send(Ok(()));
            }
            self.inbox.tell();
            return Ok(());
        }
        for done in waiting {
            let pending = Pending { change: Subscription::Subscribe, names: Vec::new(), missing: 0, done: Some(done) };
            self.pending.push_back(pending);
        }
        connection.stream.write_all(&bytes).await?;
        connection.stream.flush().await
    }

    async fn hear(&mut self, node: &Node, connection: &mut Connection) -> Ended {
        let mut room = vec![0; ROOM];
        let mut quiet = Quiet { since: self.core.means().tick(), is_asked: false };
        loop {
            while let Some(value) = match connection.decoder.poll_value() {
                Ok(value) => value,
                Err(_) => return Ended::Broken,
            } {
                self.handle(node, &value);
            }
            let view = self.core.view();
            match view.gate {
                Gate::Closed => return Ended::Closed,
                Gate::Open | Gate::Unsure | Gate::Held | Gate::Switching | Gate::Searching => {}
            }
            if view.generation > node.generation() {
                return Ended::Switched;
            }
            let look = self.core.means().clock.instant(quiet.next());
            let bytes = tokio::select! {
                read = connection.stream.read(&mut room) => match read {
                    Ok(0) | Err(_) => return Ended::Broken,
                    Ok(count) => {
                        connection.decoder.feed(&room[..count]);
                        quiet = Quiet { since: self.core.means().tick(), is_asked: false };
                        continue;
                    }
                },
                order = self.ordered.recv() => match order {
                    Some(order) => self.take(order),
                    None => return Ended::Closed,
                },
                () = self.core.board().changed(view.version) => continue,
                () = sleep_until(look) => {
                    if quiet.is_asked {
                        return Ended::Broken;
                    }
                    quiet = Quiet { since: self.core.means().tick(), is_asked: true };
                    packed(&Command::named("PING"))
                }
            };
            if connection.stream.write_all(&bytes).await.is_err() || connection.stream.flush().await.is_err() {
                return Ended::Broken;
            }
        }
    }

    /// Takes a change in; gives the bytes that tell the server.
    fn take(&mut self, order: Order) -> Vec<u8> {
        let Order { change, names, done } = order;
        let missing = self.wanted.change(change, &names);
        if missing == 0 {
            let _ = done.send(Ok(()));
            self.inbox.tell();
            return Vec::new();
        }
        let command = wanted::command(change, names.iter());
        self.pending.push_back(Pending { change, names, missing, done: Some(done) });
        packed(&command)
    }

    fn handle(&mut self, node: &Node, value: &Value) {
        if let Value::Error(text) = value {
            return self.confirm(node, Some(reply::failure(text, reply::read(text).kind)));
        }
        // All else is the answer to PING.
        let (Value::Push(items) | Value::Array(items)) = value else { return };
        if let Some(message) = message(items) {
            self.inbox.put(Delivery::Message(message), node.generation());
        } else if is_confirmation(items) {
            self.confirm(node, None);
        }
    }

    /// Takes note of a confirmation, or of a refusal.
    fn confirm(&mut self, node: &Node, refusal: Option<Error>) {
        if let Some(front) = self.pending.front_mut() {
            front.missing = if refusal.is_some() { 0 } else { front.missing.saturating_sub(1) };
        }
        let mut refusal = refusal;
        while self.pending.front().is_some_and(|front| front.missing == 0) {
            let Some(Pending { change, names, done, .. }) = self.pending.pop_front() else { break };
            let result = match refusal.take() {
                Some(error) => {
                    self.wanted.withdraw(change, &names);
                    Err(error)
                }
                None => Ok(()),
            };
            if let Some(done) = done {
                // Who ordered it may have gone.
                let _ = done.send(result);
            }
        }
        self.inbox.tell();
        if self.pending.is_empty() {
            self.tell_gap(node);
        }
    }

    /// Tells once after a break that messages may have been missed.
    fn tell_gap(&mut self, node: &Node) {
        self.failures = 0;
        let now = self.core.means().tick();
        let Some((from, until)) = self.heard.replace((node.generation(), Tick::START)) else { return };
        if until == Tick::START {
            return;
        }
        let lasted = now.since(until);
        let gap = Gap { from, to: node.generation(), lasted, dropped: 0 };
        self.inbox.put(Delivery::Gap(gap), node.generation());
        self.core.discovery().publish(Some(self.core.name()), EventKind::Gap { lasted });
    }
}

/// Since when nothing was heard, and whether the server was asked why.
struct Quiet {
    since: Tick,
    is_asked: bool,
}

impl Quiet {
    fn next(&self) -> Tick {
        self.since.after(if self.is_asked { ANSWER_TIME } else { ASK_AFTER })
    }
}

fn packed(command: &Command) -> Vec<u8> {
    let mut bytes = Vec::new();
    command.write_to(&mut bytes);
    bytes
}

fn message(items: &[Value]) -> Option<Message> {
    let bytes = |value: &Value| {
        let Value::Bulk(bytes) = value else { return value.as_text().map(|text| text.as_bytes().to_vec()) };
        Some(bytes.clone())
    };
    let (by, pattern, channel, payload) = match items {
        [kind, channel, payload] => match kind.as_text()? {
            "message" => (Subscription::Subscribe, None, channel, payload),
            "smessage" => (Subscription::SSubscribe, None, channel, payload),
            _ => return None,
        },
        [kind, pattern, channel, payload] if kind.as_text() == Some("pmessage") => {
            (Subscription::PSubscribe, bytes(pattern), channel, payload)
        }
        _ => return None,
    };
    Some(Message { by, pattern, channel: bytes(channel)?, payload: bytes(payload)? })
}

fn is_confirmation(items: &[Value]) -> bool {
    let kind = items.first().and_then(Value::as_text).unwrap_or_default();
    kind.ends_with("subscribe")
}

const DIAL_TIME: Millis = Millis::new(1_000);
const ASK_AFTER: Millis = Millis::new(15_000);
const ANSWER_TIME: Millis = Millis::new(2_000);
const ROOM: usize = 16 << 10;

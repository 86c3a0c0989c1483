//! Decides what a subscriber is to its user: what it listens to, and messages and gaps in the order they came.

mod inbox;
mod listen;
mod wanted;

use std::sync::Arc;

use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

use inbox::Inbox;

use super::core::Core;
use crate::{
    error::{Error, ErrorKind, Result},
    types::{Generation, Millis},
};

/// A change of what a subscriber listens to, named as the command that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subscription {
    /// `SUBSCRIBE`
    Subscribe,
    /// `UNSUBSCRIBE`; of all channels when none is named.
    Unsubscribe,
    /// `PSUBSCRIBE`
    PSubscribe,
    /// `PUNSUBSCRIBE`; of all patterns when none is named.
    PUnsubscribe,
    /// `SSUBSCRIBE`
    SSubscribe,
    /// `SUNSUBSCRIBE`; of all channels when none is named.
    SUnsubscribe,
}

/// What a subscriber gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A message.
    Message(Message),
    /// Messages may have been missed here.
    Gap(Gap),
}

/// A published message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The subscription it came by: [`Subscription::Subscribe`], [`Subscription::PSubscribe`] or
    /// [`Subscription::SSubscribe`].
    pub by: Subscription,
    /// The pattern that matched, for [`Subscription::PSubscribe`].
    pub pattern: Option<Vec<u8>>,
    /// The channel it was published on.
    pub channel: Vec<u8>,
    /// What was published.
    pub payload: Vec<u8>,
}

/// A time without a subscription, or more messages than were fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The master before.
    pub from: Generation,
    /// The master after; the same when only the connection broke, or messages were dropped.
    pub to: Generation,
    /// How long nothing was listened to.
    pub lasted: Millis,
    /// Messages that were dropped because they were not fetched: more than 10,000, or 16 MiB, waited.
    pub dropped: u64,
}

/// Listens to channels of the master, whichever server that is.
///
/// After a switch or a broken connection it listens to the same channels again, and tells of it with a [`Gap`]. Redis
/// keeps no messages, so those published meanwhile are lost.
#[derive(Debug)]
pub struct Subscriber {
    core: Arc<Core>,
    inbox: Arc<Inbox>,
    orders: mpsc::UnboundedSender<Order>,
    listening: AbortHandle,
}

/// A change that somebody waits for.
#[derive(Debug)]
struct Order {
    change: Subscription,
    names: Vec<Vec<u8>>,
    done: oneshot::Sender<Result<()>>,
}

impl Subscriber {
    pub(super) fn start(core: Arc<Core>) -> Self {
        let inbox = Arc::new(Inbox::default());
        let (orders, ordered) = mpsc::unbounded_channel();
        let listening = listen::listen(Arc::clone(&core), Arc::clone(&inbox), ordered);
        let listening = core.runtime().spawn(listening).abort_handle();
        Self { core, inbox, orders, listening }
    }

    /// Changes what is listened to; returns when the server has confirmed it.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when the pool's [timeout](super::PoolBuilder::timeout) is over: the change is still made as
    /// soon as it can be. [`ErrorKind::NoPermission`] and [`ErrorKind::Server`] as the server says, [`ErrorKind::Stopped`].
    pub async fn change<N: AsRef<[u8]>>(&self, change: Subscription, names: &[N]) -> Result<()> {
        let patience = self.core.means().settings.deadline;
        let confirmed = tokio::time::timeout(patience.into(), self.order(change, names)).await;
        confirmed.map_err(|_| late())?.map_err(|_| stopped())?
    }

    /// Changes what is listened to, from a thread without a runtime.
    ///
    /// # Errors
    /// Those of [`Subscriber::change`]; [`ErrorKind::Timeout`] after `patience`.
    pub fn change_blocking<N: AsRef<[u8]>>(&self, change: Subscription, names: &[N], patience: Millis) -> Result<()> {
        let mut confirmed = self.order(change, names);
        let deadline = self.core.means().tick().after(patience);
        loop {
            match confirmed.try_recv() {
                Ok(result) => return result,
                Err(oneshot::error::TryRecvError::Closed) => return Err(stopped()),
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            let left = deadline.since(self.core.means().tick());
            if left == Millis::ZERO {
                return Err(late());
            }
            self.inbox.wait_for_confirmation(left.min(GLANCE));
        }
    }

    /// The next message or gap; `None` once the pool is closed.
    pub async fn next(&self) -> Option<Delivery> {
        self.inbox.next().await
    }

    /// The next message or gap within `patience`; `None` when there is none, see [`Subscriber::is_closed`].
    pub fn next_blocking(&self, patience: Millis) -> Option<Delivery> {
        self.inbox.next_blocking(patience)
    }

    /// Whether nothing comes any more.
    pub fn is_closed(&self) -> bool {
        self.inbox.is_closed()
    }

    fn order<N: AsRef<[u8]>>(&self, change: Subscription, names: &[N]) -> oneshot::Receiver<Result<()>> {
        let (done, confirmed) = oneshot::channel();
        let names = names.iter().map(|name| name.as_ref().to_vec()).collect();
        // A listener that has ended drops the order, which the receiver notices.
        let _ = self.orders.send(Order { change, names, done });
        confirmed
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn late() -> Error {
    Error::new(ErrorKind::Timeout, "subscribe", "the server did not confirm it in time")
}

fn stopped() -> Error {
    Error::new(ErrorKind::Stopped, "subscribe", "the pool is closed")
}

/// A thread looks this often whether its change was confirmed, beside being woken for it.
const GLANCE: Millis = Millis::new(50);

//! Decides what a subscription is to a binding: channels come and go, messages and gaps are pulled.

use std::{
    fmt,
    os::fd::RawFd,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    call::Call,
    failure::{Failure, Result},
    mailbox::{Mailbox, Next, Sender},
    patience::Patience,
    runtime,
};
use crate::{
    error::ErrorKind,
    pool::{self, Delivery, Subscription},
};

/// A subscription that moves with the master; clones stand for the same one.
#[derive(Clone)]
pub struct Subscriber {
    mailbox: Mailbox<Message>,
    running: Arc<Mutex<Option<Running>>>,
}

#[derive(Clone)]
struct Running {
    subscriber: Arc<pool::Subscriber>,
    sender: Sender<Message>,
}

/// A change of what is subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// These channels too.
    Subscribe,
    /// These patterns too.
    PatternSubscribe,
    /// These shard channels too.
    ShardSubscribe,
    /// Not these channels; all when none is named.
    Unsubscribe,
    /// Not these patterns; all when none is named.
    PatternUnsubscribe,
    /// Not these shard channels; all when none is named.
    ShardUnsubscribe,
}

/// What a subscriber is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Something that was published.
    Published {
        /// The channel.
        channel: Vec<u8>,
        /// The pattern that fitted, for those.
        pattern: Option<Vec<u8>>,
        /// What was published.
        payload: Vec<u8>,
    },
    /// The master was replaced, the connection lost, or too much was not fetched: messages were missed.
    Gap {
        /// The generation before.
        from: u64,
        /// The generation now.
        to: u64,
        /// How long nothing was subscribed, in milliseconds.
        ms: u64,
    },
}

impl Subscriber {
    /// A subscriber of the pool that listens to nothing yet.
    pub(super) fn start(pool: &pool::Pool) -> Result<Self> {
        let runtime = runtime::handle()?;
        let mailbox = Mailbox::new("subscriber", AHEAD);
        let sender = mailbox.sender();
        let entered = runtime.enter();
        let subscriber = Arc::new(pool.subscribe());
        drop(entered);
        runtime.spawn(fetch(Arc::clone(&subscriber), sender.clone()));
        Ok(Self { mailbox, running: Arc::new(Mutex::new(Some(Running { subscriber, sender }))) })
    }

    /// Changes what is subscribed to; done when the server has confirmed it.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] after the pool's `timeout_ms`, [`ErrorKind::NoPermission`], [`ErrorKind::Stopped`],
    /// [`ErrorKind::Forked`].
    pub fn change<W: Into<Vec<u8>>>(&self, change: Change, names: impl IntoIterator<Item = W>) -> Call<()> {
        let names: Vec<Vec<u8>> = names.into_iter().map(Into::into).collect();
        if let Err(failure) = self.mailbox.check_process() {
            return Call::done(Err(failure));
        }
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match running {
            Some(Running { subscriber, .. }) => {
                Call::start(async move { subscriber.change(change.told(), &names).await })
            }
            None => Call::done(Err(Failure::new(ErrorKind::Stopped, "subscribe", "the subscriber is closed"))),
        }
    }

    /// The next message; waits until there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`], [`ErrorKind::Forked`].
    pub fn next(&self, patience: &Patience<'_>) -> Result<Next<Message>> {
        Ok(match self.mailbox.next(patience)? {
            Next::Item((message, _)) => Next::Item(message),
            Next::Empty => Next::Empty,
            Next::Closed => Next::Closed,
        })
    }

    /// The same, awaited; none when no more will come.
    pub fn next_call(&self) -> Call<Option<Message>> {
        let mailbox = self.mailbox.clone();
        Call::start_own(async move { Ok(mailbox.wait().await.map(|(message, _)| message)) })
    }

    /// A descriptor that is readable while a message waits or when none will come; only to be polled.
    ///
    /// # Errors
    /// [`ErrorKind::File`], [`ErrorKind::Forked`].
    pub fn fd(&self) -> Result<RawFd> {
        self.mailbox.fd()
    }

    /// Ends the subscription, for all clones; what came already can still be fetched.
    pub fn close(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { sender, .. }) = running {
            sender.close();
        }
    }
}

impl Change {
    fn told(self) -> Subscription {
        match self {
            Self::Subscribe => Subscription::Subscribe,
            Self::PatternSubscribe => Subscription::PSubscribe,
            Self::ShardSubscribe => Subscription::SSubscribe,
            Self::Unsubscribe => Subscription::Unsubscribe,
            Self::PatternUnsubscribe => Subscription::PUnsubscribe,
            Self::ShardUnsubscribe => Subscription::SUnsubscribe,
        }
    }
}

impl From<Delivery> for Message {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Message(pool::Message { channel, pattern, payload, .. }) => {
                Self::Published { channel, pattern, payload }
            }
            Delivery::Gap(gap) => Self::Gap { from: gap.from.as_u64(), to: gap.to.as_u64(), ms: gap.lasted.as_ms() },
        }
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscriber")
    }
}

/// Fetches what comes, as long as somebody listens; what is not fetched waits in the pool, which bounds it.
async fn fetch(subscriber: Arc<pool::Subscriber>, sender: Sender<Message>) {
    loop {
        sender.room().await;
        let delivery = tokio::select! {
            delivery = subscriber.next() => delivery,
            () = sender.gone() => return,
        };
        let Some(delivery) = delivery else {
            sender.close();
            return;
        };
        if sender.put(delivery.into()) == super::mailbox::Audience::Gone {
            return;
        }
    }
}

/// How many messages are fetched ahead.
const AHEAD: usize = 256;

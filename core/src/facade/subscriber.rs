//! Decides what a subscription is to a binding: channels come and go, messages and gaps are pulled.

use std::os::fd::RawFd;

use super::{call::Call, discovery::unfinished, failure::Result, mailbox::Next, patience::Patience};

/// A subscription that moves with the master; clones stand for the same one.
#[derive(Clone, Debug)]
pub struct Subscriber {}

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
    /// The master was replaced or the connection lost: messages may have been missed.
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
    /// Changes what is subscribed to; done when the server has confirmed it.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Timeout`], [`crate::error::ErrorKind::NoPermission`], [`crate::error::ErrorKind::Stopped`].
    pub fn change<W: Into<Vec<u8>>>(&self, change: Change, names: impl IntoIterator<Item = W>) -> Call<()> {
        let _: (Change, Vec<Vec<u8>>) = (change, names.into_iter().map(Into::into).collect());
        Call::done(Err(unfinished("change")))
    }

    /// The next message; waits until there is one.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Cancelled`], [`crate::error::ErrorKind::Forked`].
    pub fn next(&self, patience: &Patience<'_>) -> Result<Next<Message>> {
        let _ = patience;
        Err(unfinished("next"))
    }

    /// The same, awaited; none when no more will come.
    pub fn next_call(&self) -> Call<Option<Message>> {
        Call::done(Err(unfinished("next")))
    }

    /// A descriptor that is readable while a message waits or when none will come; only to be polled.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::File`], [`crate::error::ErrorKind::Forked`].
    pub fn fd(&self) -> Result<RawFd> {
        Err(unfinished("fd"))
    }

    /// Ends the subscription.
    pub fn close(&self) {}
}

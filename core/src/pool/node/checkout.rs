//! Decides how somebody gets a connection of a server to himself: one that lies ready, a new one, or a wait.

use std::sync::Arc;

use super::{Node, TASKS, THREADS};
use crate::{
    discovery::{BlockingConnection, Connection},
    error::{Error, ErrorKind, Outcome, Result},
    net::reason,
    pool::{
        health,
        link::Link,
        stock::Taken,
        thread_link::{Interrupt, ThreadLink},
    },
    types::Millis,
};

/// A place among a server's connections; given back when dropped.
#[derive(Debug)]
pub(in crate::pool) struct Seat(Arc<Node>);

impl Node {
    /// A connection of one's own for a task.
    ///
    /// # Errors
    /// [`ErrorKind::PoolExhausted`], those of dialling, and [`ErrorKind::Moved`] when the server is used no more.
    pub(in crate::pool) async fn link(self: &Arc<Self>, patience: Millis) -> Result<(Seat, Link)> {
        if let Some(taken) = self.try_link(patience).await? {
            return Ok(taken);
        }
        let waiting = self.stock.queue().ok_or_else(|| self.exhausted("too many wait"))?;
        let deadline = self.means.tick().after(patience.min(self.means.settings.checkout_wait));
        loop {
            let mut freed = std::pin::pin!(waiting.freed());
            // From here on no news is missed.
            freed.as_mut().enable();
            if let Some(taken) = self.try_link(patience).await? {
                return Ok(taken);
            }
            let waited = tokio::time::timeout_at(self.means.clock.instant(deadline), freed).await;
            waited.map_err(|_| self.exhausted("all connections are in use"))?;
        }
    }

    /// A connection of one's own for a task, when one is free or may be made.
    async fn try_link(self: &Arc<Self>, patience: Millis) -> Result<Option<(Seat, Link)>> {
        loop {
            match self.stock.take::<Link>(self.means.tick()) {
                Taken::Ready(mut link) => {
                    let seat = Seat(Arc::clone(self));
                    if health::is_fit(&mut link, &self.means).await {
                        return Ok(Some((seat, link)));
                    }
                }
                Taken::Place => {
                    let seat = Seat(Arc::clone(self));
                    let link = Link::new(self.dial(patience).await?, self.means.new_age());
                    self.keep_leash(link.leash(), TASKS);
                    return Ok(Some((seat, link)));
                }
                Taken::Closed => return Err(self.gone()),
                Taken::Nothing => return Ok(None),
            }
        }
    }

    /// A connection of one's own for a thread.
    ///
    /// # Errors
    /// Those of [`Node::link`], and [`ErrorKind::Cancelled`].
    pub(in crate::pool) fn thread_link(
        self: &Arc<Self>,
        patience: Millis,
        interrupt: Interrupt<'_>,
    ) -> Result<(Seat, ThreadLink)> {
        if let Some(taken) = self.try_thread_link(patience)? {
            return Ok(taken);
        }
        let waiting = self.stock.queue().ok_or_else(|| self.exhausted("too many wait"))?;
        let deadline = self.means.tick().after(patience.min(self.means.settings.checkout_wait));
        loop {
            if let Some(taken) = self.try_thread_link(patience)? {
                return Ok(taken);
            }
            let left = deadline.since(self.means.tick());
            if left == Millis::ZERO {
                return Err(self.exhausted("all connections are in use"));
            }
            if interrupt() {
                let error = Error::new(ErrorKind::Cancelled, "take a connection", "the caller withdrew");
                return Err(error.with_outcome(Outcome::NotSent));
            }
            waiting.wait(left.min(SLICE));
        }
    }

    /// A connection of one's own for a thread, when one is free or may be made.
    fn try_thread_link(self: &Arc<Self>, patience: Millis) -> Result<Option<(Seat, ThreadLink)>> {
        loop {
            let now = self.means.tick();
            match self.stock.take::<ThreadLink>(now) {
                Taken::Ready(mut link) => {
                    let seat = Seat(Arc::clone(self));
                    if health::is_thread_link_fit(&mut link, &self.means, now) {
                        return Ok(Some((seat, link)));
                    }
                }
                Taken::Place => {
                    let seat = Seat(Arc::clone(self));
                    let link = ThreadLink::new(self.dial_blocking(patience)?, self.means.new_age());
                    let link = link.map_err(|error| self.no_descriptor(&error))?;
                    self.keep_leash(link.leash(), THREADS);
                    return Ok(Some((seat, link)));
                }
                Taken::Closed => return Err(self.gone()),
                Taken::Nothing => return Ok(None),
            }
        }
    }

    /// Makes a connection for threads and lays it in the stock.
    pub(in crate::pool) async fn stock_thread_link(self: &Arc<Self>, patience: Millis) -> Result<()> {
        if !self.stock.take_spare_place() {
            return Ok(());
        }
        let seat = Seat(Arc::clone(self));
        let Connection { stream, decoder, welcome } = self.dial(patience).await?;
        let stream = stream.into_blocking().map_err(|error| self.no_descriptor(&error))?;
        let link = ThreadLink::new(BlockingConnection { stream, decoder, welcome }, self.means.new_age());
        let link = link.map_err(|error| self.no_descriptor(&error))?;
        self.keep_leash(link.leash(), THREADS);
        seat.put_back_thread_link(link);
        Ok(())
    }

    /// Makes a connection for tasks and lays it in the stock.
    pub(in crate::pool) async fn stock_link(self: &Arc<Self>, patience: Millis) -> Result<()> {
        if !self.stock.take_spare_place() {
            return Ok(());
        }
        let seat = Seat(Arc::clone(self));
        let link = Link::new(self.dial(patience).await?, self.means.new_age());
        self.keep_leash(link.leash(), TASKS);
        seat.put_back(link);
        Ok(())
    }

    /// Tries connections that lay for long; those that answer go back.
    pub(in crate::pool) async fn refresh(self: &Arc<Self>, links: Vec<Link>) {
        for mut link in links {
            let seat = Seat(Arc::clone(self));
            if health::answers(&mut link, &self.means).await {
                link.age_mut().touch(self.means.tick());
                seat.put_back(link);
            }
        }
    }

    /// Makes up to two connections of each kind that is used, when fewer are idle than there have to be.
    pub(in crate::pool) async fn replenish(self: &Arc<Self>) {
        for _ in 0..2 {
            if self.stock.count().idle >= self.means.settings.min_idle {
                return;
            }
            let uses = self.uses();
            // A failure shows again at the first use, which deals with it.
            if uses.threads && self.stock_thread_link(REPLENISH_TIME).await.is_err() {
                return;
            }
            if uses.tasks && self.stock_link(REPLENISH_TIME).await.is_err() {
                return;
            }
        }
    }

    fn gone(&self) -> Error {
        let error = Error::new(ErrorKind::Moved, "take a connection", "another server is master");
        error.with_outcome(Outcome::NotSent).at(&self.address)
    }

    fn exhausted(&self, why: &str) -> Error {
        let error = Error::new(ErrorKind::PoolExhausted, "take a connection", why);
        error.with_outcome(Outcome::NotSent).at(&self.address)
    }

    fn no_descriptor(&self, error: &std::io::Error) -> Error {
        let failure = Error::new(ErrorKind::Connection, "connect", reason(error));
        failure.with_outcome(Outcome::NotSent).at(&self.address)
    }
}

impl Seat {
    pub(in crate::pool) fn node(&self) -> &Arc<Node> {
        &self.0
    }

    /// Gives the connection back, when it can be used again.
    pub(in crate::pool) fn put_back(self, link: Link) {
        if link.is_clean() {
            self.0.stock.put_back(link);
        }
    }

    /// Gives the connection back, when it can be used again.
    pub(in crate::pool) fn put_back_thread_link(self, link: ThreadLink) {
        if link.is_clean() {
            self.0.stock.put_back(link);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.stock.give_up();
    }
}

/// How long a thread waits before it asks its caller whether to go on.
const SLICE: Millis = Millis::new(100);

const REPLENISH_TIME: Millis = Millis::new(1_000);

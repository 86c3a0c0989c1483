//! A sentinel that runs: sockets, timers, files and scripts around the machine.
//!
//! One task owns the machine and everything that decides; each connection has a task of its own that carries bytes and
//! nothing else. Several sentinels can run in one process.

mod builder;
mod carry_out;
mod client;
mod disk;
#[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "only tests break things"))]
mod disturb;
mod gauges;
mod links;
mod listen;
mod log;
mod outbox;
mod scripts;
mod server;
mod store;
mod turn;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Mutex, PoisonError},
};

use tokio::sync::{broadcast, mpsc, oneshot, watch};

pub use builder::SentinelBuilder;
pub use disk::Disk;
#[cfg(feature = "testing")]
pub(crate) use disturb::{Disturbance, Storage};
pub use log::{LogLine, LogSink};
use turn::{Order, stopped};

use crate::{
    error::Result,
    machine::{Event, Status},
    resp::{Request, Value},
    types::RunId,
};

/// A running sentinel.
///
/// It runs on the tokio runtime it was started on. Dropping the handle ends it soon; [`Sentinel::stop`] ends it and
/// returns when it has ended.
///
/// # Example
/// ```
/// use sentinelle::driver::Sentinel;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sentinelle::error::Result<()> {
/// let sentinel = Sentinel::builder().listen(([127, 0, 0, 1], 0)).monitor("cart", "127.0.0.1", 6379, 1)?.start().await?;
/// assert_ne!(sentinel.address().map(|address| address.port()), Some(0));
/// sentinel.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sentinel {
    id: RunId,
    addresses: Vec<SocketAddr>,
    orders: mpsc::Sender<Order>,
    /// Weak, so that the stream of events ends when the sentinel does.
    events: broadcast::WeakSender<Event>,
    /// The events from the start, for the first who asks.
    first_events: Mutex<Option<broadcast::Receiver<Event>>>,
    ended: watch::Receiver<Option<Exit>>,
}

/// How a sentinel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The exit code of a process, when the sentinel ended by itself (`SHUTDOWN`); `None` when it was stopped.
    pub code: Option<i32>,
}

/// The events of a sentinel, in order.
#[derive(Debug)]
pub struct Events {
    receiver: Option<broadcast::Receiver<Event>>,
}

/// What a listener to events gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An event.
    Event(Event),
    /// So many events were lost because the listener was too slow; the latest 1024 are kept.
    Missed(u64),
}

impl Sentinel {
    /// A sentinel to be set up.
    pub fn builder() -> SentinelBuilder {
        SentinelBuilder::default()
    }

    /// A sentinel as the configuration file says, which is also where its state is kept.
    ///
    /// The process's working folder stays as it is; `dir` says where relative paths inside the file begin. What concerns a
    /// process of its own (`daemonize`, `pidfile`, `logfile`) has no effect.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::File`] when the file cannot be read, [`crate::error::ErrorKind::Config`] with the line that
    /// cannot be used.
    pub fn from_conf_file(path: impl AsRef<Path>) -> Result<SentinelBuilder> {
        SentinelBuilder::from_conf_file(path.as_ref())
    }

    /// Its identity.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The first address it listens on; `None` when it listens nowhere.
    pub fn address(&self) -> Option<SocketAddr> {
        self.addresses.first().copied()
    }

    /// Every address it listens on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Its events: for the first who asks from the start, for others from now on.
    pub fn events(&self) -> Events {
        let first = self.first_events.lock().unwrap_or_else(PoisonError::into_inner).take();
        Events { receiver: first.or_else(|| self.events.upgrade().map(|sender| sender.subscribe())) }
    }

    /// Runs a command as a client inside this process, who needs no password.
    ///
    /// An error reply is a [`Value::Error`]. A command that answers with several replies gives them as an array, one that
    /// answers with none gives [`Value::Null`]. What a command sets up for its connection (a subscription, a name) ends with it.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Stopped`] when the sentinel ended or the command ended it.
    pub async fn command<W: Into<Vec<u8>>>(&self, words: impl IntoIterator<Item = W>) -> Result<Value> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Command { request: Request::new(words), answer }).await?;
        answered.await.map_err(|_| stopped("the sentinel has ended"))?
    }

    /// All that it knows at this moment.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Stopped`] when it has ended.
    pub async fn status(&self) -> Result<Status> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Status { answer }).await?;
        answered.await.map_err(|_| stopped("the sentinel has ended"))
    }

    /// Ends it; returns when its sockets, tasks and files are closed, which takes less than 100 ms.
    ///
    /// A write of the configuration that is under way gets that long to finish. Scripts that run are left alone.
    pub async fn stop(&self) -> Exit {
        // It fails when the sentinel has ended already.
        let _ = self.orders.send(Order::Stop).await;
        self.wait().await
    }

    /// Returns when it has ended, by itself or by [`Sentinel::stop`].
    pub async fn wait(&self) -> Exit {
        let mut ended = self.ended.clone();
        let exit = ended.wait_for(Option::is_some).await.map(|exit| *exit);
        // Without a word the task was dropped, with its runtime or by a panic of ours.
        exit.ok().flatten().unwrap_or(Exit { code: Some(1) })
    }

    async fn order(&self, order: Order) -> Result<()> {
        self.orders.send(order).await.map_err(|_| stopped("the sentinel has ended"))
    }
}

impl Events {
    /// The next event; `None` when the sentinel has ended.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.receiver.as_mut()?.recv().await {
            Ok(event) => Some(Heard::Event(event)),
            Err(broadcast::error::RecvError::Lagged(count)) => Some(Heard::Missed(count)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests;

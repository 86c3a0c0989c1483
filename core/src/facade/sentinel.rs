//! Decides what a sentinel inside the program is to a binding: started, commanded, watched and stopped by one small handle.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Address,
    call::Call,
    event::Event,
    events::Events,
    failure::{Failure, Result},
    mailbox::{Audience, Sender},
    monitor::Monitor,
    options::Options,
    reply::Reply,
    runtime, sentinel_setup,
    status::Status,
};
use crate::driver::{self, Heard};

/// A running sentinel; clones stand for the same one, and it ends soon after the last of them is dropped.
///
/// # Example
/// ```
/// use sentinelle::facade::{Monitor, Options, Patience, Sentinel};
///
/// # fn main() -> Result<(), sentinelle::facade::Failure> {
/// let options = Options::new().with("listen", "127.0.0.1:0")?;
/// let patience = Patience::ms(5_000);
///
/// let sentinel = Sentinel::start(&options, &[Monitor::new("cart", "127.0.0.1", 6379, 1)]).wait(&patience)?;
/// let status = sentinel.status().wait(&patience)?;
/// assert_eq!(status.masters[0].name, "cart");
/// sentinel.stop().wait(&patience)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Sentinel {
    shared: Arc<Shared>,
}

struct Shared {
    pid: u32,
    running: driver::Sentinel,
}

/// How a sentinel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The exit code of a process, when it ended by itself (`SHUTDOWN`); none when it was stopped.
    pub code: Option<i32>,
}

impl Sentinel {
    /// Starts a sentinel with these options that monitors these masters; done when it listens.
    ///
    /// Options: those of [`super::Scope::Sentinel`].
    ///
    /// # Errors
    /// [`super::ErrorKind::Config`] for what cannot be used, [`super::ErrorKind::Listen`] with the address that cannot be had,
    /// [`super::ErrorKind::File`].
    pub fn start(options: &Options, masters: &[Monitor]) -> Call<Self> {
        Self::start_with(sentinel_setup::of_masters(options, masters))
    }

    /// Starts a sentinel as the configuration file says, which is also where its state is kept.
    ///
    /// # Errors
    /// As [`Sentinel::start`]; the text names the line that cannot be used.
    pub fn start_from_file(path: impl AsRef<Path>, options: &Options) -> Call<Self> {
        let (path, options): (PathBuf, _) = (path.as_ref().to_owned(), options.clone());
        Self::start_with(sentinel_setup::of_file(&path, &options))
    }

    /// Starts a sentinel as the text of a configuration file says; the text itself is kept nowhere.
    ///
    /// # Errors
    /// As [`Sentinel::start_from_file`].
    pub fn start_from_text(text: &str, options: &Options) -> Call<Self> {
        Self::start_with(sentinel_setup::of_text(text, options))
    }

    fn start_with(builder: Result<driver::SentinelBuilder>) -> Call<Self> {
        let builder = match builder {
            Ok(builder) => builder,
            Err(failure) => return Call::done(Err(failure)),
        };
        Call::start(async move {
            let running = builder.start().await?;
            Ok(Self { shared: Arc::new(Shared { pid: std::process::id(), running }) })
        })
    }

    /// Its identity: 40 hexadecimal digits.
    pub fn id(&self) -> &str {
        self.shared.running.id().as_str()
    }

    /// The first address it listens on; none when it listens nowhere.
    pub fn address(&self) -> Option<Address> {
        self.shared.running.address().map(Address::from)
    }

    /// Every address it listens on.
    pub fn addresses(&self) -> Vec<Address> {
        self.shared.running.addresses().iter().copied().map(Address::from).collect()
    }

    /// Runs a command as a client inside this process, who needs no password; an error reply is a reply.
    ///
    /// # Errors
    /// [`super::ErrorKind::Stopped`] when it has ended, [`super::ErrorKind::Forked`].
    pub fn command<W: Into<Vec<u8>>>(&self, words: impl IntoIterator<Item = W>) -> Call<Reply> {
        let words: Vec<Vec<u8>> = words.into_iter().map(Into::into).collect();
        self.ask(|shared| async move { Ok(shared.running.command(words).await?) })
    }

    /// Monitors a further master (`SENTINEL MONITOR`, then `SENTINEL SET` for its options).
    ///
    /// # Errors
    /// [`super::ErrorKind::Server`] with the sentinel's words when it refuses, [`super::ErrorKind::Config`], [`super::ErrorKind::Stopped`].
    pub fn monitor(&self, master: &Monitor) -> Call<()> {
        let orders = match master.orders() {
            Ok(orders) => orders,
            Err(failure) => return Call::done(Err(failure)),
        };
        self.ask(|shared| async move {
            for order in orders {
                shared.obey("monitor a master", order).await?;
            }
            Ok(())
        })
    }

    /// Stops monitoring a master (`SENTINEL REMOVE`).
    ///
    /// # Errors
    /// [`super::ErrorKind::Server`] when it monitors none of that name, [`super::ErrorKind::Stopped`].
    pub fn remove(&self, master: &str) -> Call<()> {
        self.order("remove a master", &["SENTINEL", "REMOVE", master])
    }

    /// Changes options of a master (`SENTINEL SET`): those of [`super::Scope::Monitor`], and `quorum`.
    ///
    /// # Errors
    /// [`super::ErrorKind::Config`] for an option that cannot be used, [`super::ErrorKind::Server`], [`super::ErrorKind::Stopped`].
    pub fn set(&self, master: &str, options: &[(&str, &str)]) -> Call<()> {
        match Monitor::changes(master, options) {
            Ok(words) => self.obey("set an option", words),
            Err(failure) => Call::done(Err(failure)),
        }
    }

    /// Orders a failover (`SENTINEL FAILOVER`); done when it has begun.
    ///
    /// # Errors
    /// [`super::ErrorKind::Quorum`] when there is no replica to promote, [`super::ErrorKind::Server`], [`super::ErrorKind::Stopped`].
    pub fn failover(&self, master: &str, how: FailoverKind) -> Call<()> {
        match how {
            FailoverKind::Usual => self.order("order a failover", &["SENTINEL", "FAILOVER", master]),
            FailoverKind::Coordinated => {
                self.order("order a failover", &["SENTINEL", "FAILOVER", master, "COORDINATED"])
            }
        }
    }

    /// Asks whether enough sentinels can be reached (`SENTINEL CKQUORUM`); gives the sentinel's words.
    ///
    /// # Errors
    /// [`super::ErrorKind::Quorum`] with the sentinel's words when there are not, [`super::ErrorKind::Server`], [`super::ErrorKind::Stopped`].
    pub fn check_quorum(&self, master: &str) -> Call<String> {
        let words = to_words(&["SENTINEL", "CKQUORUM", master]);
        self.ask(|shared| async move {
            let reply = shared.obey("check the quorum", words).await?;
            Ok(reply.as_text().unwrap_or_default().to_owned())
        })
    }

    /// Forgets the replicas and peers of the masters whose name matches (`SENTINEL RESET`); gives how many those are.
    ///
    /// # Errors
    /// [`super::ErrorKind::Stopped`]
    pub fn reset(&self, pattern: &str) -> Call<u64> {
        let words = to_words(&["SENTINEL", "RESET", pattern]);
        self.ask(|shared| async move {
            let reply = shared.obey("reset masters", words).await?;
            Ok(if let Reply::Integer(count) = reply { u64::try_from(count).unwrap_or_default() } else { 0 })
        })
    }

    /// Writes its state to its file (`SENTINEL FLUSHCONFIG`).
    ///
    /// # Errors
    /// [`super::ErrorKind::Server`] when it cannot be written, [`super::ErrorKind::Stopped`].
    pub fn flush_config(&self) -> Call<()> {
        self.order("write the configuration", &["SENTINEL", "FLUSHCONFIG"])
    }

    /// All that it knows at this moment.
    ///
    /// # Errors
    /// [`super::ErrorKind::Stopped`] when it has ended, [`super::ErrorKind::Forked`].
    pub fn status(&self) -> Call<Status> {
        self.ask(|shared| async move { Ok(shared.running.status().await?.into()) })
    }

    /// Its events: for the first who asks from the start, for others from this moment on.
    ///
    /// # Errors
    /// [`super::ErrorKind::Forked`]
    pub fn events(&self) -> Result<Events> {
        self.check_process()?;
        let (events, sender) = Events::new("stream of events");
        runtime::handle()?.spawn(pass_on(self.shared.running.events(), sender));
        Ok(events)
    }

    /// Ends it; done when its sockets, tasks and files are closed, which takes less than 100 ms.
    ///
    /// # Errors
    /// [`super::ErrorKind::Forked`]
    pub fn stop(&self) -> Call<Exit> {
        self.ask(|shared| async move { Ok(Exit { code: shared.running.stop().await.code }) })
    }

    /// Done when it has ended, by itself or by [`Sentinel::stop`].
    ///
    /// # Errors
    /// [`super::ErrorKind::Forked`]
    pub fn ended(&self) -> Call<Exit> {
        self.ask(|shared| async move { Ok(Exit { code: shared.running.wait().await.code }) })
    }

    fn order(&self, operation: &'static str, words: &[&str]) -> Call<()> {
        self.obey(operation, to_words(words))
    }

    fn obey(&self, operation: &'static str, words: Vec<Vec<u8>>) -> Call<()> {
        self.ask(move |shared| async move { shared.obey(operation, words).await.map(drop) })
    }

    fn ask<T, F>(&self, question: impl FnOnce(Arc<Shared>) -> F) -> Call<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        match self.check_process() {
            Ok(()) => Call::start_own(question(Arc::clone(&self.shared))),
            Err(failure) => Call::done(Err(failure)),
        }
    }

    fn check_process(&self) -> Result<()> {
        if self.shared.pid == std::process::id() { Ok(()) } else { Err(Failure::forked("sentinel")) }
    }
}

/// How a failover is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailoverKind {
    /// A replica is promoted; what it had not received is lost.
    #[default]
    Usual,
    /// The servers hand over among themselves (Redis 6.2 and later), and nothing is lost.
    Coordinated,
}

impl Shared {
    /// Runs a command; an error reply is a failure.
    async fn obey(&self, operation: &'static str, words: Vec<Vec<u8>>) -> Result<Reply> {
        let reply = self.running.command(words).await?;
        if let Reply::Error(text) = &reply { Err(Failure::of_reply(operation, text)) } else { Ok(reply) }
    }
}

impl fmt::Debug for Sentinel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sentinel({})", self.id())
    }
}

async fn pass_on(mut events: driver::Events, sender: Sender<Event>) {
    while let Some(heard) = events.next().await {
        match heard {
            Heard::Event(event) => {
                if sender.put(Event::from(event)) == Audience::Gone {
                    return;
                }
            }
            Heard::Missed(count) => sender.lose(count),
        }
    }
    sender.close();
}

fn to_words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

//! Decides what a discovery is to a binding: find the master, watch it, hear of switches; shared by all with the same options.

use std::{fmt, os::fd::RawFd, sync::Arc};

use super::{
    Address,
    call::Call,
    event::Event,
    events::Events,
    failure::{Failure, Result},
    gate::Gate,
    hubs::{Hub, HubPlace},
    mailbox::{Mailbox, Next, Sender},
    options::{Options, Scope},
    patience::Patience,
    runtime,
    topology::Topology,
};
use crate::{
    discovery,
    error::ErrorKind,
    finder::{self, Phase},
    types::{Endpoint, Generation, MasterName, Millis},
};

/// Finds masters through sentinels and watches them; clones stand for the same one.
///
/// In a process, all that are opened with the same options share their connections: one to each watched sentinel. In a forked
/// child it is built anew on its first use.
#[derive(Clone)]
pub struct Discovery {
    options: Arc<Options>,
    place: Arc<HubPlace>,
}

/// What a client saw of a master that makes it doubtful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It refused a write: it is a replica.
    ReadOnly,
    /// It is not ready: it loads its data, or its master is gone.
    NotReady,
    /// A connection to it was lost, or could not be made.
    Disconnected,
    /// It did not answer in time.
    TimedOut,
    /// It names another server as the master.
    Redirected(Address),
}

/// Pictures of one master, the newest first of all: what is not fetched is overtaken.
#[derive(Clone)]
pub struct Watch {
    mailbox: Mailbox<Topology>,
    hub: Arc<Hub>,
}

impl Discovery {
    /// Opens a discovery; it begins its search at the first question.
    ///
    /// Options: those of [`super::Scope::Discovery`]; those of a pool are passed over, so that one URL serves both.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for what cannot be used.
    pub fn open(options: &Options) -> Result<Self> {
        options.check_scopes("discovery", &[Scope::Discovery, Scope::Pool])?;
        Ok(Self { place: Arc::new(HubPlace::new(options)?), options: Arc::new(options.clone()) })
    }

    /// Opens a discovery for a URL, as [`Options::from_url`] reads it.
    ///
    /// # Errors
    /// As [`Discovery::open`].
    pub fn open_url(url: &str) -> Result<Self> {
        Self::open(&Options::from_url(url)?)
    }

    /// The master, verified; waits `limit_ms` at most until there is one.
    ///
    /// # Errors
    /// [`ErrorKind::MasterUnknown`], [`ErrorKind::MasterNotReady`], [`ErrorKind::SentinelsUnreachable`],
    /// [`ErrorKind::NoAgreement`], each with what every sentinel said; [`ErrorKind::Argument`] for a name that is not legal.
    pub fn master(&self, name: &str, limit_ms: u64) -> Call<Address> {
        let name = name.to_owned();
        self.ask(|discovery| async move {
            let master = discovery.master(&name, Millis::new(limit_ms)).await?;
            Ok(Address::from(&master))
        })
    }

    /// The whole picture, once the master is verified.
    ///
    /// # Errors
    /// As [`Discovery::master`].
    pub fn resolve(&self, name: &str, limit_ms: u64) -> Call<Topology> {
        self.wait_until(name, limit_ms, is_up)
    }

    /// The replicas that may be read from; waits `limit_ms` at most until the master is known.
    ///
    /// # Errors
    /// As [`Discovery::master`].
    pub fn replicas(&self, name: &str, limit_ms: u64) -> Call<Vec<Address>> {
        let name = name.to_owned();
        self.ask(|discovery| async move {
            let replicas = discovery.replicas(&name, Millis::new(limit_ms)).await?;
            Ok(replicas.iter().map(Address::from).collect())
        })
    }

    /// The picture at this moment, without a wait; the first question for a name begins the search.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that is not legal, [`ErrorKind::Stopped`] after [`Discovery::close`].
    pub fn topology(&self, name: &str) -> Result<Topology> {
        Ok(Topology::from(&*self.place.hub()?.discovery.topology(name)?))
    }

    /// Waits until the master's generation is greater than `after` and it is verified; `limit_ms` at most.
    ///
    /// # Errors
    /// As [`Discovery::master`].
    pub fn wait_switch(&self, name: &str, after: u64, limit_ms: u64) -> Call<Topology> {
        self.wait_until(name, limit_ms, move |topology| is_up(topology) && topology.generation.as_u64() > after)
    }

    /// Watches one master: each change of its generation, phase or replicas gives a picture, the first at once.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that is not legal, [`ErrorKind::Stopped`].
    pub fn watch(&self, name: &str) -> Result<Watch> {
        let hub = self.place.hub()?;
        let watch = hub.discovery.watch(name)?;
        let mailbox = Mailbox::new("watch", 1);
        runtime::handle()?.spawn(show(watch, mailbox.sender()));
        Ok(Watch { mailbox, hub })
    }

    /// Tells at any moment whether writes may leave for one master.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that is not legal, [`ErrorKind::Stopped`].
    pub fn gate(&self, name: &str) -> Result<Gate> {
        let hub = self.place.hub()?;
        Ok(Gate::new(hub.discovery.watch(name)?, hub))
    }

    /// Everything that happens from this moment on, of all masters; they last as long as this discovery.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`]
    pub fn events(&self) -> Result<Events> {
        let told = self.place.hub()?.discovery.events();
        let (events, sender) = Events::new("stream of events");
        runtime::handle()?.spawn(tell(told, sender));
        Ok(events)
    }

    /// Tells what a client saw of the master of that generation; work begins at once, news of older generations is passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that is not legal, [`ErrorKind::Stopped`].
    pub fn suspect(&self, name: &str, generation: u64, sign: Sign) -> Result<()> {
        let hub = self.place.hub()?;
        hub.discovery.suspect(&legal(name)?, Generation::new(generation), sign.told()?);
        Ok(())
    }

    /// Has the sentinels asked again, and gives the picture as soon as a master is verified; what they tell later comes as a
    /// change.
    ///
    /// # Errors
    /// As [`Discovery::master`].
    pub fn refresh(&self, name: &str, limit_ms: u64) -> Call<Topology> {
        let asked = legal(name).and_then(|name| {
            self.place.hub()?.discovery.refresh(&name);
            Ok(())
        });
        match asked {
            Ok(()) => self.resolve(name, limit_ms),
            Err(failure) => Call::done(Err(failure)),
        }
    }

    /// The names of all masters that fit the glob, as one of the sentinels knows them.
    ///
    /// # Errors
    /// [`ErrorKind::SentinelsUnreachable`], [`ErrorKind::Stopped`]
    pub fn masters(&self, glob: &str, limit_ms: u64) -> Call<Vec<String>> {
        let glob = glob.to_owned();
        self.ask(|discovery| async move {
            let names = discovery.masters(&glob, Millis::new(limit_ms)).await?;
            Ok(names.iter().map(ToString::to_string).collect())
        })
    }

    /// Lets go of it, for all its clones: its connections close when nobody else of this process uses them.
    pub fn close(&self) -> Call<()> {
        self.place.close();
        Call::done(Ok(()))
    }

    /// The options it was opened with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    fn wait_until(
        &self,
        name: &str,
        limit_ms: u64,
        wanted: impl Fn(&finder::Topology) -> bool + Send + 'static,
    ) -> Call<Topology> {
        let name = name.to_owned();
        self.ask(move |discovery| async move {
            let mut watch = discovery.watch(&name)?;
            let topology = watch.wait_for(Millis::new(limit_ms), wanted).await?;
            Ok(Topology::from(&*topology))
        })
    }

    /// Starts a question to the hub, which lasts at least until it is answered.
    fn ask<T, F>(&self, question: impl FnOnce(discovery::Discovery) -> F) -> Call<T>
    where
        T: Send + 'static,
        F: Future<Output = crate::error::Result<T>> + Send + 'static,
    {
        match self.place.hub() {
            Ok(hub) => {
                let answer = question(hub.discovery.clone());
                Call::start(async move {
                    let answer = answer.await;
                    drop(hub);
                    answer
                })
            }
            Err(failure) => Call::done(Err(failure)),
        }
    }
}

impl Sign {
    /// The sign of that name: `read-only`, `not-ready`, `disconnected`, `timed-out`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "read-only" => Some(Self::ReadOnly),
            "not-ready" => Some(Self::NotReady),
            "disconnected" => Some(Self::Disconnected),
            "timed-out" => Some(Self::TimedOut),
            _ => None,
        }
    }

    fn told(self) -> Result<finder::Sign> {
        Ok(match self {
            Self::ReadOnly => finder::Sign::ReadOnly,
            Self::NotReady => finder::Sign::NotReady,
            Self::Disconnected => finder::Sign::Disconnected,
            Self::TimedOut => finder::Sign::Timeouts,
            Self::Redirected(Address { host, port }) => {
                let unusable = || Failure::new(ErrorKind::Argument, "suspect a master", format!("\"{host}\" {port}"));
                finder::Sign::Redirected(Endpoint::parse(&host, port).ok_or_else(unusable)?)
            }
        })
    }
}

impl Watch {
    /// The newest picture that was not fetched yet; waits until there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`], [`ErrorKind::Forked`]
    pub fn next(&self, patience: &Patience<'_>) -> Result<Next<Topology>> {
        Ok(match self.mailbox.next(patience)? {
            Next::Item((topology, _)) => Next::Item(topology),
            Next::Empty => Next::Empty,
            Next::Closed => Next::Closed,
        })
    }

    /// The same, awaited; none when no more will come.
    pub fn next_call(&self) -> Call<Option<Topology>> {
        let mailbox = self.mailbox.clone();
        Call::start_own(async move { Ok(mailbox.wait().await.map(|(topology, _)| topology)) })
    }

    /// A descriptor that is readable while a picture waits or when none will come; only to be polled.
    ///
    /// # Errors
    /// [`ErrorKind::File`], [`ErrorKind::Forked`]
    pub fn fd(&self) -> Result<RawFd> {
        self.mailbox.fd()
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Discovery({})", self.options.get("sentinels").unwrap_or_default())
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch({:?})", self.hub)
    }
}

/// Shows each picture until nobody looks any more.
async fn show(mut watch: discovery::Watch, sender: Sender<Topology>) {
    let mut shown = None;
    loop {
        let topology = watch.current();
        if shown.as_ref() != Some(&topology) {
            sender.put(Topology::from(&*topology));
            shown = Some(topology);
        }
        let changed = tokio::select! {
            changed = watch.changed() => changed,
            () = sender.gone() => return,
        };
        if changed.is_err() {
            sender.close();
            return;
        }
    }
}

/// Tells each event until nobody listens any more.
async fn tell(mut events: discovery::Events, sender: Sender<Event>) {
    loop {
        let notice = tokio::select! {
            notice = events.next() => notice,
            () = sender.gone() => return,
        };
        let Some(notice) = notice else {
            sender.close();
            return;
        };
        sender.lose(notice.lost);
        sender.put(Event::from(notice));
    }
}

fn is_up(topology: &finder::Topology) -> bool {
    topology.phase == Phase::Up && topology.master.is_some()
}

fn legal(name: &str) -> Result<MasterName> {
    let unusable = || Failure::new(ErrorKind::Argument, "find the master", format!("\"{name}\" can be no name"));
    MasterName::parse(name).ok_or_else(unusable)
}

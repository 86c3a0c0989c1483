//! Decides what a discovery is to a binding: find the master, watch it, hear of switches; shared by all with the same options.

use std::{fmt, os::fd::RawFd};

use super::{
    Address,
    call::Call,
    events::Events,
    failure::{Failure, Result},
    mailbox::{Mailbox, Next},
    options::Options,
    patience::Patience,
    topology::Topology,
};
use crate::error::ErrorKind;

/// Finds masters through sentinels and watches them; clones stand for the same one.
///
/// In a process, all that are opened with the same options share their connections: one to each watched sentinel. In a forked
/// child it is built anew on its first use.
#[derive(Clone)]
pub struct Discovery {
    options: Options,
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
}

impl Discovery {
    /// Opens a discovery; it begins its search at the first question.
    ///
    /// Options: those of [`super::Scope::Discovery`]; those of a pool are passed over, so that one URL serves both.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for what cannot be used, [`ErrorKind::Tls`] for certificates.
    pub fn open(options: &Options) -> Result<Self> {
        Ok(Self { options: options.clone() })
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
    /// [`ErrorKind::NoAgreement`], each with what every sentinel said; [`ErrorKind::Config`] for a name that is not legal.
    pub fn master(&self, name: &str, limit_ms: u64) -> Call<Address> {
        let _ = limit_ms;
        pending(name)
    }

    /// The whole picture, once the master is verified.
    ///
    /// # Errors
    /// As [`Discovery::master`].
    pub fn resolve(&self, name: &str, limit_ms: u64) -> Call<Topology> {
        let _ = limit_ms;
        pending(name)
    }

    /// The replicas that may be read from; waits `limit_ms` at most until the master is known.
    ///
    /// # Errors
    /// As [`Discovery::master`].
    pub fn replicas(&self, name: &str, limit_ms: u64) -> Call<Vec<Address>> {
        let _ = limit_ms;
        pending(name)
    }

    /// The picture at this moment, without a wait.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a name that is not legal, [`ErrorKind::Stopped`] after [`Discovery::close`].
    pub fn topology(&self, name: &str) -> Result<Topology> {
        Err(unfinished(name))
    }

    /// Waits until the generation is greater than `after`; `limit_ms` at most.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], [`ErrorKind::Config`], [`ErrorKind::Stopped`]
    pub fn wait_switch(&self, name: &str, after: u64, limit_ms: u64) -> Call<Topology> {
        let _ = (after, limit_ms);
        pending(name)
    }

    /// Watches one master: each change of its generation, phase or replicas gives a picture, the first at once.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a name that is not legal, [`ErrorKind::Stopped`].
    pub fn watch(&self, name: &str) -> Result<Watch> {
        Err(unfinished(name))
    }

    /// Everything that happens from this moment on, of all masters.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`]
    pub fn events(&self) -> Result<Events> {
        Err(unfinished("events"))
    }

    /// Tells what a client saw of the master of that generation; work begins at once, news of older generations is passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], [`ErrorKind::Stopped`]
    pub fn suspect(&self, name: &str, generation: u64, sign: Sign) -> Result<()> {
        let _ = (generation, sign);
        Err(unfinished(name))
    }

    /// Asks the sentinels again; done when they have answered.
    ///
    /// # Errors
    /// As [`Discovery::master`].
    pub fn refresh(&self, name: &str, limit_ms: u64) -> Call<Topology> {
        let _ = limit_ms;
        pending(name)
    }

    /// The names of all masters that fit the glob.
    ///
    /// # Errors
    /// [`ErrorKind::SentinelsUnreachable`]
    pub fn masters(&self, glob: &str, limit_ms: u64) -> Call<Vec<String>> {
        let _ = limit_ms;
        pending(glob)
    }

    /// Lets go of it: its connections close when nobody else uses them.
    pub fn close(&self) -> Call<()> {
        Call::done(Ok(()))
    }

    /// The options it was opened with.
    pub fn options(&self) -> &Options {
        &self.options
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
        f.write_str("Watch")
    }
}

fn pending<T: Send + 'static>(name: &str) -> Call<T> {
    Call::done(Err(unfinished(name)))
}

pub(super) fn unfinished(what: &str) -> Failure {
    Failure::new(ErrorKind::Unsupported, "use the client", what)
}

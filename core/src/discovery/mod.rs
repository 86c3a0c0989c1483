//! Finds masters for clients and follows them: connections to the sentinels, verified answers, snapshots to share.
//!
//! One task owns the [`crate::finder::Finder`] and carries out what it asks for; users read snapshots and never wait
//! for it. [`crate::manual::clients`] tells how a master is found and what can be set.

mod access;
mod bell;
mod board;
mod builder;
mod dial;
mod handshake;
mod links;
mod trial;
mod turn;
mod url;
mod watch;

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;

pub use access::{Access, CredentialSource, Credentials, Login};
use board::Board;
pub use builder::DiscoveryBuilder;
pub use dial::{BlockingConnection, Connection, Dialer};
pub use handshake::{Handshake, Introduction, ReplicaState, ServerKind, ServerRole, Welcome};
pub use url::{ClientUrl, UrlOptions};
use watch::closed;
pub use watch::{Events, Notice, Switch, Switches, Watch};

use crate::{
    error::{Error, ErrorKind, Result},
    finder::{Event, EventKind, Phase, Sign, Topology},
    net::Clock,
    types::{Endpoint, Generation, MasterName, Millis, glob_matches},
};

/// Knows the masters of one set of sentinels.
///
/// Clones are the same discovery: they share its connections, one to each watched sentinel. It ends when the last is
/// dropped, or by [`Discovery::close`]. It runs on the tokio runtime it was started on.
#[derive(Clone, Debug)]
pub struct Discovery {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    board: Arc<Board>,
    sentinels: Dialer,
    data: Dialer,
    clock: Clock,
}

impl Discovery {
    /// A discovery to be set up.
    pub fn builder() -> DiscoveryBuilder {
        DiscoveryBuilder::default()
    }

    /// A discovery of the sentinels that a URL names, started on the current tokio runtime.
    ///
    /// # Errors
    /// Those of [`ClientUrl::parse`] and [`DiscoveryBuilder::start`].
    pub fn open(url: &str) -> Result<Self> {
        ClientUrl::parse(url)?.discovery.start()
    }

    /// The address of the master, which has shown that it is one.
    ///
    /// It waits for a master that is in place: while the old one is being replaced, for the new one.
    ///
    /// # Errors
    /// After `patience` why there is none: [`ErrorKind::SentinelsUnreachable`], [`ErrorKind::MasterUnknown`],
    /// [`ErrorKind::MasterNotReady`], [`ErrorKind::NoAgreement`] or [`ErrorKind::Auth`] with what each sentinel said,
    /// [`ErrorKind::Timeout`] when the first search has not ended yet. [`ErrorKind::Argument`] for a name that cannot
    /// be, [`ErrorKind::Stopped`] when it is closed.
    pub async fn master(&self, name: &str, patience: Millis) -> Result<Endpoint> {
        let mut watch = self.watch(name)?;
        let topology = watch.wait_for(patience, is_up).await?;
        topology.master.clone().ok_or_else(closed)
    }

    /// The addresses of the replicas that may be read from, as far as the sentinels can tell; maybe none.
    ///
    /// # Errors
    /// Those of [`Discovery::master`].
    pub async fn replicas(&self, name: &str, patience: Millis) -> Result<Vec<Endpoint>> {
        let mut watch = self.watch(name)?;
        let topology = watch.wait_for(patience, is_up).await?;
        Ok(topology.replicas.iter().map(|replica| replica.address.clone()).collect())
    }

    /// What is known of a master at this moment; never waits. The first call for a name begins to look for it.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that cannot be.
    pub fn topology(&self, name: &str) -> Result<Arc<Topology>> {
        Ok(self.watch(name)?.current())
    }

    /// Follows a master.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that cannot be.
    pub fn watch(&self, name: &str) -> Result<Watch> {
        Ok(Watch::new(parse_name(name)?, Arc::clone(&self.handle.board)))
    }

    /// The switches of a master from now on.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that cannot be.
    pub fn switches(&self, name: &str) -> Result<Switches> {
        self.watch(name).map(Switches::new)
    }

    /// The events of all masters and sentinels from now on.
    pub fn events(&self) -> Events {
        Events::new(Arc::clone(&self.handle.board))
    }

    /// Tells of a sign that the master of `generation` may be master no more: it is looked at anew.
    pub fn suspect(&self, name: &MasterName, generation: Generation, sign: Sign) {
        let key = (name.clone(), sign.name());
        self.handle.board.wish(|wishes| {
            wishes.signs.insert(key, (generation, sign));
        });
    }

    /// Has a master looked at anew, without a sign.
    pub fn refresh(&self, name: &MasterName) {
        self.handle.board.wish(|wishes| {
            wishes.refresh.insert(name.clone());
        });
    }

    /// The names of the masters that a sentinel monitors and that match `glob`, in order.
    ///
    /// # Errors
    /// [`ErrorKind::SentinelsUnreachable`] when none answers within `patience`, [`ErrorKind::Stopped`] when it is closed.
    pub async fn masters(&self, glob: &str, patience: Millis) -> Result<Vec<MasterName>> {
        let (answer, answered) = oneshot::channel();
        if self.handle.board.is_closed() {
            return Err(closed());
        }
        self.handle.board.wish(|wishes| wishes.surveys.push(answer));
        let unreachable = || Error::new(ErrorKind::SentinelsUnreachable, "list the masters", format!("\"{glob}\""));
        let names = tokio::time::timeout(Duration::from(patience), answered).await.map_err(|_| unreachable())?;
        let names = names.map_err(|_| closed())?;
        Ok(names.into_iter().filter(|name| glob_matches(glob.as_bytes(), name.as_str().as_bytes())).collect())
    }

    /// Publishes an event that a user of a master has to tell.
    pub fn publish(&self, master: Option<&MasterName>, kind: EventKind) {
        let event = Event { at: self.handle.clock.now(), master: master.cloned(), kind };
        self.handle.board.feed.publish(event);
    }

    /// The clock of its snapshots and events.
    pub fn clock(&self) -> Clock {
        self.handle.clock
    }

    /// Makes connections to data servers as this discovery's settings say.
    pub fn data(&self) -> &Dialer {
        &self.handle.data
    }

    /// Makes connections to sentinels as this discovery's settings say.
    pub fn sentinels(&self) -> &Dialer {
        &self.handle.sentinels
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.handle.board.is_closed()
    }

    /// Ends it, for all clones; returns when its connections are closed.
    pub async fn close(&self) {
        self.handle.board.wish(|wishes| wishes.close = true);
        if !self.is_closed() {
            self.handle.board.ended.wait(0).await;
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.board.wish(|wishes| wishes.close = true);
    }
}

fn is_up(topology: &Topology) -> bool {
    topology.phase == Phase::Up && topology.master.is_some()
}

fn parse_name(name: &str) -> Result<MasterName> {
    let unusable = || Error::new(ErrorKind::Argument, "find the master", format!("\"{name}\" can be no name"));
    MasterName::parse(name).ok_or_else(unusable)
}

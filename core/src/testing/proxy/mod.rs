//! Decides what lies between the members of a group: a front for each, behind which faults are made.
//!
//! A front is the address a member announces. It is ours from the start to the end, whether the process behind it runs
//! or not, so nobody else can take it meanwhile. The source of a connection tells who opened it.

mod passage;
mod pump;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

pub(super) use passage::Passages;
pub use passage::{Fate, Passage};
use pump::pump;

use super::{background::Background, group::Member};
use crate::{
    error::{Error, ErrorKind, Result},
    types::Millis,
};

/// The most connections of one front; more wait in the system's queue.
const MOST: usize = 1024;
/// How long a front waits after a failed accept, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(5);

/// The announced address of one member; dropping it ends its connections.
#[derive(Debug)]
pub(super) struct Front {
    address: SocketAddr,
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

/// What each connection of a front needs to know.
#[derive(Debug)]
struct Desk {
    member: Member,
    passages: Arc<Passages>,
    behind: Mutex<Option<SocketAddr>>,
    resets: watch::Sender<()>,
}

impl Front {
    /// Listens on a free port of 127.0.0.1; connections are reset until [`Front::lead_to`] says where they lead.
    pub(super) fn open(member: Member, passages: &Arc<Passages>, background: &Background) -> Result<Self> {
        let failed = |error| Error::new(ErrorKind::Listen, "listen for", member.to_string()).because(error);
        let desk = Arc::new(Desk {
            member,
            passages: Arc::clone(passages),
            behind: Mutex::default(),
            resets: watch::Sender::new(()),
        });
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let _inside = background.handle().enter();
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        let task = background.handle().spawn(Arc::clone(&desk).serve(listener));
        Ok(Self { address, desk, task })
    }

    /// The announced address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says where the process listens.
    pub(super) fn lead_to(&self, behind: SocketAddr) {
        *self.desk.behind.lock().unwrap_or_else(PoisonError::into_inner) = Some(behind);
    }

    /// Resets all connections from now on, because the process is gone and its port may become another's.
    pub(super) fn lead_nowhere(&self) {
        *self.desk.behind.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Resets all connections that are open.
    pub(super) fn reset_connections(&self) {
        self.desk.resets.send_replace(());
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Desk {
    async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept(), if open.len() < MOST => match accepted {
                    Ok((stream, peer)) => {
                        open.spawn(Arc::clone(&self).attend(stream, Member::of_source(peer.ip())));
                    }
                    Err(_) => tokio::time::sleep(BREATH).await,
                },
                Some(_) = open.join_next() => {}
            }
        }
    }

    /// The life of one connection.
    async fn attend(self: Arc<Self>, mut near: TcpStream, source: Member) {
        let cut = self.cut(source);
        tokio::pin!(cut);
        let far = tokio::select! {
            () = &mut cut => None,
            far = self.reach(source) => far.ok(),
        };
        let Some(mut far) = far else { return reset(&near) };
        let ended = tokio::select! {
            () = &mut cut => Err(io::ErrorKind::ConnectionReset.into()),
            ended = self.carry(source, &mut near, &mut far) => ended,
        };
        if ended.is_err() {
            reset(&near);
            reset(&far);
        }
    }

    /// Returns when the connections of that source are to be reset.
    async fn cut(&self, source: Member) {
        let (mut changes, mut resets) = (self.passages.changes(), self.resets.subscribe());
        while self.fates(source).iter().all(|fate| *fate != Fate::Reset) {
            tokio::select! {
                _ = changes.changed() => {}
                _ = resets.changed() => return,
            }
        }
    }

    /// Connects to the process, once both directions are open.
    async fn reach(&self, source: Member) -> io::Result<TcpStream> {
        let mut changes = self.passages.changes();
        while self.fates(source).contains(&Fate::Held) {
            // The sender lives as long as the desk.
            let _ = changes.changed().await;
        }
        let behind = self.behind().filter(|_| !self.fates(source).contains(&Fate::Refused));
        let stream = TcpStream::connect(behind.ok_or(io::ErrorKind::ConnectionRefused)?).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Carries bytes both ways until one side has ended.
    async fn carry(&self, source: Member, near: &mut TcpStream, far: &mut TcpStream) -> io::Result<()> {
        near.set_nodelay(true)?;
        let (near_reader, near_writer) = near.split();
        let (far_reader, far_writer) = far.split();
        let there = pump(near_reader, far_writer, (source, self.member), &self.passages);
        let back = pump(far_reader, near_writer, (self.member, source), &self.passages);
        tokio::pin!(back);
        tokio::select! {
            // A server that has said all has nothing more to hear, but a client may still hear.
            ended = &mut back => ended,
            ended = there => match ended {
                Ok(()) => back.await,
                Err(error) => Err(error),
            },
        }
    }

    fn fates(&self, source: Member) -> [Fate; 2] {
        [(source, self.member), (self.member, source)].map(|lane| self.passages.at(lane).fate)
    }

    fn behind(&self) -> Option<SocketAddr> {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the end of a connection a reset.
fn reset(stream: &TcpStream) {
    // Fails only when it has been reset by the other side.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// How long bytes of that number take where so many pass in a second.
fn span_of(bytes: usize, bytes_per_second: u64) -> Duration {
    Duration::from_secs_f64(bytes as f64 / bytes_per_second.max(1) as f64)
}

/// A span between nothing and `most`.
fn part_of(most: Millis, chance: &mut fastrand::Rng) -> Duration {
    Duration::from_micros(chance.u64(0..=most.as_ms().saturating_mul(1000)))
}

#[cfg(test)]
mod tests;

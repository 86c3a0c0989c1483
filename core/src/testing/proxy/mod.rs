//! Decides what lies between the members of a group: a front for each, behind which faults are made.
//!
//! A front is the address a member announces. It is ours from the start to the end, whether the process behind it runs
//! or not, so nobody else can take it meanwhile. The source of a connection tells who opened it.

mod door;
mod passage;
mod pump;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

use door::{Door, Order, Porter};
pub(super) use passage::Passages;
pub use passage::{Fate, Passage, Slices, Toxicity};
use passage::{Lot, Way};
use pump::{End, pump};

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
    door: Door,
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
    /// How many connections each member has made.
    made: Mutex<BTreeMap<Member, u16>>,
    /// The connections that were made and not ended.
    present: Mutex<Vec<Guest>>,
}

/// Who made a connection, and what he drew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Guest {
    source: Member,
    lot: Lot,
}

/// A connection that its maker has not ended; dropped when it is.
struct Presence {
    desk: Arc<Desk>,
    guest: Guest,
}

impl Front {
    /// Takes a free port of 127.0.0.1; connections are refused until [`Front::lead_to`] says where they lead.
    pub(super) fn open(member: Member, passages: &Arc<Passages>, background: &Background) -> Result<Self> {
        let failed = |error| Error::new(ErrorKind::Listen, "listen for", member.to_string()).because(error);
        let desk = Arc::new(Desk {
            member,
            passages: Arc::clone(passages),
            behind: Mutex::default(),
            resets: watch::Sender::new(()),
            made: Mutex::default(),
            present: Mutex::default(),
        });
        let _inside = background.handle().enter();
        let (door, porter, orders) = Door::make().map_err(failed)?;
        let task = background.handle().spawn(Arc::clone(&desk).serve(porter, orders));
        Ok(Self { door, desk, task })
    }

    /// The announced address.
    pub(super) fn address(&self) -> SocketAddr {
        self.door.address()
    }

    /// Says where the process listens, and accepts connections from now on.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`]
    pub(super) fn lead_to(&self, behind: SocketAddr) -> Result<()> {
        let before = self.desk.behind.lock().unwrap_or_else(PoisonError::into_inner).replace(behind);
        if before.is_some() {
            return Ok(());
        }
        let address = self.address().to_string();
        self.door.open().map_err(|error| Error::new(ErrorKind::Listen, "listen on", address).because(error))
    }

    /// Refuses connections from now on, because the process is gone and its port may become another's.
    pub(super) fn lead_nowhere(&self) {
        if self.desk.behind.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.door.shut();
        }
    }

    /// How many connections `source` has open here; those through which nothing passes do not count.
    pub(super) fn count_connections(&self, source: Member) -> usize {
        let present = self.desk.present();
        let usable = |guest: &Guest| guest.source == source && !self.desk.fates(*guest).contains(&Fate::Held);
        present.iter().filter(|guest| usable(guest)).count()
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
    async fn serve(self: Arc<Self>, mut porter: Porter, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                Some(order) = orders.recv() => porter.obey(order),
                accepted = porter.accept(), if open.len() < MOST => match accepted {
                    Ok((stream, peer)) => {
                        let guest = self.welcome(Member::of_source(peer.ip()));
                        open.spawn(Arc::clone(&self).attend(stream, guest));
                    }
                    Err(_) => tokio::time::sleep(BREATH).await,
                },
                Some(_) = open.join_next() => {}
            }
        }
    }

    /// The life of one connection.
    async fn attend(self: Arc<Self>, mut near: TcpStream, guest: Guest) {
        let cut = self.cut(guest);
        tokio::pin!(cut);
        let far = tokio::select! {
            () = &mut cut => None,
            far = self.reach(guest) => far.ok(),
        };
        let Some(mut far) = far else { return reset(&near) };
        let ended = tokio::select! {
            () = &mut cut => Err(io::ErrorKind::ConnectionReset.into()),
            ended = self.carry(guest, &mut near, &mut far) => ended,
        };
        if ended.is_err() {
            reset(&near);
            reset(&far);
        }
    }

    /// Returns when that connection is to be reset.
    async fn cut(&self, guest: Guest) {
        let (mut changes, mut resets) = (self.passages.changes(), self.resets.subscribe());
        while self.fates(guest).iter().all(|fate| *fate != Fate::Reset) {
            tokio::select! {
                _ = changes.changed() => {}
                _ = resets.changed() => return,
            }
        }
    }

    /// Connects to the process, once both directions are open.
    async fn reach(&self, guest: Guest) -> io::Result<TcpStream> {
        let mut changes = self.passages.changes();
        while self.fates(guest).contains(&Fate::Held) {
            // The sender lives as long as the desk.
            let _ = changes.changed().await;
        }
        let behind = self.behind().filter(|_| !self.fates(guest).contains(&Fate::Refused));
        let stream = TcpStream::connect(behind.ok_or(io::ErrorKind::ConnectionRefused)?).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Carries bytes both ways until one side has ended.
    async fn carry(self: &Arc<Self>, guest: Guest, near: &mut TcpStream, far: &mut TcpStream) -> io::Result<()> {
        let presence = Presence::note(self, guest);
        near.set_nodelay(true)?;
        let (near_reader, near_writer) = near.split();
        let (far_reader, far_writer) = far.split();
        let [there, back] = self.ways(guest);
        let there = pump(near_reader, far_writer, there, &self.passages);
        let back = pump(far_reader, near_writer, back, &self.passages);
        tokio::pin!(back);
        tokio::select! {
            // A server that has said all has nothing more to hear, but a client may still hear.
            ended = &mut back => ended.map(drop),
            ended = there => match ended {
                Ok(End::Reached) => {
                    drop(presence);
                    back.await.map(drop)
                }
                Ok(End::CutOff) => Ok(()),
                Err(error) => Err(error),
            },
        }
    }

    /// Whose connection it is, with a lot of its own.
    fn welcome(&self, source: Member) -> Guest {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let number = made.entry(source).or_default();
        *number = number.wrapping_add(1);
        Guest { source, lot: Lot::of(*number) }
    }

    fn present(&self) -> MutexGuard<'_, Vec<Guest>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The two directions of a connection, towards the process first.
    fn ways(&self, Guest { source, lot }: Guest) -> [Way; 2] {
        [(source, self.member), (self.member, source)].map(|lane| Way { lane, lot })
    }

    fn fates(&self, guest: Guest) -> [Fate; 2] {
        self.ways(guest).map(|way| self.passages.at(way).fate)
    }

    fn behind(&self) -> Option<SocketAddr> {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Presence {
    fn note(desk: &Arc<Desk>, guest: Guest) -> Self {
        desk.present().push(guest);
        Self { desk: Arc::clone(desk), guest }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut present = self.desk.present();
        if let Some(at) = present.iter().position(|guest| *guest == self.guest) {
            present.swap_remove(at);
        }
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

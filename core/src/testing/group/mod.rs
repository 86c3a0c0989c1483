//! Decides what a whole group is to a test: servers, sentinels and the network between them, as one value.

mod builder;
mod faults;
mod heal;
mod inside;
mod member;
mod profile;
mod seat;
mod server;
mod snapshot;
#[cfg(test)]
mod tests;
mod waits;

use std::{
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    thread,
};

pub use builder::{Backend, HaGroupBuilder};
pub use member::Member;
pub use profile::{Pace, Profile};
pub use snapshot::{SentinelView, ServerView, Snapshot};

use seat::Seat;
use server::Server;

use super::{
    Client, EventLog,
    background::Background,
    proxy::{Front, Passages},
};
use crate::{
    error::{Error, ErrorKind, Result},
    types::Millis,
};

/// How long a look at a server may take, which is neither dead nor paused and so answers as soon as it can.
const GLANCE: Millis = Millis::new(2_000);

/// A running group; dropping it ends every process and task of it.
///
/// Every member stands behind a front of ours, which is the address it announces, so faults of the network can be made
/// between any two of them. Calls block; they may be made from a plain test and from one inside a runtime, there best
/// from a runtime with several threads.
///
/// # Example
/// ```
/// use sentinelle::testing::HaGroup;
///
/// # fn main() -> sentinelle::error::Result<()> {
/// # if sentinelle::testing::find_server().is_err() { return Ok(()); }
/// let group = HaGroup::builder().start()?;
/// let old = group.master()?;
///
/// group.kill(old)?;
/// let new = group.wait_master_other_than(old)?;
///
/// assert_eq!(group.client()?.address(), group.address(new)?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HaGroup {
    name: String,
    quorum: u32,
    backend: Backend,
    password: Option<String>,
    pace: Pace,
    patience: Millis,
    /// Since when events count.
    chapter: Mutex<Millis>,
    /// Whether a server has an unusual priority.
    has_priorities: AtomicBool,
    log: EventLog,
    seats: Vec<SentinelNode>,
    nodes: Vec<Node>,
    passages: Arc<Passages>,
    background: Background,
}

/// A data server and its front.
#[derive(Debug)]
struct Node {
    front: Front,
    server: Mutex<Server>,
    is_paused: Mutex<bool>,
}

/// A sentinel and its front.
#[derive(Debug)]
struct SentinelNode {
    front: Front,
    seat: Mutex<Seat>,
    /// Whether it was ordered to crash.
    is_armed: AtomicBool,
    /// Whether its clocks jumped.
    has_jumped: AtomicBool,
}

impl HaGroup {
    /// A group to be set up: by default a master, two replicas and three sentinels inside this program, quorum 2.
    pub fn builder() -> HaGroupBuilder {
        HaGroupBuilder::default()
    }

    /// The name under which clients ask for the master.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many sentinels must call the master down.
    pub fn quorum(&self) -> u32 {
        self.quorum
    }

    /// What the group is made of; never [`Backend::Auto`], but what that came to.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// All data servers.
    pub fn servers(&self) -> Vec<Member> {
        (0..self.nodes.len()).map(Member::Server).collect()
    }

    /// All sentinels.
    pub fn sentinels(&self) -> Vec<Member> {
        (0..self.seats.len()).map(Member::Sentinel).collect()
    }

    /// The server that most of the running sentinels call the master.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when they name none of this group.
    pub fn master(&self) -> Result<Member> {
        let answers = self.answers();
        let votes = |index: &usize| answers.iter().filter(|answer| **answer == Some(Member::Server(*index))).count();
        let most = (0..self.nodes.len()).max_by_key(votes).filter(|index| votes(index) > 0);
        most.map(Member::Server).ok_or_else(|| {
            Error::new(ErrorKind::Protocol, "find the master", "no sentinel names a server of the group")
                .because(self.snapshot().to_string())
        })
    }

    /// All servers but the master.
    ///
    /// # Errors
    /// As [`HaGroup::master`].
    pub fn replicas(&self) -> Result<Vec<Member>> {
        let master = self.master()?;
        Ok(self.servers().into_iter().filter(|server| *server != master).collect())
    }

    /// The address a member announces, which is what clients use.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is no process of this group.
    pub fn address(&self, member: Member) -> Result<SocketAddr> {
        self.front(member).map(Front::address)
    }

    /// The addresses of the sentinels, as clients are given them.
    pub fn sentinel_addresses(&self) -> Vec<SocketAddr> {
        self.seats.iter().map(|node| node.front.address()).collect()
    }

    /// Where clients find the master: `redis+sentinel://host:port,host:port/name`.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.sentinel_addresses().iter().map(ToString::to_string).collect();
        format!("redis+sentinel://{}/{}", hosts.join(","), self.name)
    }

    /// A connection to the master, found through the sentinels, that suffers what clients suffer.
    ///
    /// # Errors
    /// As [`HaGroup::master`] and [`HaGroup::connect`].
    pub fn client(&self) -> Result<Client> {
        self.connect(self.master()?)
    }

    /// A connection to a member that suffers what clients suffer.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], or [`ErrorKind::Config`] when it is no process of this group.
    pub fn connect(&self, member: Member) -> Result<Client> {
        let mut client = Client::connect(self.address(member)?, Client::PATIENCE)?;
        if let (Some(password), Member::Server(_)) = (&self.password, member) {
            client.text(&["AUTH", password])?;
        }
        Ok(client)
    }

    /// What all sentinels told since the start.
    pub fn events(&self) -> &EventLog {
        &self.log
    }

    /// All that a member has logged.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is no process of this group.
    pub fn logs(&self, member: Member) -> Result<String> {
        match member {
            Member::Server(_) => Ok(self.node(member)?.server().log()),
            Member::Sentinel(_) | Member::Client => Ok(self.seat(member)?.log()),
        }
    }

    /// The configuration file of a sentinel as it is on disk, in which its state is too.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is no sentinel of this group, [`ErrorKind::File`]
    pub fn stored(&self, sentinel: Member) -> Result<String> {
        let file = self.seat(sentinel)?.config_file();
        fs::read_to_string(&file)
            .map_err(|error| Error::new(ErrorKind::File, "read", file.display().to_string()).because(error))
    }

    /// Keeps the files and logs of all members when the group ends, and then says where on the standard error.
    ///
    /// A group that ends by a panic, such as that of a failed test, does so unasked. Those of the last ten programs
    /// are kept.
    pub fn keep_files(&self) {
        self.seats.iter().for_each(|node| node.seat().keep_files());
        self.nodes.iter().for_each(|node| node.server().keep_files());
    }

    /// Which server each sentinel calls the master, in order; `None` for one that does not answer.
    fn answers(&self) -> Vec<Option<Member>> {
        let answer = |node: &SentinelNode| self.server_at(node.seat().master(&self.name)?);
        self.seats.iter().map(answer).collect()
    }

    fn server_at(&self, address: SocketAddr) -> Option<Member> {
        self.nodes.iter().position(|node| node.front.address() == address).map(Member::Server)
    }

    fn front(&self, member: Member) -> Result<&Front> {
        match member {
            Member::Server(index) => self.nodes.get(index).map(|node| &node.front),
            Member::Sentinel(index) => self.seats.get(index).map(|node| &node.front),
            Member::Client => None,
        }
        .ok_or_else(|| stranger(member))
    }

    fn node(&self, member: Member) -> Result<&Node> {
        let Member::Server(index) = member else { return Err(stranger(member)) };
        self.nodes.get(index).ok_or_else(|| stranger(member))
    }

    fn sentinel_node(&self, member: Member) -> Result<&SentinelNode> {
        let Member::Sentinel(index) = member else { return Err(stranger(member)) };
        self.seats.get(index).ok_or_else(|| stranger(member))
    }

    fn seat(&self, member: Member) -> Result<MutexGuard<'_, Seat>> {
        self.sentinel_node(member).map(SentinelNode::seat)
    }
}

impl Drop for HaGroup {
    fn drop(&mut self) {
        // Fronts go last: their ports may become another group's at once, and nobody of this one may know them then.
        if thread::panicking() {
            self.keep_files();
        }
        self.seats.iter().for_each(|node| node.seat().crash());
        self.nodes.iter().for_each(|node| node.server().kill());
    }
}

impl Node {
    fn server(&self) -> MutexGuard<'_, Server> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if server.notice_end() {
            self.front.lead_nowhere();
        }
        server
    }

    fn is_paused(&self) -> MutexGuard<'_, bool> {
        self.is_paused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that no fault of the network reaches; `None` when the server cannot answer.
    fn glance(&self) -> Option<Client> {
        if *self.is_paused() {
            return None;
        }
        let server = self.server();
        if server.is_running() { server.client_with(GLANCE).ok() } else { None }
    }
}

impl SentinelNode {
    fn new(front: Front, seat: Seat) -> Self {
        Self { front, seat: Mutex::new(seat), is_armed: AtomicBool::default(), has_jumped: AtomicBool::default() }
    }

    fn seat(&self) -> MutexGuard<'_, Seat> {
        let mut seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        if seat.notice_end() {
            self.front.lead_nowhere();
        }
        seat
    }
}

fn stranger(member: Member) -> Error {
    Error::new(ErrorKind::Config, "find a member", format!("{member} is not one that this call can use"))
}

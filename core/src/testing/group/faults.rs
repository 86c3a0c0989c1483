//! Decides how a group is disturbed, and how all of that is undone.

use std::{
    net::{SocketAddr, TcpStream},
    sync::atomic::Ordering,
};

use super::{HaGroup, Member};
use crate::{
    driver::Storage,
    error::{Error, ErrorKind, Result},
    machine::CrashPoint,
    resp::Value,
    testing::proxy::{Fate, Passage, Slices, Toxicity},
    types::Millis,
};

/// Faults of processes. Each is in effect when its call returns, and each is undone by [`HaGroup::heal`].
///
/// # Errors
/// All of these fail with [`ErrorKind::Config`] when the member is none that the call can use.
impl HaGroup {
    /// Kills a member: its open connections end, and whoever connects is refused. Its address stays ours.
    ///
    /// A sentinel inside this program is dropped in the midst of what it does; what it wrote to its disk stays.
    ///
    /// # Errors
    /// [`ErrorKind::Config`]
    pub fn kill(&self, member: Member) -> Result<()> {
        self.front(member)?.lead_nowhere();
        if let Member::Server(_) = member {
            let node = self.node(member)?;
            node.server().kill_for_now();
            *node.is_paused() = false;
        } else {
            self.seat(member)?.crash();
        }
        Ok(())
    }

    /// Starts a member again, at the same announced address; one that still runs is killed first.
    ///
    /// A server comes back as a master until a sentinel tells it otherwise, with its data if the group keeps them
    /// ([`super::HaGroupBuilder::persistence`]). A sentinel comes back with the state it had stored.
    ///
    /// # Errors
    /// [`ErrorKind::NoServer`] when it does not start, [`ErrorKind::Config`]
    pub fn restart(&self, member: Member) -> Result<()> {
        self.restart_under(None, member)
    }

    /// Starts a member again; a server follows `master` before anybody can reach it.
    pub(super) fn restart_under(&self, master: Option<SocketAddr>, member: Member) -> Result<()> {
        let front = self.front(member)?;
        front.lead_nowhere();
        let listens = if let Member::Server(_) = member {
            let node = self.node(member)?;
            *node.is_paused() = false;
            let mut server = node.server();
            server.restart()?;
            if let Some(master) = master {
                server.follow(master)?;
            }
            Some(server.address())
        } else {
            let mut seat = self.seat(member)?;
            seat.restart()?;
            seat.set_pace(&self.pace)?;
            seat.listens()
        };
        if let Some(listens) = listens {
            front.lead_to(listens)?;
        }
        Ok(())
    }

    /// Stops a member in its tracks: its connections stay open, it answers nothing, its clocks go on.
    ///
    /// # Errors
    /// [`ErrorKind::Config`]
    pub fn pause(&self, member: Member) -> Result<()> {
        if let Member::Server(_) = member {
            let node = self.node(member)?;
            node.server().pause();
            *node.is_paused() = true;
        } else {
            self.seat(member)?.pause();
        }
        Ok(())
    }

    /// Lets a paused member go on.
    ///
    /// # Errors
    /// [`ErrorKind::Config`]
    pub fn resume(&self, member: Member) -> Result<()> {
        if let Member::Server(_) = member {
            let node = self.node(member)?;
            node.server().resume();
            *node.is_paused() = false;
        } else {
            self.seat(member)?.resume();
        }
        Ok(())
    }

    /// Lets every write of a sentinel's state fail, as on a full disk; only of a sentinel inside this program.
    ///
    /// # Errors
    /// [`ErrorKind::Config`]
    pub fn fill_disk(&self, sentinel: Member) -> Result<()> {
        self.seat(sentinel)?.set_storage(Storage::IsFull)
    }

    /// Lets every write of a sentinel's state fail because its file may only be read, as where an orchestrator mounts
    /// it; only of a sentinel inside this program.
    ///
    /// # Errors
    /// [`ErrorKind::Config`]
    pub fn make_config_readonly(&self, sentinel: Member) -> Result<()> {
        self.seat(sentinel)?.set_storage(Storage::IsReadOnly)
    }

    /// Makes the clocks of a sentinel jump by so many milliseconds; only of a sentinel inside this program.
    ///
    /// Forward both clocks jump, as after a sleep of the machine. Back the wall clock jumps alone, because a steady
    /// clock does not. [`HaGroup::heal`] starts such a sentinel again.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], [`ErrorKind::Connection`] when it does not run.
    pub fn jump_clock(&self, sentinel: Member, span_ms: i64) -> Result<()> {
        let node = self.sentinel_node(sentinel)?;
        node.seat().jump_clock(span_ms)?;
        node.has_jumped.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Has a sentinel crash as soon as it gets to that point of a failover ([`HaGroup::wait_gone`] waits for it).
    ///
    /// Stock sentinels know [`CrashPoint::AfterElection`] and [`CrashPoint::AfterPromotion`] alone.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], [`ErrorKind::Connection`] when it does not run.
    pub fn crash_sentinel(&self, sentinel: Member, at: CrashPoint) -> Result<()> {
        let node = self.sentinel_node(sentinel)?;
        node.seat().crash_at(Some(at))?;
        node.is_armed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Faults of the network: what happens to bytes between two members, or between a member and the clients.
///
/// They work between any two members where all of 127.0.0.0/8 is loopback (Linux); elsewhere all connections count as
/// the clients'.
impl HaGroup {
    /// Says how bytes fare from one member to another, in this direction.
    pub fn set_passage(&self, from: Member, to: Member, passage: Passage) {
        self.passages.change(|marked| {
            marked.insert((from, to), passage);
        });
    }

    /// Holds back, without a word, all bytes between members of `ones` and members of `others`, both ways.
    pub fn partition(&self, ones: &[Member], others: &[Member]) {
        self.passages.change(|marked| {
            for (&one, &other) in ones.iter().flat_map(|one| others.iter().map(move |other| (one, other))) {
                for lane in [(one, other), (other, one)] {
                    marked.entry(lane).or_insert(Passage::CLEAR).fate = Fate::Held;
                }
            }
        });
    }

    /// Cuts a member off from everybody, the clients too.
    pub fn isolate(&self, member: Member) {
        let all = self.servers().into_iter().chain(self.sentinels()).chain([Member::Client]);
        let others: Vec<_> = all.filter(|other| *other != member).collect();
        self.partition(&[member], &others);
    }

    /// Holds back bytes in one direction alone.
    pub fn cut(&self, from: Member, to: Member) {
        self.shape(from, to, |passage| passage.fate = Fate::Held);
    }

    /// Delays bytes in one direction: by `latency`, and each piece by up to `jitter` more.
    pub fn slow(&self, from: Member, to: Member, latency: Millis, jitter: Millis) {
        self.shape(from, to, |passage| (passage.latency, passage.jitter) = (latency, jitter));
    }

    /// Lets only so many bytes a second pass in one direction.
    pub fn limit_bandwidth(&self, from: Member, to: Member, bytes_per_second: u64) {
        self.shape(from, to, |passage| passage.bytes_per_second = Some(bytes_per_second));
    }

    /// Lets bytes arrive in pieces of at most `bytes`, each `pause` after the one before, in one direction.
    pub fn slice(&self, from: Member, to: Member, bytes: usize, pause: Millis) {
        self.shape(from, to, |passage| passage.slices = Some(Slices { bytes, pause }));
    }

    /// Ends each connection once so many bytes, from now on, have passed in one direction.
    pub fn limit_bytes(&self, from: Member, to: Member, bytes: u64) {
        self.shape(from, to, |passage| passage.allowance = Some(bytes));
    }

    /// Lets the end of a connection arrive so much later than the bytes before it, in one direction.
    pub fn delay_end(&self, from: Member, to: Member, delay: Millis) {
        self.shape(from, to, |passage| passage.end_delay = delay);
    }

    /// Lets what is said of a direction befall only that part of the connections, between 0 (none) and 1 (all).
    pub fn set_toxicity(&self, from: Member, to: Member, toxicity: f64) {
        self.shape(from, to, |passage| passage.toxicity = Toxicity::of(toxicity));
    }

    /// Resets all open connections to a member; new ones can be made at once.
    ///
    /// # Errors
    /// [`ErrorKind::Config`]
    pub fn reset_connections(&self, member: Member) -> Result<()> {
        self.front(member).map(super::Front::reset_connections)
    }

    fn shape(&self, from: Member, to: Member, change: impl FnOnce(&mut Passage)) {
        self.passages.change(|marked| change(marked.entry((from, to)).or_insert(Passage::CLEAR)));
    }
}

/// Orders and attacks.
impl HaGroup {
    /// Orders a failover (`SENTINEL FAILOVER`) from the first sentinel that runs; returns when it has begun.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`] when none answers, [`ErrorKind::Protocol`] when it refuses.
    pub fn failover(&self) -> Result<()> {
        let client = self.seats.iter().find_map(|node| node.seat().client());
        let mut client = client.ok_or_else(|| Error::new(ErrorKind::Connection, "reach", "no sentinel answers"))?;
        client.text(&["SENTINEL", "FAILOVER", &self.name]).map(drop)
    }

    /// Makes a server follow another one behind the sentinels' back, as an operator by mistake.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], [`ErrorKind::Config`]
    pub fn demote(&self, server: Member, to_follow: Member) -> Result<()> {
        let address = self.node(to_follow)?.front.address();
        self.tell(server, &["REPLICAOF", &address.ip().to_string(), &address.port().to_string()])
    }

    /// Makes a replica lose its place in the stream of its master, so that its next sync, which begins at once, is a
    /// full one.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], [`ErrorKind::Config`] when it is not a replica of the group.
    pub fn desync(&self, replica: Member) -> Result<()> {
        let master = self.followed_by(replica)?.ok_or_else(|| {
            Error::new(ErrorKind::Config, "make a replica lose its place", format!("{replica} follows no server"))
        })?;
        let address = self.address(master)?;
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let mut client = self.node(replica)?.server().client()?;
        // Who was a master for a moment has a history of its own.
        for words in [&["MULTI"][..], &["REPLICAOF", "NO", "ONE"], &["REPLICAOF", &host, &port]] {
            client.text(words)?;
        }
        client.command(&["EXEC"]).map(drop)
    }

    /// Sets how readily a server is promoted: the lower the sooner, 0 never; usually 100.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], [`ErrorKind::Config`]
    pub fn set_priority(&self, server: Member, priority: u32) -> Result<()> {
        self.tell(server, &["CONFIG", "SET", "replica-priority", &priority.to_string()])?;
        self.has_priorities.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Publishes a hello that no sentinel said, on a server's channel; eight fields, comma-separated.
    ///
    /// What sentinels come to believe by it is the one thing that [`HaGroup::heal`] does not undo.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], [`ErrorKind::Config`]
    pub fn forge_hello(&self, server: Member, hello: &str) -> Result<()> {
        self.tell(server, &["PUBLISH", "__sentinel__:hello", hello])
    }

    /// Sends a member bytes that are no request, and hangs up.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], [`ErrorKind::Config`]
    pub fn send_garbage(&self, member: Member, bytes: &[u8]) -> Result<()> {
        let address = self.address(member)?;
        let sent = TcpStream::connect(address).and_then(|mut stream| std::io::Write::write_all(&mut stream, bytes));
        sent.map_err(|error| Error::new(ErrorKind::Connection, "send to", address.to_string()).because(error))
    }

    /// Runs a command on a server, whatever happens to the network.
    ///
    /// A sentinel that moves a server closes the connections of all its clients, so it is tried again.
    pub(super) fn tell(&self, server: Member, words: &[&str]) -> Result<()> {
        let node = self.node(server)?;
        self.wait(&format!("{server} takes {}", words.join(" ")), |_| {
            node.glance()
                .is_some_and(|mut client| client.command(words).is_ok_and(|reply| !matches!(reply, Value::Error(_))))
        })
    }
}

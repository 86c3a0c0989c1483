//! Decides how the client of the demo behaves: it asks the sentinels for the master and repeats each write until it is
//! acknowledged.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use crate::{
    error::{Error, ErrorKind, Result},
    resp::Value,
    testing::{Client, EventNotes, wait_until},
    types::Millis,
};

/// The name of the moment in which a write fails after one that did not.
pub(super) const STOPPED: &str = "client-stopped";
/// The name of the moment in which a write succeeds after one that did not.
pub(super) const RESUMED: &str = "client-resumed";
/// The set the numbers are written to.
pub(super) const KEY: &str = "written";

/// How long one step of the client may take.
const STEP: Millis = Millis::new(250);
/// The time between two writes.
const PAUSE: Millis = Millis::new(1);

/// A client that writes 1, 2, 3 and so on; dropping it ends it.
pub(super) struct Writer {
    stopped: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Begins to write to the master `name` that `sentinels` know, and notes when that fails and works again.
    pub(super) fn start(name: &str, sentinels: Vec<SocketAddr>, notes: EventNotes) -> Self {
        let (stopped, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stop, count, name) = (Arc::clone(&stopped), Arc::clone(&acknowledged), name.to_owned());
        let thread = thread::spawn(move || write_on(&name, &sentinels, &notes, &stop, &count));
        Self { stopped, acknowledged, thread: Some(thread) }
    }

    /// The number of acknowledged writes, which is the last number written.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Ends the writing.
    pub(super) fn stop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to say.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn write_on(name: &str, sentinels: &[SocketAddr], notes: &EventNotes, stop: &AtomicBool, count: &AtomicU64) {
    let mut connection: Option<Client> = None;
    let mut works = true;
    while !stop.load(Ordering::Relaxed) {
        let number = (count.load(Ordering::Relaxed) + 1).to_string();
        let written = connect(&mut connection, name, sentinels).and_then(|client| write(client, &number));
        if let Ok(address) = &written {
            count.fetch_add(1, Ordering::Relaxed);
            if !works {
                notes.note("client", RESUMED, &format!("writes again, to {address}"));
            }
        } else {
            connection = None;
            if works {
                notes.note("client", STOPPED, "cannot write, and asks the sentinels for the master");
            }
        }
        works = written.is_ok();
        // Ends at once when the client is stopped.
        let _ = wait_until(PAUSE, "the next write", || stop.load(Ordering::Relaxed));
    }
}

/// The connection in use, or a new one to the server that a sentinel names and that says itself it is the master.
fn connect<'a>(connection: &'a mut Option<Client>, name: &str, sentinels: &[SocketAddr]) -> Result<&'a mut Client> {
    if let Some(client) = connection {
        return Ok(client);
    }
    let found = sentinels.iter().find_map(|sentinel| {
        let mut sentinel = Client::connect(*sentinel, STEP).ok()?;
        let address = sentinel.master(name).ok()??;
        let mut client = Client::connect(address, STEP).ok()?;
        (client.info("replication", "role").ok()? == "master").then_some(client)
    });
    let client = found.ok_or_else(|| Error::new(ErrorKind::Connection, "find the master", "no sentinel knows one"))?;
    Ok(connection.insert(client))
}

fn write(client: &mut Client, number: &str) -> Result<SocketAddr> {
    let reply = client.command(&["SADD", KEY, number])?;
    if matches!(reply, Value::Integer(_)) {
        Ok(client.address())
    } else {
        Err(Error::new(ErrorKind::Protocol, "write", format!("{reply:?}")))
    }
}

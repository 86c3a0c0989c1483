//! Decides how the events of many sentinels become one log: a subscription each, one order of arrival.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::{
    client::Client,
    wait::{Stopwatch, wait_until, yield_briefly},
};
use crate::{
    error::{Error, ErrorKind, Result},
    resp::Value,
    types::Millis,
};

/// How long a listening thread waits for a message before it looks whether to stop.
const GLANCE: Millis = Millis::new(20);

/// One event as a subscriber received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When, since the log was begun.
    pub at: Millis,
    /// Whose event, by the name given to [`EventLog::follow`].
    pub from: String,
    /// The channel, which is the event's name, such as `+sdown`.
    pub channel: String,
    /// The message.
    pub text: String,
}

/// Where events are noted; clones note into the same log.
#[derive(Clone, Debug)]
pub struct EventNotes {
    watch: Stopwatch,
    heard: Arc<Mutex<Vec<Heard>>>,
}

/// The events of any number of sentinels, in order of arrival.
#[derive(Debug)]
pub struct EventLog {
    notes: EventNotes,
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl EventNotes {
    /// Notes an event that happens at this moment.
    pub fn note(&self, from: &str, channel: &str, text: &str) {
        let (from, channel, text) = (from.to_owned(), channel.to_owned(), text.to_owned());
        let event = Heard { at: self.watch.elapsed_ms(), from, channel, text };
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

impl EventLog {
    /// An empty log whose time begins at this moment.
    pub fn begin() -> Self {
        Self::begin_at(Stopwatch::start())
    }

    /// An empty log whose time is that of `watch`.
    pub fn begin_at(watch: Stopwatch) -> Self {
        let notes = EventNotes { watch, heard: Arc::default() };
        Self { notes, stopped: Arc::default(), threads: Vec::new() }
    }

    /// Subscribes to all channels of the sentinel at `address`, and again whenever the connection is lost.
    ///
    /// Returns when the first subscription is in effect.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Connection`] when the first one cannot be made.
    pub fn follow(&mut self, name: &str, address: SocketAddr) -> Result<()> {
        let first = subscribe(address)?;
        let (notes, stopped) = (self.notes(), Arc::clone(&self.stopped));
        let name = name.to_owned();
        self.threads.push(thread::spawn(move || {
            let mut subscription = Some(first);
            while !stopped.load(Ordering::Relaxed) {
                let Some(client) = &mut subscription else {
                    yield_briefly();
                    subscription = subscribe(address).ok();
                    continue;
                };
                match client.read_within(GLANCE) {
                    Ok(None) => {}
                    Ok(Some(message)) => {
                        if let Some((channel, text)) = event_of(&message) {
                            notes.note(&name, &channel, &text);
                        }
                    }
                    Err(_) => subscription = None,
                }
            }
        }));
        Ok(())
    }

    /// Where others may note events of their own.
    pub fn notes(&self) -> EventNotes {
        self.notes.clone()
    }

    /// The time since the log was begun, as events are stamped.
    pub fn elapsed(&self) -> Millis {
        self.notes.watch.elapsed_ms()
    }

    /// All that was heard so far.
    pub fn events(&self) -> Vec<Heard> {
        self.notes.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The events of that channel heard so far.
    pub fn of(&self, channel: &str) -> Vec<Heard> {
        self.events().into_iter().filter(|event| event.channel == channel).collect()
    }

    /// Waits until an event that fits has been heard since the log was begun, and gives the first one.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Timeout`], with all that was heard.
    pub fn wait_for(&self, limit: Millis, what: &str, fits: impl Fn(&Heard) -> bool) -> Result<Heard> {
        let mut found = None;
        let waited = wait_until(limit, what, || {
            found = self.events().into_iter().find(&fits);
            found.is_some()
        });
        waited
            .and_then(|_| found.ok_or_else(|| Error::new(ErrorKind::Timeout, "wait", what)))
            .map_err(|error| error.because(format!("heard:\n{self}")))
    }
}

impl fmt::Display for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events().iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7} ms  {}  {} {}", self.at.as_ms(), self.from, self.channel, self.text)
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to say.
            let _ = thread.join();
        }
    }
}

fn subscribe(address: SocketAddr) -> Result<Client> {
    let mut client = Client::connect(address, Client::PATIENCE)?;
    client.command(&["PSUBSCRIBE", "*"])?;
    Ok(client)
}

/// The channel and text of a `pmessage`.
fn event_of(message: &Value) -> Option<(String, String)> {
    let (Value::Array(parts) | Value::Push(parts)) = message else { return None };
    let [kind, _pattern, channel, text] = parts.as_slice() else { return None };
    (kind.as_text() == Some("pmessage")).then_some(())?;
    Some((channel.as_text()?.to_owned(), text.as_text()?.to_owned()))
}

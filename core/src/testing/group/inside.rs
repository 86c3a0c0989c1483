//! Decides how a sentinel of a group lives inside this program: on a thread of its own, with a file of its own.

use std::{
    collections::VecDeque,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use crate::{
    config::Periods,
    driver::{Disturbance, Events, Heard, LogLine, Sentinel, Storage},
    error::{Error, ErrorKind, Result},
    machine::Status,
    testing::{EventNotes, SentinelPlan, background::Background, folder::Folder, sentinel::file_text},
    types::Millis,
};

/// How long a start may take.
const START: Millis = Millis::new(10_000);
/// How long a sentinel that runs may take to answer.
const ANSWER: Millis = Millis::new(2_000);
/// How many log lines are kept.
const LINES: usize = 2_000;

/// A sentinel in this program, on a thread of its own, so that it can be stopped in its tracks.
#[derive(Debug)]
pub(super) struct Inside {
    name: String,
    periods: Periods,
    notes: EventNotes,
    log: Arc<Mutex<VecDeque<String>>>,
    /// While it is held the sentinel's thread stands still.
    brake: Option<mpsc::Sender<()>>,
    running: Option<Running>,
    storage: Storage,
    folder: Folder,
}

#[derive(Debug)]
struct Running {
    sentinel: Arc<Sentinel>,
    listens: SocketAddr,
    background: Background,
}

impl Inside {
    /// Starts one with the file the plan says.
    pub(super) fn start(name: &str, plan: &SentinelPlan, periods: &Periods, notes: EventNotes) -> Result<Self> {
        let folder = Folder::make(name)?;
        let mut inside = Self {
            name: name.to_owned(),
            periods: periods.clone(),
            notes,
            log: Arc::default(),
            brake: None,
            running: None,
            storage: Storage::Works,
            folder,
        };
        let file = inside.config_file();
        let failed = |error| Error::new(ErrorKind::File, "write", file.display().to_string()).because(error);
        fs::write(&file, file_text(plan, 0)).map_err(failed)?;
        inside.run()?;
        Ok(inside)
    }

    /// Starts it with the file it left.
    pub(super) fn run(&mut self) -> Result<()> {
        let background = Background::start(&self.name, 1)?;
        let (file, periods, log) = (self.config_file(), self.periods.clone(), Arc::clone(&self.log));
        let storage = self.storage;
        let starting = async move {
            let sink = Box::new(move |line: &LogLine| keep(&log, line));
            let mut builder = Sentinel::from_conf_file(file)?.listen((Ipv4Addr::LOCALHOST, 0)).log(sink);
            builder.settings_mut().periods = periods;
            builder.storage(storage).start().await
        };
        let sentinel = background.run(START, "an embedded sentinel starts", starting)??;
        let listens =
            sentinel.address().ok_or_else(|| Error::new(ErrorKind::Listen, "start a sentinel", "it has no address"))?;
        background.handle().spawn(note_events(sentinel.events(), self.name.clone(), self.notes.clone()));
        self.running = Some(Running { sentinel: Arc::new(sentinel), listens, background });
        Ok(())
    }

    /// Where it listens; `None` while it does not run.
    pub(super) fn listens(&self) -> Option<SocketAddr> {
        self.running.as_ref().map(|running| running.listens)
    }

    /// Stops it in its tracks.
    pub(super) fn pause(&mut self) {
        let Some(running) = self.running.as_ref().filter(|_| self.brake.is_none()) else { return };
        self.brake = Some(running.background.brake());
    }

    /// Lets it go on.
    pub(super) fn resume(&mut self) {
        self.brake = None;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.brake.is_some()
    }

    /// Whether it has ended by itself since the last look.
    pub(super) fn notice_end(&mut self) -> bool {
        let has_ended = self.running.as_ref().is_some_and(|running| running.sentinel.has_ended());
        if has_ended {
            self.crash();
        }
        has_ended
    }

    /// Ends it without a word, as a crash would.
    pub(super) fn crash(&mut self) {
        self.brake = None;
        self.running = None;
    }

    /// Makes its storage do that, also after a restart.
    pub(super) fn set_storage(&mut self, storage: Storage) -> Result<()> {
        if self.storage == storage {
            return Ok(());
        }
        self.storage = storage;
        if self.running.is_some() { self.disturb(Disturbance::Storage(storage)) } else { Ok(()) }
    }

    /// Breaks something in it.
    pub(super) fn disturb(&self, disturbance: Disturbance) -> Result<()> {
        let failed = || Error::new(ErrorKind::Connection, "reach", "a sentinel that does not run");
        let running = self.running.as_ref().filter(|_| self.brake.is_none()).ok_or_else(failed)?;
        let sentinel = Arc::clone(&running.sentinel);
        running.background.run(ANSWER, "a sentinel is disturbed", async move { sentinel.disturb(disturbance).await })?
    }

    pub(super) fn config_file(&self) -> PathBuf {
        self.folder.path().join("sentinel.conf")
    }

    /// Keeps its files, and its log beside them, when it is dropped.
    pub(super) fn keep_files(&self) {
        self.folder.keep();
    }

    /// What it has logged.
    pub(super) fn log(&self) -> String {
        let lines = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// All that it knows; `None` when it does not answer.
    pub(super) fn status(&self) -> Option<Status> {
        let running = self.running.as_ref().filter(|_| self.brake.is_none())?;
        let sentinel = Arc::clone(&running.sentinel);
        let asking = async move { sentinel.status().await };
        running.background.run(ANSWER, "a sentinel tells its status", asking).ok()?.ok()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.crash();
        if self.folder.is_kept() {
            // What cannot be kept is lost.
            let _ = fs::write(self.folder.path().join("output.txt"), self.log());
        }
    }
}

fn keep(log: &Mutex<VecDeque<String>>, line: &LogLine) {
    let mut lines = log.lock().unwrap_or_else(PoisonError::into_inner);
    if lines.len() == LINES {
        lines.pop_front();
    }
    lines.push_back(format!("{} {}", line.at.as_ms(), line.text));
}

/// Notes a sentinel's events under its name until it ends.
async fn note_events(mut events: Events, name: String, notes: EventNotes) {
    while let Some(heard) = events.next().await {
        if let Heard::Event(event) = heard {
            notes.note(&name, event.kind.name(), &event.text);
        }
    }
}

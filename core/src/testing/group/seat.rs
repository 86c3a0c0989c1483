//! Decides how one sentinel of a group runs: inside this program, or as a process, behind the same calls.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use super::Pace;
use crate::{
    config::Periods,
    driver::{Events, Heard, LogLine, Sentinel},
    error::{Error, ErrorKind, Result},
    machine::{LinkStatus, Status},
    model::MasterLink,
    resp::Value,
    testing::{
        Client, EventNotes, SentinelPlan, SentinelProcess, background::Background, folder::Folder, sentinel::file_text,
    },
    types::Millis,
};

/// How long a start may take.
const START: Millis = Millis::new(10_000);
/// How long a sentinel that runs may take to answer.
const ANSWER: Millis = Millis::new(500);
/// How often a stock sentinel may ping: five of these periods must exceed the second between two INFO in a failover, or no
/// replica is ever good enough.
const STOCK_PING: Millis = Millis::new(250);
/// How many log lines of an embedded sentinel are kept.
const LINES: usize = 2_000;

/// A sentinel of a group.
#[derive(Debug)]
pub(super) enum Seat {
    /// In this program.
    Inside(Box<Inside>),
    /// A process.
    Outside {
        /// It.
        process: SentinelProcess,
        /// Whether it was stopped in its tracks.
        is_paused: bool,
    },
}

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
    folder: Folder,
}

/// Whether a disk has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    None,
    Enough,
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
            folder,
        };
        let file = inside.config_file();
        let failed = |error| Error::new(ErrorKind::File, "write", file.display().to_string()).because(error);
        fs::create_dir(inside.store()).and_then(|()| fs::write(&file, file_text(plan, 0))).map_err(failed)?;
        inside.run()?;
        Ok(inside)
    }

    fn run(&mut self) -> Result<()> {
        let background = Background::start(&self.name, 1)?;
        let (file, periods, log) = (self.config_file(), self.periods.clone(), Arc::clone(&self.log));
        let starting = async move {
            let sink = Box::new(move |line: &LogLine| keep(&log, line));
            let mut builder = Sentinel::from_conf_file(file)?.listen((Ipv4Addr::LOCALHOST, 0)).log(sink);
            builder.settings_mut().periods = periods;
            builder.start().await
        };
        let sentinel = background.run(START, "an embedded sentinel starts", starting)??;
        let listens =
            sentinel.address().ok_or_else(|| Error::new(ErrorKind::Listen, "start a sentinel", "it has no address"))?;
        background.handle().spawn(note_events(sentinel.events(), self.name.clone(), self.notes.clone()));
        self.running = Some(Running { sentinel: Arc::new(sentinel), listens, background });
        Ok(())
    }

    fn pause(&mut self) {
        let Some(running) = self.running.as_ref().filter(|_| self.brake.is_none()) else { return };
        let (brake, released) = mpsc::channel::<()>();
        let (tell, stopped) = mpsc::channel();
        running.background.handle().spawn(async move {
            let _ = tell.send(());
            // It blocks the sentinel's only thread until the brake is dropped.
            let _ = released.recv();
        });
        // Fails only when the thread is gone.
        let _ = stopped.recv();
        self.brake = Some(brake);
    }

    /// Ends it without a word, as a crash would.
    fn crash(&mut self) {
        self.brake = None;
        self.running = None;
    }

    /// Where its file lies.
    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn config_file(&self) -> PathBuf {
        self.store().join("sentinel.conf")
    }

    fn status(&self) -> Option<Status> {
        let running = self.running.as_ref().filter(|_| self.brake.is_none())?;
        let sentinel = Arc::clone(&running.sentinel);
        let asking = async move { sentinel.status().await };
        running.background.run(ANSWER, "a sentinel tells its status", asking).ok()?.ok()
    }
}

impl Seat {
    /// Where it listens; `None` while it does not run.
    pub(super) fn listens(&self) -> Option<SocketAddr> {
        match self {
            Self::Inside(inside) => inside.running.as_ref().map(|running| running.listens),
            Self::Outside { process, .. } => process.pid().map(|_| process.address()),
        }
    }

    /// Whether it can be expected to answer.
    pub(super) fn is_running(&self) -> bool {
        self.listens().is_some() && !self.is_paused()
    }

    fn is_paused(&self) -> bool {
        match self {
            Self::Inside(inside) => inside.brake.is_some(),
            Self::Outside { is_paused, .. } => *is_paused,
        }
    }

    pub(super) fn pause(&mut self) {
        match self {
            Self::Inside(inside) => inside.pause(),
            Self::Outside { process, is_paused } => {
                process.pause();
                *is_paused = true;
            }
        }
    }

    pub(super) fn resume(&mut self) {
        match self {
            Self::Inside(inside) => inside.brake = None,
            Self::Outside { process, is_paused } => {
                process.resume();
                *is_paused = false;
            }
        }
    }

    pub(super) fn crash(&mut self) {
        match self {
            Self::Inside(inside) => inside.crash(),
            Self::Outside { process, is_paused } => {
                process.kill();
                *is_paused = false;
            }
        }
    }

    /// Starts it again with the file it left.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.crash();
        match self {
            Self::Inside(inside) => inside.run(),
            Self::Outside { process, .. } => process.restart(),
        }
    }

    /// Where it says the master is; `None` when it does not answer.
    pub(super) fn master(&self, name: &str) -> Option<SocketAddr> {
        match self {
            Self::Inside(inside) => {
                let status = inside.status()?;
                status.masters.iter().find(|master| master.name.as_str() == name)?.address.socket()
            }
            Self::Outside { .. } => self.client()?.master(name).ok()?,
        }
    }

    /// Whether it knows so many replicas, in sync, and so many other sentinels, all of them up, and leads no failover.
    pub(super) fn knows(&self, name: &str, replicas: usize, peers: usize) -> bool {
        match self {
            Self::Inside(inside) => inside.status().is_some_and(|status| fits(&status, name, replicas, peers)),
            Self::Outside { .. } => self.outsider_knows(name, replicas, peers).unwrap_or(false),
        }
    }

    fn outsider_knows(&self, name: &str, replicas: usize, peers: usize) -> Option<bool> {
        let mut client = self.client()?;
        let master = fields_of(&client.command(&["SENTINEL", "MASTER", name]).ok()?);
        let found_replicas = lists_of(&client.command(&["SENTINEL", "REPLICAS", name]).ok()?);
        let found_peers = lists_of(&client.command(&["SENTINEL", "SENTINELS", name]).ok()?);
        let has = |fields: &Fields, field: &str, value: &str| {
            fields.iter().any(|(name, found)| name == field && found == value)
        };
        let is_calm = has(&master, "flags", "master");
        let replicas_fit = found_replicas.len() == replicas
            && found_replicas
                .iter()
                .all(|found| has(found, "flags", "slave") && has(found, "master-link-status", "ok"));
        let peers_fit = found_peers.len() == peers
            && found_peers.iter().all(|found| has(found, "flags", "sentinel") && !has(found, "runid", ""));
        Some(is_calm && replicas_fit && peers_fit)
    }

    /// What it says of the master, for a person to read.
    pub(super) fn describe(&self, name: &str) -> String {
        if !self.is_running() {
            return if self.listens().is_some() { "paused" } else { "does not run" }.into();
        }
        let Some(mut client) = self.client() else { return "does not answer".into() };
        let Ok(reply) = client.command(&["SENTINEL", "MASTER", name]) else { return "does not answer".into() };
        let fields = fields_of(&reply);
        let mut text = String::new();
        for wanted in ["ip", "port", "flags", "num-slaves", "num-other-sentinels", "config-epoch", "failover-state"] {
            if let Some((_, value)) = fields.iter().find(|(name, _)| name == wanted) {
                let _ = write!(text, " {wanted}={value}");
            }
        }
        text.trim_start().to_owned()
    }

    /// Gives a sentinel these periods, which its file cannot.
    pub(super) fn set_pace(&self, pace: &Pace) -> Result<()> {
        let slowest_ping = match self {
            Self::Inside(_) => Millis::ZERO,
            Self::Outside { .. } => STOCK_PING,
        };
        let words = pace.debug_words(slowest_ping);
        let command: Vec<_> = ["SENTINEL", "DEBUG"].into_iter().chain(words.iter().map(String::as_str)).collect();
        let unreachable = || Error::new(ErrorKind::Connection, "reach", "a sentinel that does not answer");
        self.client().ok_or_else(unreachable)?.text(&command).map(drop)
    }

    /// A connection that no fault of the network reaches.
    pub(super) fn client(&self) -> Option<Client> {
        Client::connect(self.listens().filter(|_| self.is_running())?, ANSWER).ok()
    }

    /// Makes every write of its state fail, or lets them succeed again; only where the sentinel is in this program.
    pub(super) fn set_disk(&self, room: Room) -> Result<()> {
        let Self::Inside(inside) = self else {
            return Err(Error::new(ErrorKind::Config, "fill the disk of", "a sentinel that is a process"));
        };
        let (store, aside) = (inside.store(), inside.folder.path().join("set-aside"));
        let moved = match room {
            // A file cannot be made in a folder that is not there.
            Room::None if store.exists() => fs::rename(&store, &aside),
            Room::Enough if aside.exists() => fs::rename(&aside, &store),
            Room::None | Room::Enough => Ok(()),
        };
        moved.map_err(|error| Error::new(ErrorKind::File, "move", store.display().to_string()).because(error))
    }

    pub(super) fn log(&self) -> String {
        match self {
            Self::Inside(inside) => {
                let lines = inside.log.lock().unwrap_or_else(PoisonError::into_inner);
                lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
            }
            Self::Outside { process, .. } => process.log(),
        }
    }
}

fn fits(status: &Status, name: &str, replicas: usize, peers: usize) -> bool {
    let Some(master) = status.masters.iter().find(|master| master.name.as_str() == name) else { return false };
    let is_calm = master.health.is_up() && master.failover.is_none() && master.link == LinkStatus::Open;
    let replicas_fit = master.replicas.len() == replicas
        && master.replicas.iter().all(|replica| {
            replica.health.is_up() && replica.master_link == MasterLink::Up && replica.link == LinkStatus::Open
        });
    let peers_fit = master.peers.len() == peers
        && master.peers.iter().all(|peer| peer.health.is_up() && peer.link == LinkStatus::Open);
    is_calm && replicas_fit && peers_fit
}

/// Names and values, as sentinels list them.
type Fields = Vec<(String, String)>;

fn lists_of(reply: &Value) -> Vec<Fields> {
    let Value::Array(items) = reply else { return Vec::new() };
    items.iter().map(fields_of).collect()
}

fn fields_of(reply: &Value) -> Fields {
    let Value::Array(words) = reply else { return Vec::new() };
    let text = |word: &Value| word.as_text().unwrap_or("").to_owned();
    words.chunks_exact(2).map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
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

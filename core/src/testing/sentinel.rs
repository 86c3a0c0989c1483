//! Decides how a sentinel process is started, whosever it is: one plan, one written file, one way to talk to it.

use std::{
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use super::{
    client::Client,
    port::Port,
    process::Process,
    program::{Flavour, find_sentinel},
    wait::{Deadline, yield_briefly},
};
use crate::{
    error::{Error, ErrorKind, Result},
    types::Millis,
};

const PATIENCE: Millis = Millis::new(10_000);
const PORTS_TRIED: usize = 5;

/// What a sentinel process is started with.
#[derive(Clone, Debug)]
pub struct SentinelPlan {
    /// Whose sentinel it is.
    pub flavour: Flavour,
    /// The program; by default what [`find_sentinel`] finds.
    pub program: Option<PathBuf>,
    /// The masters it monitors from the start.
    pub masters: Vec<Watched>,
    /// Further lines of its file, as `sentinel announce-ip 127.0.0.1`.
    pub lines: Vec<String>,
}

/// One monitored master.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The name clients ask for.
    pub name: String,
    /// The master's address.
    pub address: SocketAddr,
    /// How many sentinels must call it down.
    pub quorum: u32,
    /// Silence that makes it down.
    pub down_after: Millis,
    /// Patience with a failover.
    pub failover_timeout: Millis,
    /// Further options, as `("parallel-syncs", "2")`.
    pub options: Vec<(String, String)>,
}

/// A sentinel process on loopback; dropping it ends it.
#[derive(Debug)]
pub struct SentinelProcess {
    flavour: Flavour,
    process: Process,
    // Dropped after `process`, which listens on it.
    port: Port,
}

impl SentinelProcess {
    /// Starts one sentinel and waits until it answers.
    ///
    /// # Errors
    /// [`ErrorKind::NoServer`] when there is no program or it does not start, [`ErrorKind::Timeout`] when it does
    /// not answer; the text carries the end of its log.
    pub fn start(plan: &SentinelPlan) -> Result<Self> {
        let program = plan.program.clone().map_or_else(|| find_sentinel(plan.flavour), Ok)?;
        for tried in 0..=PORTS_TRIED {
            let mut sentinel = Self::launch(plan, &program, Port::take_free()?)?;
            match sentinel.wait_ready() {
                Err(error) if tried == PORTS_TRIED || !sentinel.log().contains("Address already in use") => {
                    return Err(error);
                }
                Err(_) => {}
                Ok(()) => return Ok(sentinel),
            }
        }
        Err(Error::new(ErrorKind::Listen, "start a sentinel", "every port tried was taken"))
    }

    /// Whose sentinel it is.
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number()).into()
    }

    /// Its process id; `None` after [`SentinelProcess::kill`].
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// A connection to it.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`]
    pub fn client(&self) -> Result<Client> {
        Client::connect(self.address(), Client::PATIENCE)
    }

    /// Where it says the master is; `None` when it does not know the name.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], or [`ErrorKind::Protocol`] when the reply is not an address.
    pub fn master(&self, name: &str) -> Result<Option<SocketAddr>> {
        Client::connect(self.address(), Millis::new(1000))?.master(name)
    }

    /// Kills it like a power failure would; returns when it is gone.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Whether it has ended by itself since the last look.
    pub(super) fn notice_end(&mut self) -> bool {
        self.process.notice_end()
    }

    /// Keeps its folder when it is dropped, and says where.
    pub(super) fn keep_files(&self) {
        self.process.keep_files();
    }

    /// Asks it to end (`SIGTERM`) and gives its exit code; `None` when a signal ended it.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when it does not end within some seconds; it is killed then.
    pub fn terminate(&mut self) -> Result<Option<i32>> {
        self.process.terminate(PATIENCE)
    }

    /// Stops it in its tracks: connections stay open, nothing is answered.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on after [`SentinelProcess::pause`].
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Starts it again on the same port with the file it left, and waits until it answers.
    ///
    /// # Errors
    /// As [`SentinelProcess::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.process.start()?;
        self.wait_ready()
    }

    /// Starts a program of another make on the same port with the file this one left, and waits until it answers.
    ///
    /// `program` is by default what [`find_sentinel`] finds.
    ///
    /// # Errors
    /// As [`SentinelProcess::start`].
    pub fn restart_as(&mut self, flavour: Flavour, program: Option<PathBuf>) -> Result<()> {
        let program = program.map_or_else(|| find_sentinel(flavour), Ok)?;
        self.flavour = flavour;
        self.process.set_arguments(arguments(flavour, &program, &self.config_file()));
        self.process.set_program(program);
        self.restart()
    }

    /// The path of its configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.process.folder().join("sentinel.conf")
    }

    /// The text of its configuration file as it is on disk.
    pub fn config(&self) -> String {
        fs::read_to_string(self.config_file()).unwrap_or_default()
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        self.process.log_tail()
    }

    fn launch(plan: &SentinelPlan, program: &Path, port: Port) -> Result<Self> {
        let mut process = Process::prepare(program.to_path_buf(), "sentinel")?;
        let file = process.folder().join("sentinel.conf");
        fs::write(&file, file_text(plan, port.number()))
            .map_err(|error| Error::new(ErrorKind::File, "write", file.display().to_string()).because(error))?;
        process.set_arguments(arguments(plan.flavour, program, &file));
        process.start()?;
        Ok(Self { flavour: plan.flavour, process, port })
    }

    fn wait_ready(&mut self) -> Result<()> {
        let deadline = Deadline::within(PATIENCE);
        while !self.answers_itself() {
            let failure = if !self.process.is_running() {
                "it ended"
            } else if deadline.has_passed() {
                "it does not answer"
            } else {
                yield_briefly();
                continue;
            };
            let text = format!("{failure}; its log ends with:\n{}", self.log_tail());
            return Err(Error::new(ErrorKind::NoServer, "start a sentinel", text));
        }
        Ok(())
    }

    /// Whether the process that answers on the port is ours, by its process id.
    fn answers_itself(&self) -> bool {
        let Some(pid) = self.pid() else { return false };
        Client::connect(self.address(), Millis::new(500))
            .and_then(|mut client| client.info("server", "process_id"))
            .is_ok_and(|answer| answer == pid.to_string())
    }
}

/// The arguments that make the program a sentinel with that file.
fn arguments(flavour: Flavour, program: &Path, file: &Path) -> Vec<String> {
    let needs_switch = !program.ends_with("redis-sentinel") && flavour != Flavour::Sentinelle;
    let switch = needs_switch.then(|| "--sentinel".to_owned());
    std::iter::once(file.display().to_string()).chain(switch).collect()
}

/// The configuration file of the plan.
pub(super) fn file_text(plan: &SentinelPlan, port: u16) -> String {
    let mut text = format!("port {port}\nbind 127.0.0.1\nprotected-mode no\ndir .\n");
    for master in &plan.masters {
        let Watched { name, address, quorum, down_after, failover_timeout, options } = master;
        let (host, port) = (address.ip(), address.port());
        let _ = writeln!(text, "sentinel monitor {name} {host} {port} {quorum}");
        let _ = writeln!(text, "sentinel down-after-milliseconds {name} {}", down_after.as_ms());
        let _ = writeln!(text, "sentinel failover-timeout {name} {}", failover_timeout.as_ms());
        for (option, value) in options {
            let _ = writeln!(text, "sentinel {option} {name} {value}");
        }
    }
    for line in &plan.lines {
        let _ = writeln!(text, "{line}");
    }
    text
}

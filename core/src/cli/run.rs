//! Decides the life of the executable: what it prints, how it goes to the background, how it serves and how it ends.
//!
//! Mirrors spec 1.1 to 1.3.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{
    arguments::{self, Guise, Verb},
    demo,
    log::{Log, now, write_early},
    start::{Prepared, prepare, reason},
    supervisor::Manager,
};
use crate::{
    config::{COMPATIBLE_VERSION, LogLevel},
    error::{Error, ErrorKind},
};

/// Does what the command line orders and gives the exit code.
///
/// `program` is the name it was started under, `arguments` are the words behind it.
pub fn run(program: &str, arguments: &[String]) -> u8 {
    let guise = Guise::of(program);
    match arguments::read(guise, arguments) {
        Verb::Version => print(&version(guise)),
        Verb::Help if guise == Guise::Own => print(HELP),
        Verb::Help => {
            // Nobody is left to hear when standard error is closed.
            let _ = io::stderr().lock().write_all(REFERENCE_USAGE.as_bytes());
            1
        }
        Verb::Demo => show(demo(&mut io::stdout().lock())),
        Verb::Run(launch) => match prepare(&launch) {
            Ok(prepared) => launch_sentinel(prepared),
            Err(refusal) => {
                refusal.tell();
                1
            }
        },
    }
}

/// What the process takes with it from its start to its end.
struct Process {
    log: Log,
    manager: Manager,
    port: u16,
    pidfile: Option<String>,
}

/// The signals the process listens to.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Listened to so that it does not end the process, as in the reference.
    _hangup: Signal,
}

/// Goes to the background when told so, and runs the sentinel until it ends.
fn launch_sentinel(mut prepared: Prepared) -> u8 {
    let server = &mut prepared.settings.server;
    let manager = Manager::find(server.supervised);
    if server.daemonize && !manager.is_there() {
        if let Err(error) = nix::unistd::daemon(true, false) {
            write_early(&format!("Can't go to the background: {}", reason(&error.into())));
            return 1;
        }
        server.pidfile.get_or_insert_with(|| PIDFILE.to_owned());
    }
    let log = Log::open(&server.logfile, server.loglevel);
    greet(&log);
    for remark in &prepared.remarks {
        log.line(LogLevel::Warning, remark);
    }
    let process = Process { log, manager, port: server.port, pidfile: server.pidfile.clone() };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return process.fail(&format!("Can't start: {}", reason(&error))),
    };
    let code = runtime.block_on(process.serve(prepared));
    // A look-up of a host name may hang; the end does not wait for it.
    runtime.shutdown_timeout(Duration::from_millis(100));
    process.log.close();
    code
}

/// The first lines of the log.
fn greet(log: &Log) {
    log.line(LogLevel::Warning, "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
    let pid = std::process::id();
    log.line(
        LogLevel::Warning,
        &format!("Redis version={COMPATIBLE_VERSION}, bits=64, commit=00000000, modified=0, pid={pid}, just started"),
    );
    log.line(LogLevel::Warning, "Configuration loaded");
    log.line(LogLevel::Notice, "monotonic clock: POSIX clock_gettime");
}

impl Process {
    /// Starts the sentinel and stays until it ends, by a signal or by itself.
    async fn serve(&self, prepared: Prepared) -> u8 {
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => return self.fail(&format!("Can't listen to signals: {}", reason(&error))),
        };
        let Prepared { builder, settings, .. } = prepared;
        // The sentinel's first lines may come before those that announce it.
        let at = now();
        let started = tokio::select! {
            started = builder.settings(settings).log(self.log.sink()).start() => started,
            name = signals.next() => {
                self.log.signal(name);
                return 0;
            }
        };
        let sentinel = match started {
            Ok(sentinel) => sentinel,
            Err(error) => return self.fail_to_listen(&error),
        };
        self.write_pidfile();
        self.log.line_at(at, LogLevel::Notice, &format!("Running mode=sentinel, port={}.", self.port));
        self.log.line_at(at, LogLevel::Warning, &format!("Sentinel ID is {}", sentinel.id()));
        self.log.release();
        self.manager.tell("READY=1\n");
        let code = tokio::select! {
            exit = sentinel.wait() => exit.code.unwrap_or(0),
            name = signals.next() => {
                self.log.signal(name);
                0
            }
        };
        if code != 0 {
            return u8::try_from(code).unwrap_or(1);
        }
        self.manager.tell("STOPPING=1\n");
        self.log.line(LogLevel::Warning, "User requested shutdown...");
        tokio::select! {
            _ = sentinel.stop() => {}
            _ = signals.interrupt.recv() => {
                self.log.line(LogLevel::Warning, "You insist... exiting now.");
                return 1;
            }
        }
        self.remove_pidfile();
        self.log.line(LogLevel::Warning, "Sentinel is now ready to exit, bye bye...");
        0
    }

    /// Tells that the sentinel could not start.
    fn fail_to_listen(&self, error: &Error) -> u8 {
        if error.kind() != ErrorKind::Listen {
            return self.fail(&error.to_string());
        }
        let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        let why = why.split(" (os error ").next().unwrap_or_default();
        let place = error.subject();
        let line = format!("Warning: Could not create server TCP listening socket {place}: bind: {why}");
        self.log.line(LogLevel::Warning, &line);
        self.fail(&format!("Failed listening on port {} (TCP), aborting.", self.port))
    }

    /// Tells why the process ends.
    fn fail(&self, line: &str) -> u8 {
        self.log.release();
        self.log.line(LogLevel::Warning, line);
        1
    }

    /// Writes the process id where it was told to.
    fn write_pidfile(&self) {
        let Some(path) = &self.pidfile else { return };
        if let Err(error) = std::fs::write(path, format!("{}\n", std::process::id())) {
            self.log.line(LogLevel::Warning, &format!("Can't write the pid file {path}: {}", reason(&error)));
        }
    }

    /// Removes the file of the process id.
    fn remove_pidfile(&self) {
        let Some(path) = &self.pidfile else { return };
        self.log.line(LogLevel::Notice, "Removing the pid file.");
        // It may be gone already, which is what is wanted.
        let _ = std::fs::remove_file(path);
    }
}

impl Signals {
    /// Begins to listen.
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The name of the next signal that asks for the end.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Prints a text; a closed standard output is the reader's choice.
fn print(text: &str) -> u8 {
    u8::from(io::stdout().lock().write_all(text.as_bytes()).is_err())
}

/// The exit code of the demo, its failure shown.
fn show(result: crate::error::Result<()>) -> u8 {
    match result {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "{error}");
            1
        }
    }
}

/// The line that tooling parses, and under our own name our own version.
fn version(guise: Guise) -> String {
    let own = env!("CARGO_PKG_VERSION");
    let line =
        format!("Redis server v={COMPATIBLE_VERSION} sha=00000000:0 malloc=libc bits=64 build=sentinelle-{own}\n");
    match guise {
        Guise::Own => format!("{line}sentinelle {own}\n"),
        Guise::Reference => line,
    }
}

/// How many threads serve; the sentinel itself is one task.
const WORKERS: usize = 2;

/// Where a process in the background leaves its id when nothing else is said.
const PIDFILE: &str = "/var/run/redis.pid";

const HELP: &str = "\
Sentinelle: Redis Sentinel, compatible with redis-sentinel 7.0

Usage: sentinelle /path/to/sentinel.conf [--option value ...] [-]
       sentinelle demo
       sentinelle -v | --version
       sentinelle -h | --help

The file is the one redis-sentinel reads and writes; it must be writable, because the state is kept in it.
Options are lines of the file (--port 26380, --sentinel down-after-milliseconds mymaster 5000) and are stored in it.
A lone - reads more lines from standard input. `demo` shows a failover with real servers.

Examples:
       sentinelle /etc/redis/sentinel.conf
       sentinelle /etc/redis/sentinel.conf --port 26380 --loglevel verbose
       echo 'sentinel monitor mymaster 127.0.0.1 6379 2' | sentinelle ./sentinel.conf -
";

const REFERENCE_USAGE: &str = "\
Usage: ./redis-server [/path/to/redis.conf] [options] [-]
       ./redis-server - (read config from stdin)
       ./redis-server -v or --version
       ./redis-server -h or --help

Examples:
       ./redis-server /etc/sentinel.conf --sentinel --port 7777
       ./redis-server /etc/sentinel.conf --sentinel --loglevel verbose -

Sentinel mode:
       ./redis-server /etc/sentinel.conf --sentinel
";

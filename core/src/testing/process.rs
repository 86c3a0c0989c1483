//! Decides how a program is started, stopped in its tracks, killed and cleaned away, without leaving anything behind.
//!
//! Its output goes to a file, never to a pipe that could fill up. On Linux `setpriv` ties its life to ours, so that
//! it dies with us even when we are killed. That tie is to the *thread* that starts it, hence one lasting thread
//! starts them all. Where there is no such tie, the note of its process id lets the next test program end it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError, mpsc},
    thread,
};

use super::{
    folder::Folder,
    program::on_path,
    wait::{wait_until, yield_briefly},
};
use crate::{
    error::{Error, ErrorKind, Result},
    types::Millis,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How many bytes of a log's end are shown with a failure.
const LOG_TAIL: usize = 2000;

/// A child process with its folder; dropping it ends both.
#[derive(Debug)]
pub(super) struct Process {
    program: PathBuf,
    arguments: Vec<String>,
    folder: Folder,
    child: Option<Child>,
}

impl Process {
    /// A process that is not started yet, with an empty folder of its own.
    pub(super) fn prepare(program: PathBuf, name: &str) -> Result<Self> {
        Ok(Self { program, arguments: Vec::new(), folder: Folder::make(name)?, child: None })
    }

    /// Its folder, where it runs.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets the arguments of the next start.
    pub(super) fn set_arguments(&mut self, arguments: Vec<String>) {
        self.arguments = arguments;
    }

    /// Sets the program of the next start.
    pub(super) fn set_program(&mut self, program: PathBuf) {
        self.program = program;
    }

    /// Starts it; one that still runs is killed first.
    pub(super) fn start(&mut self) -> Result<()> {
        self.kill();
        let failed = |error: io::Error| {
            Error::new(ErrorKind::NoServer, "start a program", self.program.display().to_string()).because(error)
        };
        let log = File::options().create(true).append(true).open(self.log_file()).map_err(failed)?;
        let mut command = tied_to_us(&self.program);
        command
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log);
        let child = start_on_lasting_thread(command).map_err(failed)?;
        self.folder.note_process(child.id(), &self.program).map_err(failed)?;
        self.child = Some(child);
        Ok(())
    }

    /// The process id; `None` while it does not run.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether it was started and has not ended by itself.
    pub(super) fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Whether it has ended by itself since the last look.
    pub(super) fn notice_end(&mut self) -> bool {
        let has_ended = self.child.is_some() && !self.is_running();
        if has_ended {
            self.kill();
        }
        has_ended
    }

    /// Keeps its folder when it is dropped, and says where.
    pub(super) fn keep_files(&self) {
        self.folder.keep();
    }

    /// Kills it like a power failure would, and returns when it is gone.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only when it has ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to end (`SIGTERM`) and gives its exit code; `None` when a signal ended it.
    pub(super) fn terminate(&mut self, limit: Millis) -> Result<Option<i32>> {
        let Some(mut child) = self.child.take() else { return Ok(None) };
        signal(child.id(), Signal::SIGTERM);
        let mut ended = None;
        let waited = wait_until(limit, "the process ends by itself", || {
            ended = child.try_wait().ok().flatten();
            ended.is_some()
        });
        let _ = child.kill();
        let _ = child.wait();
        waited?;
        Ok(ended.and_then(|status| status.code()))
    }

    /// Stops it in its tracks (`SIGSTOP`); it keeps its sockets and answers nothing.
    pub(super) fn pause(&self) {
        let Some(pid) = self.pid() else { return };
        signal(pid, Signal::SIGSTOP);
        // Where there is no /proc the signal is taken to be in effect.
        while fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !is_stopped_or_dead(&stat)) {
            yield_briefly();
        }
    }

    /// Lets it go on after [`Process::pause`].
    pub(super) fn resume(&self) {
        if let Some(pid) = self.pid() {
            signal(pid, Signal::SIGCONT);
        }
    }

    /// All that it has written.
    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    /// The end of what it has written, to be shown with a failure.
    pub(super) fn log_tail(&self) -> String {
        let log = self.log();
        let from = log.len().saturating_sub(LOG_TAIL);
        let from = (from..log.len()).find(|&at| log.is_char_boundary(at)).unwrap_or(0);
        log[from..].trim_end().to_owned()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("output.txt")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a line of `/proc/<pid>/stat` tells of a process that does not run any more.
fn is_stopped_or_dead(stat: &str) -> bool {
    // The name in brackets may hold anything; the state is the first word behind it.
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    matches!(state, Some('T' | 't' | 'Z' | 'X') | None)
}

fn signal(pid: u32, which: Signal) {
    // Fails only when the process has ended, which its owner notices when it looks.
    let _ = kill(Pid::from_raw(pid as i32), which);
}

/// A command that runs the program so that it is killed when we end, where the system can do that.
fn tied_to_us(program: &Path) -> Command {
    static TIE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let Some(setpriv) = TIE.get_or_init(find_tie) else { return Command::new(program) };
    let mut command = Command::new(setpriv);
    command.args(TIE_ARGUMENTS).args(["sh", "-c", UNLESS_ORPHANED, "sh"]);
    command.arg(std::process::id().to_string()).arg(program);
    command
}

/// `setpriv`, when it is one that can tie processes; some systems have a smaller one.
fn find_tie() -> Option<PathBuf> {
    let setpriv = on_path("setpriv").filter(|_| cfg!(target_os = "linux"))?;
    let mut trial = Command::new(&setpriv);
    // It is tried on what it will start, so that nothing else on the system matters.
    trial.args(TIE_ARGUMENTS).args(["sh", "-c", ":"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    trial.status().is_ok_and(|status| status.success()).then_some(setpriv)
}

const TIE_ARGUMENTS: [&str; 3] = ["--pdeathsig", "KILL", "--"];

/// Runs the program only while we live: who died before the tie was made would never be missed.
const UNLESS_ORPHANED: &str = r#"[ "$PPID" = "$1" ] && shift && exec "$@""#;

type Start = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts the command on a thread that lasts as long as this program.
fn start_on_lasting_thread(command: Command) -> io::Result<Child> {
    let (answer, started) = mpsc::channel();
    lasting_thread()?.send((command, answer)).map_err(io::Error::other)?;
    started.recv().map_err(io::Error::other)?
}

/// Where the thread takes its orders; a forked child has a thread of its own.
fn lasting_thread() -> io::Result<mpsc::Sender<Start>> {
    static THREAD: Mutex<Option<(u32, mpsc::Sender<Start>)>> = Mutex::new(None);
    let mut thread = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = std::process::id();
    if let Some((_, orders)) = thread.as_ref().filter(|(owner, _)| *owner == pid) {
        return Ok(orders.clone());
    }
    let (orders, inbox) = mpsc::channel::<Start>();
    // Without a name of its own it would bear that of whoever starts the first process.
    thread::Builder::new().name("snl-processes".into()).spawn(move || {
        for (mut command, answer) in inbox {
            let _ = answer.send(command.spawn());
        }
    })?;
    // The parent's stays as it is: its thread may have been about to look at it.
    std::mem::forget(thread.replace((pid, orders.clone())));
    Ok(orders)
}

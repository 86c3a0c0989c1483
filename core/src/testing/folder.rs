//! Decides where the files of test processes lie, and that a killed test program's are removed by the next.
//!
//! All processes of one program share a folder of the system's temporary one. A lock held in it tells that its owner
//! lives, also to programs that see other process ids. Each process's own folder notes its id and when it started, so
//! that one which outlives its owner can be ended, and no other that has its id by then.

use std::{
    env, fs,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tempfile::TempDir;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::error::{Error, ErrorKind, Result};

const PREFIX: &str = "sentinelle-test-";
const LOCK: &str = "lock";
const PROCESS: &str = "process";

/// A folder of one process, removed when dropped; the shared one goes with the last of them.
#[derive(Debug)]
pub(super) struct Folder {
    own: TempDir,
    // Dropped after `own`, which lies in it.
    _shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: TempDir,
    _lock: File,
}

impl Folder {
    /// A new, empty folder whose name begins with `name`.
    pub(super) fn make(name: &str) -> Result<Self> {
        let made = shared().and_then(|shared| {
            let own = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(shared.folder.path())?;
            Ok(Self { own, _shared: shared })
        });
        made.map_err(|error| Error::new(ErrorKind::File, "make a folder", name).because(error))
    }

    /// Notes which process runs here.
    pub(super) fn note_process(&self, pid: u32) -> io::Result<()> {
        // Where the start cannot be told the process is not touched later.
        let Some(started) = start_of(pid) else { return Ok(()) };
        fs::write(self.path().join(PROCESS), format!("{pid} {started}"))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.own.path()
    }
}

/// The folder of this program, made when there is none.
fn shared() -> io::Result<Arc<Shared>> {
    static CURRENT: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(shared) = current.upgrade() {
        return Ok(shared);
    }
    sweep(&env::temp_dir());
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
    let lock = File::create(folder.path().join(LOCK))?;
    lock.lock()?;
    let shared = Arc::new(Shared { folder, _lock: lock });
    *current = Arc::downgrade(&shared);
    Ok(shared)
}

/// Removes what programs that were killed have left.
fn sweep(place: &Path) {
    let Ok(entries) = place.read_dir() else { return };
    let of_ours =
        |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX));
    for folder in entries.flatten().map(|entry| entry.path()).filter(of_ours) {
        // A folder without a lock is just being made; one whose lock can be had has lost its owner.
        let abandoned = File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if abandoned {
            end_processes(&folder);
            // Another program may be removing it too.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Kills the processes that were noted in the folders of an abandoned one and still run.
fn end_processes(abandoned: &Path) {
    let Ok(folders) = abandoned.read_dir() else { return };
    for note in folders.flatten().filter_map(|folder| fs::read_to_string(folder.path().join(PROCESS)).ok()) {
        let Some((pid, started)) = note.split_once(' ') else { continue };
        let Ok(pid) = pid.parse() else { continue };
        if start_of(pid).is_some_and(|now| now == started) {
            // It may be ending by itself.
            let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    }
}

/// When a process started, in the system's ticks since its boot; `None` when it is gone or the system does not tell.
fn start_of(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; the start is the twentieth word behind it.
    stat.rsplit(')').next()?.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        process::{Child, Command},
    };

    use super::{Folder, LOCK, PREFIX, PROCESS, start_of, sweep};

    #[test]
    fn a_folder_is_gone_when_it_is_dropped() {
        let folder = Folder::make("one").expect("the system has a temporary folder");
        let path = folder.path().to_owned();
        assert!(path.is_dir());

        drop(folder);

        assert!(!path.exists());
    }

    #[test]
    fn only_folders_whose_owner_is_gone_are_swept_away() {
        let place = tempfile::tempdir().expect("the system has a temporary folder");
        let folder = |name: &str| place.path().join(format!("{PREFIX}{name}"));
        let files = ["owned", "abandoned"].map(|name| {
            fs::create_dir(folder(name)).expect("the place is empty");
            File::create(folder(name).join(LOCK)).expect("the folder is empty")
        });
        files[0].lock().expect("nobody else holds it");
        fs::create_dir(folder("being-made")).expect("the place is empty");
        fs::create_dir(place.path().join("of-somebody-else")).expect("the place is empty");

        sweep(place.path());

        assert!(folder("owned").exists());
        assert!(folder("being-made").exists());
        assert!(place.path().join("of-somebody-else").exists());
        assert!(!folder("abandoned").exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_outlives_its_owner_is_ended_and_one_that_only_has_its_id_is_not() {
        let place = tempfile::tempdir().expect("the system has a temporary folder");
        let abandoned = place.path().join(format!("{PREFIX}abandoned"));
        let (mut orphan, mut stranger) = (idle(), idle());
        let started = start_of(orphan.id()).expect("it runs");
        for (name, note) in
            [("orphan", format!("{} {started}", orphan.id())), ("stranger", format!("{} 1", stranger.id()))]
        {
            fs::create_dir_all(abandoned.join(name)).expect("the place is empty");
            fs::write(abandoned.join(name).join(PROCESS), note).expect("the folder is empty");
        }
        File::create(abandoned.join(LOCK)).expect("the folder has room");

        sweep(place.path());

        let ended = orphan.wait().expect("it is our child");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9));
        assert_eq!(stranger.try_wait().expect("it is our child"), None);
        stranger.kill().and_then(|()| stranger.wait()).expect("it is our child");
    }

    #[cfg(target_os = "linux")]
    fn idle() -> Child {
        Command::new("tail").args(["-f", "/dev/null"]).spawn().expect("the system has tail")
    }
}

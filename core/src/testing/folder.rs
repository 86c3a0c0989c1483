//! Decides where the files of test processes lie, and that a killed test program's are removed by the next.
//!
//! All processes of one program share a folder of the system's temporary one. A lock held in it tells that its owner
//! lives, also to programs that see other process ids. Each process's own folder notes its id, when it started and
//! which program it runs, so that one which outlives its owner can be ended, and no other that has its id by then.
//!
//! What is dropped by a panic is kept for the person who looks for its cause.

use std::{
    env, fs,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
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
const KEPT_PREFIX: &str = "sentinelle-kept-";
/// How many programs' kept folders are left to lie about; older ones are removed.
const MOST_KEPT: usize = 10;

/// A folder of one process, removed when dropped unless it is kept; the shared one goes with the last of them.
#[derive(Debug)]
pub(super) struct Folder {
    own: TempDir,
    must_be_kept: AtomicBool,
    // Dropped after `own`, which lies in it.
    shared: Arc<Shared>,
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
            Ok(Self { own, must_be_kept: AtomicBool::new(false), shared })
        });
        made.map_err(|error| Error::new(ErrorKind::File, "make a folder", name).because(error))
    }

    /// Notes which process runs here, and which program it will run when it is under way.
    pub(super) fn note_process(&self, pid: u32, program: &Path) -> io::Result<()> {
        // Where the start cannot be told the process is not touched later.
        let Some(started) = start_of(pid) else { return Ok(()) };
        let program = fs::canonicalize(program)?;
        fs::write(self.path().join(PROCESS), format!("{pid} {started} {}", program.display()))
    }

    /// Keeps it when it is dropped, and says where.
    pub(super) fn keep(&self) {
        self.must_be_kept.store(true, Ordering::Relaxed);
    }

    /// Whether it is kept when it is dropped at this moment.
    pub(super) fn is_kept(&self) -> bool {
        self.must_be_kept.load(Ordering::Relaxed) || thread::panicking()
    }

    /// Moves it to where nobody removes it soon.
    fn put_by(&self) -> io::Result<PathBuf> {
        let [shared, own] = [self.shared.folder.path(), self.path()].map(|path| path.file_name().unwrap_or_default());
        let shared = shared.to_string_lossy().replacen(PREFIX, KEPT_PREFIX, 1);
        let kept = self.shared.folder.path().with_file_name(shared);
        fs::create_dir_all(&kept)?;
        fs::rename(self.path(), kept.join(own))?;
        Ok(kept.join(own))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.own.path()
    }
}

impl Drop for Folder {
    #[expect(clippy::print_stderr, reason = "who looks for the cause of a failure needs to know where")]
    fn drop(&mut self) {
        if self.is_kept() {
            match self.put_by() {
                Ok(path) => eprintln!("kept: {}", path.display()),
                Err(error) => eprintln!("{} could not be kept: {error}", self.path().display()),
            }
        }
    }
}

/// The folder of this program, made when there is none.
fn shared() -> io::Result<Arc<Shared>> {
    static CURRENT: Mutex<(u32, Weak<Shared>)> = Mutex::new((0, Weak::new()));
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = std::process::id();
    // The one of the program that this was forked from ends with that program.
    if let Some(shared) = current.1.upgrade().filter(|_| current.0 == pid) {
        return Ok(shared);
    }
    sweep(&env::temp_dir());
    sweep_kept(&env::temp_dir());
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
    let lock = File::create(folder.path().join(LOCK))?;
    lock.lock()?;
    let shared = Arc::new(Shared { folder, _lock: lock });
    *current = (pid, Arc::downgrade(&shared));
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
        let mut words = note.splitn(3, ' ');
        let (Some(pid), Some(started), Some(program)) = (words.next(), words.next(), words.next()) else { continue };
        let Ok(pid) = pid.parse() else { continue };
        if start_of(pid).is_some_and(|now| now == started) && runs(pid, program) {
            // It may be ending by itself.
            let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    }
}

/// Removes all but the newest of the kept folders.
fn sweep_kept(place: &Path) {
    let Ok(entries) = place.read_dir() else { return };
    let kept = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(KEPT_PREFIX));
    let mut kept: Vec<_> =
        kept.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    kept.sort_unstable();
    for (_, folder) in kept.iter().rev().skip(MOST_KEPT) {
        // Another program may be removing it too.
        let _ = fs::remove_dir_all(folder);
    }
}

/// Whether a process runs that program, which may have been replaced by a newer one meanwhile.
fn runs(pid: u32, program: &str) -> bool {
    let Ok(found) = fs::read_link(format!("/proc/{pid}/exe")) else { return false };
    found.to_string_lossy().trim_end_matches(" (deleted)") == program
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
        path::Path,
        process::{Child, Command},
        thread,
    };

    use super::{Folder, KEPT_PREFIX, LOCK, MOST_KEPT, PREFIX, PROCESS, start_of, sweep, sweep_kept};
    use crate::testing::program::on_path;

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
        let (mut orphan, mut strangers) = (idle(), [idle(), idle()]);
        let tail = fs::canonicalize(on_path("tail").expect("the system has tail")).expect("it is a file");
        let started = |child: &Child| start_of(child.id()).expect("it runs");
        let note =
            |child: &Child, started: &str, program: &Path| format!("{} {started} {}", child.id(), program.display());
        let notes = [
            ("orphan", note(&orphan, &started(&orphan), &tail)),
            ("of-another-start", note(&strangers[0], "1", &tail)),
            ("of-another-program", note(&strangers[1], &started(&strangers[1]), Path::new("/usr/bin/redis-server"))),
        ];
        for (name, note) in notes {
            fs::create_dir_all(abandoned.join(name)).expect("the place is empty");
            fs::write(abandoned.join(name).join(PROCESS), note).expect("the folder is empty");
        }
        File::create(abandoned.join(LOCK)).expect("the folder has room");

        sweep(place.path());

        let ended = orphan.wait().expect("it is our child");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9));
        for stranger in &mut strangers {
            assert_eq!(stranger.try_wait().expect("it is our child"), None);
            stranger.kill().and_then(|()| stranger.wait()).expect("it is our child");
        }
    }

    #[test]
    fn a_folder_that_a_panic_drops_is_kept_with_what_is_in_it() {
        let folder = Folder::make("kept").expect("the system has a temporary folder");
        fs::write(folder.path().join("log"), "why").expect("the folder is empty");
        let path = folder.path().to_owned();

        let panicked = thread::spawn(move || {
            let _folder = folder;
            panic!("a test fails");
        });
        assert!(panicked.join().is_err());

        let shared = path.parent().expect("it lies in the shared one");
        let name = shared.file_name().expect("it has a name").to_string_lossy().replace(PREFIX, KEPT_PREFIX);
        let kept = shared.with_file_name(name);
        let own = kept.join(path.file_name().expect("it has a name"));
        assert!(!path.exists());
        assert_eq!(fs::read_to_string(own.join("log")).expect("it is kept"), "why");
        fs::remove_dir_all(kept).expect("it is ours");
    }

    #[test]
    fn only_the_newest_kept_folders_are_left() {
        let place = tempfile::tempdir().expect("the system has a temporary folder");
        for number in 0..MOST_KEPT + 3 {
            fs::create_dir(place.path().join(format!("{KEPT_PREFIX}{number}"))).expect("the place is empty");
        }

        sweep_kept(place.path());

        assert_eq!(place.path().read_dir().expect("it is a folder").count(), MOST_KEPT);
    }

    #[cfg(target_os = "linux")]
    fn idle() -> Child {
        Command::new("tail").args(["-f", "/dev/null"]).spawn().expect("the system has tail")
    }
}

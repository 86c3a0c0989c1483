//! Decides where the files of test processes lie, and that a killed test program's are removed by the next.
//!
//! All processes of one program share a folder of the system's temporary one. A lock held in it tells that its owner
//! lives, also to programs that see other process ids.

use std::{
    env, fs,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tempfile::TempDir;

use crate::error::{Error, ErrorKind, Result};

const PREFIX: &str = "sentinelle-test-";
const LOCK: &str = "lock";

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
            // Another program may be removing it too.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::{Folder, LOCK, PREFIX, sweep};

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
}

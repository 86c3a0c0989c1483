//! Decides how the configuration is put on disk: the whole file or nothing, and there for good when that is said.
//!
//! Mirrors spec 1.8: a new file beside the old one, synced, given the usual mode, renamed over it, the folder synced.

use std::{
    fs::{File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    disk::{Disk, read_text},
    disturb::Storage,
};
use crate::{
    config::{Settings, rewrite},
    net::reason,
};

/// Where the configuration is kept.
#[derive(Clone, Debug)]
pub(super) struct ConfigFile {
    /// The file, as an absolute path.
    pub(super) path: PathBuf,
    /// Where the relative paths inside it begin.
    pub(super) folder: PathBuf,
}

/// Why a file was not written: which step failed, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The line for the log, in the words of the reference.
    pub(super) line: String,
    /// The reason alone, in the system's words.
    pub(super) reason: String,
}

/// Writes `settings` into the file, keeping what its text holds beside them.
///
/// A file that does not exist is made. When this fails the old file is as it was.
pub(super) fn write(file: &ConfigFile, settings: &Settings, storage: Storage) -> Result<(), Failure> {
    let old = match read_text(&file.path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failure("Could not read the config file", &error)),
    };
    let text = rewrite(&old, settings, &mut Disk::at(&file.folder));
    storage.check().map_err(|error| failure(CANNOT_CREATE, &error))?;
    replace(&file.path, text.as_bytes())
}

fn replace(path: &Path, text: &[u8]) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let prefix = path.file_name().map(|name| format!("{}.", name.display())).unwrap_or_default();
    // The mode is given at creation, so the process's umask takes its part away.
    let mut temporary = tempfile::Builder::new()
        .prefix(&prefix)
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(|error| failure(CANNOT_CREATE, &error))?;
    temporary.write_all(text).map_err(|error| {
        failure(&format!("Failed after writing ({}) bytes to tmp config file", written(&temporary)), &error)
    })?;
    temporary.as_file().sync_all().map_err(|error| failure("Could not sync tmp config file to disk", &error))?;
    temporary.persist(path).map_err(|error| failure("Could not rename tmp config file", &error.error))?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failure("Could not sync config file dir", &error))
}

fn written(file: &tempfile::NamedTempFile) -> u64 {
    file.as_file().metadata().map_or(0, |metadata| metadata.len())
}

fn failure(step: &str, error: &io::Error) -> Failure {
    let reason = reason(error);
    Failure { line: format!("{step} ({reason})"), reason }
}

const CANNOT_CREATE: &str = "Could not create tmp config file";

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use super::{ConfigFile, Failure, Storage, write};
    use crate::{config::Settings, types::Epoch};

    fn in_folder(folder: &Path, name: &str) -> ConfigFile {
        ConfigFile { path: folder.join(name), folder: folder.to_owned() }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("the folder is there");
        entries.map(|entry| entry.expect("it can be read").file_name().display().to_string()).collect()
    }

    #[test]
    fn a_written_file_can_be_read_by_all_and_is_alone() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let file = in_folder(folder.path(), "sentinel.conf");
        fs::write(&file.path, "# mine\n").expect("the folder is writable");
        let settings = Settings { current_epoch: Epoch::new(7), ..Settings::default() };

        write(&file, &settings, Storage::Works).expect("the folder is writable");

        let text = fs::read_to_string(&file.path).expect("it is there");
        assert!(text.starts_with("# mine\n") && text.contains("sentinel current-epoch 7\n"), "{text}");
        let mode = file.path.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o700, 0o600);
        assert_eq!(mode & 0o133, 0);
        assert_eq!(names(folder.path()), ["sentinel.conf"]);
    }

    #[test]
    fn a_file_that_is_missing_is_made() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let file = in_folder(folder.path(), "new.conf");

        write(&file, &Settings::default(), Storage::Works).expect("the folder is writable");

        assert_eq!(names(folder.path()), ["new.conf"]);
    }

    #[test]
    fn a_folder_that_is_missing_is_told_in_the_words_of_the_reference() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let file = in_folder(&folder.path().join("gone"), "sentinel.conf");

        let failure = write(&file, &Settings::default(), Storage::Works).expect_err("there is no folder");

        let reason = "No such file or directory".to_owned();
        assert_eq!(failure, Failure { line: format!("Could not create tmp config file ({reason})"), reason });
    }

    #[test]
    fn what_is_in_the_way_stays_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let file = in_folder(folder.path(), "sentinel.conf");
        fs::create_dir(&file.path).expect("the folder is writable");

        let failure = write(&file, &Settings::default(), Storage::Works).expect_err("a folder is in the way");

        assert_eq!(failure.reason, "Not a regular file");
        assert_eq!(names(folder.path()), ["sentinel.conf"]);
    }

    #[test]
    fn a_pipe_in_the_way_does_not_make_it_wait() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let file = in_folder(folder.path(), "sentinel.conf");
        let made = std::process::Command::new("mkfifo").arg(&file.path).status().expect("the system has mkfifo");
        assert!(made.success());

        let failure = write(&file, &Settings::default(), Storage::Works).expect_err("a pipe is in the way");

        assert_eq!(failure.reason, "Not a regular file");
    }
}

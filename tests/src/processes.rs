//! Decides which processes are somebody's: those that run in a folder of his.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folders at or below `place` in which a process runs, one for each.
///
/// # Panics
/// Where the system does not tell of its processes as Linux does.
pub fn processes_in(place: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir("/proc").expect("the system tells of its processes").flatten();
    let folders = entries.filter_map(|entry| fs::read_link(entry.path().join("cwd")).ok());
    folders.filter(|folder| folder.starts_with(place)).collect()
}

//! Decides what a configuration finds on disk: the files it includes, scripts, folders.
//!
//! Relative paths begin at a folder of its own, so that reading a configuration does not move the process.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Component, Path, PathBuf},
};

use crate::{config::Outside, net::reason, types::glob_matches};

/// The files that a configuration may refer to.
#[derive(Clone, Debug)]
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Relative paths begin at `folder`.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where relative paths begin now: where `dir` led, or where it started.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every file that matches, in the order of their names.
    fn matches(&self, pattern: &str) -> Vec<PathBuf> {
        let mut found = vec![self.folder.clone()];
        for component in Path::new(pattern).components() {
            let step = component.as_os_str().to_string_lossy();
            if !matches!(component, Component::Normal(_)) || !is_pattern(&step) {
                for path in &mut found {
                    path.push(component);
                }
                continue;
            }
            found = found.iter().flat_map(|folder| entries(folder, &step)).take(MAX_MATCHES).collect();
        }
        found.retain(|path| path.exists());
        found
    }
}

impl Outside for Disk {
    fn include(&mut self, path: &str) -> Result<String, String> {
        let text_of = |path: &Path| read_text(path).map_err(|error| reason(&error));
        if !is_pattern(path) {
            return text_of(&self.folder.join(path));
        }
        let mut text = String::new();
        for path in self.matches(path) {
            text.push_str(&text_of(&path)?);
            text.push('\n');
            if text.len() as u64 > MAX_FILE {
                return Err("File too large".into());
            }
        }
        Ok(text)
    }

    fn is_executable(&mut self, path: &str) -> bool {
        let metadata = self.folder.join(path).metadata();
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    }

    fn enter(&mut self, folder: &str) -> Result<(), String> {
        let folder = self.folder.join(folder).canonicalize().map_err(|error| reason(&error))?;
        std::fs::read_dir(&folder).map_err(|error| reason(&error))?;
        self.folder = folder;
        Ok(())
    }
}

/// Reads a text file of bounded size; bytes that are no UTF-8 become replacement characters.
///
/// # Errors
/// The system's, and one for what is not a file or too large to be a configuration.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    // Opening a pipe would wait for its other end.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("Not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other("File too large"));
    }
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The entries of a folder whose names match; hidden ones only when the pattern begins with a dot.
fn entries(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with('.') == pattern.starts_with('.'))
        .filter(|name| glob_matches(pattern.as_bytes(), name.as_bytes()))
        .collect::<Vec<_>>();
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}

/// No configuration is nearly this large; a file that is must be something else.
const MAX_FILE: u64 = 64 << 20;

const MAX_MATCHES: usize = 1024;

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::Disk;
    use crate::config::Outside as _;

    fn write(folder: &Path, name: &str, text: &str) {
        fs::create_dir_all(folder.join(name).parent().expect("the folder is one")).expect("the folder is writable");
        fs::write(folder.join(name), text).expect("the folder is writable");
    }

    #[test]
    fn a_pattern_includes_its_files_in_order() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        write(folder.path(), "conf.d/b.conf", "b");
        write(folder.path(), "conf.d/a.conf", "a");
        write(folder.path(), "conf.d/.hidden.conf", "h");
        write(folder.path(), "other.d/c.conf", "c");
        let mut disk = Disk::at(folder.path());

        assert_eq!(disk.include("conf.d/*.conf"), Ok("a\nb\n".into()));
        assert_eq!(disk.include("*.d/[bc].conf"), Ok("b\nc\n".into()));
        assert_eq!(disk.include("conf.d/a.conf"), Ok("a".into()));
        assert_eq!(disk.include("conf.d/x*"), Ok(String::new()));
        assert_eq!(disk.include("missing"), Err("No such file or directory".into()));
        assert_eq!(disk.include("conf.d"), Err("Not a regular file".into()));
    }

    #[test]
    fn a_folder_that_was_entered_is_where_paths_begin() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        write(folder.path(), "inner/file", "text");
        let mut disk = Disk::at(folder.path());

        assert_eq!(disk.enter("inner"), Ok(()));
        assert_eq!(disk.include("file"), Ok("text".into()));
        assert_eq!(disk.enter("file"), Err("Not a directory".into()));
        assert!(!disk.is_executable("file"));
        assert!(disk.is_executable("/bin/sh"));
    }
}

//! Decides whether a sentinel can start: its configuration read, its folder entered, its files found writable.
//!
//! Mirrors spec 1.2 and 1.3: the same checks in the same order with the same words, and one more (the folder of
//! the configuration file has to take new files, because each state is a new file).

use std::{
    fs::OpenOptions,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use super::{
    arguments::{Launch, Stdin},
    log::write_early,
};
use crate::{
    config::{self, COMPATIBLE_VERSION, ConfigError, Outside as _, Settings},
    driver::{Disk, Sentinel, SentinelBuilder},
};

/// A sentinel that is ready to start.
pub(super) struct Prepared {
    pub(super) builder: SentinelBuilder,
    pub(super) settings: Settings,
    /// What the operator should know.
    pub(super) remarks: Vec<String>,
}

/// Why it does not start.
pub(super) enum Refusal {
    /// A line for the log.
    Logged(String),
    /// A block for standard error, with a line for the log before it.
    Shown { remark: Option<String>, block: String },
}

/// Reads the configuration and checks what it needs; the process is in the folder of `dir` afterwards.
pub(super) fn prepare(launch: &Launch) -> Result<Prepared, Refusal> {
    let here = std::path::absolute(".").map_err(|error| Refusal::Logged(format!("no working folder: {error}")))?;
    let mut disk = Disk::at(&here);
    let file = launch.file.as_deref().map(|file| here.join(file));
    let text = match &file {
        Some(path) => read_file(&mut disk, path)?,
        None => String::new(),
    };
    let loaded = config::read(&config::join_pieces(&text, &read_stdin(launch.stdin)?, &launch.lines), &mut disk)?;
    let mut settings = loaded.settings;
    // Made in the folder of the start, where the relative paths of the configuration begin.
    let builder = match &file {
        Some(path) => Sentinel::builder().config_file(path).map_err(|error| Refusal::Logged(error.to_string()))?,
        None => Sentinel::builder(),
    };
    std::env::set_current_dir(disk.folder()).map_err(|error| Refusal::Logged(reason(&error)))?;
    check_log(&settings.server.logfile)?;
    let Some(path) = file else {
        return Err(Refusal::Logged("Sentinel needs config file on disk to save state. Exiting...".to_owned()));
    };
    check_writable(&path)?;
    settings.server.dir = Some(disk.folder().display().to_string());
    Ok(Prepared { builder, settings, remarks: loaded.remarks })
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        match error.block() {
            Some(block) => Self::Shown { remark: error.remark().map(str::to_owned), block },
            None => Self::Logged(error.message().to_owned()),
        }
    }
}

impl Refusal {
    /// Tells why, where the reference tells it.
    pub(super) fn tell(&self) {
        match self {
            Self::Logged(line) => write_early(line),
            Self::Shown { remark, block } => {
                if let Some(remark) = remark {
                    write_early(remark);
                }
                // Nobody is left to hear when standard error is closed.
                let _ = io::Write::write_all(&mut io::stderr().lock(), block.as_bytes());
            }
        }
    }
}

/// The text of the configuration file.
fn read_file(disk: &mut Disk, path: &Path) -> Result<String, Refusal> {
    let shown = path.display().to_string();
    disk.include(&shown)
        .map_err(|reason| Refusal::Logged(format!("Fatal error, can't open config file '{shown}': {reason}")))
}

/// What standard input adds to the configuration.
fn read_stdin(stdin: Stdin) -> Result<String, Refusal> {
    let mut text = String::new();
    if stdin == Stdin::Configuration {
        write_early("Reading config from stdin");
        let read = io::stdin().lock().take(MOST_FROM_STDIN).read_to_string(&mut text);
        read.map_err(|error| {
            Refusal::Logged(format!("Fatal error, can't read config from stdin: {}", reason(&error)))
        })?;
    }
    Ok(text)
}

/// Whether the log file can be written.
fn check_log(path: &str) -> Result<(), Refusal> {
    if path.is_empty() {
        return Ok(());
    }
    OpenOptions::new().create(true).append(true).open(path).map(drop).map_err(|error| Refusal::Shown {
        remark: None,
        block: format!(
            "\n*** FATAL CONFIG FILE ERROR (Redis {COMPATIBLE_VERSION}) ***\nCan't open the log file: {}\n",
            reason(&error)
        ),
    })
}

/// Whether the configuration file can be replaced.
fn check_writable(path: &Path) -> Result<(), Refusal> {
    let refused = |why: String| {
        Refusal::Logged(format!("Sentinel config file {} is not writable: {why}. Exiting...", path.display()))
    };
    access(path, AccessFlags::W_OK).map_err(|error| refused(reason(&error.into())))?;
    let folder = path.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    tempfile::tempfile_in(&folder)
        .map(drop)
        .map_err(|error| refused(format!("its folder {} takes no new file: {}", folder.display(), reason(&error))))
}

/// The system's words for a failure, without its number.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or(&text).split(" at path ").next().unwrap_or_default().to_owned()
}

/// No configuration is nearly this large.
const MOST_FROM_STDIN: u64 = 16 << 20;

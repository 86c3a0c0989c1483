//! Decides how Python asks a discovery: addresses as pairs, pictures as JSON, waits without the interpreter's lock.

use pyo3::{exceptions::PyValueError, prelude::*};
use sentinelle::facade::{self, Next, Sign};

use crate::{
    event::Events,
    failure::raise,
    sentinel::{Pairs, checked},
    waiting::{patiently, wait},
};

/// A discovery.
#[pyclass(frozen, module = "sentinelle._sentinelle")]
pub(crate) struct Discovery(facade::Discovery);

/// Pictures of one master, each when something has changed.
#[pyclass(frozen, module = "sentinelle._sentinelle")]
pub(crate) struct Watch(facade::Watch);

#[pymethods]
impl Discovery {
    #[new]
    fn open(py: Python<'_>, options: Pairs) -> PyResult<Self> {
        facade::Discovery::open(&checked(py, &options)?).map(Self).map_err(|failure| raise(py, &failure))
    }

    /// Opens a discovery for a URL.
    #[staticmethod]
    fn open_url(py: Python<'_>, url: &str) -> PyResult<Self> {
        facade::Discovery::open_url(url).map(Self).map_err(|failure| raise(py, &failure))
    }

    /// The master, verified.
    fn master(&self, py: Python<'_>, name: &str, patience_ms: u64) -> PyResult<(String, u16)> {
        if let Some(known) = self.known_master(name) {
            return Ok(known);
        }
        let found = wait(py, self.0.master(name, patience_ms))?;
        Ok((found.host, found.port))
    }

    /// The master when it is known and not in doubt at this moment.
    fn known_master(&self, name: &str) -> Option<(String, u16)> {
        let picture = self.0.topology(name).ok().filter(|picture| picture.phase == "up")?;
        picture.master.map(|address| (address.host, address.port))
    }

    /// The replicas that may be read from.
    fn replicas(&self, py: Python<'_>, name: &str, patience_ms: u64) -> PyResult<Vec<(String, u16)>> {
        let found = wait(py, self.0.replicas(name, patience_ms))?;
        Ok(found.into_iter().map(|address| (address.host, address.port)).collect())
    }

    /// The picture at this moment, as JSON.
    fn topology(&self, py: Python<'_>, name: &str) -> PyResult<String> {
        self.0.topology(name).map(|picture| picture.json()).map_err(|failure| raise(py, &failure))
    }

    /// The generation at this moment; 0 before any master was found.
    fn generation(&self, name: &str) -> u64 {
        self.0.topology(name).map_or(0, |picture| picture.generation)
    }

    /// Waits until the generation is greater; whether it is.
    fn wait_switch(&self, py: Python<'_>, name: &str, after: u64, patience_ms: u64) -> PyResult<String> {
        Ok(wait(py, self.0.wait_switch(name, after, patience_ms))?.json())
    }

    /// Watches one master.
    fn watch(&self, py: Python<'_>, name: &str) -> PyResult<Watch> {
        self.0.watch(name).map(Watch).map_err(|failure| raise(py, &failure))
    }

    /// Everything that happens from this moment on.
    fn events(&self, py: Python<'_>) -> PyResult<Events> {
        self.0.events().map(Events::of).map_err(|failure| raise(py, &failure))
    }

    /// Tells what a client saw of the master: `read-only`, `not-ready`, `disconnected`, `timed-out`.
    fn suspect(&self, py: Python<'_>, name: &str, sign: &str) -> PyResult<()> {
        let sign = match sign {
            "read-only" => Sign::ReadOnly,
            "not-ready" => Sign::NotReady,
            "disconnected" => Sign::Disconnected,
            "timed-out" => Sign::TimedOut,
            other => return Err(PyValueError::new_err(format!("unknown sign: {other:?}"))),
        };
        self.0.suspect(name, self.generation(name), sign).map_err(|failure| raise(py, &failure))
    }

    /// Asks the sentinels again; gives the picture as JSON.
    fn refresh(&self, py: Python<'_>, name: &str, patience_ms: u64) -> PyResult<String> {
        Ok(wait(py, self.0.refresh(name, patience_ms))?.json())
    }

    /// The names of all masters that fit the glob.
    fn masters(&self, py: Python<'_>, glob: &str, patience_ms: u64) -> PyResult<Vec<String>> {
        wait(py, self.0.masters(glob, patience_ms))
    }

    /// Lets go of it.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, self.0.close())
    }
}

#[pymethods]
impl Watch {
    /// The newest picture that was not fetched yet, as JSON; `None` when none came in time or no more will come.
    #[pyo3(signature = (patience_ms=None))]
    fn next(&self, py: Python<'_>, patience_ms: Option<u64>) -> PyResult<Option<String>> {
        Ok(match patiently(py, patience_ms, |patience| self.0.next(patience))? {
            Next::Item(picture) => Some(picture.json()),
            Next::Empty | Next::Closed => None,
        })
    }

    /// A descriptor that is readable while a picture waits.
    fn fd(&self, py: Python<'_>) -> PyResult<i32> {
        self.0.fd().map_err(|failure| raise(py, &failure))
    }
}

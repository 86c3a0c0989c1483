//! Decides how a stream of events is fetched from Python: one by one, as an object of the package's own class.

use std::sync::{Mutex, PoisonError};

use pyo3::{exceptions::PyValueError, prelude::*, sync::PyOnceLock};
use sentinelle::facade;

use crate::{failure::raise, waiting::patiently};

/// A stream of events.
#[pyclass(frozen, module = "sentinelle._sentinelle")]
pub(crate) struct Events {
    /// None once it is closed.
    stream: Mutex<Option<facade::Events>>,
    is_ended: std::sync::atomic::AtomicBool,
}

impl Events {
    pub(crate) fn of(stream: facade::Events) -> Self {
        Self { stream: Mutex::new(Some(stream)), is_ended: false.into() }
    }

    fn stream(&self) -> Option<facade::Events> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[pymethods]
impl Events {
    /// The next event; `None` when none came in time or the stream has ended.
    #[pyo3(signature = (patience_ms=None))]
    fn next<'py>(&self, py: Python<'py>, patience_ms: Option<u64>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(stream) = self.stream() else { return Ok(None) };
        let found = patiently(py, patience_ms, |patience| stream.next(patience))?;
        match found {
            facade::Next::Item(event) => to_python(py, event).map(Some),
            facade::Next::Empty => Ok(None),
            facade::Next::Closed => {
                self.is_ended.store(true, std::sync::atomic::Ordering::Relaxed);
                Ok(None)
            }
        }
    }

    /// A descriptor that is readable while an event waits or the stream has ended.
    fn fd(&self, py: Python<'_>) -> PyResult<i32> {
        let Some(stream) = self.stream() else { return Ok(-1) };
        stream.fd().map_err(|failure| raise(py, &failure))
    }

    /// Whether no event will come any more.
    fn is_ended(&self) -> bool {
        self.is_ended.load(std::sync::atomic::Ordering::Relaxed) || self.stream().is_none()
    }

    /// Ends the stream.
    fn close(&self) {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// An event as `sentinelle.events.Event`.
pub(crate) fn to_python(py: Python<'_>, event: facade::Event) -> PyResult<Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = CLASS.import(py, "sentinelle.events", "Event")?;
    let fields = pyo3::types::PyDict::new(py);
    for (name, value) in &event.fields {
        fields.set_item(name, value)?;
    }
    class.call1((event.name, event.master, event.at_ms, event.epoch, fields, event.text, event.lost))
}

/// The records of the library's log; all callers share one stream.
#[pyfunction]
pub(crate) fn logs() -> Events {
    Events::of(facade::logs())
}

/// Keeps records of that level and louder ones: `off`, `error`, `warn`, `info`, `debug`, `trace`.
#[pyfunction]
pub(crate) fn set_log_level(name: &str) -> PyResult<()> {
    let level = facade::LogLevel::parse(name);
    facade::set_log_level(level.ok_or_else(|| PyValueError::new_err(format!("unknown level: {name:?}")))?);
    Ok(())
}

//! Decides which Python exception a failure becomes: Python chooses the class, by the kind's name.

use pyo3::{prelude::*, sync::PyOnceLock};
use sentinelle::facade::{ErrorKind, Failure, outcome_name};

/// The exception for a failure, as [`sentinelle.errors`] says.
pub(crate) fn raise(py: Python<'_>, failure: &Failure) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = MAKE.get_or_try_init(py, || import(py, "sentinelle.errors"));
    let facts = (
        failure.name(),
        failure.code(),
        failure.message.as_str(),
        failure.outcome.map(outcome_name),
        failure.retryable,
        failure.address.as_deref(),
        failure.server_code.as_deref(),
    );
    make.and_then(|make| make.bind(py).call1(facts)).map_or_else(|error| error, PyErr::from_value)
}

/// Every kind of failure: its name and its number.
#[pyfunction]
pub(crate) fn error_kinds() -> Vec<(&'static str, u32)> {
    ErrorKind::ALL.iter().map(|kind| (kind.name(), kind.code())).collect()
}

/// The function that makes exceptions out of failures in that module.
pub(crate) fn import(py: Python<'_>, module: &str) -> PyResult<Py<PyAny>> {
    Ok(py.import(module)?.getattr("from_failure")?.unbind())
}

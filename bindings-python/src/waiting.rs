//! Decides how a Python thread waits: without the interpreter's lock, and interrupted by what Python's signal handlers raise.

use std::cell::RefCell;

use pyo3::prelude::*;
use sentinelle::facade::{Call, Failure, Patience};

use crate::failure::raise;

/// Waits for an operation, however long it takes.
pub(crate) fn wait<T: Send + 'static>(py: Python<'_>, call: Call<T>) -> PyResult<T> {
    patiently(py, None, |patience| call.wait(patience))
}

/// Runs what waits, `limit_ms` at most.
pub(crate) fn patiently<T: Send>(
    py: Python<'_>,
    limit_ms: Option<u64>,
    work: impl FnOnce(&Patience<'_>) -> Result<T, Failure> + Send,
) -> PyResult<T> {
    interruptibly(py, limit_ms, work)?.map_err(|failure| raise(py, &failure))
}

/// Runs what waits. An exception that a signal handler raises ends it and is passed on.
pub(crate) fn interruptibly<T: Send>(
    py: Python<'_>,
    limit_ms: Option<u64>,
    work: impl FnOnce(&Patience<'_>) -> Result<T, Failure> + Send,
) -> PyResult<Result<T, Failure>> {
    let (result, raised) = py.detach(|| {
        let raised = RefCell::new(None);
        let is_interrupted = || {
            let error = Python::attach(|py| py.check_signals().err());
            let is_raised = error.is_some();
            *raised.borrow_mut() = error;
            is_raised
        };
        let patience = limit_ms.map_or_else(Patience::endless, Patience::ms).unless(&is_interrupted);
        let result = work(&patience);
        (result, raised.into_inner())
    });
    raised.map_or(Ok(result), Err)
}

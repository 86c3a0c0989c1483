//! Decides how Python runs commands on a pool: packed from its values, answered in its values, raised as redis-py raises.

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyList, PyTuple},
};
use sentinelle::facade::{self, Atomicity, Class, Command, Failure, Reply, outcome_name};

use crate::{
    failure::{import, raise},
    reply::{self, Errors, Sets, Shape},
    sentinel::{Pairs, checked},
    text::Text,
    waiting::{interruptibly, wait},
    words,
};

/// A pool.
#[pyclass(frozen, module = "sentinelle._sentinelle")]
pub(crate) struct Pool {
    handle: facade::Pool,
    text: Text,
    sets: Sets,
}

#[pymethods]
impl Pool {
    #[new]
    fn open(
        py: Python<'_>,
        options: Pairs,
        encoding: String,
        errors: String,
        decodes: bool,
        sets_are_sets: bool,
    ) -> PyResult<Self> {
        let handle = facade::Pool::open(&checked(py, &options)?).map_err(|failure| raise(py, &failure))?;
        let sets = if sets_are_sets { Sets::Sets } else { Sets::Lists };
        Ok(Self { handle, text: Text::new(encoding, errors, decodes), sets })
    }

    /// Runs a command; `is_raw` leaves its strings bytes.
    fn execute<'py>(
        &self,
        py: Python<'py>,
        arguments: &Bound<'py, PyTuple>,
        is_raw: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let command = words::command(arguments, &self.text)?;
        let answer = interruptibly(py, None, |patience| self.handle.execute(&command, patience))?;
        let answer = answer.map_err(|failure| raise_as_redis_py(py, &failure))?;
        reply::to_python(py, &answer, self.shape(is_raw))
    }

    /// Runs commands together; refusals stand among the replies.
    fn pipeline<'py>(
        &self,
        py: Python<'py>,
        commands: Vec<Bound<'py, PyTuple>>,
        is_atomic: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let commands = self.commands(&commands)?;
        let replies =
            interruptibly(py, None, |patience| self.handle.pipeline(&commands, atomicity(is_atomic), patience))?;
        self.list(py, &replies.map_err(|failure| raise_as_redis_py(py, &failure))?)
    }

    /// Its figures, as JSON.
    fn stats(&self, py: Python<'_>) -> PyResult<String> {
        self.handle.stats_json().map_err(|failure| raise(py, &failure))
    }

    /// Closes it.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, self.handle.close())
    }
}

impl Pool {
    pub(crate) fn handle(&self) -> &facade::Pool {
        &self.handle
    }

    pub(crate) fn text(&self) -> &Text {
        &self.text
    }

    pub(crate) fn shape(&self, is_raw: bool) -> Shape<'_> {
        Shape { text: (!is_raw).then_some(&self.text), sets: self.sets, errors: Errors::RedisPys }
    }

    pub(crate) fn commands(&self, commands: &[Bound<'_, PyTuple>]) -> PyResult<Vec<Command>> {
        commands.iter().map(|arguments| words::command(arguments, &self.text)).collect()
    }

    fn list<'py>(&self, py: Python<'py>, replies: &[Reply]) -> PyResult<Bound<'py, PyList>> {
        let replies: PyResult<Vec<_>> =
            replies.iter().map(|reply| reply::to_python(py, reply, self.shape(false))).collect();
        PyList::new(py, replies?)
    }
}

/// Whether commands are executed together.
pub(crate) fn atomicity(is_atomic: bool) -> Atomicity {
    if is_atomic { Atomicity::Atomic } else { Atomicity::Loose }
}

/// Whether a command changes nothing, so that a replica may answer it.
#[pyfunction]
pub(crate) fn is_read(arguments: &Bound<'_, PyTuple>) -> PyResult<bool> {
    Ok(facade::classify(&words::command(arguments, &Text::utf8())?) == Class::Read)
}

/// redis-py's exception for a failure.
pub(crate) fn raise_as_redis_py(py: Python<'_>, failure: &Failure) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = MAKE.get_or_try_init(py, || import(py, "sentinelle._redis_errors"));
    let facts = (
        failure.name(),
        failure.code(),
        failure.message.as_str(),
        failure.outcome.map(outcome_name),
        failure.retryable,
        failure.address.as_deref(),
        failure.server_code.as_deref(),
        failure.server_code.as_ref().map(|_| failure.subject.as_str()),
    );
    make.and_then(|make| make.bind(py).call1(facts)).map_or_else(|error| error, PyErr::from_value)
}

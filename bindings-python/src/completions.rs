//! Decides how commands leave an asyncio loop and results reach it: all of one turn together, by one wake-up each way.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use pyo3::{intern, prelude::*, types::PyTuple};
use sentinelle::facade::{self, Command};

use crate::{
    failure::raise,
    pool::{Pool, atomicity, raise_as_redis_py},
    reply, words,
};

/// The commands of one event loop that are under way.
#[pyclass(frozen, module = "sentinelle._sentinelle")]
pub(crate) struct Completions {
    queue: facade::Completions,
    /// Commands of this turn of the loop, until `flush`.
    waiting: Mutex<Vec<(Command, Awaited)>>,
    awaited: Mutex<BTreeMap<u64, Awaited>>,
    next: AtomicU64,
}

/// Who waits for a result, and how it is wanted.
struct Awaited {
    future: Py<PyAny>,
    pool: Py<Pool>,
    is_raw: bool,
}

#[pymethods]
impl Completions {
    #[new]
    fn new() -> Self {
        Self {
            queue: facade::Completions::new(),
            waiting: Mutex::default(),
            awaited: Mutex::default(),
            next: AtomicU64::new(0),
        }
    }

    /// Takes a command that `flush` sends; the future is told its result by `deliver`.
    ///
    /// Says whether it is the first since the last `flush`, which is then to be called when the loop's turn is over.
    fn submit(
        &self,
        pool: Bound<'_, Pool>,
        arguments: &Bound<'_, PyTuple>,
        future: Py<PyAny>,
        is_raw: bool,
    ) -> PyResult<bool> {
        let command = words::command(arguments, pool.get().text())?;
        let mut waiting = lock(&self.waiting);
        waiting.push((command, Awaited { future, pool: pool.unbind(), is_raw }));
        Ok(waiting.len() == 1)
    }

    /// Sends what was submitted. The connection's task is woken once, and finds all of it.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        for (command, awaited) in waiting {
            let tag = self.next.fetch_add(1, Ordering::Relaxed);
            let pool = awaited.pool.get().handle().clone();
            lock(&self.awaited).insert(tag, awaited);
            if let Err(failure) = pool.submit(command, &self.queue, tag)
                && let Some(awaited) = lock(&self.awaited).remove(&tag)
            {
                awaited.tell(py, Err(failure))?;
            }
        }
        Ok(())
    }

    /// Runs commands together; the future is told the list of their replies.
    fn submit_pipeline(
        &self,
        py: Python<'_>,
        pool: Bound<'_, Pool>,
        commands: Vec<Bound<'_, PyTuple>>,
        is_atomic: bool,
        future: Py<PyAny>,
    ) -> PyResult<()> {
        let commands = pool.get().commands(&commands)?;
        let tag = self.next.fetch_add(1, Ordering::Relaxed);
        let submitted = pool.get().handle().clone();
        lock(&self.awaited).insert(tag, Awaited { future, pool: pool.unbind(), is_raw: false });
        submitted.submit_pipeline(commands, atomicity(is_atomic), &self.queue, tag).map_err(|failure| {
            lock(&self.awaited).remove(&tag);
            raise_as_redis_py(py, &failure)
        })
    }

    /// A descriptor that is readable while results wait.
    fn fd(&self, py: Python<'_>) -> PyResult<i32> {
        self.queue.fd().map_err(|failure| raise(py, &failure))
    }

    /// Tells the futures of all results that wait.
    fn deliver(&self, py: Python<'_>) -> PyResult<()> {
        loop {
            let results = self.queue.drain(MOST_AT_ONCE).map_err(|failure| raise(py, &failure))?;
            let is_last = results.len() < MOST_AT_ONCE;
            for result in results {
                let Some(awaited) = lock(&self.awaited).remove(&result.tag) else { continue };
                awaited.tell(py, result.result)?;
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

impl Awaited {
    fn tell(self, py: Python<'_>, result: Result<facade::Reply, facade::Failure>) -> PyResult<()> {
        let future = self.future.bind(py);
        if future.call_method0(intern!(py, "done"))?.is_truthy()? {
            return Ok(()); // It was cancelled.
        }
        let shape = self.pool.get().shape(self.is_raw);
        let value = match result {
            Ok(answer) => reply::to_python(py, &answer, shape),
            Err(failure) => Err(raise_as_redis_py(py, &failure)),
        };
        match value {
            Ok(value) => future.call_method1(intern!(py, "set_result"), (value,))?,
            Err(error) => future.call_method1(intern!(py, "set_exception"), (error.into_value(py),))?,
        };
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many results are fetched in one go.
const MOST_AT_ONCE: usize = 1024;

//! Decides how an operation that takes time is handed out: to be waited for, awaited, or told of when it is done.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::task::JoinHandle;

use super::{
    failure::Failure,
    patience::{Patience, wait_for},
    runtime,
};
use crate::error::{ErrorKind, Result};

/// An operation that has begun on the library's threads.
///
/// It is a future for any executor; [`Call::wait`] blocks for it, [`Call::then`] has a function called. Dropping it withdraws
/// the operation, as far as it has not happened yet.
#[must_use = "an operation is withdrawn when it is dropped"]
pub struct Call<T> {
    state: State<T>,
}

enum State<T> {
    Done(Option<super::Result<T>>),
    Running(JoinHandle<super::Result<T>>),
}

impl<T: Send + 'static> Call<T> {
    /// Waits for it.
    ///
    /// # Errors
    /// Those of the operation, [`ErrorKind::Timeout`] when the patience is over, [`ErrorKind::Cancelled`] when it is interrupted.
    pub fn wait(self, patience: &Patience<'_>) -> super::Result<T> {
        wait_for(self, patience)?
    }

    /// Has `on_done` called once, on a thread of the library, with what it gives. `on_done` must not wait.
    pub fn then(self, on_done: impl FnOnce(super::Result<T>) + Send + 'static) {
        match runtime::handle() {
            Ok(handle) => {
                handle.spawn(async move { on_done(self.await) });
            }
            Err(failure) => on_done(Err(failure)),
        }
    }

    /// An operation that is over already.
    pub(super) fn done(result: super::Result<T>) -> Self {
        Self { state: State::Done(Some(result)) }
    }

    /// Starts `work` as a task.
    pub(super) fn start(work: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self::start_own(async move { work.await.map_err(Failure::from) })
    }

    /// Starts `work`, which tells of failures in our own words, as a task.
    pub(super) fn start_own(work: impl Future<Output = super::Result<T>> + Send + 'static) -> Self {
        match runtime::handle() {
            Ok(handle) => Self { state: State::Running(handle.spawn(work)) },
            Err(failure) => Self::done(Err(failure)),
        }
    }

    /// Starts `work` on a thread where it may block.
    pub(super) fn start_blocking(work: impl FnOnce() -> Result<T> + Send + 'static) -> Self {
        match runtime::handle() {
            Ok(handle) => Self { state: State::Running(handle.spawn_blocking(move || work().map_err(Failure::from))) },
            Err(failure) => Self::done(Err(failure)),
        }
    }
}

impl<T> Future for Call<T> {
    type Output = super::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let given = match &mut self.state {
            State::Done(given) => given.take(),
            State::Running(task) => Some(match ready!(Pin::new(task).poll(context)) {
                Ok(given) => given,
                Err(error) if error.is_panic() => {
                    Err(Failure::new(ErrorKind::Panic, "carry out a call", error.to_string()))
                }
                Err(_) => Err(Failure::new(ErrorKind::Stopped, "carry out a call", "the library was shut down")),
            }),
        };
        self.state = State::Done(None);
        let again = || Err(Failure::new(ErrorKind::State, "carry out a call", "its result was taken before"));
        Poll::Ready(given.unwrap_or_else(again))
    }
}

// Nothing inside is pinned in its place.
impl<T> Unpin for Call<T> {}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        if let State::Running(task) = &self.state {
            task.abort();
        }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Done(_) => "Call(done)",
            State::Running(_) => "Call(running)",
        })
    }
}

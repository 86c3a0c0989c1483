//! Decides on which threads the library works behind the bindings: two of its own, started on first use, ended on demand.
//!
//! Every signal is blocked on them, so a signal reaches the threads of the program. No signal handler, panic hook or
//! global logger is ever installed. A forked child gets threads of its own.

use std::{
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use tokio::runtime::{Builder, Handle, Runtime};

use super::{
    failure::{Failure, Result},
    logs,
    process::PerProcess,
};
use crate::error::ErrorKind;

/// The runtime of this process; none before the first use and after a shutdown.
static RUNTIME: PerProcess<Mutex<Option<Running>>> = PerProcess::new();

/// A runtime, and which one it is.
struct Running {
    runtime: Runtime,
    round: Round,
}

/// Tells the runtime of before a shutdown from the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round(usize);

/// Ends the library's threads in this process: waits for tasks that run, `limit_ms` at most, and drops the others.
///
/// Every sentinel, discovery and pool of the process ends with them. The next use of the library starts threads anew.
/// Without a call the threads end with the process.
pub fn shutdown(limit_ms: u64) {
    let Some(Running { runtime, .. }) = slot().take() else { return };
    // A thread of its own, because a runtime must not be awaited inside another one.
    let ending = thread::spawn(move || runtime.shutdown_timeout(Duration::from_millis(limit_ms)));
    // It has nothing to say.
    let _ = ending.join();
}

/// Whether the library's threads run in this process.
pub fn is_running() -> bool {
    slot().is_some()
}

/// Where the library's tasks are started.
///
/// # Errors
/// [`ErrorKind::Stopped`] when the system gives no threads.
pub(super) fn handle() -> Result<Handle> {
    current().map(|(handle, _)| handle)
}

/// Where the library's tasks run; none when there are no threads.
pub(super) fn running() -> Option<Handle> {
    slot().as_ref().map(|running| running.runtime.handle().clone())
}

/// Where the library's tasks are started, and whether that is still the place it was before.
///
/// # Errors
/// [`ErrorKind::Stopped`] when the system gives no threads.
pub(super) fn current() -> Result<(Handle, Round)> {
    let mut slot = slot();
    if let Some(running) = slot.as_ref() {
        return Ok((running.runtime.handle().clone(), running.round));
    }
    let no_threads =
        |error: io::Error| Failure::new(ErrorKind::Stopped, "start the library's threads", error.to_string());
    let runtime = start().map_err(no_threads)?;
    let handle = runtime.handle().clone();
    let round = Round(ROUNDS.fetch_add(1, Ordering::Relaxed));
    *slot = Some(Running { runtime, round });
    Ok((handle, round))
}

/// How many runtimes there were.
static ROUNDS: AtomicUsize = AtomicUsize::new(0);

fn slot() -> MutexGuard<'static, Option<Running>> {
    RUNTIME.here().lock().unwrap_or_else(PoisonError::into_inner)
}

fn start() -> io::Result<Runtime> {
    // Made before the threads are, so that none of them makes it while the program forks.
    let _ = logs::collectors();
    // The first threads inherit the mask from this one; those that this one starts later take it from the hook.
    let before = SigSet::thread_get_mask()?;
    SigSet::all().thread_block()?;
    let started = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .max_blocking_threads(MOST_BLOCKING)
        .thread_name_fn(next_name)
        .on_thread_start(|| {
            // It fails on no system this compiles for; a signal would then be handled on a thread of ours.
            let _ = SigSet::all().thread_block();
            logs::collect_on_this_thread();
        })
        .enable_all()
        .build();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    started
}

fn next_name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("snl-rt-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// How many threads carry tasks.
const THREADS: usize = 2;

/// How many more may wait for test groups and files at once.
const MOST_BLOCKING: usize = 64;

//! Decides whether a call comes from the process that made its handles: a forked child is told so at every call.

use std::sync::{
    Once,
    atomic::{AtomicBool, Ordering},
};

use sentinelle::facade::{ErrorKind, Failure};

static WATCHED: Once = Once::new();
static FORKED: AtomicBool = AtomicBool::new(false);

/// Refuses calls of a forked child until [`renew`].
pub(crate) fn check() -> Result<(), Failure> {
    WATCHED.call_once(|| {
        // SAFETY: the handler only stores into an atomic, which a child of a process with threads may do.
        unsafe { libc::pthread_atfork(None, None, Some(mark)) };
    });
    if FORKED.load(Ordering::Relaxed) {
        return Err(Failure::new(
            ErrorKind::Forked,
            "use the library",
            "this process was forked: call snl_after_fork() first; handles of the parent stay unusable",
        ));
    }
    Ok(())
}

/// Lets a forked child use the library anew.
pub(crate) fn renew() {
    FORKED.store(false, Ordering::Relaxed);
}

extern "C" fn mark() {
    FORKED.store(true, Ordering::Relaxed);
}

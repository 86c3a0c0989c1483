//! Decides how long a blocking call waits, and who may end it sooner.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use super::failure::{Failure, Result};
use crate::{
    error::{self, Error, ErrorKind},
    net::Clock,
    types::Millis,
};

/// How long a blocking call may wait, and who may end it sooner.
///
/// # Example
/// ```
/// use sentinelle::facade::Patience;
///
/// let is_wanted_no_more = || false;
/// let patience = Patience::ms(5_000).unless(&is_wanted_no_more);
/// # let _ = patience;
/// ```
#[derive(Clone, Copy)]
pub struct Patience<'a> {
    limit: Option<Millis>,
    interrupt: Option<&'a dyn Fn() -> bool>,
}

/// The moment at which a wait that has begun ends.
pub(super) struct Deadline<'a> {
    clock: Clock,
    patience: &'a Patience<'a>,
}

impl<'a> Patience<'a> {
    /// Waits that many milliseconds at most; 0 looks once.
    pub const fn ms(limit: u64) -> Self {
        Self { limit: Some(Millis::new(limit)), interrupt: None }
    }

    /// Waits for ever.
    pub const fn endless() -> Self {
        Self { limit: None, interrupt: None }
    }

    /// Ends the wait, with [`ErrorKind::Cancelled`], soon after `interrupt` says so.
    ///
    /// It is asked about ten times a second, on the thread that waits.
    #[must_use]
    pub fn unless(self, interrupt: &'a dyn Fn() -> bool) -> Self {
        Self { interrupt: Some(interrupt), ..self }
    }

    /// The time that the call may take; none when it may take for ever.
    pub fn limit_ms(&self) -> Option<u64> {
        self.limit.map(Millis::as_ms)
    }

    /// Runs `work` on this thread, which asks an interrupt at least each 100 ms whether to give up.
    ///
    /// # Errors
    /// Those of `work`; [`ErrorKind::Timeout`] in the place of [`ErrorKind::Cancelled`] when it was the time that ended it.
    pub(super) fn run<T>(&self, work: impl FnOnce(&dyn Fn() -> bool) -> error::Result<T>) -> Result<T> {
        let deadline = self.begin();
        let is_late = Cell::new(false);
        let interrupt = || match deadline.next_slice() {
            Ok(Some(_)) => false,
            Ok(None) => {
                is_late.set(true);
                true
            }
            Err(_) => true,
        };
        work(&interrupt).map_err(|error| {
            if !is_late.get() || error.kind() != ErrorKind::Cancelled {
                return error.into();
            }
            let subject = format!("not within {}", self.limit.unwrap_or_default());
            let late = Error::new(ErrorKind::Timeout, error.operation(), subject);
            match error.outcome() {
                Some(outcome) => late.with_outcome(outcome).into(),
                None => late.into(),
            }
        })
    }

    pub(super) fn begin(&'a self) -> Deadline<'a> {
        Deadline { clock: Clock::start(), patience: self }
    }
}

impl Deadline<'_> {
    /// How long to wait before the next look; `None` when the time is over.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`]
    pub(super) fn next_slice(&self) -> Result<Option<Duration>> {
        if self.patience.interrupt.is_some_and(|interrupt| interrupt()) {
            return Err(Failure::new(ErrorKind::Cancelled, "wait", "the caller ended the wait"));
        }
        let Some(limit) = self.patience.limit else { return Ok(Some(SLICE.into())) };
        let left = limit.as_ms().saturating_sub(self.clock.now().tick.as_ms());
        Ok((left > 0).then(|| SLICE.min(Millis::new(left)).into()))
    }
}

/// Runs `work` on this thread until it is ready, inside a runtime or outside.
///
/// # Errors
/// [`ErrorKind::Timeout`], [`ErrorKind::Cancelled`]
pub(super) fn wait_for<T>(work: impl Future<Output = T>, patience: &Patience<'_>) -> Result<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut work = pin!(work);
    let deadline = patience.begin();
    loop {
        if let Poll::Ready(given) = work.as_mut().poll(&mut context) {
            return Ok(given);
        }
        let Some(slice) = deadline.next_slice()? else {
            let limit = patience.limit.unwrap_or_default();
            return Err(Failure::new(ErrorKind::Timeout, "wait", format!("not within {limit}")));
        };
        thread::park_timeout(slice);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The longest wait between two looks at the interrupt.
const SLICE: Millis = Millis::new(100);

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future};

    use super::{Patience, wait_for};
    use crate::error::ErrorKind;

    #[test]
    fn a_wait_without_an_end_is_given_up_when_its_time_is_over() {
        let failure = wait_for(future::pending::<()>(), &Patience::ms(5)).expect_err("it never ends");

        assert_eq!(failure.kind, ErrorKind::Timeout);
    }

    #[test]
    fn an_interrupt_ends_a_wait() {
        let looks = Cell::new(0);
        let interrupt = || {
            looks.set(looks.get() + 1);
            looks.get() > 2
        };

        let failure =
            wait_for(future::pending::<()>(), &Patience::endless().unless(&interrupt)).expect_err("it never ends");

        assert_eq!((failure.kind, looks.get()), (ErrorKind::Cancelled, 3));
    }

    #[test]
    fn what_is_ready_is_had_without_any_time() {
        assert_eq!(wait_for(future::ready(7), &Patience::ms(0)).expect("it is ready"), 7);
    }
}

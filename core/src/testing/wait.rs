//! Decides how long a test waits: for a condition, never for a span, and at most until a deadline.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    types::Millis,
};

/// Time since a moment, on the steady clock.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

/// A moment on the steady clock by which something must be true.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    started: Stopwatch,
    limit: Millis,
}

impl Stopwatch {
    /// A watch that runs from this moment.
    #[expect(clippy::disallowed_methods, reason = "waiting for real processes needs the real clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The time since the start, in whole milliseconds.
    pub fn elapsed_ms(self) -> Millis {
        Millis::new(self.elapsed().as_millis() as u64)
    }
}

impl Deadline {
    /// A deadline `limit` from this moment.
    pub fn within(limit: Millis) -> Self {
        Self { started: Stopwatch::start(), limit }
    }

    /// Whether the moment has come.
    pub fn has_passed(self) -> bool {
        self.started.elapsed() >= self.limit.into()
    }

    /// The time that remains, at least one millisecond.
    pub fn remaining(self) -> Millis {
        Millis::new(self.limit.as_ms().saturating_sub(self.started.elapsed_ms().as_ms()).max(1))
    }

    /// The span it was set for.
    pub fn limit(self) -> Millis {
        self.limit
    }
}

/// Waits until `is_true`, looking about once a millisecond, and gives the time it took.
///
/// # Errors
/// [`ErrorKind::Timeout`] when `limit` passes first; its text carries `what`.
pub fn wait_until(limit: Millis, what: &str, mut is_true: impl FnMut() -> bool) -> Result<Millis> {
    let deadline = Deadline::within(limit);
    loop {
        if is_true() {
            return Ok(deadline.started.elapsed_ms());
        }
        if deadline.has_passed() {
            return Err(Error::new(ErrorKind::Timeout, "wait", format!("not within {limit}: {what}")));
        }
        yield_briefly();
    }
}

/// Lets other threads and processes run for about a millisecond.
#[expect(clippy::disallowed_methods, reason = "the one pause between two looks at a condition")]
pub(super) fn yield_briefly() {
    thread::sleep(Duration::from_millis(1));
}

#[cfg(test)]
mod tests {
    use super::wait_until;
    use crate::{error::ErrorKind, types::Millis};

    #[test]
    fn a_condition_that_never_comes_true_ends_with_what_was_waited_for() {
        let error = wait_until(Millis::new(5), "the moon is green", || false).expect_err("it never is");

        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.to_string().contains("the moon is green"), "{error}");
    }

    #[test]
    fn a_condition_is_looked_at_even_without_any_time() {
        assert!(wait_until(Millis::ZERO, "one look", || true).is_ok());
    }
}

//! Decides what is tried again: by what is known of the attempt, by the class of the command, and within a budget.

use super::class::Class;
use crate::{
    error::Outcome,
    types::{Millis, Tick},
};

/// Whether a writing command that may have been executed is tried again when twice is as good as once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryIdempotent {
    /// It is. The default.
    #[default]
    Yes,
    /// It is not: its fate is told as [`Outcome::Unknown`].
    No,
}

/// Whether a failed attempt may be followed by another one.
pub(super) fn may_follow(class: Class, outcome: Outcome, idempotent: RetryIdempotent) -> bool {
    match outcome {
        Outcome::NotSent | Outcome::Rejected => class != Class::Session,
        Outcome::Unknown => match class {
            Class::Read => true,
            Class::Idempotent => idempotent == RetryIdempotent::Yes,
            Class::Write | Class::Blocking | Class::Session => false,
        },
    }
}

/// The longest pause before the attempt that follows `attempts` others; the pause itself is a random part of it.
pub(super) fn longest_pause(attempts: u32) -> Millis {
    let doublings = attempts.saturating_sub(1).min(16);
    Millis::new((FIRST_PAUSE << doublings).min(LAST_PAUSE))
}

/// How many attempts may still follow others: a part of the calls, and some each second.
///
/// Without it, a server in distress gets more commands than a healthy one.
#[derive(Debug)]
pub(super) struct Budget {
    /// In hundredths of an attempt.
    left: u64,
    calls_seen: u64,
    filled: Tick,
}

impl Budget {
    pub(super) fn full(now: Tick) -> Self {
        Self { left: MOST_LEFT, calls_seen: 0, filled: now }
    }

    /// Takes one attempt out of it, when there is one; `calls` is the number of calls ever made.
    pub(super) fn take(&mut self, now: Tick, calls: u64) -> bool {
        let by_calls = calls.saturating_sub(self.calls_seen).saturating_mul(PER_CALL);
        let by_time = now.since(self.filled).as_ms().saturating_mul(PER_MILLISECOND);
        self.left = self.left.saturating_add(by_calls).saturating_add(by_time).min(MOST_LEFT);
        self.calls_seen = calls;
        self.filled = now;
        match self.left.checked_sub(ONE) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }
}

/// The most attempts of one call that reach a server.
pub(super) const MOST_ATTEMPTS: u32 = 8;

const FIRST_PAUSE: u64 = 25;
const LAST_PAUSE: u64 = 500;
const ONE: u64 = 100;
/// A fifth of the calls.
const PER_CALL: u64 = ONE / 5;
/// Ten a second.
const PER_MILLISECOND: u64 = ONE / 100;
/// As many as are commonly under way at once, so that all of them can be tried again after one break.
const MOST_LEFT: u64 = 1000 * ONE;

#[cfg(test)]
mod tests {
    use super::{Budget, RetryIdempotent, longest_pause, may_follow};
    use crate::{
        error::Outcome,
        pool::Class,
        types::{Millis, Tick},
    };

    #[test]
    fn what_may_have_been_executed_is_tried_again_only_where_that_is_harmless() {
        for (class, not_sent, rejected, unknown) in [
            (Class::Read, true, true, true),
            (Class::Idempotent, true, true, true),
            (Class::Write, true, true, false),
            (Class::Blocking, true, true, false),
            (Class::Session, false, false, false),
        ] {
            let may = |outcome| may_follow(class, outcome, RetryIdempotent::Yes);
            let told = (may(Outcome::NotSent), may(Outcome::Rejected), may(Outcome::Unknown));
            assert_eq!(told, (not_sent, rejected, unknown), "{class:?}");
        }
        assert!(!may_follow(Class::Idempotent, Outcome::Unknown, RetryIdempotent::No));
    }

    #[test]
    fn pauses_double_up_to_half_a_second() {
        let pauses: Vec<_> = [1, 2, 3, 5, 6, 8, 1000].map(|attempts| longest_pause(attempts).as_ms()).into();

        assert_eq!(pauses, [25, 50, 100, 400, 500, 500, 500]);
    }

    #[test]
    fn at_most_a_fifth_of_the_calls_and_ten_a_second_are_tried_again() {
        let start = Tick::from_ms(1000);
        let mut budget = Budget::full(start);
        while budget.take(start, 0) {}

        let by_calls = (0..100).filter(|_| budget.take(start, 50)).count();
        let by_time = (0..100).filter(|_| budget.take(start.after(Millis::new(2000)), 50)).count();

        assert_eq!((by_calls, by_time), (10, 20));
    }
}

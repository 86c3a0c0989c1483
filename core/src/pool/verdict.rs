//! Decides what a data path outside this crate is to do after a failed attempt: what the pool would do.

use std::sync::{Mutex, PoisonError};

use super::{
    class::Class,
    reply::{self, Course},
    retry::{self, Budget, MOST_ATTEMPTS, RetryIdempotent},
};
use crate::{
    error::{ErrorKind, Outcome, Result},
    finder::Sign,
    net::{self, Clock},
    types::{Chance, Millis},
};

/// What to do after a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the same command may be sent again, while its time and attempts last.
    pub may_retry: bool,
    /// What the failure says of the master.
    pub sign: Option<Sign>,
    /// Whether to fetch the credentials again first; then once more, and no further.
    pub needs_credentials: bool,
}

impl Verdict {
    /// Judges an attempt by what the command may do, what is known of it, and the server's error reply, if one came.
    pub fn judge(class: Class, outcome: Outcome, error_reply: Option<&str>) -> Self {
        let may_follow = retry::may_follow(class, outcome, RetryIdempotent::Yes);
        let Some(text) = error_reply else {
            let sign = (outcome == Outcome::Unknown).then_some(Sign::Disconnected);
            return Self { may_retry: may_follow, sign, needs_credentials: false };
        };
        let refused = reply::read(text);
        let sign = match &refused.course {
            Course::FindMaster(Some(address)) => Some(Sign::Redirected(address.clone())),
            Course::FindMaster(None) if refused.kind == ErrorKind::ReadOnly => Some(Sign::ReadOnly),
            Course::FindMaster(None) => Some(Sign::NotReady),
            Course::Tell | Course::Again | Course::Authenticate => None,
        };
        Self {
            may_retry: may_follow && refused.course != Course::Tell,
            sign,
            needs_credentials: refused.course == Course::Authenticate,
        }
    }
}

/// How often all calls of one data path outside this crate are tried again, and how long each waits before it is.
///
/// A call is tried eight times at most; all together for a fifth of the calls, and ten times a second.
#[derive(Debug)]
pub struct Retries {
    clock: Clock,
    left: Mutex<(Budget, Chance)>,
}

impl Retries {
    /// A full budget.
    ///
    /// # Errors
    /// [`ErrorKind::File`] when the system has no randomness to give.
    pub fn new() -> Result<Self> {
        let clock = Clock::start();
        let chance = Chance::seeded(net::seed()?);
        Ok(Self { clock, left: Mutex::new((Budget::full(clock.tick()), chance)) })
    }

    /// How long to wait before a call that was tried `attempts` times is tried again; `None` when it may not be.
    ///
    /// `calls` is the number of calls ever made. The wait ends early when another server has become the master.
    pub fn next(&self, attempts: u32, calls: u64) -> Option<Millis> {
        let (budget, chance) = &mut *self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let may_follow = attempts < MOST_ATTEMPTS && budget.take(self.clock.tick(), calls);
        may_follow.then(|| chance.between(Millis::ZERO, retry::longest_pause(attempts)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Retries, Verdict};
    use crate::{error::Outcome, finder::Sign, pool::Class, types::Millis};

    #[test]
    fn retries_end_with_the_attempts_of_a_call_and_with_the_budget_of_all() {
        let retries = Retries::new().expect("the system gives randomness");

        let longest = retries.next(7, 0);
        let too_often = retries.next(8, 0);
        // A thousand at once, and ten a second: a machine would have to sleep for minutes for more.
        let granted = (0..5_000).filter(|_| retries.next(1, 0).is_some()).count();

        assert!(longest.is_some_and(|pause| pause <= Millis::new(500)));
        assert_eq!(too_often, None);
        assert!((999..3_000).contains(&granted), "{granted}");
    }

    #[test]
    fn a_verdict_says_whether_to_try_again_and_what_of_the_master() {
        let judge = |class, outcome, reply| {
            let verdict = Verdict::judge(class, outcome, reply);
            (verdict.may_retry, verdict.sign, verdict.needs_credentials)
        };

        let read_only = judge(Class::Write, Outcome::Rejected, Some("READONLY You can't write"));
        let syntax = judge(Class::Read, Outcome::Rejected, Some("ERR syntax error"));
        let lost = judge(Class::Write, Outcome::Unknown, None);
        let password = judge(Class::Read, Outcome::Rejected, Some("NOAUTH Authentication required."));

        assert_eq!(read_only, (true, Some(Sign::ReadOnly), false));
        assert_eq!(syntax, (false, None, false));
        assert_eq!(lost, (false, Some(Sign::Disconnected), false));
        assert_eq!(password, (true, None, true));
    }
}

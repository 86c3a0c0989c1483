//! Decides what a data path outside this crate is to do after a failed attempt: what the pool would do.

use super::{
    class::Class,
    reply::{self, Course},
    retry::{self, RetryIdempotent},
};
use crate::{
    error::{ErrorKind, Outcome},
    finder::Sign,
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

#[cfg(test)]
mod tests {
    use super::Verdict;
    use crate::{error::Outcome, finder::Sign, pool::Class};

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

//! Decides whether a connection that lay unused can be given to somebody.
//!
//! One that was used a moment ago needs no look: what happened since shows at the next read. One that lay longer must be
//! silent, and one that lay very long has to answer.

use super::{
    class::Class,
    command::Command,
    link::{Age, Link, moment},
    node::Means,
    parcel::{Parcel, Replies},
    thread_link::{Patience, ThreadLink},
};
use crate::{
    resp::Value,
    types::{Millis, Tick},
};

/// How well a connection has to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    None,
    Glance,
    Ask,
}

fn look(age: Age, now: Tick, ask_after: Millis) -> Look {
    if now.since(age.used) >= ask_after {
        Look::Ask
    } else if now.since(age.seen) < MOMENT {
        Look::None
    } else {
        Look::Glance
    }
}

/// Whether a task's connection can be used.
pub(super) async fn is_fit(link: &mut Link, means: &Means) -> bool {
    let now = means.tick();
    let look = look(link.age(), now, means.settings.ping_after);
    let is_fit = match look {
        Look::None => link.is_clean(),
        Look::Glance => link.is_clean() && link.is_quiet().await,
        Look::Ask => link.is_clean() && link.is_quiet().await && answers(link, means).await,
    };
    note(link.age_mut(), look, now);
    is_fit
}

/// Whether a task's connection answers PING in time.
pub(super) async fn answers(link: &mut Link, means: &Means) -> bool {
    let ping = Command::named("PING");
    let deadline = moment(&means.clock, Some(means.tick().after(PING_TIME)));
    let replied = link.run(Parcel::one(&ping), Class::Read, deadline).await;
    is_pong(replied.ok())
}

/// Whether a thread's connection can be used.
pub(super) fn is_thread_link_fit(link: &mut ThreadLink, means: &Means, now: Tick) -> bool {
    let look = look(link.age(), now, means.settings.ping_after);
    let is_fit = match look {
        Look::None => link.is_clean(),
        Look::Glance => link.is_clean() && link.is_quiet(),
        Look::Ask => {
            let ping = Command::named("PING");
            let deadline = Some(now.after(PING_TIME));
            let patience = Patience { clock: &means.clock, now, deadline, interrupt: &|| false };
            link.is_clean() && link.is_quiet() && is_pong(link.run(Parcel::one(&ping), Class::Read, &patience).ok())
        }
    };
    note(link.age_mut(), look, now);
    is_fit
}

/// Takes note of a look, so that the next one need not be as good.
fn note(age: &mut Age, look: Look, now: Tick) {
    match look {
        Look::None => {}
        Look::Glance => age.seen = now,
        Look::Ask => age.touch(now),
    }
}

fn is_pong(replies: Option<Replies>) -> bool {
    replies.is_some_and(|replies| !matches!(replies.one(), Value::Error(_)))
}

/// How long the system may take to tell that a server has hung up.
const MOMENT: Millis = Millis::new(100);

const PING_TIME: Millis = Millis::new(250);

#[cfg(test)]
mod tests {
    use super::{Look, look, note};
    use crate::{
        pool::link::Age,
        types::{Millis, Tick},
    };

    const ASK_AFTER: Millis = Millis::new(15_000);

    #[test]
    fn the_longer_a_connection_lay_the_better_it_is_looked_at() {
        let age = Age::new(Tick::START, Millis::new(60_000));
        for (unused, expected) in [(0, Look::None), (99, Look::None), (100, Look::Glance), (15_000, Look::Ask)] {
            assert_eq!(look(age, Tick::from_ms(unused), ASK_AFTER), expected, "{unused} ms");
        }
    }

    #[test]
    fn a_glance_is_good_for_a_moment_and_never_for_an_answer() {
        let mut age = Age::new(Tick::START, Millis::new(60_000));

        note(&mut age, Look::Glance, Tick::from_ms(14_900));

        assert_eq!(look(age, Tick::from_ms(14_999), ASK_AFTER), Look::None);
        assert_eq!(look(age, Tick::from_ms(15_000), ASK_AFTER), Look::Ask);
    }
}

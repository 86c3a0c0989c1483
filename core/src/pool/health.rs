//! Decides whether a connection that lay unused can be given to somebody.
//!
//! One that was used a moment ago needs no look: what happened since shows at the next read. One that lay longer must be
//! silent, and one that lay very long has to answer.

use super::{
    class::Class,
    command::Command,
    link::{Link, moment},
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

fn look(unused: Millis, ask_after: Millis) -> Look {
    match unused {
        unused if unused >= ask_after => Look::Ask,
        unused if unused < MOMENT => Look::None,
        _ => Look::Glance,
    }
}

/// Whether a task's connection can be used.
pub(super) async fn is_fit(link: &mut Link, means: &Means) -> bool {
    let unused = means.tick().since(link.age().used);
    match look(unused, means.settings.ping_after) {
        Look::None => link.is_clean(),
        Look::Glance => link.is_clean() && link.is_quiet().await,
        Look::Ask => link.is_clean() && link.is_quiet().await && answers(link, means).await,
    }
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
    match look(now.since(link.age().used), means.settings.ping_after) {
        Look::None => link.is_clean(),
        Look::Glance => link.is_clean() && link.is_quiet(),
        Look::Ask => {
            let ping = Command::named("PING");
            let deadline = Some(now.after(PING_TIME));
            let patience = Patience { clock: &means.clock, now, deadline, interrupt: &|| false };
            link.is_clean() && link.is_quiet() && is_pong(link.run(Parcel::one(&ping), Class::Read, &patience).ok())
        }
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
    use super::{Look, look};
    use crate::types::Millis;

    #[test]
    fn the_longer_a_connection_lay_the_better_it_is_looked_at() {
        let ask_after = Millis::new(15_000);
        for (unused, expected) in [(0, Look::None), (99, Look::None), (100, Look::Glance), (15_000, Look::Ask)] {
            assert_eq!(look(Millis::new(unused), ask_after), expected, "{unused} ms");
        }
    }
}

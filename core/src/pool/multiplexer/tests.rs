//! What callers of a shared connection are told, whatever becomes of it.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    sync::oneshot,
};

use super::{Done, Multiplexer, Terms};
use crate::{
    error::Outcome,
    net::Clock,
    pool::{
        Class, Command,
        broken::{Broken, Cause, Replied},
        parcel::{Parcel, Replies},
    },
    resp::{Value, ValueDecoder},
    types::{Millis, Tick},
};

/// The server's side of a connection, and ours.
struct Line {
    clock: Clock,
    ours: Multiplexer,
    theirs: DuplexStream,
}

impl Line {
    /// A line whose pipe holds so many bytes, and on which so much silence ends it.
    fn of(room: usize, silence: u64) -> Self {
        let (ours, theirs) = tokio::io::duplex(room);
        let clock = Clock::start();
        let ours = Multiplexer::start(ours, ValueDecoder::default(), clock, Millis::new(silence));
        Self { clock, ours, theirs }
    }

    fn send(&self, words: &[&str], class: Class) -> oneshot::Receiver<Replied> {
        self.send_within(words, class, Millis::new(60_000))
    }

    fn send_within(&self, words: &[&str], class: Class, time: Millis) -> oneshot::Receiver<Replied> {
        let (done, replied) = oneshot::channel();
        let now = self.clock.tick();
        let terms = Terms { class, deadline: now.after(time), done: Done::Channel(done) };
        if let Err((terms, broken)) = self.ours.send(Parcel::one(&Command::new(words)), terms, now) {
            terms.done.finish(Err(broken));
        }
        replied
    }

    /// Waits for so many bytes at the server's side.
    async fn heard(&mut self, count: usize) {
        let mut bytes = vec![0; count];
        self.theirs.read_exact(&mut bytes).await.expect("we send them");
    }
}

async fn fate(replied: oneshot::Receiver<Replied>) -> Result<Value, (Outcome, Cause)> {
    let replied = replied.await.expect("every caller is told");
    replied.map(Replies::one).map_err(|Broken { outcome, cause }| (outcome, cause))
}

/// `*1\r\n$4\r\nPING\r\n`
const PING: usize = 14;

#[tokio::test]
async fn each_caller_gets_its_own_reply() {
    let mut line = Line::of(1024, 60_000);
    let replies = [line.send(&["PING"], Class::Read), line.send(&["PING"], Class::Write)];
    line.heard(2 * PING).await;

    line.theirs.write_all(b":1\r\n:2\r\n").await.expect("we listen");

    let [first, second] = replies;
    assert_eq!((fate(first).await, fate(second).await), (Ok(Value::Integer(1)), Ok(Value::Integer(2))));
}

#[tokio::test]
async fn who_was_not_sent_is_told_so_when_the_server_hangs_up() {
    // The pipe holds one command and a part of the next.
    let mut line = Line::of(PING + 4, 60_000);
    let first = line.send(&["PING"], Class::Read);
    let second = line.send(&["PING"], Class::Write);
    let third = line.send(&["PING"], Class::Write);
    line.heard(1).await;

    drop(line.theirs);

    let outcomes = [fate(first).await, fate(second).await, fate(third).await];
    let outcomes = outcomes.map(|fate| fate.expect_err("nobody answers").0);
    assert_eq!(outcomes, [Outcome::Unknown, Outcome::Unknown, Outcome::NotSent]);
}

#[tokio::test]
async fn a_switch_ends_writes_at_once_and_lets_reads_finish() {
    let mut line = Line::of(1024, 60_000);
    let read = line.send(&["PING"], Class::Read);
    let write = line.send(&["PING"], Class::Write);
    line.heard(2 * PING).await;

    line.ours.cut(line.clock.tick().after(Millis::new(60_000)));

    assert_eq!(fate(write).await, Err((Outcome::Unknown, Cause::Cut)));
    assert_eq!(fate(line.send(&["PING"], Class::Read)).await, Err((Outcome::NotSent, Cause::Cut)));
    line.theirs.write_all(b":1\r\n").await.expect("we listen");
    assert_eq!(fate(read).await, Ok(Value::Integer(1)));
}

#[tokio::test]
async fn a_read_that_does_not_finish_after_a_switch_ends_too() {
    let mut line = Line::of(1024, 60_000);
    let read = line.send(&["PING"], Class::Read);
    line.heard(PING).await;

    line.ours.cut(Tick::START);

    assert_eq!(fate(read).await, Err((Outcome::Unknown, Cause::Cut)));
}

#[tokio::test]
async fn a_silent_server_ends_the_connection_for_all() {
    let mut line = Line::of(1024, 20);
    let replies = [line.send(&["PING"], Class::Read), line.send(&["PING"], Class::Write)];
    line.heard(2 * PING).await;

    for replied in replies {
        assert_eq!(fate(replied).await, Err((Outcome::Unknown, Cause::Silent)));
    }
    assert!(!line.ours.is_open());
}

#[tokio::test]
async fn who_has_no_more_time_leaves_the_connection_to_the_others() {
    let mut line = Line::of(1024, 60_000);
    let hasty = line.send_within(&["PING"], Class::Write, Millis::new(10));
    let patient = line.send(&["PING"], Class::Write);
    line.heard(2 * PING).await;

    assert_eq!(fate(hasty).await, Err((Outcome::Unknown, Cause::Expired)));
    line.theirs.write_all(b":1\r\n:2\r\n").await.expect("we listen");

    assert_eq!(fate(patient).await, Ok(Value::Integer(2)));
}

#[tokio::test]
async fn bytes_that_are_no_reply_end_the_connection() {
    let mut line = Line::of(1024, 60_000);
    let replied = line.send(&["PING"], Class::Write);
    line.heard(PING).await;

    line.theirs.write_all(b"hello\r\n").await.expect("we listen");

    let (outcome, cause) = fate(replied).await.expect_err("it is no reply");
    assert_eq!(outcome, Outcome::Unknown);
    assert!(matches!(cause, Cause::Malformed(_)), "{cause:?}");
}

//! Decides how bytes wait for a connection: the loop puts them in, the connection's own task writes them in one go.

use std::{
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    sync::Notify,
    time::timeout,
};

/// The bytes that wait for one connection.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    in_flight: usize,
    is_finished: bool,
    is_awaited: bool,
}

/// What a call of [`Outbox::flush`] ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing waits; there may be more later.
    Empty,
    /// Nothing waits, and the loop wants to hear of it.
    AwaitedEmpty,
    /// Nothing waits and nothing follows.
    Finished,
}

/// Bytes that crossed all sockets.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    received: AtomicU64,
    sent: AtomicU64,
}

impl Outbox {
    /// Lets `append` add bytes; gives how many wait then. The task is not woken: see [`Outbox::wake`].
    pub(super) fn put(&self, append: impl FnOnce(&mut Vec<u8>)) -> usize {
        let mut state = self.state();
        append(&mut state.bytes);
        state.pending()
    }

    /// Has the task write what was put in, all of it at once.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Has the task end once everything is written.
    pub(super) fn finish(&self) {
        self.state().is_finished = true;
        self.wake();
    }

    /// How many bytes wait.
    pub(super) fn pending(&self) -> usize {
        self.state().pending()
    }

    /// Has the task tell when nothing waits any longer.
    pub(super) fn await_empty(&self) {
        self.state().is_awaited = true;
        self.wake();
    }

    /// Waits for bytes, writes them, and gives what then holds.
    pub(super) async fn flush(&self, writer: &mut (impl AsyncWrite + Unpin), traffic: &Traffic) -> io::Result<Flushed> {
        let mut batch = Vec::new();
        loop {
            let is_finished = {
                let mut state = self.state();
                std::mem::swap(&mut batch, &mut state.bytes);
                state.in_flight = batch.len();
                state.is_finished
            };
            if batch.is_empty() {
                if is_finished {
                    return Ok(Flushed::Finished);
                }
                self.wake.notified().await;
                if self.is_awaited_and_empty() {
                    return Ok(Flushed::AwaitedEmpty);
                }
                continue;
            }
            self.write(&batch, writer, traffic).await?;
            return Ok(if self.is_awaited_and_empty() { Flushed::AwaitedEmpty } else { Flushed::Empty });
        }
    }

    async fn write(&self, batch: &[u8], writer: &mut (impl AsyncWrite + Unpin), traffic: &Traffic) -> io::Result<()> {
        let mut rest = batch;
        while !rest.is_empty() {
            let written = timeout(PATIENCE, writer.write(rest)).await.map_err(|_| io::ErrorKind::TimedOut)??;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            rest = &rest[written..];
            self.state().in_flight = rest.len();
            traffic.count_sent(written);
        }
        Ok(())
    }

    fn is_awaited_and_empty(&self) -> bool {
        let mut state = self.state();
        state.pending() == 0 && std::mem::take(&mut state.is_awaited)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done while it is locked, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pending(&self) -> usize {
        self.bytes.len() + self.in_flight
    }
}

impl Traffic {
    /// Counts bytes that were read.
    pub(super) fn count_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts bytes that were written.
    pub(super) fn count_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes read since the start.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Bytes written since the start.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// A connection that has taken nothing for this long has nobody at its other end.
const PATIENCE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::{Flushed, Outbox, Traffic};

    #[tokio::test]
    async fn what_was_put_in_is_written_in_one_go() {
        let (outbox, traffic) = (Outbox::default(), Traffic::default());
        let mut written = Vec::new();

        outbox.put(|bytes| bytes.extend_from_slice(b"one "));
        let waiting = outbox.put(|bytes| bytes.extend_from_slice(b"two"));
        let end = outbox.flush(&mut written, &traffic).await.expect("a vector takes everything");

        assert_eq!((waiting, end, outbox.pending(), traffic.sent()), (7, Flushed::Empty, 0, 7));
        assert_eq!(written, b"one two");
    }

    #[tokio::test]
    async fn the_end_comes_after_the_last_byte() {
        let (outbox, traffic) = (Outbox::default(), Traffic::default());
        let mut written = Vec::new();

        outbox.put(|bytes| bytes.push(b'x'));
        outbox.finish();
        let ends = [
            outbox.flush(&mut written, &traffic).await.expect("a vector takes everything"),
            outbox.flush(&mut written, &traffic).await.expect("a vector takes everything"),
        ];

        assert_eq!((ends, written), ([Flushed::Empty, Flushed::Finished], b"x".to_vec()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_takes_nothing_is_given_up() {
        let (outbox, traffic) = (Outbox::default(), Traffic::default());
        let (mut writer, _reader) = tokio::io::duplex(4);

        outbox.put(|bytes| bytes.extend_from_slice(b"too long"));
        let end = outbox.flush(&mut writer, &traffic).await;

        assert_eq!(end.expect_err("nobody reads").kind(), std::io::ErrorKind::TimedOut);
        assert_eq!((traffic.sent(), outbox.pending()), (4, 4));
    }

    #[tokio::test]
    async fn an_awaited_end_is_told_once() {
        let (outbox, traffic) = (Outbox::default(), Traffic::default());
        let mut written = Vec::new();

        outbox.await_empty();
        let told = outbox.flush(&mut written, &traffic).await.expect("a vector takes everything");
        outbox.finish();
        let end = outbox.flush(&mut written, &traffic).await.expect("a vector takes everything");

        assert_eq!((told, end), (Flushed::AwaitedEmpty, Flushed::Finished));
    }
}

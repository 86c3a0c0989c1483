//! Decides how messages wait for their user: in order, and no more than fit; the oldest go first.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::{Delivery, Gap};
use crate::types::{Generation, Millis};

/// Messages that wait to be fetched.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    content: Mutex<Content>,
    arrived: Condvar,
    arrived_for_tasks: Notify,
}

#[derive(Debug, Default)]
struct Content {
    waiting: VecDeque<Delivery>,
    bytes: usize,
    /// Messages dropped since the last fetch, and the master they came from.
    dropped: Option<(u64, Generation)>,
    is_closed: bool,
}

impl Inbox {
    pub(super) fn put(&self, delivery: Delivery, generation: Generation) {
        let mut content = self.content();
        content.bytes += weight(&delivery);
        content.waiting.push_back(delivery);
        while content.waiting.len() > MOST || content.bytes > MOST_BYTES {
            let Some(oldest) = content.waiting.pop_front() else { break };
            content.bytes -= weight(&oldest);
            let before = content.dropped.map_or(0, |(count, _)| count);
            content.dropped = Some((before + 1, generation));
        }
        drop(content);
        self.tell();
    }

    pub(super) async fn next(&self) -> Option<Delivery> {
        loop {
            let arrived = self.arrived_for_tasks.notified();
            {
                let mut content = self.content();
                if let Some(delivery) = content.take() {
                    return Some(delivery);
                }
                if content.is_closed {
                    return None;
                }
            }
            arrived.await;
        }
    }

    pub(super) fn next_blocking(&self, patience: Millis) -> Option<Delivery> {
        let content = self.content();
        let is_empty = |content: &mut Content| content.is_empty() && !content.is_closed;
        let waited = self.arrived.wait_timeout_while(content, patience.into(), is_empty);
        waited.unwrap_or_else(PoisonError::into_inner).0.take()
    }

    /// Lets a thread wait for a change to be confirmed.
    pub(super) fn wait_for_confirmation(&self, span: Millis) {
        drop(self.arrived.wait_timeout(self.content(), span.into()));
    }

    /// Wakes who waits.
    pub(super) fn tell(&self) {
        self.arrived.notify_all();
        self.arrived_for_tasks.notify_one();
    }

    pub(super) fn close(&self) {
        self.content().is_closed = true;
        self.tell();
        self.arrived_for_tasks.notify_waiters();
    }

    pub(super) fn is_closed(&self) -> bool {
        let content = self.content();
        content.is_closed && content.is_empty()
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.dropped.is_none()
    }

    fn take(&mut self) -> Option<Delivery> {
        if let Some((dropped, generation)) = self.dropped.take() {
            let gap = Gap { from: generation, to: generation, lasted: Millis::ZERO, dropped };
            return Some(Delivery::Gap(gap));
        }
        let delivery = self.waiting.pop_front()?;
        self.bytes -= weight(&delivery);
        Some(delivery)
    }
}

fn weight(delivery: &Delivery) -> usize {
    match delivery {
        Delivery::Message(message) => message.channel.len() + message.payload.len(),
        Delivery::Gap(_) => 0,
    }
}

const MOST: usize = 10_000;
const MOST_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::{Inbox, MOST};
    use crate::{
        pool::{Delivery, Gap, Message, Subscription},
        types::{Generation, Millis},
    };

    #[test]
    fn messages_that_nobody_fetches_are_dropped_and_that_is_told() {
        let inbox = Inbox::default();
        let generation = Generation::new(3);
        let message = |payload: &str| {
            let (channel, payload) = (b"c".to_vec(), payload.as_bytes().to_vec());
            Delivery::Message(Message { by: Subscription::Subscribe, pattern: None, channel, payload })
        };
        for number in 0..MOST + 2 {
            inbox.put(message(&number.to_string()), generation);
        }

        let first = inbox.next_blocking(Millis::ZERO);
        let second = inbox.next_blocking(Millis::ZERO);

        let gap = Gap { from: generation, to: generation, lasted: Millis::ZERO, dropped: 2 };
        assert_eq!((first, second), (Some(Delivery::Gap(gap)), Some(message("2"))));
    }
}

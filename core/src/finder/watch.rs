//! Decides how sentinels are watched: one connection each, its channels one by one, a pulse, and a way back.

use super::{
    Finder, Output, Purpose, Why, notice,
    search::Haste,
    sentinels::{Reach, Sentinel},
};
use crate::{
    error::ErrorKind,
    resp::{Request, Value},
    types::{LinkId, Millis, Now, RequestId, SentinelId, Tick},
};

/// The connection on which one sentinel's events come.
#[derive(Clone, Debug, Default)]
pub(super) struct WatchLink {
    state: State,
    /// How often in a row it was lost.
    failures: u32,
    /// Before when it is not opened again.
    rests_until: Tick,
    /// The subscriptions without an answer: the first number and the last.
    asked: Option<(RequestId, RequestId)>,
    accepted: usize,
    /// The PING without an answer, and when it was sent.
    ping: Option<(RequestId, Tick)>,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Opening(LinkId),
    Open(LinkId),
}

impl WatchLink {
    pub(super) fn link(&self) -> Option<LinkId> {
        match self.state {
            State::Closed => None,
            State::Opening(link) | State::Open(link) => Some(link),
        }
    }
}

impl Finder {
    /// Opens as many watches as there may be, on the sentinels that answer rather than on others.
    pub(super) fn tend_watches(&mut self, now: Now) {
        if self.masters.is_empty() && self.settings.follow.is_none() {
            return;
        }
        let watched = self.sentinels.values().filter(|sentinel| sentinel.watch.link().is_some()).count();
        let rests = |sentinel: &Sentinel| sentinel.watch.link().is_none();
        let mut free: Vec<_> = self.sentinels.iter().filter(|(_, sentinel)| rests(sentinel)).collect();
        free.sort_by_key(|(id, sentinel)| (sentinel.reach, sentinel.watch.failures, **id));
        let free: Vec<_> = free.into_iter().map(|(id, sentinel)| (*id, sentinel.watch.rests_until)).collect();
        let mut open = self.settings.watch_max.saturating_sub(watched);
        for (id, until) in free {
            if open == 0 {
                break;
            }
            if until <= now.tick {
                self.open_watch(now, id);
                open -= 1;
            } else {
                self.deadlines.set(Why::Watch(id), until);
            }
        }
    }

    fn open_watch(&mut self, now: Now, id: SentinelId) {
        let link = self.open_link(id, Purpose::Watch);
        let limit = self.settings.times.watch_pong;
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        sentinel.watch =
            WatchLink { state: State::Opening(link), failures: sentinel.watch.failures, ..WatchLink::default() };
        self.deadlines.clear(Why::Watch(id));
        self.deadlines.set(Why::Pulse(id), now.tick.after(limit));
    }

    /// The connection is usable: each channel is subscribed to on its own, so that one may be refused.
    pub(super) fn watch_link_opened(&mut self, now: Now, id: SentinelId, link: LinkId) {
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        sentinel.watch.state = State::Open(link);
        let mut numbers = Vec::with_capacity(notice::CHANNELS.len());
        for channel in notice::CHANNELS {
            let request = RequestId::new(self.next_number());
            numbers.push(request);
            self.outputs.push_back(Output::Send { link, request, command: Request::new(["SUBSCRIBE", channel]) });
        }
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        sentinel.watch.asked = numbers.first().copied().zip(numbers.last().copied());
        self.ping_watch(now, id);
    }

    fn ping_watch(&mut self, now: Now, id: SentinelId) {
        let request = RequestId::new(self.next_number());
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        let State::Open(link) = sentinel.watch.state else { return };
        sentinel.watch.ping = Some((request, now.tick));
        self.outputs.push_back(Output::Send { link, request, command: Request::new(["PING"]) });
        self.deadlines.set(Why::Pulse(id), now.tick.after(self.settings.times.watch_pong));
    }

    /// The watch is to be pinged, or took too long to open or to answer.
    pub(super) fn feel_pulse(&mut self, now: Now, id: SentinelId) {
        let Some(sentinel) = self.sentinels.get(&id) else { return };
        match (sentinel.watch.state, sentinel.watch.ping) {
            (State::Closed, _) => {}
            (State::Open(_), None) => self.ping_watch(now, id),
            (State::Open(link) | State::Opening(link), _) => {
                self.close_link(link);
                self.watch_link_closed(now, id, ErrorKind::Timeout, "no answer to a ping");
            }
        }
    }

    /// An answer on a watch: to a subscription or to a ping.
    pub(super) fn watch_answered(&mut self, now: Now, id: SentinelId, request: RequestId, value: &Value) {
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        let watch = &mut sentinel.watch;
        if watch.ping.is_some_and(|(ping, _)| ping == request) {
            watch.ping = None;
            watch.failures = 0;
            self.deadlines.set(Why::Pulse(id), now.tick.after(self.settings.times.watch_ping));
            return;
        }
        let Some((first, last)) = watch.asked else { return };
        if request < first || request > last {
            return;
        }
        watch.accepted += usize::from(!matches!(value, Value::Error(_)));
        if request != last {
            return;
        }
        watch.asked = None;
        if watch.accepted > 0 {
            self.watch_begins(now, id);
            return;
        }
        let words = if let Value::Error(text) = value { text } else { "without a word" };
        let reason = format!("refuses every channel: {words}");
        if let Some(link) = watch.link() {
            self.close_link(link);
        }
        self.watch_link_closed(now, id, ErrorKind::NoPermission, &reason);
    }

    /// What happened while nobody listened is asked for.
    fn watch_begins(&mut self, now: Now, id: SentinelId) {
        self.note_reach(now, id, Reach::Up, "");
        let names: Vec<_> = self.masters.keys().cloned().collect();
        for name in names {
            self.search(now, &name, Haste::Hint(id));
        }
        if self.settings.follow.is_some() {
            self.ask_names(now, id);
        }
    }

    /// The connection is gone: it is opened again after a while, and another sentinel is watched meanwhile.
    pub(super) fn watch_link_closed(&mut self, now: Now, id: SentinelId, kind: ErrorKind, reason: &str) {
        let times = &self.settings.times;
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        let was_open = matches!(sentinel.watch.state, State::Open(_));
        let failures = sentinel.watch.failures.saturating_add(1);
        let most = doubled(times.watch_retry_least, failures, times.watch_retry_most);
        let rest = self.chance.between(Millis::new(1), most);
        sentinel.watch = WatchLink { failures, rests_until: now.tick.after(rest), ..WatchLink::default() };
        let address = sentinel.address.clone();
        self.deadlines.clear(Why::Pulse(id));
        if kind == ErrorKind::Auth {
            self.note_refusal(now, &address, reason);
        }
        if was_open || !self.owes_answer(id) {
            self.note_reach(now, id, Reach::Down, &super::answer::cut(reason));
        }
        self.tend_watches(now);
    }

    /// Closes a watch, to be opened again at once.
    pub(super) fn drop_watch(&mut self, id: SentinelId) {
        let Some(sentinel) = self.sentinels.get_mut(&id) else { return };
        if let Some(link) = std::mem::take(&mut sentinel.watch).link() {
            self.close_link(link);
        }
        self.deadlines.clear(Why::Pulse(id));
        self.deadlines.clear(Why::Watch(id));
    }
}

/// `least`, doubled with each failure behind the first, at most `most`.
pub(super) fn doubled(least: Millis, failures: u32, most: Millis) -> Millis {
    // 20 doublings are more than any limit in use bears, and do not overflow.
    least.times(1 << failures.saturating_sub(1).min(20)).min(most)
}

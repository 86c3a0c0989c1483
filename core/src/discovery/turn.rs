//! Decides the order of things: one piece of news, then all the work that follows from it, then the next.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{
    sync::{mpsc, oneshot},
    time::sleep_until,
};

use super::{
    Dialer,
    board::{Board, Wishes},
    links::{LinkNews, Links},
    trial::{Ended, Trials},
};
use crate::{
    finder::{Finder, Input, Output},
    net::Clock,
    types::{MasterName, Millis, Tick},
};

/// What the task works with.
pub(super) struct Senses {
    pub(super) clock: Clock,
    pub(super) board: Arc<Board>,
    pub(super) sentinels: Dialer,
    pub(super) data: Dialer,
}

/// The task of one discovery, which owns its finder.
pub(super) struct Turn {
    finder: Finder,
    clock: Clock,
    board: Arc<Board>,
    links: Links,
    trials: Trials,
    news: mpsc::Receiver<LinkNews>,
    /// Masters whose last user has gone, and when.
    unused: BTreeMap<MasterName, Tick>,
    surveys: Vec<oneshot::Sender<Vec<MasterName>>>,
}

/// What woke the task.
enum Woken {
    Wish,
    Link(Option<LinkNews>),
    Trial(Box<Ended>),
    Time,
}

impl Turn {
    /// The task for `finder`, to be run.
    pub(super) fn new(finder: Finder, senses: Senses) -> Self {
        let (sender, news) = mpsc::channel(MAX_NEWS);
        Self {
            finder,
            clock: senses.clock,
            board: senses.board,
            links: Links::new(senses.sentinels, sender),
            trials: Trials::new(senses.data),
            news,
            unused: BTreeMap::new(),
            surveys: Vec::new(),
        }
    }

    /// Runs until it is closed.
    pub(super) async fn run(mut self) {
        loop {
            self.carry_out_all();
            let wake = self.clock.instant(self.wake_at());
            let woken = tokio::select! {
                biased;
                () = self.board.wished() => Woken::Wish,
                news = self.news.recv() => Woken::Link(news),
                ended = self.trials.next() => Woken::Trial(Box::new(ended)),
                () = sleep_until(wake) => Woken::Time,
            };
            let now = self.clock.now();
            match woken {
                Woken::Wish => {
                    let wishes = self.board.take_wishes();
                    if wishes.close {
                        break;
                    }
                    self.grant(wishes);
                }
                Woken::Link(news) => {
                    if let Some(input) = news.and_then(|news| self.links.sort(news)) {
                        self.finder.handle(now, input);
                    }
                }
                Woken::Trial(ended) => {
                    let input = self.trials.sort(now.tick, *ended);
                    self.finder.handle(now, input);
                }
                Woken::Time => {
                    self.finder.handle(now, Input::Elapsed);
                    self.trials.tidy(now.tick);
                    self.leave_unused(now.tick);
                }
            }
        }
        self.links.end().await;
        self.trials.end().await;
    }

    fn grant(&mut self, wishes: Wishes) {
        let now = self.clock.now();
        for name in wishes.interest {
            if self.board.is_used(&name) {
                self.unused.remove(&name);
                self.finder.handle(now, Input::Wanted(name));
            } else {
                self.unused.insert(name, now.tick);
            }
        }
        for ((master, _), (generation, sign)) in wishes.signs {
            self.finder.handle(now, Input::Suspected { master, generation, sign });
        }
        for name in wishes.refresh {
            self.finder.handle(now, Input::Refresh(name));
        }
        if !wishes.surveys.is_empty() {
            self.surveys.retain(|asker| !asker.is_closed());
            self.surveys.extend(wishes.surveys);
            self.finder.handle(now, Input::Survey);
        }
    }

    fn carry_out_all(&mut self) {
        while let Some(output) = self.finder.poll_output() {
            if let Some(input) = self.carry_out(output) {
                self.finder.handle(self.clock.now(), input);
            }
        }
    }

    fn carry_out(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Open { link, target, .. } => self.links.open(link, target),
            Output::Close { link } => self.links.close(link),
            Output::Send { link, request, command } => return self.links.send(link, request, &command),
            Output::Verify { trial, target, .. } => self.trials.begin(trial, target),
            Output::Surveyed(names) => {
                for asker in self.surveys.drain(..) {
                    // The asker may have lost patience.
                    let _ = asker.send(names.clone());
                }
            }
            Output::Publish(event) => self.board.feed.publish(event),
            Output::Changed(topology) => self.board.show(topology),
        }
        None
    }

    /// Drops the masters that nobody has used for a while: whoever asks now and then finds them known.
    fn leave_unused(&mut self, now: Tick) {
        let leaving: Vec<_> = self
            .unused
            .iter()
            .filter(|(_, since)| now.since(**since) >= LINGER)
            .map(|(name, _)| name.clone())
            .collect();
        for name in leaving {
            self.unused.remove(&name);
            if self.board.forget(&name) {
                self.finder.handle(self.clock.now(), Input::Dropped(name));
            }
        }
    }

    fn wake_at(&self) -> Tick {
        let finder = self.finder.deadline().map(|(tick, _)| tick);
        let unused = self.unused.values().min().map(|since| since.after(LINGER));
        // Waiting stops while the machine sleeps: a longer wait would not notice.
        let longest = self.clock.now().tick.after(LONGEST_WAIT);
        [finder, unused, self.trials.deadline()].into_iter().flatten().fold(longest, Tick::min)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Also when the runtime ends first: nobody may wait for a task that is gone.
        self.board.close();
    }
}

/// How many messages of connections may wait for the task; their tasks wait then.
const MAX_NEWS: usize = 256;

/// How long a master that nobody uses is still looked after.
const LINGER: Millis = Millis::new(60_000);

const LONGEST_WAIT: Millis = Millis::new(1_000);

//! Decides where the library's log goes behind a binding: into a queue that the binding empties, never to a global logger.

use std::{
    cell::RefCell,
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
};

use tracing::{
    Level, Metadata, Subscriber,
    dispatcher::{DefaultGuard, Dispatch, set_default},
    field::{Field, Visit},
    span,
};

use super::{event::Event, events::Events, mailbox::Sender, process::PerProcess};
use crate::net::Clock;

/// The records of this process.
static LOGS: PerProcess<Logs> = PerProcess::new();

/// How loud a record must be to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LogLevel {
    /// Nothing is kept.
    Off,
    /// Faults of this library.
    Error,
    /// Someone may be woken; the default.
    #[default]
    Warn,
    /// A master changed its state.
    Info,
    /// Each decision and its facts.
    Debug,
    /// Each message.
    Trace,
}

impl LogLevel {
    /// Every level, the quietest first.
    pub const ALL: [Self; 6] = [Self::Off, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The stable name: `off`, `error`, `warn`, `info`, `debug`, `trace`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// The level of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// The records of the library's log in this process, as events: their name is the level, their text the record.
///
/// All callers share one stream, so each record is fetched once.
pub fn logs() -> Events {
    LOGS.here().events.clone()
}

/// Keeps records of that level and louder ones; at first [`LogLevel::Warn`].
pub fn set_log_level(level: LogLevel) {
    LOGS.here().level.store(level as u8, Ordering::Relaxed);
    tracing::callsite::rebuild_interest_cache();
}

/// Collects what is logged on this thread, as long as it lives.
pub(super) fn collect_on_this_thread() {
    thread_local! {
        static COLLECTOR: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
    }
    let [collector, _] = collectors();
    let guard = set_default(collector);
    COLLECTOR.with(|collector| *collector.borrow_mut() = Some(guard));
}

/// What all threads of ours collect with, and a second one beside it.
///
/// `tracing` keeps a list of them under a lock. Were it taken whenever a thread starts, a fork at that moment would leave
/// the child a lock that nobody opens; so it is taken here, once, and a child collects with what its parent had. While
/// there is only one in the list, `tracing` goes by the collector of whichever thread meets a record first, which need
/// not be ours.
pub(super) fn collectors() -> &'static [Dispatch; 2] {
    static COLLECTORS: OnceLock<[Dispatch; 2]> = OnceLock::new();
    COLLECTORS.get_or_init(|| [Dispatch::new(Collector::default()), Dispatch::new(Collector::default())])
}

struct Logs {
    events: Events,
    sender: Sender<Event>,
    level: AtomicU8,
    clock: Clock,
}

impl Default for Logs {
    fn default() -> Self {
        let (events, sender) = Events::new("log");
        Self { events, sender, level: AtomicU8::new(LogLevel::default() as u8), clock: Clock::start() }
    }
}

/// Puts the records of one thread into the process's queue.
#[derive(Default)]
struct Collector {
    spans: AtomicU64,
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_ours = metadata.target().starts_with("sentinelle");
        metadata.is_event() && is_ours && level_of(*metadata.level()) as u8 <= LOGS.here().level.load(Ordering::Relaxed)
    }

    fn event(&self, record: &tracing::Event<'_>) {
        let logs = LOGS.here();
        let mut event = Event {
            name: level_of(*record.metadata().level()).name().to_owned(),
            source: "log",
            at_ms: logs.clock.now().unix.as_ms(),
            ..Event::default()
        };
        record.record(&mut Facts(&mut event));
        logs.sender.put(event);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Takes the facts of a record over.
struct Facts<'a>(&'a mut Event);

impl Visit for Facts<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.0.text);
        } else {
            self.0.fields.push((field.name().to_owned(), value.to_owned()));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

fn level_of(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

#[cfg(test)]
mod tests {
    use super::{collect_on_this_thread, logs};
    use crate::facade::{Next, Patience};

    #[test]
    fn what_is_loud_enough_is_kept_with_its_facts() {
        let record = |text: &str| loop {
            match logs().next(&Patience::ms(10_000)) {
                Ok(Next::Item(event)) if event.text == text => return event,
                Ok(Next::Item(_)) => {}
                other => panic!("no record was kept: {other:?}"),
            }
        };
        std::thread::spawn(|| {
            collect_on_this_thread();
            tracing::info!("quiet");
            tracing::warn!(master = "cart", "loud");
        })
        .join()
        .expect("it does not panic");

        let loud = record("loud");

        assert_eq!((loud.name.as_str(), loud.source, loud.field("master")), ("warn", "log", Some("cart")));
    }
}

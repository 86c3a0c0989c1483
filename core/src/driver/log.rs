//! Decides where lines for the log go: to the sink that was given, else to `tracing`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{config::LogLevel, machine::Event, types::UnixMs};

/// One line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How loud.
    pub level: LogLevel,
    /// The line; of an event, its name and text.
    pub text: String,
    /// When, by the wall clock.
    pub at: UnixMs,
}

/// Takes lines for the log. It is called on the sentinel's own loop, so it must not wait.
pub type LogSink = Box<dyn FnMut(&LogLine) + Send>;

/// The log of one sentinel.
pub(super) struct Log {
    sink: Option<LogSink>,
}

impl Log {
    /// A log into `sink`, or into `tracing` without one.
    pub(super) fn new(sink: Option<LogSink>) -> Self {
        Self { sink }
    }

    /// Writes an event as a line.
    pub(super) fn event(&mut self, event: &Event) {
        let text = format!("{} {}", event.kind.name(), event.text);
        self.line(&LogLine { level: event.kind.level(), text, at: event.at });
    }

    /// Writes a line.
    pub(super) fn line(&mut self, line: &LogLine) {
        let Some(sink) = &mut self.sink else {
            trace(line);
            return;
        };
        // A sink that panics must not take the sentinel with it; it is not called again.
        if catch_unwind(AssertUnwindSafe(|| sink(line))).is_err() {
            self.sink = None;
            tracing::error!(target: TARGET, "the log sink panicked and is no longer used");
            trace(line);
        }
    }
}

fn trace(line: &LogLine) {
    let text = line.text.as_str();
    match line.level {
        LogLevel::Warning => tracing::warn!(target: TARGET, "{text}"),
        LogLevel::Notice => tracing::info!(target: TARGET, "{text}"),
        LogLevel::Verbose | LogLevel::Debug => tracing::debug!(target: TARGET, "{text}"),
        LogLevel::Nothing => {}
    }
}

const TARGET: &str = "sentinelle";

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{Log, LogLine};
    use crate::{config::LogLevel, types::UnixMs};

    #[test]
    fn a_sink_that_panics_is_called_once() {
        let calls = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&calls);
        let mut log = Log::new(Some(Box::new(move |_| {
            *counted.lock().expect("nothing panics while it is locked") += 1;
            panic!("a fault of the user's");
        })));
        let line = LogLine { level: LogLevel::Notice, text: "hello".into(), at: UnixMs::from_ms(1) };

        log.line(&line);
        log.line(&line);

        assert_eq!(*calls.lock().expect("nothing panics while it is locked"), 1);
    }
}

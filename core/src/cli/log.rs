//! Decides how the executable's log looks, and that writing it never holds the sentinel up.
//!
//! Mirrors spec 10.4: `<pid>:X <dd> <Mon> <yyyy> <HH:MM:SS.mmm> <c> <message>` in local time; the file is opened for each
//! batch of lines, so that it can be moved away at any time.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    config::LogLevel,
    driver::{LogLine, LogSink},
    types::UnixMs,
};

/// The log of the process: a thread that writes, and the way to it.
pub(super) struct Log {
    lines: SyncSender<String>,
    writer: JoinHandle<()>,
    level: LogLevel,
    lost: Arc<AtomicU64>,
    held: Held,
}

/// Lines of the sentinel that wait until the process has said that it runs; `None` when none wait any more.
type Held = Arc<Mutex<Option<Vec<String>>>>;

impl Log {
    /// Opens the log; an empty `path` is standard output. To be called when the process forks no more.
    pub(super) fn open(path: &str, level: LogLevel) -> Self {
        let (lines, waiting) = sync_channel(MOST_WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let (path, counted) = (path.to_owned(), Arc::clone(&lost));
        let writer = std::thread::spawn(move || write_all(&path, &waiting, &counted));
        Self { lines, writer, level, lost, held: Arc::new(Mutex::new(Some(Vec::new()))) }
    }

    /// Writes a line of the process's own.
    pub(super) fn line(&self, level: LogLevel, text: &str) {
        self.line_at(now(), level, text);
    }

    /// Writes a line of the process's own about an earlier moment.
    pub(super) fn line_at(&self, at: UnixMs, level: LogLevel, text: &str) {
        if is_wanted(level, self.level) {
            self.send(format_line(level, at, text));
        }
    }

    /// Writes the line that tells of a signal.
    pub(super) fn signal(&self, name: &str) {
        let seconds = now().as_ms() / 1000;
        self.send(format!("{}:signal-handler ({seconds}) Received {name} scheduling shutdown...\n", process::id()));
    }

    /// A sink for the sentinel's lines; a line for which there is no room is counted and left out.
    ///
    /// Its lines are held back until [`Log::release`], so that the start reads in order.
    pub(super) fn sink(&self) -> LogSink {
        let (lines, lost, least, held) =
            (self.lines.clone(), Arc::clone(&self.lost), self.level, Arc::clone(&self.held));
        Box::new(move |line: &LogLine| {
            if !is_wanted(line.level, least) {
                return;
            }
            let text = format_line(line.level, line.at, &line.text);
            let is_taken = match &mut *held.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(held) if held.len() < MOST_WAITING => {
                    held.push(text);
                    true
                }
                Some(_) => false,
                None => lines.try_send(text).is_ok(),
            };
            if !is_taken {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        })
    }

    /// Writes the lines held back, and those to come at once.
    pub(super) fn release(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for line in held.take().into_iter().flatten() {
            self.send(line);
        }
    }

    /// Returns when every line is written; the sinks must be gone.
    pub(super) fn close(self) {
        drop(self.lines);
        // A writer that panicked has lost its lines, and there is nowhere left to say so.
        let _ = self.writer.join();
    }

    fn send(&self, line: String) {
        // It fails only when the writer is gone, and with it the place to say so.
        let _ = self.lines.send(line);
    }
}

/// Writes a line to standard output at once, before there is a log.
pub(super) fn write_early(text: &str) {
    let line = format_line(LogLevel::Warning, now(), text);
    let _ = io::stdout().lock().write_all(line.as_bytes());
}

/// Whether lines of that level are logged when `least` is the least wanted.
fn is_wanted(level: LogLevel, least: LogLevel) -> bool {
    level >= least && level != LogLevel::Nothing
}

/// The line as it stands in the log.
fn format_line(level: LogLevel, at: UnixMs, text: &str) -> String {
    format_at(&TimeZone::system(), level, at, text)
}

fn format_at(zone: &TimeZone, level: LogLevel, at: UnixMs, text: &str) -> String {
    let sign = match level {
        LogLevel::Debug => '.',
        LogLevel::Verbose => '-',
        LogLevel::Notice => '*',
        LogLevel::Warning | LogLevel::Nothing => '#',
    };
    let moment = Timestamp::from_millisecond(at.as_ms() as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    let moment = moment.to_zoned(zone.clone());
    // A text with a line break must not look like two lines.
    let text = text.replace(|c: char| c.is_ascii_control(), " ");
    let (pid, ms) = (process::id(), at.as_ms() % 1000);
    format!("{pid}:X {}.{ms:03} {sign} {text}\n", moment.strftime("%d %b %Y %H:%M:%S"))
}

/// The wall clock, as people read it in the log.
pub(super) fn now() -> UnixMs {
    UnixMs::from_ms(Timestamp::now().as_millisecond().max(0) as u64)
}

/// Writes lines until no one can send any.
fn write_all(path: &str, waiting: &Receiver<String>, lost: &AtomicU64) {
    while let Ok(mut batch) = waiting.recv() {
        while batch.len() < LARGEST_BATCH
            && let Ok(line) = waiting.try_recv()
        {
            batch.push_str(&line);
        }
        let count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            batch.push_str(&format_line(LogLevel::Warning, now(), &format!("{count} log lines were lost")));
        }
        // A log that cannot be written must not end the sentinel.
        let _ = write_batch(path, &batch);
    }
}

fn write_batch(path: &str, batch: &str) -> io::Result<()> {
    if path.is_empty() {
        let mut out = io::stdout().lock();
        out.write_all(batch.as_bytes())?;
        return out.flush();
    }
    OpenOptions::new().create(true).append(true).open(path)?.write_all(batch.as_bytes())
}

/// How many lines may wait to be written.
const MOST_WAITING: usize = 4096;

/// How many bytes are written at once.
const LARGEST_BATCH: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::process;

    use jiff::tz::{Offset, TimeZone};

    use super::{Log, format_at};
    use crate::{config::LogLevel, driver::LogLine, types::UnixMs};

    #[test]
    fn a_line_looks_as_in_the_reference() {
        let zone = TimeZone::fixed(Offset::constant(2));
        let at = UnixMs::from_ms(1_795_358_211_007);

        let line = format_at(&zone, LogLevel::Warning, at, "+sdown master mymaster 127.0.0.1 21001");

        let pid = process::id();
        assert_eq!(line, format!("{pid}:X 22 Nov 2026 16:36:51.007 # +sdown master mymaster 127.0.0.1 21001\n"));
    }

    #[test]
    fn a_line_break_makes_no_second_line() {
        let line = format_at(&TimeZone::UTC, LogLevel::Debug, UnixMs::from_ms(0), "a\r\nb");

        assert!(line.ends_with(" . a  b\n"), "{line}");
    }

    #[test]
    fn only_lines_of_the_wanted_level_are_written_and_all_of_them_before_it_closes() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let path = folder.path().join("sentinel.log");
        let log = Log::open(path.to_str().expect("the path is text"), LogLevel::Notice);
        let mut sink = log.sink();

        log.line(LogLevel::Verbose, "quiet");
        log.line(LogLevel::Warning, "loud");
        sink(&LogLine { level: LogLevel::Notice, text: "from the sentinel".into(), at: UnixMs::from_ms(0) });
        log.line(LogLevel::Warning, "running");
        log.release();
        log.signal("SIGTERM");
        drop(sink);
        log.close();

        let text = std::fs::read_to_string(path).expect("the log was written");
        let endings = ["# loud", "# running", "* from the sentinel", ") Received SIGTERM scheduling shutdown..."];
        assert_eq!(text.lines().count(), 4, "{text}");
        for (line, ending) in text.lines().zip(endings) {
            assert!(line.ends_with(ending), "{line}");
        }
    }
}

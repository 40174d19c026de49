//! Diagnostics: slog records on standard error, as JSON lines unless it is a terminal.
//!
//! Standard output is reserved for the log sink of events.

mod drain;
mod json;
mod level;
mod libraries;
mod panics;
mod queue;
mod subscriber;
mod terminal;

use std::{
    any::Any,
    io::{self, Write},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use nexus_raw_config::LogSettings;
use slog::Logger;

/// The time limit of the last flush to standard error, which blocks forever on a pipe without a
/// reader.
const LAST_FLUSH: Duration = Duration::from_secs(5);

/// The program's log. A drop writes the queued records, within 5 s.
pub struct Logging {
    log: Logger,
    _libraries: libraries::Bridge,
    // last, so that records of the other fields' destructors are still written
    _writer: Writer,
}

/// The thread that writes the records, until a drop.
type WriterGuard = Box<dyn Any + Send>;

struct Writer(Option<WriterGuard>);

impl Drop for Writer {
    fn drop(&mut self) {
        let guard = self.0.take();
        // waits for the thread without a time limit
        in_time(move || drop(guard));
    }
}

/// Writes a line to standard error, within 5 s.
pub(crate) fn last_words(line: String) {
    // an error cannot be reported anywhere
    in_time(move || drop(writeln!(io::stderr(), "{line}")));
}

/// Runs blocking work in a thread, and returns after [`LAST_FLUSH`] at the latest. The thread ends
/// with the process.
fn in_time(work: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel::<()>();
    let thread = thread::Builder::new().name("last-flush".to_owned());
    let started = thread.spawn(move || {
        work();
        drop(done);
    });
    if started.is_ok() {
        // an error in both cases: the thread ended, or the time is over
        let _ = ended.recv_timeout(last_flush());
    }
}

#[cfg(not(feature = "fail-points"))]
fn last_flush() -> Duration {
    LAST_FLUSH
}

/// Returns [`LAST_FLUSH`], or what tests set by `NEXUS_RAW_FAIL_POINT_FLUSH_MILLIS`.
#[cfg(feature = "fail-points")]
#[expect(
    clippy::disallowed_methods,
    reason = "it is for tests only, so it is not part of the configuration"
)]
fn last_flush() -> Duration {
    let millis = std::env::var("NEXUS_RAW_FAIL_POINT_FLUSH_MILLIS");
    let millis = millis.ok().and_then(|it| it.parse().ok());
    millis.map_or(LAST_FLUSH, Duration::from_millis)
}

impl Logging {
    /// Returns the logger.
    pub fn log(&self) -> &Logger {
        &self.log
    }
}

/// Starts the log of the process: its own records, those of libraries through `log` and `tracing`,
/// and panics. At most once per process.
///
/// # Errors
/// If another logger is already installed, or no thread can be started.
pub fn start(settings: &LogSettings) -> io::Result<Logging> {
    let (log, writer) = drain::on_standard_error(settings)?;
    let libraries = libraries::Bridge::to(&log, settings.level)?;
    panics::install(log.clone());
    Ok(Logging {
        log,
        _libraries: libraries,
        _writer: Writer(Some(writer)),
    })
}

/// What a log wrote, for the tests of its parts. A clone is another handle.
#[cfg(test)]
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

#[cfg(test)]
impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[cfg(test)]
impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

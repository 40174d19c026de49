//! Diagnostics: slog records on standard error, JSON lines unless a person reads them.
//!
//! Standard output belongs to the log sink of events: the two streams never mix.

mod drain;
mod json;
mod level;
mod libraries;
mod panics;
mod terminal;

use std::{
    io::{self, Write},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use nexus_raw_config::LogSettings;
use slog::Logger;
use slog_async::AsyncGuard;

/// How long the end waits for standard error to take what is still to be written. A pipe that
/// nobody reads takes nothing, ever.
const LAST_FLUSH: Duration = Duration::from_secs(5);

/// The program's log. Records that were taken are written when this is dropped, as far as standard
/// error takes them within 5 s.
pub struct Logging {
    log: Logger,
    _libraries: libraries::Bridge,
    // last, so that what the others say while they are dropped is still written
    _writer: Writer,
}

/// The thread that writes the records.
struct Writer(Option<AsyncGuard>);

impl Drop for Writer {
    fn drop(&mut self) {
        let guard = self.0.take();
        // it waits for the thread to end, without a bound
        in_time(move || drop(guard));
    }
}

/// Writes a line to standard error, as far as it takes it within 5 s.
pub(crate) fn last_words(line: String) {
    // nobody is left to be told when standard error is closed
    in_time(move || drop(writeln!(io::stderr(), "{line}")));
}

/// Does what may hang in a thread of its own, and goes on without it after [`LAST_FLUSH`]: the
/// thread ends with the process.
fn in_time(work: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel::<()>();
    let thread = thread::Builder::new().name("last-flush".to_owned());
    let started = thread.spawn(move || {
        work();
        drop(done);
    });
    if started.is_ok() {
        // an error either way: that it has ended, or that the time is over
        let _ = ended.recv_timeout(LAST_FLUSH);
    }
}

impl Logging {
    /// Where to log.
    pub fn log(&self) -> &Logger {
        &self.log
    }
}

/// Starts the log of the process: its own records, what libraries say through `log` and
/// `tracing`, and panics. Can be done once in a process.
///
/// # Errors
/// When something else has claimed the libraries' log.
pub fn start(settings: &LogSettings) -> io::Result<Logging> {
    let (log, writer) = drain::on_standard_error(settings);
    let libraries = libraries::Bridge::to(&log, settings.level)?;
    panics::tell(log.clone());
    Ok(Logging {
        log,
        _libraries: libraries,
        _writer: Writer(Some(writer)),
    })
}

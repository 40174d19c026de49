//! Diagnostics: slog records on standard error, JSON lines unless a person reads them.
//!
//! Standard output belongs to the log sink of events: the two streams never mix.

mod drain;
mod libraries;
mod panics;
mod terminal;

use std::io;

use nexus_raw_config::LogSettings;
use slog::Logger;
use slog_async::AsyncGuard;

/// The program's log. Records that were taken are written before this is dropped.
pub struct Logging {
    log: Logger,
    _libraries: libraries::Bridge,
    // last, so that what the others say while they are dropped is still written
    _writer: AsyncGuard,
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
        _writer: writer,
    })
}

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// What resolves when the process is asked to end: by SIGTERM, or by SIGINT as a terminal sends it.
///
/// # Errors
/// When the system does not tell of signals.
pub(super) fn asked_to_end() -> io::Result<impl Future<Output = &'static str> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

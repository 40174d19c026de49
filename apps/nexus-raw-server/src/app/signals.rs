use std::{fs, future::pending, io};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What asks the process to end: SIGTERM, SIGINT as a terminal sends it, and SIGHUP as it sends
/// when it is closed, unless the process was started to outlive that.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    /// Hears them from now on.
    ///
    /// # Errors
    /// When the system does not tell of signals.
    pub fn heard() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            // asked before a handler of ours takes its place
            hangup: if is_hangup_ignored() {
                None
            } else {
                Some(signal(SignalKind::hangup())?)
            },
        })
    }

    /// Waits for the next one; its name.
    pub(super) async fn next(&mut self) -> &'static str {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = hangup => "SIGHUP",
        }
    }
}

/// Whether `nohup` or its like has the process ignore SIGHUP. Where the system does not say, as
/// Linux does (proc(5)), it is not.
fn is_hangup_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // signal 1 is the lowest bit
    ignored.is_some_and(|mask| mask & 1 == 1)
}

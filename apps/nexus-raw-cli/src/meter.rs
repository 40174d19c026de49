//! How far an attempt of an upload is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::progress::Progress;

/// Counts the bytes of one attempt, which the progress takes back if it fails.
#[derive(Clone)]
pub(crate) struct Meter {
    progress: Progress,
    sent: Arc<AtomicU64>,
}

impl Meter {
    pub(crate) fn new(progress: &Progress) -> Self {
        Self {
            progress: progress.clone(),
            sent: Arc::default(),
        }
    }

    /// Counts bytes that were handed to the connection.
    pub(crate) fn count(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
        self.progress.advance(bytes as u64);
    }

    /// Ends the attempt. What was stored counts as sent, also if the store had it before.
    pub(crate) fn end(&self, is_stored: bool, size_bytes: u64) {
        let sent = self.sent.load(Ordering::Relaxed);
        if is_stored {
            self.progress.advance(size_bytes.saturating_sub(sent));
        } else {
            self.progress.take_back(sent);
        }
    }

    /// Waits until nothing was counted for `patience`, and at most for twice as long.
    pub(crate) async fn silent_for(&self, patience: Duration) {
        let mut before = self.sent.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(patience).await;
            let now = self.sent.load(Ordering::Relaxed);
            if now == before {
                return;
            }
            before = now;
        }
    }
}

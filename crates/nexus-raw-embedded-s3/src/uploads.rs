//! A limit on uploads by presigned URLs, so that connections are left for requests without a body,
//! such as the HEAD of a service. At the limit, a slow upload is ended for a new one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::request_body::RequestBody;

/// The maximum number of uploads, of 256 connections.
const MAX_UPLOADS: usize = 192;
/// The maximum number of waiting uploads; the other connections stay free.
const MAX_WAITING: usize = 32;
const MAX_WAIT: Duration = Duration::from_secs(10);
/// An upload that is this far behind the minimum rate may be ended for another.
const SLOW: Duration = Duration::from_secs(1);
/// How often a waiting upload checks for slow ones.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The running uploads.
#[derive(Debug)]
pub(crate) struct Uploads {
    places: Arc<Semaphore>,
    waiting: Semaphore,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    next: u64,
    bodies: HashMap<u64, RequestBody>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Running")
            .field("bodies", &self.bodies.len())
            .finish_non_exhaustive()
    }
}

/// A slot of an upload, released on drop.
#[derive(Debug)]
pub(crate) struct UploadSlot {
    uploads: Arc<Uploads>,
    number: u64,
    _permit: OwnedSemaphorePermit,
}

impl Uploads {
    pub(crate) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(MAX_UPLOADS)),
            waiting: Semaphore::new(MAX_WAITING),
            running: Mutex::default(),
        }
    }

    /// Returns a slot for an upload, or `None` if none became free in time.
    pub(crate) async fn enter(self: &Arc<Self>, body: &RequestBody) -> Option<UploadSlot> {
        let permit = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait().await?,
        };
        let number = self.with(|running| {
            running.next += 1;
            running.bodies.insert(running.next, body.clone());
            running.next
        });
        Some(UploadSlot {
            uploads: Arc::clone(self),
            number,
            _permit: permit,
        })
    }

    async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        let _waiting = self.waiting.try_acquire().ok()?;
        let until = Instant::now() + MAX_WAIT;
        let place = Arc::clone(&self.places).acquire_owned();
        tokio::pin!(place);
        loop {
            let now = Instant::now();
            if now >= until {
                return None;
            }
            self.end_slowest();
            if let Ok(permit) = timeout_at((now + POLL_INTERVAL).min(until), &mut place).await {
                return permit.ok();
            }
        }
    }

    /// Ends the slowest upload, if one is slow enough.
    fn end_slowest(&self) {
        let slowest = self.with(|running| {
            let bodies = running.bodies.iter();
            let behind = bodies.map(|(number, body)| (body.behind(), *number));
            let (_, slowest) = behind.filter(|(behind, _)| *behind >= SLOW).max()?;
            running.bodies.remove(&slowest)
        });
        if let Some(body) = slowest {
            body.end();
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Running) -> T) -> T {
        // no update under the lock can be left half done
        work(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for UploadSlot {
    fn drop(&mut self) {
        self.uploads
            .with(|running| running.bodies.remove(&self.number));
    }
}

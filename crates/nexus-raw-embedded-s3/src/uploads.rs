//! Uploads by presigned URLs: bounded in number, so that connections are left for calls without a
//! body, such as those by which a service looks at what was uploaded; and where all places are
//! taken, a slow one makes room for a new one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::request_body::RequestBody;

/// Of the 256 connections.
const MOST_UPLOADS: usize = 192;
/// Of the rest, so many may wait for the place of another. The others are left free.
const MOST_WAITING: usize = 32;
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Who is so far behind the least rate makes room where it is needed.
const SLOW: Duration = Duration::from_secs(1);
/// How often it is looked for whoever is slow.
const LOOK: Duration = Duration::from_millis(100);

/// The uploads that run.
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

/// A place among the uploads, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    uploads: Arc<Uploads>,
    number: u64,
    _permit: OwnedSemaphorePermit,
}

impl Uploads {
    pub(crate) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(MOST_UPLOADS)),
            waiting: Semaphore::new(MOST_WAITING),
            running: Mutex::default(),
        }
    }

    /// A place for an upload, or `None` where there is none for as long as one may wait.
    pub(crate) async fn enter(self: &Arc<Self>, body: &RequestBody) -> Option<Place> {
        let permit = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait().await?,
        };
        let number = self.with(|running| {
            running.next += 1;
            running.bodies.insert(running.next, body.clone());
            running.next
        });
        Some(Place {
            uploads: Arc::clone(self),
            number,
            _permit: permit,
        })
    }

    async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        let _waiting = self.waiting.try_acquire().ok()?;
        let until = Instant::now() + LONGEST_WAIT;
        let place = Arc::clone(&self.places).acquire_owned();
        tokio::pin!(place);
        loop {
            let now = Instant::now();
            if now >= until {
                return None;
            }
            self.end_slowest();
            if let Ok(permit) = timeout_at((now + LOOK).min(until), &mut place).await {
                return permit.ok();
            }
        }
    }

    /// Ends the upload that is the furthest behind, where one is slow.
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
        // nothing that holds the lock leaves the table between two states
        work(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.uploads
            .with(|running| running.bodies.remove(&self.number));
    }
}

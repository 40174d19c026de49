//! One writer for all callers.
//!
//! Callers queue their writes and wait for the outcome. The writer task takes what is queued at the
//! moment, without waiting for more, and writes it in one transaction. So concurrent callers share
//! one fsync, and a lone caller is not delayed. The write does not run in the caller's future, so a
//! dropped call leaves no transaction half done.

mod task;
#[cfg(test)]
mod tests;
mod versions;
mod work;
mod write;

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use nexus_raw::{ports::CatalogError, tenancy::Scope};
use tokio::{
    runtime,
    sync::{Notify, mpsc, oneshot, watch},
};

use self::versions::{Changing, Versions};
pub(crate) use self::{
    work::{ObjectTag, WorkAnswer, WorkPurpose, WorkRequest, WorkStep},
    write::{
        ConsentStep, EndedIntents, IntentKey, IntentOutcome, Kind, LeaseRequest, Members,
        NewIntent, Outcomes, OutcomesDiffer, RecordedDownload, RecordedFact, RecordedVerification,
        Registration, RepeatedPresign, RetryRequest, UploadAbort, Write, Written, cursors,
    },
};
use crate::{
    backend::{GroupWriter, WriteError},
    error::{DEADLINE, Failure, Reason},
    observe::{CatalogObserver, GroupAttempt},
};

/// The capacity of the queue. A slow disk would not write more within the deadline; further callers
/// wait for a slot under the same deadline.
const QUEUE: usize = 4096;

/// A message to the writer task.
enum Message {
    Write(Pending),
    /// Stop writing and close the database; the reply confirms the close.
    Close(oneshot::Sender<()>),
}

/// A queued write and the channel of its caller.
struct Pending {
    /// A request has kilobytes, and would be moved with each future around it.
    write: Box<Write>,
    reply: oneshot::Sender<Result<Written, CatalogError>>,
}

impl Pending {
    /// Sends the outcome to the caller, unless it is gone.
    fn answer(self, outcome: Result<Written, &Failure>) {
        let _ = self.reply.send(outcome.map_err(Failure::to_catalog_error));
    }
}

/// A handle to the writer.
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    signals: Arc<Signals>,
}

/// The writer's signals to others than the callers of writes.
#[derive(Default)]
pub(crate) struct Signals {
    committed: Notify,
    failed: watch::Sender<bool>,
    observer: OnceLock<Arc<dyn CatalogObserver>>,
    failures: Mutex<RecentFailures>,
    consent: Versions,
    in_force: Versions,
}

/// The number of groups that failed in a row, and the last failure.
#[derive(Default)]
struct RecentFailures {
    in_a_row: u32,
    last: Option<Failure>,
}

/// The number of failures in a row from which on writes are reported as unavailable, since one
/// failure may concern one group only. The relay writes each second, so that this works without
/// callers.
const FAILURES_TO_REPORT: u32 = 2;

impl Signals {
    fn commit(&self) {
        self.committed.notify_waiters();
        // a permit for the next waiter, which may be about to wait
        self.committed.notify_one();
    }

    /// Marks what a group changes, until the returned value is dropped after the attempt, whatever
    /// its outcome, and before its members are answered.
    fn changing(&self, batch: &[Pending]) -> [Changing<'_>; 2] {
        let writes = || batch.iter().map(|it| &*it.write);
        [
            self.consent
                .change(writes().filter_map(Write::consent_scope)),
            self.in_force
                .change(writes().filter_map(Write::in_force_scope)),
        ]
    }

    /// Records an attempt, and reports it and the possibly committed scopes to the observer.
    fn attempted<T>(&self, batch: &[Pending], took: Duration, written: &Result<T, WriteError>) {
        if let Some(observer) = self.observer.get() {
            observer.attempted(GroupAttempt {
                calls: batch.len(),
                took,
                committed: written.is_ok(),
            });
            // after a lost response the group may be committed too
            if !matches!(written, Err(WriteError::Refused(_))) {
                for it in batch {
                    if let Some(scope) = it.write.event_scope() {
                        observer.written(scope);
                    }
                }
            }
        }
        match written {
            Ok(_) => *self.failures() = RecentFailures::default(),
            Err(error) => {
                let failure = error.failure();
                // corruption concerns one row, not all writes
                if !failure.is_corrupt() {
                    let mut failures = self.failures();
                    failures.in_a_row = failures.in_a_row.saturating_add(1);
                    failures.last = Some(failure.clone());
                }
            }
        }
    }

    fn failures(&self) -> MutexGuard<'_, RecentFailures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self) {
        self.failed.send_replace(true);
    }
}

impl Writer {
    /// Starts the writer: as a task on the current runtime, or on a thread of its own if its writes
    /// block, which saves switching threads for each write.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn start(backend: Box<dyn GroupWriter>, blocks: bool) -> io::Result<Self> {
        let (queue, calls) = mpsc::channel(QUEUE);
        let signals = Arc::new(Signals::default());
        let run = task::run(backend, calls, signals.clone());
        if blocks {
            let thread = thread::Builder::new().name("catalogue-write".to_owned());
            thread.spawn(|| {
                // for the wake-ups of the queue alone; made here, since none may be dropped on a
                // thread of another
                match runtime::Builder::new_current_thread().build() {
                    Ok(runtime) => runtime.block_on(run),
                    Err(error) => tracing::error!(%error, "catalogue writer not started"),
                }
            })?;
        } else {
            tokio::spawn(run);
        }
        Ok(Self { queue, signals })
    }

    /// Sets the observer, unless there is one already.
    pub(crate) fn observe(&self, observer: Arc<dyn CatalogObserver>) {
        let _ = self.signals.observer.set(observer);
    }

    pub(crate) fn observer(&self) -> Option<&Arc<dyn CatalogObserver>> {
        self.signals.observer.get()
    }

    /// See [`AssetCatalog::consent_version`](nexus_raw::ports::AssetCatalog::consent_version). Known
    /// only where no other process writes.
    pub(crate) fn consent_version(&self, scope: &Scope) -> Option<u64> {
        self.signals.consent.get(scope)
    }

    /// A number that is another one after each change of what is in force of any registered asset of
    /// the scope, or that concerns its record. `None` during such a change; known only where no other
    /// process writes.
    pub(crate) fn in_force_version(&self, scope: &Scope) -> Option<u64> {
        self.signals.in_force.get(scope)
    }

    /// Queues `request` and returns its outcome.
    pub(crate) fn call<K: Kind>(
        &self,
        request: K,
    ) -> impl Future<Output = Result<K::Outcome, CatalogError>> {
        let (reply, answer) = oneshot::channel();
        let write = Box::new(request.into_write());
        let answered = async {
            let message = Message::Write(Pending { write, reply });
            let queued = self.queue.send(message).await;
            queued.map_err(|_| Reason::Stopped)?;
            let written: Written = answer.await.map_err(|_| Reason::Stopped)??;
            K::outcome(written).ok_or_else(|| CatalogError::Corrupt(Box::new(OutcomesDiffer)))
        };
        async {
            let answered = tokio::time::timeout(DEADLINE, answered).await;
            answered.map_err(|_| Reason::Deadline)?
        }
    }

    /// Returns an error if the medium has failed, or while writes fail one after the other, such as
    /// on a full disk.
    pub(crate) fn check_writes(&self) -> Result<(), CatalogError> {
        if self.queue.is_closed() {
            return Err(Reason::Stopped.into());
        }
        let failures = self.signals.failures();
        match &failures.last {
            Some(failure) if failures.in_a_row >= FAILURES_TO_REPORT => {
                Err(failure.to_catalog_error())
            }
            _ => Ok(()),
        }
    }

    /// Returns after a commit, or after `timeout`.
    pub(crate) async fn committed(&self, timeout: Duration) {
        let committed = self.signals.committed.notified();
        // a timeout is no error here
        let _ = tokio::time::timeout(timeout, committed).await;
    }

    /// Resolves after a failure of the medium.
    pub(crate) fn failed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut failed = self.signals.failed.subscribe();
        async move {
            if failed.wait_for(|failed| *failed).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Finishes the queued writes, then closes the database.
    pub(crate) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.queue.send(Message::Close(closed)).await.is_ok() {
            // an error means that it is already closed
            let _ = done.await;
        }
    }
}

//! One writer for all callers.
//!
//! Callers queue what they want written and wait for their own answer. The writer, a task of its
//! own, takes whatever is queued at the moment, never waiting for more, and has it written in one
//! transaction: callers that come at the same time share one fsync, a caller that comes alone
//! waits for nobody. Since the writing is not in the caller's future, a caller that goes away
//! tears nothing.

mod task;
#[cfg(test)]
mod tests;
mod write;

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use nexus_raw::ports::CatalogError;
use tokio::sync::{Notify, mpsc, oneshot, watch};

pub(crate) use self::write::{
    HashingAnswer, HashingRequest, HashingStep, IntentKey, IntentOutcome, Kind, LeaseRequest,
    Members, NewIntent, Outcomes, OutcomesDiffer, Registration, RepeatedPresign, RetryRequest,
    Write, Written, cursors,
};
use crate::{
    backend::{GroupWriter, WriteError},
    error::{DEADLINE, Failure, Reason},
    observe::{CatalogObserver, GroupAttempt},
};

/// How many calls may wait. More than this is more than a slow disk works off within the
/// deadline; further callers wait for a place in the queue, under the same deadline.
const QUEUE: usize = 4096;

/// What comes through the queue.
enum Message {
    Write(Box<Pending>),
    /// No more is to be written; the reply says that the database was let go of.
    Close(oneshot::Sender<()>),
}

/// A write whose caller waits.
struct Pending {
    write: Write,
    reply: oneshot::Sender<Result<Written, CatalogError>>,
}

impl Pending {
    /// Answers the caller, who may have gone.
    fn answer(self, outcome: Result<Written, &Failure>) {
        let _ = self.reply.send(outcome.map_err(Failure::told));
    }
}

/// A handle to the writer.
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    signals: Arc<Signals>,
}

/// What the writer tells those who do not wait for an answer.
#[derive(Default)]
pub(crate) struct Signals {
    committed: Notify,
    failed: watch::Sender<bool>,
    observer: OnceLock<Arc<dyn CatalogObserver>>,
    failures: Mutex<RecentFailures>,
}

/// How many groups in a row have failed, and why the last one did.
#[derive(Default)]
struct RecentFailures {
    in_a_row: u32,
    last: Option<Failure>,
}

/// From so many failures in a row on, writes are reported as unavailable: it is no mishap of one
/// group. The relay writes each second, so that it is noticed without a caller.
const FAILURES_TO_REPORT: u32 = 2;

impl Signals {
    fn commit(&self) {
        self.committed.notify_waiters();
        // a permit for whoever is just about to wait
        self.committed.notify_one();
    }

    /// Takes note of an attempt, and tells the observer of it, and of what it may have committed.
    fn attempted<T>(&self, batch: &[Pending], took: Duration, written: &Result<T, WriteError>) {
        if let Some(observer) = self.observer.get() {
            observer.attempted(GroupAttempt {
                calls: batch.len(),
                took,
                committed: written.is_ok(),
            });
            // where the answer was lost, it may have been written too
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
                // what does not read back is one row's fault
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
    /// Starts the writer on the current runtime.
    pub(crate) fn start(backend: Box<dyn GroupWriter>) -> Self {
        let (queue, calls) = mpsc::channel(QUEUE);
        let signals = Arc::new(Signals::default());
        tokio::spawn(task::run(backend, calls, signals.clone()));
        Self { queue, signals }
    }

    /// Calls `observer` from now on, unless there is one already.
    pub(crate) fn observe(&self, observer: Arc<dyn CatalogObserver>) {
        let _ = self.signals.observer.set(observer);
    }

    pub(crate) fn observer(&self) -> Option<&Arc<dyn CatalogObserver>> {
        self.signals.observer.get()
    }

    /// Has `request` written and gives its outcome.
    pub(crate) async fn call<K: Kind>(&self, request: K) -> Result<K::Outcome, CatalogError> {
        let (reply, answer) = oneshot::channel();
        let write = request.into_write();
        let answered = async {
            let message = Message::Write(Box::new(Pending { write, reply }));
            let queued = self.queue.send(message).await;
            queued.map_err(|_| Reason::Stopped)?;
            let written: Written = answer.await.map_err(|_| Reason::Stopped)??;
            K::outcome(written).ok_or_else(|| CatalogError::Corrupt(Box::new(OutcomesDiffer)))
        };
        tokio::time::timeout(DEADLINE, answered)
            .await
            .map_err(|_| Reason::Deadline)?
    }

    /// Whether writes go through: not once the medium has failed, and not while they fail one after
    /// the other, as on a full disk.
    pub(crate) fn check_writes(&self) -> Result<(), CatalogError> {
        if self.queue.is_closed() {
            return Err(Reason::Stopped.into());
        }
        let failures = self.signals.failures();
        match &failures.last {
            Some(failure) if failures.in_a_row >= FAILURES_TO_REPORT => Err(failure.told()),
            _ => Ok(()),
        }
    }

    /// Returns after a commit, or after `patience`.
    pub(crate) async fn committed(&self, patience: Duration) {
        let committed = self.signals.committed.notified();
        // the end of patience is an answer too
        let _ = tokio::time::timeout(patience, committed).await;
    }

    /// Resolves once the medium has failed; otherwise never.
    pub(crate) fn failed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut failed = self.signals.failed.subscribe();
        async move {
            if failed.wait_for(|failed| *failed).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Has written what is queued so far, then lets go of the database.
    pub(crate) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.queue.send(Message::Close(closed)).await.is_ok() {
            // an error here means that it is closed already
            let _ = done.await;
        }
    }
}

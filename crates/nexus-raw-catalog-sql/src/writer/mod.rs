//! One writer for all callers.
//!
//! Callers queue what they want written and wait for their own answer. The writer, a task of its
//! own, takes whatever is queued at the moment, never waiting for more, and has it written in one
//! transaction: callers that come at the same time share one fsync, a caller that comes alone
//! waits for nobody. Since the writing is not in the caller's future, a caller that goes away
//! tears nothing.

mod batch;
mod group;
mod observer;
mod task;
#[cfg(test)]
mod tests;

use std::{
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use nexus_raw::ports::CatalogError;
use tokio::sync::{Notify, mpsc, oneshot, watch};

pub use self::observer::{GroupAttempt, GroupObserver};
pub(crate) use self::{
    batch::{Call, Message},
    group::{
        Group, HashingAnswer, HashingRequest, HashingStep, IntentKey, IntentOutcome, LeaseRequest,
        NewIntent, Outcomes, Registration, RepeatedPresign, RetryRequest, cursors,
    },
};
use crate::{
    backend::{GroupWriter, WriteError},
    error::{DEADLINE, Failure, Reason},
};

/// How many calls may wait. More than this is more than a slow disk works off within the
/// deadline; further callers wait for a place in the queue, under the same deadline.
const QUEUE: usize = 4096;

/// A handle to the writer.
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    signals: std::sync::Arc<Signals>,
}

/// What the writer tells those who do not wait for an answer.
#[derive(Default)]
pub(crate) struct Signals {
    committed: Notify,
    failed: watch::Sender<bool>,
    observer: OnceLock<GroupObserver>,
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

    fn attempted(&self, calls: usize, took: Duration, written: &Result<Outcomes, WriteError>) {
        if let Some(observer) = self.observer.get() {
            observer(GroupAttempt {
                calls,
                took,
                committed: written.is_ok(),
            });
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
        let signals = std::sync::Arc::new(Signals::default());
        tokio::spawn(task::run(backend, calls, signals.clone()));
        Self { queue, signals }
    }

    /// Has `observer` told of each group from now on, unless another one is already.
    pub(crate) fn observe_groups(&self, observer: GroupObserver) {
        // whoever came first stays
        let _ = self.signals.observer.set(observer);
    }

    /// Has `request` written and gives its outcome.
    ///
    /// `into_message` says which kind of request it is.
    pub(crate) async fn call<Q, A>(
        &self,
        request: Q,
        into_message: fn(Call<Q, A>) -> Message,
    ) -> Result<A, CatalogError> {
        let (reply, answer) = oneshot::channel();
        let answered = async {
            let message = into_message(Call { request, reply });
            let queued = self.queue.send(message).await;
            queued.map_err(|_| Reason::Stopped)?;
            answer.await.map_err(|_| Reason::Stopped)?
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

use std::{convert::Infallible, future::Future, pin::pin, time::Duration};

use nexus_raw::ports::EventOutbox;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

/// A signal to every worker that events may have been committed.
///
/// One task waits on the outbox for all, since a commit need not wake every caller of
/// [`EventOutbox::committed`].
pub(super) struct CommitSignal(watch::Sender<()>);

impl CommitSignal {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Returns a receiver of each signal from now on, also of one sent between its waits.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }

    /// Signals commits. Those within `gather` of a signal share the next one.
    pub(super) async fn run(
        &self,
        outbox: &dyn EventOutbox,
        interval: Duration,
        gather: Duration,
    ) -> Infallible {
        loop {
            // a commit during the pause returns at once
            outbox.committed(interval).await;
            self.0.send_replace(());
            sleep(gather).await;
        }
    }
}

/// The request to stop the relay: when it came, once it has.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<Option<Instant>>);

impl Stop {
    /// Returns a stop that is set when `shutdown` resolves, while the returned future is polled.
    pub(super) fn on(
        shutdown: impl Future<Output = ()>,
    ) -> (Self, impl Future<Output = Infallible>) {
        let (sender, receiver) = watch::channel(None);
        let watching = async move {
            shutdown.await;
            sender.send_replace(Some(Instant::now()));
            std::future::pending().await
        };
        (Self(receiver), watching)
    }

    /// Waits for the stop, and returns when it came.
    pub(super) async fn at(&mut self) -> Instant {
        let came = self.0.wait_for(Option::is_some).await;
        // an error means that the sender is gone, which is a stop as well
        came.ok().and_then(|at| *at).unwrap_or_else(Instant::now)
    }

    /// Returns the result of `work`, or `None` and drops `work` once the relay is to stop.
    pub(super) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let work = pin!(work);
        tokio::select! {
            biased;
            _ = self.at() => None,
            done = work => Some(done),
        }
    }
}

use std::{convert::Infallible, future::Future, pin::pin, time::Duration};

use nexus_raw::ports::EventOutbox;
use tokio::{sync::watch, time::sleep};

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

/// The request to stop the relay.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Returns a stop that is set when `shutdown` resolves, while the returned future is polled.
    pub(super) fn on(
        shutdown: impl Future<Output = ()>,
    ) -> (Self, impl Future<Output = Infallible>) {
        let (sender, receiver) = watch::channel(false);
        let watching = async move {
            shutdown.await;
            sender.send_replace(true);
            std::future::pending().await
        };
        (Self(receiver), watching)
    }

    /// Returns the result of `work`, or `None` and drops `work` once the relay is to stop.
    pub(super) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let work = pin!(work);
        tokio::select! {
            biased;
            // an error means that the sender is gone, which is a stop as well
            _ = self.0.wait_for(|stop| *stop) => None,
            done = work => Some(done),
        }
    }
}

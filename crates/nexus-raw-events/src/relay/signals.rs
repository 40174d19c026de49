use std::{convert::Infallible, future::Future, pin::pin, time::Duration};

use nexus_raw::ports::EventOutbox;
use tokio::sync::watch;

/// Rings for every worker when events may have been committed.
///
/// One listens to the outbox for all: what wakes one caller of
/// [`EventOutbox::committed`] need not wake another.
pub(super) struct Bell(watch::Sender<()>);

impl Bell {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// What hears every ring from now on, also one that comes while it does not listen.
    pub(super) fn listener(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }

    pub(super) async fn ring(&self, outbox: &dyn EventOutbox, patience: Duration) -> Infallible {
        loop {
            outbox.committed(patience).await;
            self.0.send_replace(());
        }
    }
}

/// Whether the relay is to end.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A stop that comes when `shutdown` ends, while the future beside it is awaited.
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

    /// What `work` comes to, or `None` once the relay is to end; `work` is given up then.
    pub(super) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let work = pin!(work);
        tokio::select! {
            biased;
            // an error means that nobody watches any more, which is an end as well
            _ = self.0.wait_for(|stop| *stop) => None,
            done = work => Some(done),
        }
    }
}

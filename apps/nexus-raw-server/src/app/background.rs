use futures_util::future::BoxFuture;
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

/// A background task whose end can be observed by several waiters.
pub(super) struct Background {
    task: JoinHandle<()>,
    alive: watch::Receiver<()>,
}

impl Background {
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        let (life, alive) = watch::channel(());
        let task = tokio::spawn(async move {
            // dropped when the work ends, and also when it panics
            let _life = life;
            work.await;
        });
        Self { task, alive }
    }

    /// Resolves once the work has ended, normally or by a panic.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut alive = self.alive.clone();
        async move { while alive.changed().await.is_ok() {} }
    }

    /// Waits for the end.
    pub(super) async fn join(self) {
        // a panic was already logged by the panic hook and observed by `ended`
        let _ = self.task.await;
    }
}

/// A background task that ends when it is asked to.
pub(super) struct Stoppable {
    task: Background,
    stop: oneshot::Sender<()>,
}

impl Stoppable {
    /// Spawns what `work` makes of a future that resolves once the task is to end.
    pub(super) fn spawn<F>(work: impl FnOnce(BoxFuture<'static, ()>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        // a dropped sender also stops it
        let stopped = Box::pin(async { drop(stopped.await) });
        Self {
            task: Background::spawn(work(stopped)),
            stop,
        }
    }

    /// Resolves once the work has ended, which before [`Self::stop`] is a bug.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        self.task.ended()
    }

    /// Stops the work and waits for its end.
    pub(super) async fn stop(self) {
        // an error means that it has already ended
        let _ = self.stop.send(());
        self.task.join().await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_task_is_observed_also_when_it_panics() {
        let task = Background::spawn(async { panic!("on purpose") });
        task.ended().await;
        task.join().await;
    }

    #[tokio::test]
    async fn a_running_task_has_not_ended() {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let task = Background::spawn(async { drop(stopped.await) });
        let ended = task.ended();
        tokio::pin!(ended);
        assert_eq!((&mut ended).now_or_never(), None);
        stop.send(()).unwrap();
        ended.await;
        task.join().await;
    }
}

use tokio::{sync::watch, task::JoinHandle};

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

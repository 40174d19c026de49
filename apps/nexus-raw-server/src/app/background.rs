use tokio::{sync::watch, task::JoinHandle};

/// A task that runs beside the routes, and whose end can be watched while it is waited for.
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

    /// Resolves once the work has ended, in whatever way.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut alive = self.alive.clone();
        async move { while alive.changed().await.is_ok() {} }
    }

    /// Waits for the end.
    pub(super) async fn join(self) {
        // a panic was told by the runtime's own hook, and by `ended`
        let _ = self.task.await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_task_is_told_also_when_it_panics() {
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

use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use nexus_raw::ports::CatalogError;
use tokio::sync::{mpsc, oneshot};

use super::{
    connect,
    connection::SqliteConnection,
    fault::{open_error, read_error},
};
use crate::error::{OpenError, Reason};

/// The number of threads, which work in parallel; four keep two cores busy.
const THREADS: usize = 4;

/// The maximum number of waiting reads. More would not be answered within the deadline.
const QUEUE: usize = 4096;

/// A read. It is told why the connection is missing, if it is.
type QueuedRead = Box<dyn FnOnce(Result<&mut SqliteConnection, CatalogError>) + Send>;

/// Threads that read, each with a read-only connection of its own.
///
/// A thread takes what waits without being woken again, so that under load a read costs no switch
/// of threads but the two of its own answer. The first thread starts at open, another one when a
/// read finds none idle.
pub(super) struct ReaderThreads {
    shared: Arc<SharedReads>,
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

struct SharedReads {
    file: PathBuf,
    state: Mutex<ReadQueue>,
    woken: Condvar,
}

#[derive(Default)]
struct ReadQueue {
    queue: VecDeque<QueuedRead>,
    threads: usize,
    /// How many of the threads are reading.
    busy: usize,
    /// Held by the threads together, until no more may start.
    running: Option<mpsc::Sender<()>>,
}

impl ReaderThreads {
    pub(super) fn start(file: &Path) -> Result<Self, OpenError> {
        let first = connect::reader(file).map_err(open_error)?;
        let (running, ended) = mpsc::channel(1);
        let shared = Arc::new(SharedReads {
            file: file.to_owned(),
            state: Mutex::new(ReadQueue {
                running: Some(running),
                ..ReadQueue::default()
            }),
            woken: Condvar::new(),
        });
        let started = shared.start_thread(&mut shared.state(), Some(first));
        started.map_err(|error| OpenError::Unreachable(Box::new(error)))?;
        Ok(Self {
            shared,
            ended: ended.into(),
        })
    }

    /// Runs a read on one of the threads. It does not begin if its caller is gone by then.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut SqliteConnection) -> Result<T, CatalogError> + Send + 'static,
    ) -> Result<T, CatalogError> {
        let (reply, answer) = oneshot::channel();
        self.shared.queue(Box::new(move |connection| {
            if !reply.is_closed() {
                // the caller may be gone
                let _ = reply.send(connection.and_then(read));
            }
        }))?;
        answer.await.map_err(|_| Reason::Stopped)?
    }

    /// Answers the waiting reads, and closes the connections. Later reads fail.
    pub(super) async fn close(&self) {
        self.shared.stop();
        // no thread sends anything: it ends with the last of them
        self.ended.lock().await.recv().await;
    }
}

impl Drop for ReaderThreads {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl SharedReads {
    fn state(&self) -> MutexGuard<'_, ReadQueue> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(self: &Arc<Self>, read: QueuedRead) -> Result<(), CatalogError> {
        let mut state = self.state();
        if state.running.is_none() {
            return Err(Reason::Stopped.into());
        }
        if state.queue.len() >= QUEUE {
            return Err(Reason::TooManyReads.into());
        }
        if state.threads - state.busy <= state.queue.len() && state.threads < THREADS {
            let started = self.start_thread(&mut state, None);
            // one thread is enough to answer
            if state.threads == 0 {
                started.map_err(|error| CatalogError::Unavailable(Box::new(error)))?;
            }
        }
        state.queue.push_back(read);
        drop(state);
        self.woken.notify_one();
        Ok(())
    }

    fn start_thread(
        self: &Arc<Self>,
        state: &mut ReadQueue,
        connection: Option<SqliteConnection>,
    ) -> std::io::Result<()> {
        let shared = self.clone();
        let running = state.running.clone();
        let thread = thread::Builder::new().name("catalogue-read".to_owned());
        thread.spawn(move || {
            shared.run(connection);
            // with the connection closed
            drop((shared, running));
        })?;
        state.threads += 1;
        Ok(())
    }

    fn run(&self, mut connection: Option<SqliteConnection>) {
        let mut was_busy = false;
        while let Some(read) = self.next(was_busy) {
            was_busy = true;
            if connection.is_none() {
                match connect::reader(&self.file) {
                    Ok(opened) => connection = Some(opened),
                    Err(error) => {
                        read(Err(read_error(error)));
                        continue;
                    }
                }
            }
            let Some(opened) = &mut connection else {
                continue;
            };
            // the caller is told by its dropped channel; what the connection was at is unknown
            if panic::catch_unwind(AssertUnwindSafe(|| read(Ok(opened)))).is_err() {
                connection = None;
            }
        }
    }

    /// Waits for the next read of a thread; returns `None` once there are no more.
    fn next(&self, was_busy: bool) -> Option<QueuedRead> {
        let mut state = self.state();
        state.busy -= usize::from(was_busy);
        loop {
            if let Some(read) = state.queue.pop_front() {
                state.busy += 1;
                return Some(read);
            }
            state.running.as_ref()?;
            let woken = self.woken.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn stop(&self) {
        self.state().running = None;
        self.woken.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        sync::mpsc as blocking,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn started() -> (tempfile::TempDir, ReaderThreads) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("some.sqlite");
        std::fs::File::create(&file).unwrap();
        (directory, ReaderThreads::start(&file).unwrap())
    }

    fn one(connection: &mut SqliteConnection) -> Result<usize, CatalogError> {
        let rows = connection.rows("SELECT 1", [], |_| Ok(()));
        rows.map(|rows| rows.len()).map_err(read_error)
    }

    fn begin<T>(read: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        read.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Occupies a thread until the returned sender is dropped.
    async fn occupy(threads: &Arc<ReaderThreads>) -> blocking::Sender<()> {
        let (until, ended) = blocking::channel::<()>();
        let (begun, is_running) = oneshot::channel();
        let threads = threads.clone();
        tokio::spawn(async move {
            let read = move |_: &mut SqliteConnection| {
                begun.send(()).unwrap();
                ended.recv().unwrap_err();
                Ok(())
            };
            threads.read(read).await
        });
        is_running.await.unwrap();
        until
    }

    #[tokio::test]
    async fn a_read_does_not_wait_for_another_while_there_are_threads() {
        let (_directory, threads) = started();
        let threads = Arc::new(threads);
        let mut busy = Vec::new();
        for _ in 1..THREADS {
            busy.push(occupy(&threads).await);
        }
        assert_eq!(threads.read(one).await.unwrap(), 1);
        assert_eq!(threads.shared.state().threads, THREADS);
    }

    #[tokio::test]
    async fn a_read_whose_caller_is_gone_does_not_begin() {
        let (_directory, threads) = started();
        let threads = Arc::new(threads);
        let mut busy = Vec::new();
        for _ in 0..THREADS {
            busy.push(occupy(&threads).await);
        }
        let (begun, has_begun) = blocking::channel::<()>();
        let read = threads.read(move |_| {
            begun.send(()).unwrap();
            Ok(())
        });
        let mut read = Box::pin(read);
        assert!(begin(read.as_mut()).is_pending());
        drop(read);
        drop(busy);
        threads.close().await;
        assert!(has_begun.recv().is_err());
    }

    #[tokio::test]
    async fn no_more_reads_wait_than_the_queue_holds() {
        let (_directory, threads) = started();
        let threads = Arc::new(threads);
        let mut busy = Vec::new();
        for _ in 0..THREADS {
            busy.push(occupy(&threads).await);
        }
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(threads.read(one))).collect();
        for read in &mut waiting {
            assert!(begin(read.as_mut()).is_pending());
        }
        let refused = threads.read(one).await.unwrap_err();
        assert!(matches!(refused, CatalogError::Unavailable(_)));
        drop(busy);
        for read in waiting {
            assert_eq!(read.await.unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn a_read_that_panics_concerns_its_caller_alone() {
        let (_directory, threads) = started();
        for _ in 0..2 * THREADS {
            let ended = threads.read(|_| -> Result<(), _> { panic!("of the test") });
            assert!(matches!(ended.await, Err(CatalogError::Unavailable(_))));
            assert_eq!(threads.read(one).await.unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn after_close_reads_are_refused_and_no_thread_is_left() {
        let (_directory, threads) = started();
        threads.read(one).await.unwrap();
        threads.close().await;
        assert!(matches!(
            threads.read(one).await,
            Err(CatalogError::Unavailable(_))
        ));
        assert_eq!(Arc::strong_count(&threads.shared), 1);
    }

    /// A file that is gone is told to the caller, and a later read tries again.
    #[tokio::test]
    async fn a_connection_that_cannot_be_opened_is_the_error_of_the_read() {
        let (directory, threads) = started();
        let file = directory.path().join("some.sqlite");
        std::fs::remove_file(&file).unwrap();
        let threads = Arc::new(threads);
        let busy = occupy(&threads).await;
        assert!(matches!(
            threads.read(one).await,
            Err(CatalogError::Unavailable(_))
        ));
        std::fs::File::create(&file).unwrap();
        assert_eq!(threads.read(one).await.unwrap(), 1);
        drop(busy);
    }
}

use std::{
    cell::Cell,
    collections::VecDeque,
    ffi::c_int,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
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

/// How many operations of SQLite's machine pass between two looks at the time: below a millisecond.
const OPERATIONS: c_int = 10_000;

thread_local! {
    /// When the caller of the read that this thread runs will have gone.
    static ENDS: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Threads that read, each with a read-only connection of its own.
///
/// A thread takes what waits without being woken again, so that under load a read costs no switch
/// of threads but the two of its own answer. The first thread starts at open, another one when a
/// read finds none idle.
pub(super) struct ReaderThreads {
    shared: Arc<SharedReads>,
    patience: Duration,
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
    /// Starts the first thread. A read ends with an error `patience` after it was asked for, when
    /// its caller does not wait any more.
    pub(super) fn start(file: &Path, patience: Duration) -> Result<Self, OpenError> {
        let first = open(file).map_err(open_error)?;
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
            patience,
            ended: ended.into(),
        })
    }

    /// Runs a read on one of the threads. It does not begin if its caller is gone by then.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut SqliteConnection) -> Result<T, CatalogError> + Send + 'static,
    ) -> Result<T, CatalogError> {
        let (reply, answer) = oneshot::channel();
        let ends = Instant::now().checked_add(self.patience);
        self.shared.queue(Box::new(move |connection| {
            if !reply.is_closed() {
                ENDS.set(ends);
                // the caller may be gone
                let _ = reply.send(connection.and_then(read));
            }
        }))?;
        answer.await.map_err(|_| Reason::Unanswered)?
    }

    /// Answers the waiting reads, and closes the connections. Later reads fail.
    pub(super) async fn close(&self) {
        self.shared.stop();
        // no thread sends anything: it ends with the last of them
        self.ended.lock().await.recv().await;
    }
}

/// Opens a connection on which a statement ends soon after the caller of its read has gone. Else a
/// few long ones would keep all threads from everybody.
fn open(file: &Path) -> Result<SqliteConnection, rusqlite::Error> {
    let connection = connect::reader(file)?;
    let is_over = || ENDS.get().is_some_and(|end| Instant::now() >= end);
    connection
        .raw()
        .progress_handler(OPERATIONS, Some(is_over))?;
    Ok(connection)
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
            let opened = match connection.take().map_or_else(|| open(&self.file), Ok) {
                Ok(opened) => connection.insert(opened),
                Err(error) => match self.leave(read) {
                    // the other threads have connections, and this one would only fail reads
                    None => return,
                    Some(read) => {
                        read(Err(read_error(error)));
                        continue;
                    }
                },
            };
            // the caller is told by its dropped channel; what the connection was at is unknown
            let ended = panic::catch_unwind(AssertUnwindSafe(|| read(Ok(opened))));
            if ended.is_err() || !opened.is_autocommit() {
                connection = None;
            }
        }
    }

    /// Leaves a read to the other threads, and this thread's place to another one; returns the read
    /// if there are no others.
    fn leave(&self, read: QueuedRead) -> Option<QueuedRead> {
        let mut state = self.state();
        if state.threads == 1 {
            return Some(read);
        }
        state.threads -= 1;
        state.busy -= 1;
        state.queue.push_front(read);
        drop(state);
        self.woken.notify_one();
        None
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
        let patience = Duration::from_mins(1);
        (directory, ReaderThreads::start(&file, patience).unwrap())
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

    async fn occupy_each(threads: &Arc<ReaderThreads>, count: usize) -> Vec<blocking::Sender<()>> {
        let mut busy = Vec::new();
        for _ in 0..count {
            busy.push(occupy(threads).await);
        }
        busy
    }

    #[tokio::test]
    async fn a_read_does_not_wait_for_another_while_there_are_threads() {
        let (_directory, threads) = started();
        let threads = Arc::new(threads);
        let _busy = occupy_each(&threads, THREADS - 1).await;
        assert_eq!(threads.read(one).await.unwrap(), 1);
        assert_eq!(threads.shared.state().threads, THREADS);
    }

    #[tokio::test]
    async fn a_read_whose_caller_is_gone_does_not_begin() {
        let (_directory, threads) = started();
        let threads = Arc::new(threads);
        let busy = occupy_each(&threads, THREADS).await;
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
        let busy = occupy_each(&threads, THREADS).await;
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(threads.read(one))).collect();
        for read in &mut waiting {
            assert!(begin(read.as_mut()).is_pending());
        }
        let mut beyond = Box::pin(threads.read(one));
        assert!(matches!(
            begin(beyond.as_mut()),
            Poll::Ready(Err(CatalogError::Unavailable(_)))
        ));
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

    /// A thread without a connection leaves reads to those that have one, and a later read finds
    /// its place free.
    #[tokio::test]
    async fn a_thread_that_cannot_open_the_file_leaves_reads_to_the_others() {
        let (directory, threads) = started();
        let file = directory.path().join("some.sqlite");
        std::fs::remove_file(&file).unwrap();
        let threads = Arc::new(threads);
        let busy = occupy(&threads).await;
        let mut reads: Vec<_> = (0..9).map(|_| Box::pin(threads.read(one))).collect();
        for read in &mut reads {
            assert!(begin(read.as_mut()).is_pending());
        }
        drop(busy);
        for read in reads {
            assert_eq!(read.await.unwrap(), 1);
        }
        std::fs::File::create(&file).unwrap();
        let busy = occupy(&threads).await;
        assert_eq!(threads.read(one).await.unwrap(), 1);
        drop(busy);
    }

    /// With no other thread it is the error of the read, and a later one tries again.
    #[tokio::test]
    async fn without_a_thread_that_has_the_file_open_reads_fail_until_it_can_be_opened() {
        let (directory, threads) = started();
        let file = directory.path().join("some.sqlite");
        std::fs::remove_file(&file).unwrap();
        let lost = threads.read(|_| -> Result<(), _> { panic!("of the test") });
        lost.await.unwrap_err();
        for _ in 0..3 {
            let read = threads.read(one).await;
            assert!(matches!(read, Err(CatalogError::Unavailable(_))));
        }
        std::fs::File::create(&file).unwrap();
        assert_eq!(threads.read(one).await.unwrap(), 1);
    }

    /// The statement has no end, and no row at which it could be left.
    #[tokio::test]
    async fn a_statement_ends_when_its_caller_has_gone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("some.sqlite");
        std::fs::File::create(&file).unwrap();
        let patience = Duration::from_millis(20);
        let threads = ReaderThreads::start(&file, patience).unwrap();
        let endless = |connection: &mut SqliteConnection| {
            let sql = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
                SELECT count(*) FROM n";
            let count = connection.only(sql, [], |_| Ok(()));
            count.map_err(read_error)
        };
        for _ in 0..=THREADS {
            let ended = threads.read(endless).await;
            assert!(matches!(ended, Err(CatalogError::Unavailable(_))));
        }
        assert_eq!(threads.read(one).await.unwrap(), 1);
    }

    /// What a read leaves open would show later reads an old state.
    #[tokio::test]
    async fn a_connection_that_is_left_in_a_transaction_is_not_used_again() {
        let (_directory, threads) = started();
        let begun = threads.read(|connection| connection.batch("BEGIN").map_err(read_error));
        begun.await.unwrap();
        let is_free = threads.read(|connection| Ok(connection.is_autocommit()));
        assert!(is_free.await.unwrap());
    }
}

//! Connections: bounded in number. Where all places are taken, the one that has served nobody for
//! the longest makes room for a new one.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

/// More wait in the system's queue.
const MOST_CONNECTIONS: usize = 256;

/// All that are open.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    table: Mutex<Table>,
    /// One was closed, or has nothing to do any more.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Since when no request of it is served; `None` while one is.
    idle_since: Option<Instant>,
    /// A request of it was granted: whoever has a key or a URL goes after those who have shown none.
    is_known: bool,
    close: Arc<Notify>,
}

/// One of them. Its place is free when this is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    all: Arc<Connections>,
    number: u64,
    close: Arc<Notify>,
}

/// A request that is served, until this is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Connection>);

impl Connections {
    /// A place for a new connection, once there is one.
    pub(crate) async fn enter(self: &Arc<Self>) -> Connection {
        loop {
            if let Some(connection) = self.try_enter() {
                return connection;
            }
            // one permit is kept, so that nothing is missed in between
            self.freed.notified().await;
        }
    }

    fn try_enter(self: &Arc<Self>) -> Option<Connection> {
        self.with(|table| {
            if table.open.len() >= MOST_CONNECTIONS {
                let longest = table.longest_idle()?;
                table.open.remove(&longest)?.close.notify_one();
            }
            table.next += 1;
            let close = Arc::new(Notify::new());
            let entry = Entry {
                idle_since: Some(Instant::now()),
                is_known: false,
                close: Arc::clone(&close),
            };
            table.open.insert(table.next, entry);
            Some(Connection {
                all: Arc::clone(self),
                number: table.next,
                close,
            })
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Table) -> T) -> T {
        // nothing that holds the lock leaves the table between two states
        work(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Table {
    fn longest_idle(&self) -> Option<u64> {
        let idle = self.open.iter().filter_map(|(number, entry)| {
            entry
                .idle_since
                .map(|since| (entry.is_known, since, *number))
        });
        idle.min().map(|(_, _, number)| number)
    }
}

impl Connection {
    /// Resolves when its place is needed for another.
    pub(crate) async fn made_room(&self) {
        self.close.notified().await;
    }

    /// Begins a request.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.change(|entry| entry.idle_since = None);
        Busy(Arc::clone(self))
    }

    fn change(&self, work: impl FnOnce(&mut Entry)) {
        self.all
            .with(|table| table.open.get_mut(&self.number).map(work));
    }
}

impl Busy {
    /// Notes that the request was granted.
    pub(crate) fn granted(&self) {
        self.0.change(|entry| entry.is_known = true);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0
            .change(|entry| entry.idle_since = Some(Instant::now()));
        self.0.all.freed.notify_one();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.with(|table| table.open.remove(&self.number));
        self.all.freed.notify_one();
    }
}

/// The body of an answer, while which is sent its request is still served.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    pub(crate) body: s3s::Body,
    pub(crate) _busy: Busy,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = <s3s::Body as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

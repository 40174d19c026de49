//! A limit on the number of connections. At the limit, the connection that has been idle for the
//! longest is closed for a new one.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The maximum number; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 256;

/// The open connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    table: Mutex<Table>,
    /// Notified when a connection was closed or became idle.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// When it became idle; `None` while it serves a request.
    idle_since: Option<Instant>,
    /// Whether it had an authorised request; idle connections without one are closed first.
    is_known: bool,
    close: Arc<Notify>,
}

/// An open connection. Its slot is released on drop.
#[derive(Debug)]
pub(crate) struct Connection {
    all: Arc<Connections>,
    number: u64,
    close: Arc<Notify>,
}

/// A request in progress, until this is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Connection>);

impl Connections {
    /// Waits for a slot for a new connection.
    pub(crate) async fn enter(self: &Arc<Self>) -> Connection {
        loop {
            if let Some(connection) = self.try_enter() {
                return connection;
            }
            // the notification stores one permit, so that none is missed in between
            self.freed.notified().await;
        }
    }

    fn try_enter(self: &Arc<Self>) -> Option<Connection> {
        self.with(|table| {
            if table.open.len() >= MAX_CONNECTIONS {
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
        // no update under the lock can be left half done
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
    /// Resolves when its slot is needed for another connection.
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
    /// Records that the request was authorised.
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

/// The body of a response, which keeps its request in progress until it is sent.
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

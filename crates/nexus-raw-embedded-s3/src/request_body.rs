//! The body of a request, with a minimum rate.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep, timeout};

/// The minimum average rate of a client, over the time in which it is waited for.
const MIN_BYTES_PER_SECOND: u64 = 16 * 1024;
/// How much of a refused body is still read, and for how long. A client whose connection is closed
/// while it writes often reports a broken connection instead of the error.
const MAX_DRAINED_BYTES: u64 = 16 * 1024 * 1024;
const MAX_DRAIN: Duration = Duration::from_secs(5);

/// The error of a body that ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestBodyError {
    /// The client was below the minimum rate for too long, or another upload needed its slot.
    #[error("client was too slow")]
    Slow,
    /// The connection broke or the framing was wrong.
    #[error("body ended early")]
    Broken(#[source] hyper::Error),
}

/// Ends with [`RequestBodyError::Slow`] once the client is `leeway` behind the minimum rate. Only time
/// spent waiting for the client counts. Clones share one body.
#[derive(Clone)]
pub(crate) struct RequestBody(Arc<Mutex<Inner>>);

struct Inner {
    incoming: Incoming,
    leeway: Duration,
    /// How far the client was behind the minimum rate at its last data.
    behind: Duration,
    /// The start of the current wait for it.
    waits_since: Option<Instant>,
    /// The time at which it is too far behind.
    end: Pin<Box<Sleep>>,
    /// Whether reading has ended.
    is_ended: bool,
    reader: Option<Waker>,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, leeway: Duration) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            incoming,
            leeway,
            behind: Duration::ZERO,
            waits_since: None,
            end: Box::pin(sleep(leeway)),
            is_ended: false,
            reader: None,
        })))
    }

    /// Returns how far the client is behind the minimum rate.
    pub(crate) fn behind(&self) -> Duration {
        self.with(|body| body.behind())
    }

    /// Ends reading.
    pub(crate) fn end(&self) {
        let reader = self.with(|body| {
            body.is_ended = true;
            body.reader.take()
        });
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        // no update under the lock can be left half done
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads and discards the rest, within limits.
    pub(crate) async fn drain(self) {
        let mut left = MAX_DRAINED_BYTES;
        if self.size_hint().lower() > left {
            return;
        }
        let read = async {
            while let Some(Ok(frame)) =
                poll_fn(|context| self.with(|body| body.poll(context))).await
            {
                let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
                left = left.saturating_sub(bytes);
                if left == 0 {
                    break;
                }
            }
        };
        // the connection of a slower client is closed
        let _ = timeout(MAX_DRAIN, read).await;
    }
}

impl Inner {
    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        if self.is_ended {
            return Poll::Ready(Some(Err(RequestBodyError::Slow)));
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) {
            self.behind = self.behind();
            self.waits_since = None;
            if let Some(Ok(frame)) = &frame {
                let came = frame.data_ref().map_or(0, Bytes::len) as u64;
                let worth = Duration::from_micros(came * 1_000_000 / MIN_BYTES_PER_SECOND);
                self.behind = self.behind.saturating_sub(worth);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(RequestBodyError::Broken)));
        }
        if self.waits_since.is_none() {
            let now = Instant::now();
            self.waits_since = Some(now);
            let left = self.leeway.saturating_sub(self.behind);
            self.end.as_mut().reset(now + left);
        }
        self.reader = Some(context.waker().clone());
        self.end.as_mut().poll(context).map(|()| {
            self.is_ended = true;
            Some(Err(RequestBodyError::Slow))
        })
    }

    fn behind(&self) -> Duration {
        let waits = self.waits_since.map(|since| since.elapsed());
        self.behind + waits.unwrap_or_default()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        self.with(|body| body.poll(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.incoming.size_hint())
    }
}

//! The body of a request, whose sender may neither fall silent nor drip.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep, timeout};

/// How fast a client must be, on the whole, while it is waited for.
const LEAST_BYTES_PER_SECOND: u64 = 16 * 1024;
/// How much of a refused body is still read, and for how long. A client that is cut off while it
/// writes often reports a broken connection where it should report the refusal.
const MOST_DRAINED_BYTES: u64 = 16 * 1024 * 1024;
const LONGEST_DRAIN: Duration = Duration::from_secs(5);

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestBodyError {
    /// The client fell too far behind the least rate, or others needed its place.
    #[error("the client was too slow")]
    Slow,
    /// The connection broke or the framing was wrong.
    #[error("the body broke off")]
    Broken(#[source] hyper::Error),
}

/// Ends with [`RequestBodyError::Slow`] once the client is `leeway` behind the least rate. Only time
/// in which the client was waited for counts. Clones share one body.
#[derive(Clone)]
pub(crate) struct RequestBody(Arc<Mutex<Inner>>);

struct Inner {
    incoming: Incoming,
    leeway: Duration,
    /// How far the client was behind the least rate when it was last heard of.
    behind: Duration,
    /// Since when it is waited for.
    waits_since: Option<Instant>,
    /// When it will be too far behind.
    end: Pin<Box<Sleep>>,
    /// Nothing more is taken of it.
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

    /// How far the client is behind the least rate.
    pub(crate) fn behind(&self) -> Duration {
        self.with(|body| body.behind())
    }

    /// Takes nothing more of the client.
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
        // nothing that holds the lock leaves the body between two states
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads on, within bounds, what nobody wanted.
    pub(crate) async fn drain(self) {
        let mut left = MOST_DRAINED_BYTES;
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
        // a client that is slower than this sees its connection close
        let _ = timeout(LONGEST_DRAIN, read).await;
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
                let worth = Duration::from_micros(came * 1_000_000 / LEAST_BYTES_PER_SECOND);
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

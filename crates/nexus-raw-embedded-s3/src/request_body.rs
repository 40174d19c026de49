//! The body of a request, whose sender may not fall silent.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep, timeout};

/// How much of a refused body is still read, and for how long. A client that is cut off while it
/// writes often reports a broken connection where it should report the refusal.
const MOST_DRAINED_BYTES: u64 = 16 * 1024 * 1024;
const LONGEST_DRAIN: Duration = Duration::from_secs(5);

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestBodyError {
    /// The client sent nothing for as long as it may.
    #[error("the client fell silent")]
    Silent,
    /// The connection broke or the framing was wrong.
    #[error("the body broke off")]
    Broken(#[source] hyper::Error),
}

/// Ends with [`RequestBodyError::Silent`] once nothing arrived for `limit`. Clones share one body.
#[derive(Clone)]
pub(crate) struct RequestBody(Arc<Mutex<Inner>>);

struct Inner {
    incoming: Incoming,
    limit: Duration,
    silence: Pin<Box<Sleep>>,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, limit: Duration) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            incoming,
            limit,
            silence: Box::pin(sleep(limit)),
        })))
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
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) {
            self.silence.as_mut().reset(Instant::now() + self.limit);
            return Poll::Ready(frame.map(|frame| frame.map_err(RequestBodyError::Broken)));
        }
        self.silence
            .as_mut()
            .poll(context)
            .map(|()| Some(Err(RequestBodyError::Silent)))
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

//! A request body whose sender may not fall silent.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdleBodyError {
    /// The client sent nothing for as long as it may.
    #[error("the client fell silent")]
    Idle,
    /// The connection broke or the framing was wrong.
    #[error("the body broke off")]
    Broken(#[source] hyper::Error),
}

/// Ends with [`IdleBodyError::Idle`] once nothing arrived for `limit`.
pub(crate) struct IdleBody {
    inner: Incoming,
    limit: Duration,
    silence: Pin<Box<Sleep>>,
}

impl IdleBody {
    pub(crate) fn new(inner: Incoming, limit: Duration) -> Self {
        Self {
            inner,
            limit,
            silence: Box::pin(sleep(limit)),
        }
    }
}

impl Body for IdleBody {
    type Data = Bytes;
    type Error = IdleBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, IdleBodyError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            let next = Instant::now() + self.limit;
            self.silence.as_mut().reset(next);
            return Poll::Ready(frame.map(|frame| frame.map_err(IdleBodyError::Broken)));
        }
        self.silence
            .as_mut()
            .poll(context)
            .map(|()| Some(Err(IdleBodyError::Idle)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

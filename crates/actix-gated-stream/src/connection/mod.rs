mod watch;

use std::{
    any::Any,
    cell::RefCell,
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use self::watch::{Body, Caller, MAX_CHUNKED_BYTES, Phase, Watch};
pub(crate) use self::watch::{End, Gate};
use crate::head::HeadEnd;

/// How much of an unread body the library buffers.
const MAX_UNREAD: u64 = 16 * 1024;

/// The length of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// A known number of bytes.
    Known(u64),
    /// Delimited by its chunked framing.
    Chunked,
}

/// The state of a connection, shared by its stream and the service.
#[derive(Debug, Clone)]
pub struct Connection(pub(super) Rc<RefCell<Watch>>);

impl Connection {
    /// Begins a request; the next one waits for its response. `body` is the length in its head; the
    /// next request follows it.
    ///
    /// Returns `false` after the last response: no other may follow (RFC 9112, section 9.6), and
    /// the connection is closed once that is sent. Also if this connection was closed for another.
    #[must_use = "if it is `false`, no response may be sent"]
    pub fn serve(&self, body: BodyLength) -> bool {
        let mut watch = self.0.borrow_mut();
        let over = matches!(watch.phase, Phase::Over { .. } | Phase::Serving(_));
        if over || !watch.mark_used() {
            watch.cut = true;
            return false;
        }
        watch.rouse = body != BodyLength::Known(0);
        // whether the caller is still there is checked again for each request
        watch.caller = Caller::Unwatched;
        watch.phase = Phase::Serving(match body {
            BodyLength::Known(bytes) => Body::Left(bytes),
            BodyLength::Chunked => Body::ChunkedLeft(MAX_CHUNKED_BYTES),
        });
        true
    }

    /// Ends a request. `last` if no other is served, `drain` if the caller may still be sending its
    /// body.
    pub fn request_done(&self, last: bool, drain: bool) {
        let mut watch = self.0.borrow_mut();
        let body = match watch.phase {
            Phase::Serving(body) if drain => Some(body),
            _ => None,
        };
        watch.phase = if last {
            Phase::Over { drain: body }
        } else {
            Phase::Idle
        };
        watch.head = HeadEnd::default();
        watch.since = Instant::now();
        watch.rouse = true;
        watch.unsent = true;
    }

    /// Resolves once the caller of the current request has disconnected. One that has closed only
    /// its sending half counts as well, since the two cannot be distinguished. So does one that
    /// cannot be watched, since it sends a long unread body.
    ///
    /// The socket is watched only while this is awaited.
    pub fn disconnected(&self) -> impl Future<Output = ()> + use<> {
        let waiter = DisconnectWaiter(self.clone());
        poll_fn(move |cx| waiter.0.poll_left(cx))
    }

    fn poll_left(&self, cx: &Context<'_>) -> Poll<()> {
        let mut watch = self.0.borrow_mut();
        // its end is visible only after its body, which is not read meanwhile
        let sends_much = match watch.phase {
            Phase::Serving(Body::Left(left)) => left > MAX_UNREAD,
            Phase::Serving(Body::ChunkedLeft(_)) => true,
            _ => false,
        };
        match &mut watch.caller {
            _ if sends_much => Poll::Ready(()),
            Caller::Left => Poll::Ready(()),
            Caller::Watched(waker) => {
                waker.clone_from(cx.waker());
                Poll::Pending
            }
            Caller::Unwatched => {
                watch.caller = Caller::Watched(cx.waker().clone());
                // the stream checks the socket at its next read
                watch.rouse = true;
                Poll::Pending
            }
        }
    }

    /// Sets the total time in which the caller must read the next response.
    pub fn set_send_timeout(&self, time: Duration) {
        let take_by = Instant::now() + time;
        self.0.borrow_mut().take_by.push_back(take_by);
    }

    /// Marks that response as passed to the library: keeps `kept` until all output is sent or the
    /// connection ends.
    pub fn hold_until_sent(&self, kept: impl Any) {
        self.0.borrow_mut().until_sent.push(Box::new(kept));
    }

    /// Returns whether a head was not complete in time.
    #[must_use]
    pub fn was_too_slow(&self) -> bool {
        let deadline = self.deadline();
        deadline.is_some_and(|(at, end)| end == End::SlowHead && at <= Instant::now())
    }

    /// Returns whether a head is expected, so that a read error of the library is about a head.
    #[must_use]
    pub fn is_before_a_request(&self) -> bool {
        let phase = self.0.borrow().phase;
        !matches!(phase, Phase::Serving(_) | Phase::Over { .. })
    }
}

/// A waiter for the disconnection of the caller, until it is dropped.
struct DisconnectWaiter(Connection);

impl Drop for DisconnectWaiter {
    fn drop(&mut self) {
        let caller = &mut self.0.0.borrow_mut().caller;
        if matches!(caller, Caller::Watched(_)) {
            *caller = Caller::Unwatched;
        }
    }
}

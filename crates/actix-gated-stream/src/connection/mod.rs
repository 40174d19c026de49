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
pub(crate) use self::watch::{End, Gate, LINGER};
use crate::head::HeadEnd;

/// How much of a body the library takes although nobody reads it.
const MOST_UNREAD: u64 = 16 * 1024;

/// How the end of a request's body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// It has so many bytes.
    Known(u64),
    /// It says so itself.
    Chunked,
}

/// How far a connection is, as its stream and the service that answers on it both know.
#[derive(Debug, Clone)]
pub struct Connection(pub(super) Rc<RefCell<Watch>>);

impl Connection {
    /// A request is served from now on; no other is until it is answered. Its `body` is as long as
    /// its head says: what comes behind that is the next request.
    ///
    /// `false` where the last answer was given already: nothing may be answered any more
    /// (RFC 9112, section 9.6), and the connection is cut once what was answered is sent. Also
    /// where another connection was given the room of this one.
    #[must_use = "where it is `false`, nothing may be answered"]
    pub fn serve(&self, body: BodyLength) -> bool {
        let mut watch = self.0.borrow_mut();
        let over = matches!(watch.phase, Phase::Over { .. } | Phase::Serving(_));
        if over || !watch.mark_used() {
            watch.cut = true;
            return false;
        }
        watch.rouse = body != BodyLength::Known(0);
        // whether it is still there is looked at anew for each request
        watch.caller = Caller::Unasked;
        watch.phase = Phase::Serving(match body {
            BodyLength::Known(bytes) => Body::Left(bytes),
            BodyLength::Chunked => Body::ChunkedLeft(MAX_CHUNKED_BYTES),
        });
        true
    }

    /// The request was answered. `last` where no other is served, `drain` where the caller may
    /// still be sending its body.
    pub fn served(&self, last: bool, drain: bool) {
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

    /// Resolves once the caller of the request that is served has gone away. One that has closed
    /// its sending half alone counts as gone too: the two cannot be told apart. So does one that
    /// cannot be watched, since it sends a long body that nobody reads.
    ///
    /// The socket is watched for it only while somebody waits here.
    pub fn left(&self) -> impl Future<Output = ()> + use<> {
        let asking = Asking(self.clone());
        poll_fn(move |cx| asking.0.poll_left(cx))
    }

    fn poll_left(&self, cx: &Context<'_>) -> Poll<()> {
        let mut watch = self.0.borrow_mut();
        // its end is seen behind its body alone, which nobody reads while it waits
        let sends_much = match watch.phase {
            Phase::Serving(Body::Left(left)) => left > MOST_UNREAD,
            Phase::Serving(Body::ChunkedLeft(_)) => true,
            _ => false,
        };
        match &mut watch.caller {
            _ if sends_much => Poll::Ready(()),
            Caller::Left => Poll::Ready(()),
            Caller::Asked(waker) => {
                waker.clone_from(cx.waker());
                Poll::Pending
            }
            Caller::Unasked => {
                watch.caller = Caller::Asked(cx.waker().clone());
                // the stream looks at the socket when it is read from the next time
                watch.rouse = true;
                Poll::Pending
            }
        }
    }

    /// The answer that is sent next must be taken within this time, whatever the caller takes
    /// meanwhile.
    pub fn to_be_taken_within(&self, time: Duration) {
        let take_by = Instant::now() + time;
        self.0.borrow_mut().take_by.push_back(take_by);
    }

    /// All of that answer is with the library: keeps `kept` until all that the library was given is
    /// sent, or the connection ends.
    pub fn keep_until_sent(&self, kept: impl Any) {
        self.0.borrow_mut().until_sent.push(Box::new(kept));
    }

    /// Whether a head did not come whole in time.
    #[must_use]
    pub fn was_too_slow(&self) -> bool {
        let deadline = self.deadline();
        deadline.is_some_and(|(at, end)| end == End::SlowHead && at <= Instant::now())
    }

    /// Whether no request is served, and none was the last: what the library could not read was a
    /// head.
    #[must_use]
    pub fn is_before_a_request(&self) -> bool {
        let phase = self.0.borrow().phase;
        !matches!(phase, Phase::Serving(_) | Phase::Over { .. })
    }
}

/// Somebody who wants to know whether the caller is there, until it is dropped.
struct Asking(Connection);

impl Drop for Asking {
    fn drop(&mut self) {
        let caller = &mut self.0.0.borrow_mut().caller;
        if matches!(caller, Caller::Asked(_)) {
            *caller = Caller::Unasked;
        }
    }
}

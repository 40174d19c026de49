use std::{any::Any, cell::RefCell, collections::VecDeque, rc::Rc, task::Waker};

use tokio::time::Instant;

use super::Connection;
use crate::{deadlines::Deadlines, head::HeadEnd, open::OpenConnection};

/// The maximum size of a chunked body with its framing, for the longest content in chunks of a fair
/// size.
pub(crate) const MAX_CHUNKED_BYTES: usize = 512 * 1024;

/// What may be passed to the library now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// The bytes of a head, up to its end.
    Head,
    /// A number of bytes.
    Bytes(usize),
    /// Nothing.
    Shut,
}

/// The reason for which a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// A head was not complete in time.
    SlowHead,
    /// It was idle, or broke the protocol.
    Unused,
    /// The caller does not read the response.
    SlowTaker,
}

#[derive(Debug)]
pub(crate) struct Watch {
    deadlines: Deadlines,
    pub(crate) phase: Phase,
    pub(crate) since: Instant,
    pub(crate) head: HeadEnd,
    pub(crate) blocked: Option<Instant>,
    /// The deadlines of the responses being sent, in their order.
    pub(crate) take_by: VecDeque<Instant>,
    /// Values to drop once all output is sent, one per response.
    pub(crate) until_sent: Vec<Box<dyn Any>>,
    pub(crate) rouse: bool,
    pub(crate) cut: bool,
    pub(crate) caller: Caller,
    /// Whether a response is not completely sent.
    pub(crate) unsent: bool,
    /// Its entry among the connections of its listener.
    pub(crate) open: Option<OpenConnection>,
}

/// Whether the caller is still connected, if a waiter wants to know.
#[derive(Debug)]
pub(crate) enum Caller {
    Unwatched,
    /// The waker of the waiter.
    Watched(Waker),
    Left,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No byte of the next head has arrived.
    Fresh,
    Idle,
    /// A head is arriving, or has arrived and is not served yet.
    Head {
        whole: bool,
    },
    Serving(Body),
    /// The last response was given.
    Over {
        drain: Option<Body>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    Left(u64),
    ChunkedLeft(usize),
}

impl Connection {
    pub(crate) fn new(now: Instant, deadlines: Deadlines, open: Option<OpenConnection>) -> Self {
        Self(Rc::new(RefCell::new(Watch {
            deadlines,
            phase: Phase::Fresh,
            since: now,
            head: HeadEnd::default(),
            blocked: None,
            take_by: VecDeque::new(),
            until_sent: Vec::new(),
            rouse: false,
            cut: false,
            caller: Caller::Unwatched,
            unsent: false,
            open,
        })))
    }

    /// Returns whether the stream has to watch for a disconnection.
    pub(crate) fn is_watched(&self) -> bool {
        matches!(self.0.borrow().caller, Caller::Watched(_))
    }

    /// Records that the caller has disconnected.
    pub(crate) fn leave(&self) {
        let before = std::mem::replace(&mut self.0.borrow_mut().caller, Caller::Left);
        if let Caller::Watched(waker) = before {
            waker.wake();
        }
    }

    pub(crate) fn gate(&self) -> Gate {
        match self.0.borrow().phase {
            Phase::Fresh | Phase::Idle | Phase::Head { whole: false } => Gate::Head,
            Phase::Head { whole: true } | Phase::Over { drain: None } => Gate::Shut,
            Phase::Serving(Body::Left(left))
            | Phase::Over {
                drain: Some(Body::Left(left)),
            } => Gate::Bytes(usize::try_from(left).unwrap_or(usize::MAX)),
            Phase::Serving(Body::ChunkedLeft(left))
            | Phase::Over {
                drain: Some(Body::ChunkedLeft(left)),
            } => Gate::Bytes(left),
        }
    }

    /// Returns whether no more useful input can arrive: the framing of a body exceeds what its
    /// content can need, or a refused body is complete.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(
            self.0.borrow().phase,
            Phase::Serving(Body::ChunkedLeft(0))
                | Phase::Over {
                    drain: Some(Body::Left(0) | Body::ChunkedLeft(0)),
                }
        )
    }

    /// Returns how many of these bytes, which arrived while a head was expected, are of the head.
    pub(crate) fn head_within(&self, bytes: &[u8], now: Instant) -> usize {
        let mut watch = self.0.borrow_mut();
        let end = watch.head.find(bytes);
        match watch.phase {
            // the first head is timed from the opening
            Phase::Idle if watch.head.has_begun() => {
                watch.since = now;
                // idle again, unless the rest has arrived too
                watch.mark_used();
            }
            Phase::Idle => return bytes.len(),
            _ => {}
        }
        if watch.head.has_begun() {
            let whole = end.is_some();
            watch.phase = Phase::Head { whole };
        }
        end.unwrap_or(bytes.len())
    }

    /// Records bytes of a body that were passed on.
    pub(crate) fn gave(&self, bytes: usize) {
        if let Phase::Serving(body) | Phase::Over { drain: Some(body) } =
            &mut self.0.borrow_mut().phase
        {
            match body {
                Body::Left(left) => *left = left.saturating_sub(bytes as u64),
                Body::ChunkedLeft(left) => *left = left.saturating_sub(bytes),
            }
        }
    }

    /// Records whether the caller reads a response.
    pub(crate) fn taking(&self, some: bool, now: Instant) {
        let mut watch = self.0.borrow_mut();
        if some {
            if watch.blocked.take().is_some() && watch.unsent {
                watch.mark_used();
            }
            // it can send nothing else before it has the response
            if watch.phase == Phase::Idle {
                watch.since = now;
            }
        } else if watch.blocked.is_none() {
            watch.blocked = Some(now);
            // a caller that reads nothing is idle, unless a next request is served meanwhile
            if !matches!(watch.phase, Phase::Serving(_)) {
                watch.mark_idle();
            }
        }
    }

    /// Records that all output is sent.
    pub(crate) fn sent(&self) {
        let watch = &mut *self.0.borrow_mut();
        let sent = watch.until_sent.len().min(watch.take_by.len());
        watch.take_by.drain(..sent);
        watch.until_sent.clear();
        watch.unsent = false;
    }

    /// Records that no more of an expected head has arrived.
    pub(crate) fn nothing_came(&self) {
        let watch = self.0.borrow();
        if !watch.unsent && watch.open.as_ref().is_some_and(OpenConnection::is_busy) {
            watch.mark_idle();
        }
    }

    /// Returns the current deadline, and the reason for closing the connection after it.
    pub(crate) fn deadline(&self) -> Option<(Instant, End)> {
        let watch = self.0.borrow();
        let Deadlines {
            head,
            idle,
            linger,
            take,
        } = watch.deadlines;
        let blocked = watch.blocked.map(|since| since + take);
        if let Some(taken) = blocked
            .into_iter()
            .chain(watch.take_by.front().copied())
            .min()
        {
            return Some((taken, End::SlowTaker));
        }
        match watch.phase {
            Phase::Fresh => Some((watch.since + head, End::Unused)),
            Phase::Idle => Some((watch.since + idle, End::Unused)),
            Phase::Head { .. } => Some((watch.since + head, End::SlowHead)),
            // body and response have their own timeouts, in the service
            Phase::Serving(_) => None,
            Phase::Over { .. } => Some((watch.since + linger, End::Unused)),
        }
    }

    /// Returns, once, whether the stream must be polled again, since more may be passed on.
    pub(crate) fn rouse(&self) -> bool {
        std::mem::take(&mut self.0.borrow_mut().rouse)
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.0.borrow().cut
    }
}

impl Watch {
    /// Returns `false` if this connection is being closed for another.
    pub(crate) fn mark_used(&self) -> bool {
        self.open.as_ref().is_none_or(OpenConnection::mark_used)
    }

    fn mark_idle(&self) {
        if let Some(open) = &self.open {
            open.mark_idle(self.phase == Phase::Fresh);
        }
    }
}

#[cfg(test)]
mod tests;

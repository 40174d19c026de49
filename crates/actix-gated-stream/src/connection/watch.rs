use std::{any::Any, cell::RefCell, collections::VecDeque, rc::Rc, task::Waker, time::Duration};

use tokio::time::Instant;

use super::Connection;
use crate::{head::HeadEnd, open::OpenConnection};

/// How long a head may take, from its first byte on; the first of a connection from its opening.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may stay open unused: longer than the 60 s of common load balancers.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a caller may go on with a body that was refused.
pub(crate) const LINGER: Duration = Duration::from_secs(1);
/// How long a caller may take nothing of an answer.
const TAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// The most that a chunked body of the longest content can be written in, and room for lengths of
/// chunks of fair size: beyond that a body is all framing.
pub(crate) const MAX_CHUNKED_BYTES: usize = 512 * 1024;

/// What may be given to the library now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// The bytes of a head, up to its end.
    Head,
    /// So many bytes.
    Bytes(usize),
    /// Nothing.
    Shut,
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// A head began and did not come whole in time.
    SlowHead,
    /// It was not used, or not as it must be.
    Unused,
    /// The caller takes nothing of the answer.
    SlowTaker,
}

#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) phase: Phase,
    pub(crate) since: Instant,
    pub(crate) head: HeadEnd,
    pub(crate) blocked: Option<Instant>,
    /// By when each of the answers that are being sent must have been taken, in their order.
    pub(crate) take_by: VecDeque<Instant>,
    /// What is to be dropped once all that the library was given is sent: one thing an answer.
    pub(crate) until_sent: Vec<Box<dyn Any>>,
    pub(crate) rouse: bool,
    pub(crate) cut: bool,
    pub(crate) caller: Caller,
    /// An answer is not sent yet to its end.
    pub(crate) unsent: bool,
    /// Its place among the connections of its listener.
    pub(crate) open: Option<OpenConnection>,
}

/// Whether the caller is still there, where somebody wants to know.
#[derive(Debug)]
pub(crate) enum Caller {
    Unasked,
    /// Whom to tell.
    Asked(Waker),
    Left,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing has come yet, of the first head or of a later one.
    Fresh,
    Idle,
    /// A head is under way, or has come and is not served yet.
    Head {
        whole: bool,
    },
    Serving(Body),
    /// The last answer was given.
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
    pub(crate) fn new(now: Instant, open: Option<OpenConnection>) -> Self {
        Self(Rc::new(RefCell::new(Watch {
            phase: Phase::Fresh,
            since: now,
            head: HeadEnd::default(),
            blocked: None,
            take_by: VecDeque::new(),
            until_sent: Vec::new(),
            rouse: false,
            cut: false,
            caller: Caller::Unasked,
            unsent: false,
            open,
        })))
    }

    /// Whether the stream has to see to it whether the caller is there.
    pub(crate) fn is_asked(&self) -> bool {
        matches!(self.0.borrow().caller, Caller::Asked(_))
    }

    /// The caller has gone.
    pub(crate) fn leave(&self) {
        let asked = std::mem::replace(&mut self.0.borrow_mut().caller, Caller::Left);
        if let Caller::Asked(waker) = asked {
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

    /// Whether nothing more can come that is of use: the framing of a body has taken more than its
    /// content can need, or all of a refused body has come.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(
            self.0.borrow().phase,
            Phase::Serving(Body::ChunkedLeft(0))
                | Phase::Over {
                    drain: Some(Body::Left(0) | Body::ChunkedLeft(0)),
                }
        )
    }

    /// How many of these bytes, which came while the gate asked for a head, are of the head.
    pub(crate) fn head_within(&self, bytes: &[u8], now: Instant) -> usize {
        let mut watch = self.0.borrow_mut();
        let end = watch.head.find(bytes);
        match watch.phase {
            // the time of the first head runs from the opening
            Phase::Idle if watch.head.has_begun() => {
                watch.since = now;
                // idle anew, unless the rest has come too
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

    /// So many bytes of a body were given.
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

    /// The caller takes something of an answer, or for now nothing more.
    pub(crate) fn taking(&self, some: bool, now: Instant) {
        let mut watch = self.0.borrow_mut();
        if some {
            if watch.blocked.take().is_some() && watch.unsent {
                watch.mark_used();
            }
            // it can send nothing else before it has the answer
            if watch.phase == Phase::Idle {
                watch.since = now;
            }
        } else if watch.blocked.is_none() {
            watch.blocked = Some(now);
            // who takes nothing is idle, but for a next request that is served meanwhile
            if !matches!(watch.phase, Phase::Serving(_)) {
                watch.mark_idle();
            }
        }
    }

    /// All that the library has been given is sent.
    pub(crate) fn sent(&self) {
        let watch = &mut *self.0.borrow_mut();
        let sent = watch.until_sent.len().min(watch.take_by.len());
        watch.take_by.drain(..sent);
        watch.until_sent.clear();
        watch.unsent = false;
    }

    /// Nothing came, or nothing more, of a head that is waited for.
    pub(crate) fn nothing_came(&self) {
        let watch = self.0.borrow();
        if !watch.unsent && watch.open.as_ref().is_some_and(OpenConnection::is_busy) {
            watch.mark_idle();
        }
    }

    /// Until when what is waited for must have come, and what it means that it has not.
    pub(crate) fn deadline(&self) -> Option<(Instant, End)> {
        let watch = self.0.borrow();
        let blocked = watch.blocked.map(|since| since + TAKE_TIMEOUT);
        if let Some(taken) = blocked
            .into_iter()
            .chain(watch.take_by.front().copied())
            .min()
        {
            return Some((taken, End::SlowTaker));
        }
        match watch.phase {
            Phase::Fresh => Some((watch.since + HEAD_TIMEOUT, End::Unused)),
            Phase::Idle => Some((watch.since + KEEP_ALIVE, End::Unused)),
            Phase::Head { .. } => Some((watch.since + HEAD_TIMEOUT, End::SlowHead)),
            // body and answer have their own, in the service
            Phase::Serving(_) => None,
            Phase::Over { .. } => Some((watch.since + LINGER, End::Unused)),
        }
    }

    /// Whether the stream has to be asked again, since more may be given now. Told once.
    pub(crate) fn rouse(&self) -> bool {
        std::mem::take(&mut self.0.borrow_mut().rouse)
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.0.borrow().cut
    }
}

impl Watch {
    /// `false` where another connection was given the room of this one, which ends.
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

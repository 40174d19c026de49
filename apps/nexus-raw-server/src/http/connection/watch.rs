use std::{
    any::Any,
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::time::Instant;

use super::{head::HeadEnd, open::OpenConnection};

/// How long a head may take, from its first byte on; the first of a connection from its opening.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may stay open unused: longer than the 60 s of common load balancers.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a caller may go on with a body that was refused.
const LINGER: Duration = Duration::from_secs(1);
/// How long a caller may take nothing of an answer.
const TAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// The most that a chunked body of the longest content can be written in, and room for lengths of
/// chunks of fair size: beyond that a body is all framing.
const MAX_CHUNKED_BYTES: usize = 512 * 1024;

/// How much of a body the library takes although nobody reads it.
const MOST_UNREAD: u64 = 16 * 1024;

/// How the end of a request's body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyLength {
    /// It has so many bytes.
    Known(u64),
    /// It says so itself.
    Chunked,
}

/// How far a connection is, as its stream and the service that answers on it both know.
#[derive(Debug, Clone)]
pub(crate) struct Connection(Rc<RefCell<Watch>>);

/// What may be given to the library now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// The bytes of a head, up to its end.
    Head,
    /// So many bytes.
    Bytes(usize),
    /// Nothing.
    Shut,
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// A head began and did not come whole in time.
    SlowHead,
    /// It was not used, or not as it must be.
    Unused,
    /// The caller takes nothing of the answer.
    SlowTaker,
}

#[derive(Debug)]
struct Watch {
    phase: Phase,
    since: Instant,
    head: HeadEnd,
    blocked: Option<Instant>,
    /// By when each of the answers that are being sent must have been taken, in their order.
    take_by: VecDeque<Instant>,
    /// What is to be dropped once all that the library was given is sent: one thing an answer.
    until_sent: Vec<Box<dyn Any>>,
    rouse: bool,
    cut: bool,
    caller: Caller,
    /// An answer is not sent yet to its end.
    unsent: bool,
    /// Its place among the connections of its listener.
    open: Option<OpenConnection>,
}

/// Whether the caller is still there, where somebody wants to know.
#[derive(Debug)]
enum Caller {
    Unasked,
    /// Whom to tell.
    Asked(Waker),
    Left,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
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
enum Body {
    Left(u64),
    ChunkedLeft(usize),
}

impl Connection {
    pub(super) fn new(now: Instant, open: Option<OpenConnection>) -> Self {
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

    /// A request is served from now on; no other is until it is answered.
    ///
    /// `false` where the last answer was given already: nothing may be answered any more
    /// (RFC 9112, section 9.6), and the connection is cut once what was answered is sent. Also
    /// where another connection was given the room of this one.
    pub(crate) fn serve(&self, body: BodyLength) -> bool {
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
    pub(crate) fn served(&self, last: bool, drain: bool) {
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
    pub(crate) fn left(&self) -> impl Future<Output = ()> + use<> {
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

    /// Whether the stream has to see to it whether the caller is there.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self.0.borrow().caller, Caller::Asked(_))
    }

    /// The caller has gone.
    pub(super) fn leave(&self) {
        let asked = std::mem::replace(&mut self.0.borrow_mut().caller, Caller::Left);
        if let Caller::Asked(waker) = asked {
            waker.wake();
        }
    }

    pub(super) fn gate(&self) -> Gate {
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
    pub(super) fn has_ended(&self) -> bool {
        matches!(
            self.0.borrow().phase,
            Phase::Serving(Body::ChunkedLeft(0))
                | Phase::Over {
                    drain: Some(Body::Left(0) | Body::ChunkedLeft(0)),
                }
        )
    }

    /// How many of these bytes, which came while the gate asked for a head, are of the head.
    pub(super) fn head_within(&self, bytes: &[u8], now: Instant) -> usize {
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
    pub(super) fn gave(&self, bytes: usize) {
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
    pub(super) fn taking(&self, some: bool, now: Instant) {
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

    /// The answer that is sent next must be taken within this time, whatever the caller takes
    /// meanwhile.
    pub(crate) fn to_be_taken_within(&self, time: Duration) {
        let take_by = Instant::now() + time;
        self.0.borrow_mut().take_by.push_back(take_by);
    }

    /// All of that answer is with the library: keeps `kept` until all that the library was given is
    /// sent, or the connection ends.
    pub(crate) fn keep_until_sent(&self, kept: impl Any) {
        self.0.borrow_mut().until_sent.push(Box::new(kept));
    }

    /// All that the library has been given is sent.
    pub(super) fn sent(&self) {
        let watch = &mut *self.0.borrow_mut();
        let sent = watch.until_sent.len().min(watch.take_by.len());
        watch.take_by.drain(..sent);
        watch.until_sent.clear();
        watch.unsent = false;
    }

    /// Nothing came, or nothing more, of a head that is waited for.
    pub(super) fn nothing_came(&self) {
        let watch = self.0.borrow();
        if !watch.unsent && watch.open.as_ref().is_some_and(OpenConnection::is_busy) {
            watch.mark_idle();
        }
    }

    /// Whether a head did not come whole in time.
    pub(crate) fn was_too_slow(&self) -> bool {
        let deadline = self.deadline();
        deadline.is_some_and(|(at, end)| end == End::SlowHead && at <= Instant::now())
    }

    /// Whether no request is served, and none was the last: what the library could not read was a
    /// head.
    pub(crate) fn is_before_a_request(&self) -> bool {
        let phase = self.0.borrow().phase;
        !matches!(phase, Phase::Serving(_) | Phase::Over { .. })
    }

    /// Until when what is waited for must have come, and what it means that it has not.
    pub(super) fn deadline(&self) -> Option<(Instant, End)> {
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
            // body and answer have their own, in `answer`
            Phase::Serving(_) => None,
            Phase::Over { .. } => Some((watch.since + LINGER, End::Unused)),
        }
    }

    /// Whether the stream has to be asked again, since more may be given now. Told once.
    pub(super) fn rouse(&self) -> bool {
        std::mem::take(&mut self.0.borrow_mut().rouse)
    }

    pub(super) fn is_cut(&self) -> bool {
        self.0.borrow().cut
    }
}

impl Watch {
    /// `false` where another connection was given the room of this one, which ends.
    fn mark_used(&self) -> bool {
        self.open.as_ref().is_none_or(OpenConnection::mark_used)
    }

    fn mark_idle(&self) {
        if let Some(open) = &self.open {
            open.mark_idle(self.phase == Phase::Fresh);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

    fn ends(connection: &Connection, from: Instant) -> Option<(u64, End)> {
        let (at, end) = connection.deadline()?;
        Some(((at - from).as_secs(), end))
    }

    #[tokio::test(start_paused = true)]
    async fn every_head_has_ten_seconds_from_its_first_byte_and_the_first_from_the_opening() {
        let opened = Instant::now();
        let connection = Connection::new(opened, None);
        assert_eq!(ends(&connection, opened), Some((10, End::Unused)));
        let later = opened + Duration::from_secs(4);
        assert_eq!(connection.head_within(&HEAD[..5], later), 5);
        assert_eq!(ends(&connection, opened), Some((10, End::SlowHead)));
        assert_eq!(connection.head_within(&HEAD[5..], later), HEAD.len() - 5);
        assert!(connection.serve(BodyLength::Known(0)));
        assert_eq!(ends(&connection, opened), None);
        connection.served(false, false);
        let served = Instant::now();
        assert_eq!(ends(&connection, served), Some((75, End::Unused)));
        // empty lines before a head are none of it
        let idle = served + Duration::from_secs(30);
        assert_eq!(connection.head_within(b"\r\n", idle), 2);
        assert_eq!(ends(&connection, served), Some((75, End::Unused)));
        assert_eq!(connection.head_within(b"G", idle), 1);
        // a byte now and then does not prolong it
        let dripped = idle + Duration::from_secs(9);
        assert_eq!(connection.head_within(b"E", dripped), 1);
        assert_eq!(ends(&connection, idle), Some((10, End::SlowHead)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_request_at_a_time_is_let_through() {
        let now = Instant::now();
        let connection = Connection::new(now, None);
        let two = [HEAD, HEAD].concat();
        assert_eq!(connection.gate(), Gate::Head);
        assert_eq!(connection.head_within(&two, now), HEAD.len());
        assert_eq!(connection.gate(), Gate::Shut);
        assert!(connection.serve(BodyLength::Known(3)));
        assert!(connection.rouse() && !connection.rouse());
        assert_eq!(connection.gate(), Gate::Bytes(3));
        connection.gave(3);
        assert_eq!(connection.gate(), Gate::Bytes(0));
        connection.served(false, false);
        assert_eq!(connection.gate(), Gate::Head);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_last_answer_nothing_is_served() {
        let now = Instant::now();
        for (drain, gate) in [(false, Gate::Shut), (true, Gate::Bytes(MAX_CHUNKED_BYTES))] {
            let connection = Connection::new(now, None);
            connection.head_within(HEAD, now);
            assert!(connection.serve(BodyLength::Chunked));
            connection.served(true, drain);
            assert_eq!(connection.gate(), gate);
            assert_eq!(ends(&connection, now), Some((1, End::Unused)));
            assert!(!connection.is_cut() && !connection.serve(BodyLength::Known(0)));
            assert!(connection.is_cut());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_all_framing_is_told() {
        let connection = Connection::new(Instant::now(), None);
        assert!(connection.serve(BodyLength::Chunked) && !connection.has_ended());
        connection.gave(MAX_CHUNKED_BYTES);
        assert!(connection.has_ended());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_has_thirty_seconds_to_take_something_of_an_answer() {
        let now = Instant::now();
        let connection = Connection::new(now, None);
        connection.taking(false, now);
        connection.taking(false, now + Duration::from_secs(20));
        assert_eq!(ends(&connection, now), Some((30, End::SlowTaker)));
        connection.taking(true, now + Duration::from_secs(20));
        assert_eq!(ends(&connection, now), Some((10, End::Unused)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_counted_answer_is_taken_in_its_time_and_what_is_kept_for_it_goes_once_it_is_sent() {
        let now = Instant::now();
        let connection = Connection::new(now, None);
        let kept = Rc::new(());
        connection.to_be_taken_within(Duration::from_secs(50));
        connection.sent();
        assert_eq!(ends(&connection, now), Some((50, End::SlowTaker)));
        // a byte now and then does not prolong it
        connection.taking(false, now + Duration::from_secs(10));
        connection.taking(true, now + Duration::from_secs(39));
        assert_eq!(ends(&connection, now), Some((50, End::SlowTaker)));
        connection.taking(false, now);
        assert_eq!(ends(&connection, now), Some((30, End::SlowTaker)));
        connection.keep_until_sent(Rc::clone(&kept));
        assert_eq!(Rc::strong_count(&kept), 2);
        connection.taking(true, now);
        connection.sent();
        assert_eq!(Rc::strong_count(&kept), 1);
        assert_eq!(ends(&connection, now), Some((10, End::Unused)));
    }
}

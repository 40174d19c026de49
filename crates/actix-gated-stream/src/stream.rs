use std::{
    io::{self, ErrorKind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::oneshot,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    connection::{Connection, End, Gate},
    open::OpenConnections,
};

/// What a head that did not come whole in time is answered.
const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// How much is read of what a caller sends behind a request that still waits.
const MOST_READ_AHEAD: usize = 16 * 1024;

/// A caller's connection as the library reads it: one request at a time, each under a deadline.
pub struct GatedStream {
    socket: TcpStream,
    connection: Connection,
    /// What came after a head in one piece with it.
    held: BytesMut,
    /// Rings at the deadline or before it: it is set anew when it rings, not with each request.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl GatedStream {
    /// With what resolves when the connection has to be closed to make room for another.
    pub fn new(socket: TcpStream, among: &Arc<OpenConnections>) -> (Self, oneshot::Receiver<()>) {
        let (open, closed) = among.enter();
        let stream = Self {
            socket,
            connection: Connection::new(Instant::now(), Some(open)),
            held: BytesMut::new(),
            alarm: None,
        };
        (stream, closed)
    }

    /// How far the connection is.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Why the connection has to end now; has the task woken when it may have to.
    fn overdue(&mut self, cx: &mut Context<'_>) -> Option<End> {
        let (deadline, end) = self.connection.deadline()?;
        if Instant::now() >= deadline {
            return Some(end);
        }
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() > deadline || alarm.is_elapsed() {
            alarm.as_mut().reset(deadline);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Some(end);
            }
            alarm.as_mut().reset(deadline);
        }
        None
    }

    /// Reads ahead, where somebody wants to know whether the caller is there: its end comes as the
    /// end of what it sends, behind what else it sends meanwhile, such as its next request. That is
    /// held, up to a bound; a caller who sends more can be watched no longer, and counts as gone.
    fn see_whether_the_caller_left(&mut self, cx: &mut Context<'_>) {
        if !self.connection.is_asked() {
            return;
        }
        while self.held.len() < MOST_READ_AHEAD {
            let mut piece = [0; 4096];
            let mut came = ReadBuf::new(&mut piece);
            match Pin::new(&mut self.socket).poll_read(cx, &mut came) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) if !came.filled().is_empty() => {
                    self.held.extend_from_slice(came.filled());
                }
                Poll::Ready(_) => break,
            }
        }
        self.connection.leave();
    }

    /// Gives what comes next, and no more than `most`.
    fn fill(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
        most: usize,
    ) -> Poll<io::Result<()>> {
        let most = most.min(into.remaining());
        if self.held.has_remaining() {
            let piece = self.held.split_to(most.min(self.held.len()));
            into.put_slice(&piece);
            return Poll::Ready(Ok(()));
        }
        let mut part = ReadBuf::new(into.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        into.advance(read);
        Poll::Ready(Ok(()))
    }

    fn fill_with_head(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(self.fill(cx, into, usize::MAX))?;
        let came = &into.filled()[before..];
        let of_head = self.connection.head_within(came, Instant::now());
        if of_head < came.len() {
            let mut rest = BytesMut::from(&came[of_head..]);
            rest.unsplit(self.held.split());
            self.held = rest;
            into.set_filled(before + of_head);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for GatedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.connection.has_ended() {
            // to the library, the caller has nothing more to say
            return Poll::Ready(Ok(()));
        }
        let came = match this.connection.gate() {
            Gate::Shut | Gate::Bytes(0) => {
                this.see_whether_the_caller_left(cx);
                Poll::Pending
            }
            Gate::Head => {
                let came = this.fill_with_head(cx, into);
                if came.is_pending() {
                    this.connection.nothing_came();
                }
                came
            }
            Gate::Bytes(most) => {
                let before = into.filled().len();
                let came = this.fill(cx, into, most);
                let bytes = into.filled().len() - before;
                this.connection.gave(bytes);
                if came.is_ready() && bytes == 0 && into.remaining() > 0 {
                    // its end, in the middle of a body
                    this.connection.leave();
                }
                came
            }
        };
        match this.overdue(cx) {
            None => came,
            Some(End::SlowTaker) => Poll::Ready(Err(ErrorKind::TimedOut.into())),
            Some(end) => {
                if end == End::SlowHead {
                    // nothing else is being written; where there is no room, it is only closed
                    let _ = this.socket.try_write(REQUEST_TIMEOUT);
                }
                // to the library, the caller has nothing more to say
                into.clear();
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for GatedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(cx, bytes);
        this.connection.taking(written.is_ready(), Instant::now());
        if written.is_pending() && this.overdue(cx).is_some() {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        written
    }

    /// The library comes here whenever it has done what it can: the place to have it come again.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.connection.is_cut() {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        if this.connection.rouse() || this.overdue(cx).is_some() {
            cx.waker().wake_by_ref();
        }
        this.connection.sent();
        Pin::new(&mut this.socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

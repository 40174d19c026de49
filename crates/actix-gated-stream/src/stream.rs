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
    deadlines::Deadlines,
    open::OpenConnections,
};

/// The response to a head that was not complete in time.
const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// How much is read ahead after a request that is still being served.
const MAX_READ_AHEAD: usize = 16 * 1024;

/// A connection that passes one request at a time to the library, each with a deadline.
pub struct GatedStream {
    socket: TcpStream,
    connection: Connection,
    /// Bytes that arrived together with a head, after it.
    held: BytesMut,
    /// Fires at or before the deadline; reset when it fires, not for each request.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl GatedStream {
    /// Creates a stream; the receiver resolves when it must be closed to make room for another.
    pub fn new(
        socket: TcpStream,
        deadlines: Deadlines,
        among: &Arc<OpenConnections>,
    ) -> (Self, oneshot::Receiver<()>) {
        let (open, closed) = among.enter();
        let stream = Self {
            socket,
            connection: Connection::new(Instant::now(), deadlines, Some(open)),
            held: BytesMut::new(),
            alarm: None,
        };
        (stream, closed)
    }

    /// Returns the state of the connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns why the connection must be closed now, or wakes the task at the deadline.
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

    /// Reads ahead if a waiter watches for a disconnection, which shows as the end of input, after
    /// anything else that the caller sends, such as its next request. That is buffered up to a
    /// limit; a caller that sends more cannot be watched, and counts as disconnected.
    fn check_disconnection(&mut self, cx: &mut Context<'_>) {
        if !self.connection.is_watched() {
            return;
        }
        while self.held.len() < MAX_READ_AHEAD {
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

    /// Passes on the next bytes, at most `most`.
    fn fill(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
        most: usize,
    ) -> Poll<io::Result<()>> {
        let room = into.remaining();
        let most = most.min(room);
        if self.held.has_remaining() {
            let piece = self.held.split_to(most.min(self.held.len()));
            into.put_slice(&piece);
            return Poll::Ready(Ok(()));
        }
        if most == room {
            // without writing zeros first
            return Pin::new(&mut self.socket).poll_read(cx, into);
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
            // the library sees the end of input
            return Poll::Ready(Ok(()));
        }
        let came = match this.connection.gate() {
            Gate::Shut | Gate::Bytes(0) => {
                this.check_disconnection(cx);
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
                    // the end of input within a body
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
                    // nothing else is being written; if the buffer is full, it is only closed
                    let _ = this.socket.try_write(REQUEST_TIMEOUT);
                }
                // the library sees the end of input
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

    /// The library flushes when it is out of work, so this wakes it again if more may be passed on.
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

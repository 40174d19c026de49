use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::processor::{self, Process};

/// When to stop.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// After so long.
    Over(Duration),
    /// After so many requests.
    Count(usize),
}

/// Requests by so many callers, each on a connection of its own that is kept open.
pub(crate) struct Load<'a> {
    server: SocketAddr,
    callers: usize,
    request: Box<dyn Fn(usize) -> Vec<u8> + 'a>,
}

/// What came of it.
pub(crate) struct Measured {
    pub(crate) elapsed: Duration,
    /// Of each request, in ascending order.
    pub(crate) took: Vec<Duration>,
    /// Processor time of the server and of the callers.
    pub(crate) processor: [Duration; 2],
    /// The bodies, where they were requested.
    pub(crate) bodies: Vec<Vec<u8>>,
}

impl<'a> Load<'a> {
    /// The same request, over and over.
    pub(crate) fn new(server: SocketAddr, callers: usize, request: Vec<u8>) -> Self {
        Self::each(server, callers, move |_| request.clone())
    }

    /// Requests that are made one by one, numbered from 0.
    pub(crate) fn each(
        server: SocketAddr,
        callers: usize,
        request: impl Fn(usize) -> Vec<u8> + 'a,
    ) -> Self {
        Self {
            server,
            callers,
            request: Box::new(request),
        }
    }

    /// Sends them, each of which must be answered by `status`.
    pub(crate) async fn run(&self, server: &impl Process, status: u16, until: Until) -> Measured {
        let mut measured = self.send(server, status, until).await;
        measured.bodies.clear();
        measured
    }

    /// The same, and keeps the bodies of the answers.
    pub(crate) async fn send(&self, server: &impl Process, status: u16, until: Until) -> Measured {
        let connecting = (0..self.callers).map(|_| Connection::open(self.server));
        let connections = join_all(connecting).await;
        let (next, answers) = (Cell::new(0), RefCell::new(Vec::new()));
        let before = [server.id(), std::process::id()].map(processor::time);
        let began = Instant::now();
        join_all(connections.into_iter().map(|mut connection| {
            let (next, answers) = (&next, &answers);
            async move {
                loop {
                    let at = next.get();
                    let is_over = match until {
                        Until::Over(time) => began.elapsed() >= time,
                        Until::Count(count) => at >= count,
                    };
                    if is_over {
                        break;
                    }
                    next.set(at + 1);
                    let request = (self.request)(at);
                    let sent = Instant::now();
                    let (answered, body) = connection.exchange(&request).await;
                    let took = sent.elapsed();
                    let text = String::from_utf8_lossy(&body);
                    assert_eq!(answered, status, "{text}");
                    answers.borrow_mut().push((took, body));
                }
            }
        }))
        .await;
        let elapsed = began.elapsed();
        let after = [server.id(), std::process::id()].map(processor::time);
        let (mut took, bodies): (Vec<_>, Vec<_>) = answers.into_inner().into_iter().unzip();
        took.sort_unstable();
        Measured {
            elapsed,
            took,
            processor: [0, 1].map(|at| after[at].saturating_sub(before[at])),
            bodies,
        }
    }
}

/// HTTP/1.1 as far as these servers speak it: every body has a length.
struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    async fn open(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            read: Vec::with_capacity(8192),
        }
    }

    async fn exchange(&mut self, request: &[u8]) -> (u16, Vec<u8>) {
        self.stream.write_all(request).await.unwrap();
        self.read.clear();
        let head = loop {
            if let Some(end) = self.read.windows(4).position(|it| it == b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more().await;
        };
        let text = std::str::from_utf8(&self.read[..head]).unwrap();
        let status = text[9..12].parse().unwrap();
        let length = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse().unwrap());
        let length = if status == 304 { 0 } else { length };
        while self.read.len() < head + length {
            self.read_more().await;
        }
        (status, self.read[head..].to_vec())
    }

    async fn read_more(&mut self) {
        let read = self.stream.read_buf(&mut self.read).await.unwrap();
        assert!(read > 0, "the connection was closed");
    }
}

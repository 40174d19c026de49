use std::{
    cell::RefCell,
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::processor::{Callers, Process};

/// When to stop.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// After so long.
    Over(Duration),
    /// After so many requests.
    Count(usize),
}

impl Until {
    /// How long a load may take at all.
    fn patience(self) -> Duration {
        match self {
            Self::Over(time) => time + PATIENCE,
            Self::Count(_) => PATIENCE,
        }
    }
}

/// How long answers may take before the benchmark gives up.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);

/// Requests that are sent again and again, in turn, over so many connections that stay open.
pub(crate) struct Load<'a> {
    pub(crate) server: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) requests: &'a [Vec<u8>],
}

/// What came of it.
pub(crate) struct Measured {
    pub(crate) elapsed: Duration,
    /// Of each request in nanoseconds, in ascending order.
    pub(crate) took: Vec<u64>,
    /// How often each status was answered; 0 stands for a connection that was closed instead.
    pub(crate) statuses: BTreeMap<u16, usize>,
    /// Processor time of each process that was watched.
    pub(crate) processor: Vec<Duration>,
    /// Processor time of the callers.
    pub(crate) callers: Duration,
    /// The body of the last answer of one of the callers.
    pub(crate) last: Vec<u8>,
}

/// What one thread of callers has seen.
#[derive(Default)]
struct Tally {
    took: Vec<u64>,
    statuses: BTreeMap<u16, usize>,
    last: Vec<u8>,
}

impl Load<'_> {
    /// Sends them, each of which must be answered by `status`.
    pub(crate) fn run(&self, watched: &[&dyn Process], status: u16, until: Until) -> Measured {
        let measured = self.try_run(watched, until);
        let statuses = &measured.statuses;
        assert!(
            statuses.keys().all(|&it| it == status),
            "answered otherwise than by {status}: {statuses:?}"
        );
        measured
    }

    /// Sends them, whatever is answered.
    pub(crate) fn try_run(&self, watched: &[&dyn Process], until: Until) -> Measured {
        let threads = thread::available_parallelism().unwrap().get();
        let threads = threads.min(self.connections);
        let (next, barrier) = (AtomicUsize::new(0), Barrier::new(threads + 1));
        let used = || watched.iter().map(|it| it.used()).collect::<Vec<_>>();
        thread::scope(|scope| {
            let works: Vec<_> = (0..threads)
                .map(|thread| {
                    let (next, barrier) = (&next, &barrier);
                    // they share the connections
                    let connections = (self.connections + thread) / threads;
                    scope.spawn(move || self.work(connections, next, barrier, until))
                })
                .collect();
            // every connection is open
            barrier.wait();
            let (before, callers) = (used(), Callers.used());
            let began = Instant::now();
            barrier.wait();
            let tallies: Vec<_> = works.into_iter().map(|it| it.join().unwrap()).collect();
            let elapsed = began.elapsed();
            let pairs = used().into_iter().zip(before);
            let processor = pairs.map(|(after, before)| after.saturating_sub(before));
            let (mut took, mut statuses) = (Vec::new(), BTreeMap::new());
            let mut last = Vec::new();
            for tally in tallies {
                last = tally.last;
                took.extend(tally.took);
                for (status, count) in tally.statuses {
                    *statuses.entry(status).or_default() += count;
                }
            }
            took.sort_unstable();
            Measured {
                elapsed,
                took,
                statuses,
                processor: processor.collect(),
                callers: Callers.used().saturating_sub(callers),
                last,
            }
        })
    }

    /// One thread of callers.
    fn work(
        &self,
        connections: usize,
        next: &AtomicUsize,
        barrier: &Barrier,
        until: Until,
    ) -> Tally {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let opening = (0..connections).map(|_| Connection::open(self.server));
        let connections = runtime.block_on(join_all(opening));
        let tally = RefCell::new(Tally::default());
        tally.borrow_mut().took.reserve(1 << 20);
        barrier.wait();
        barrier.wait();
        let began = Instant::now();
        let callers = connections
            .into_iter()
            .map(|connection| self.call(connection, next, &tally, began, until));
        let (all, patience) = (join_all(callers), until.patience());
        let ended = runtime.block_on(async { timeout(patience, all).await.is_ok() });
        assert!(ended, "not all requests were answered within {patience:?}");
        tally.into_inner()
    }

    /// One caller, who sends the next request as soon as the last is answered.
    async fn call(
        &self,
        mut connection: Connection,
        next: &AtomicUsize,
        tally: &RefCell<Tally>,
        began: Instant,
        until: Until,
    ) {
        let mut sent = began;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let is_over = match until {
                Until::Over(time) => sent.duration_since(began) >= time,
                Until::Count(count) => at >= count,
            };
            if is_over {
                break;
            }
            let request = &self.requests[at % self.requests.len()];
            let status = connection.exchange(request).await;
            if status.is_none() {
                connection = Connection::open(self.server).await;
            }
            let answered = Instant::now();
            let took = answered.duration_since(sent).as_nanos();
            let mut tally = tally.borrow_mut();
            tally.took.push(u64::try_from(took).unwrap_or(u64::MAX));
            *tally.statuses.entry(status.unwrap_or(0)).or_default() += 1;
            sent = answered;
        }
        tally.borrow_mut().last = connection.body().to_vec();
    }
}

/// HTTP/1.1 as far as these servers speak it: every body has a length.
struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    /// The length of the last head.
    head: usize,
}

impl Connection {
    async fn open(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            read: Vec::with_capacity(16 * 1024),
            head: 0,
        }
    }

    /// Returns the status, or nothing if the connection was closed.
    async fn exchange(&mut self, request: &[u8]) -> Option<u16> {
        self.stream.write_all(request).await.ok()?;
        self.read.clear();
        let (head, body) = loop {
            self.read_more().await?;
            if let Some(lengths) = lengths(&self.read) {
                break lengths;
            }
        };
        self.head = head;
        let whole = head + body;
        self.read.reserve(whole.saturating_sub(self.read.len()));
        while self.read.len() < whole {
            self.read_more().await?;
        }
        let status = std::str::from_utf8(self.read.get(9..12)?).ok()?;
        status.parse().ok()
    }

    /// The last body.
    fn body(&self) -> &[u8] {
        &self.read[self.head..]
    }

    async fn read_more(&mut self) -> Option<()> {
        let read = self.stream.read_buf(&mut self.read).await.ok()?;
        (read > 0).then_some(())
    }
}

/// The lengths of head and body, once the head is there.
pub(crate) fn lengths(read: &[u8]) -> Option<(usize, usize)> {
    const LENGTH: &[u8] = b"content-length:";
    let (mut body, mut begin) = (0, 0);
    while let Some(length) = read[begin..].iter().position(|&byte| byte == b'\n') {
        let line = &read[begin..begin + length];
        begin += length + 1;
        if line == b"\r" {
            // which has no body, whatever length it states
            let is_empty = read.get(9..12) == Some(b"304");
            return Some((begin, if is_empty { 0 } else { body }));
        }
        if line.len() > LENGTH.len() && line[..LENGTH.len()].eq_ignore_ascii_case(LENGTH) {
            let value = std::str::from_utf8(&line[LENGTH.len()..]).ok()?;
            body = value.trim().parse().ok()?;
        }
    }
    None
}

//! A fault-injecting proxy between a server under test and its store.

mod exchange;
mod swallowing;

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

pub use self::swallowing::SwallowingProxy;

/// The treatment of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The port is closed, and open connections are broken.
    Refuse,
    /// The connection is closed without a byte.
    Close,
    /// The request is read, without a response.
    Hang,
    /// The store's response, one byte every 50 ms.
    Drip,
    /// The first half of the store's response, then a close.
    Half,
    /// These bytes instead of the store's response, then a close.
    Say(Vec<u8>),
    /// These bytes instead of the store's response, then nothing, without a close.
    SayAndHang(Vec<u8>),
    /// The store's response with this `Date`.
    Dated(&'static str),
}

impl Fault {
    /// An answer with these headers, each with its line's end, and this body.
    #[must_use]
    pub fn answer(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\n{headers}");
        Self::Say(format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes())
    }

    /// An S3 error document.
    #[must_use]
    pub fn s3_error(status: u16, code: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>said by a test</Message>\
             <RequestId>R1D2</RequestId></Error>"
        );
        Self::answer(status, "content-type: application/xml\r\n", &body)
    }
}

/// A fault, and the method that it is for; `None` for every one.
type Broken = (Option<&'static str>, Fault);

#[derive(Debug)]
struct ProxyState {
    broken: Option<Broken>,
    /// Whether somebody listens; follows `broken`.
    listening: bool,
    ended: bool,
    connections: Vec<TcpStream>,
    requests: usize,
}

/// The state that the threads of a proxy share.
#[derive(Debug, Clone)]
struct ProxyShared(Arc<Mutex<ProxyState>>);

impl ProxyShared {
    fn lock(&self) -> MutexGuard<'_, ProxyState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the treatment of a request of this method.
    fn fault_for(&self, method: &str) -> Option<Fault> {
        let mut state = self.lock();
        state.requests += 1;
        let (only, fault) = state.broken.as_ref()?;
        only.is_none_or(|only| only == method)
            .then(|| fault.clone())
    }

    fn has_ended(&self) -> bool {
        self.lock().ended
    }
}

/// The interval at which the state is polled.
const TICK: Duration = Duration::from_millis(2);

/// A proxy on loopback for a store with plain HTTP/1.1. It forwards everything until a fault is
/// set, and ends on drop.
#[derive(Debug)]
pub struct FaultyProxy {
    address: SocketAddr,
    shared: ProxyShared,
    accepting: Option<JoinHandle<()>>,
}

impl FaultyProxy {
    /// Starts one before the store at `upstream`, a `http://host:port`.
    ///
    /// # Panics
    /// When `upstream` is no such URL, or there is no free port.
    #[must_use]
    pub fn before(upstream: &str) -> Self {
        let upstream = upstream.strip_prefix("http://").unwrap();
        let upstream: SocketAddr = upstream.trim_end_matches('/').parse().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = ProxyShared(Arc::new(Mutex::new(ProxyState {
            broken: None,
            listening: true,
            ended: false,
            connections: Vec::new(),
            requests: 0,
        })));
        let watched = shared.clone();
        let accepting = thread::spawn(move || accept(listener, upstream, &watched));
        Self {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    /// The URL to reach the store by.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on every request has this fault. It holds when the call returns.
    pub fn break_all(&self, fault: Fault) {
        self.tell(Some((None, fault)));
    }

    /// From now on every request of this method has this fault.
    pub fn break_only(&self, method: &'static str, fault: Fault) {
        self.tell(Some((Some(method), fault)));
    }

    /// From now on everything passes.
    pub fn mend(&self) {
        self.tell(None);
    }

    /// How many requests have come so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.shared.lock().requests
    }

    fn tell(&self, broken: Option<Broken>) {
        let listens = !matches!(broken, Some((_, Fault::Refuse)));
        {
            let mut state = self.shared.lock();
            state.broken = broken;
            // hanging and slow exchanges end, and no old connection stays open
            for connection in state.connections.drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
        }
        while self.shared.lock().listening != listens {
            thread::sleep(TICK);
        }
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        for connection in self.shared.lock().connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// Takes connections while somebody is to listen.
fn accept(listener: TcpListener, upstream: SocketAddr, shared: &ProxyShared) {
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut listener = Some(listener);
    while !shared.has_ended() {
        let refuses = matches!(shared.lock().broken, Some((_, Fault::Refuse)));
        if refuses {
            listener = None;
        } else if listener.is_none() {
            listener = listen_again(address);
        }
        shared.lock().listening = listener.is_some();
        match listener.as_ref().map(TcpListener::accept) {
            Some(Ok((connection, _))) => {
                connection.set_nonblocking(false).unwrap();
                let mut state = shared.lock();
                state.connections.retain(|it| it.peer_addr().is_ok());
                state.connections.extend(connection.try_clone());
                drop(state);
                let shared = shared.clone();
                thread::spawn(move || exchange::serve(connection, upstream, &shared));
            }
            _ => thread::sleep(TICK),
        }
    }
}

/// The port is ours, though another process may have it for a moment.
fn listen_again(address: SocketAddr) -> Option<TcpListener> {
    let listener = TcpListener::bind(address).ok()?;
    listener.set_nonblocking(true).ok()?;
    Some(listener)
}

/// An end of a connection, as every thread here takes it.
type Done = io::Result<()>;

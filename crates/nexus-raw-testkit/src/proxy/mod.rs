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
    /// The store does what it is asked, and its response is lost: the connection is closed.
    Lose,
    /// White space for 5 s, as S3 sends it during a completion, and then the store's response.
    KeepAlive,
    /// These bytes instead of the store's response, then a close.
    Say(Vec<u8>),
    /// These bytes instead of the store's response, then nothing, without a close.
    SayAndHang(Vec<u8>),
    /// The store's response with this `Date`.
    Dated(&'static str),
}

impl Fault {
    /// Returns a response with these headers, each with its line end, and this body.
    #[must_use]
    pub fn answer(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\n{headers}");
        Self::Say(format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes())
    }

    /// Returns an S3 error document.
    #[must_use]
    pub fn s3_error(status: u16, code: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>said by a test</Message>\
             <RequestId>R1D2</RequestId></Error>"
        );
        Self::answer(status, "content-type: application/xml\r\n", &body)
    }
}

/// A fault, and its method; `None` for every method.
type Broken = (Option<&'static str>, Fault);

#[derive(Debug)]
struct ProxyState {
    broken: Option<Broken>,
    /// Whether the port is open, as `broken` requires.
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
    /// Starts a proxy for the store at `upstream`, a `http://host:port`.
    ///
    /// # Panics
    /// If `upstream` is not such a URL, or there is no free port.
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

    /// Returns the URL of the store through the proxy.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the fault of every later request. It is in effect when the call returns.
    pub fn break_all(&self, fault: Fault) {
        self.set_fault(Some((None, fault)));
    }

    /// Sets the fault of every later request of this method.
    pub fn break_only(&self, method: &'static str, fault: Fault) {
        self.set_fault(Some((Some(method), fault)));
    }

    /// Forwards every later request.
    pub fn mend(&self) {
        self.set_fault(None);
    }

    /// Returns the number of requests so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.shared.lock().requests
    }

    fn set_fault(&self, broken: Option<Broken>) {
        let listens = !matches!(broken, Some((_, Fault::Refuse)));
        {
            let mut state = self.shared.lock();
            state.broken = broken;
            // end hanging and slow exchanges and all open connections
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

/// Accepts connections while the port is to be open.
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

/// Opens the port again, which another process may briefly use.
fn listen_again(address: SocketAddr) -> Option<TcpListener> {
    let listener = TcpListener::bind(address).ok()?;
    listener.set_nonblocking(true).ok()?;
    Some(listener)
}

/// The result of an exchange.
type Done = io::Result<()>;

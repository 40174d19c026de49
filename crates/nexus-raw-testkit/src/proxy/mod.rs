//! A fault-injecting proxy between a server under test and its store.

mod exchange;
mod message;
mod rule;
mod swallowing;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

pub use self::{rule::FaultRule, swallowing::SwallowingProxy};

/// The treatment of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The port is closed, and open connections are broken.
    Refuse,
    /// The request is read, and the connection closed without a byte.
    Close,
    /// The connection is closed when this much of the request's body was read.
    CutRequest(usize),
    /// This much of the request's body is read, and then nothing more, without a close.
    StopReading(usize),
    /// The request is read, without a response.
    Hang,
    /// The store's response, one byte every 50 ms.
    Drip,
    /// The first half of the store's response, then a close.
    Half,
    /// The store does what it is asked, and its response is lost: the connection is closed.
    Lose,
    /// The store does what it is asked, and its response is lost, without a close.
    Withhold,
    /// White space for 5 s, as S3 sends it during a completion, and then the store's response.
    KeepAlive,
    /// These bytes instead of the store's response, then a close.
    Say(Vec<u8>),
    /// These bytes instead of the store's response, then nothing, without a close.
    SayAndHang(Vec<u8>),
    /// These bytes before anything of the request's body is read, then a close. The body is read
    /// to its end, as by a server that lingers, else the client might never see them.
    SayEarly(Vec<u8>),
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

/// The arrival of a request, or the store's response to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyEntry {
    /// The method of the request.
    pub method: String,
    /// Its target: path and query.
    pub target: String,
    /// The status of the store's response, recorded before it is forwarded; `None` when the
    /// request arrives.
    pub status: Option<u16>,
}

#[derive(Debug)]
struct ProxyState {
    broken: Option<Broken>,
    /// The first that applies to a request does; before `broken`.
    rules: Vec<FaultRule>,
    log: Vec<ProxyEntry>,
    /// The bytes of request bodies that were read, by method.
    body_bytes: BTreeMap<String, u64>,
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

    /// Records a request, and returns the treatment of it.
    fn fault_for(&self, method: &str, head: &str) -> Option<Fault> {
        let rule = {
            let mut state = self.lock();
            state.requests += 1;
            state.log.push(ProxyEntry {
                method: method.to_owned(),
                target: message::target(head).to_owned(),
                status: None,
            });
            // each rule counts the requests that match it, whichever of them applies
            let rules = state.rules.iter_mut().rev();
            let last = rules.filter_map(|it| it.apply(method, head)).last();
            let Some(rule) = last else {
                let (only, fault) = state.broken.as_ref()?;
                let applies = only.is_none_or(|only| only == method);
                return applies.then(|| fault.clone());
            };
            rule
        };
        // which may call the proxy
        rule.call();
        rule.fault
    }

    fn count_body(&self, method: &str, bytes: usize) {
        let mut state = self.lock();
        *state.body_bytes.entry(method.to_owned()).or_default() += bytes as u64;
    }

    fn record_response(&self, head: &str, status: Option<u16>) {
        self.lock().log.push(ProxyEntry {
            method: message::method(head).to_owned(),
            target: message::target(head).to_owned(),
            status,
        });
    }

    fn has_ended(&self) -> bool {
        self.lock().ended
    }
}

/// The interval at which the state is polled.
const TICK: Duration = Duration::from_millis(2);

/// How long a request that a test waits for may take to arrive.
const PATIENCE: Duration = Duration::from_mins(2);

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
            rules: Vec::new(),
            log: Vec::new(),
            body_bytes: BTreeMap::new(),
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

    /// Sets the rules of later requests, of which the first that applies does. Open connections
    /// stay open.
    pub fn follow(&self, rules: impl IntoIterator<Item = FaultRule>) {
        self.set_rules(rules.into_iter().collect());
    }

    /// Forwards every later request.
    pub fn mend(&self) {
        self.set_rules(Vec::new());
        self.set_fault(None);
    }

    /// Returns the requests and the store's responses so far, in order.
    #[must_use]
    pub fn log(&self) -> Vec<ProxyEntry> {
        self.shared.lock().log.clone()
    }

    /// Returns how many bytes of bodies of requests of this method were read so far.
    #[must_use]
    pub fn body_bytes(&self, method: &str) -> u64 {
        let state = self.shared.lock();
        state.body_bytes.get(method).copied().unwrap_or_default()
    }

    /// Waits until `is_so`, which is asked every few milliseconds.
    ///
    /// # Panics
    /// If that takes too long.
    pub fn wait_until(&self, mut is_so: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(
                began.elapsed() < PATIENCE,
                "what is waited for did not come"
            );
            thread::sleep(TICK);
        }
    }

    /// Returns the number of requests so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.shared.lock().requests
    }

    fn set_rules(&self, rules: Vec<FaultRule>) {
        self.shared.lock().rules = rules;
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

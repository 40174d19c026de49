//! A proxy between the server and its store, which counts how often an asset is read, and can hold
//! the bytes back.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// How a request for an asset's bytes begins.
const READ: &[u8] = b"GET /nexus-raw/tenants/";

/// How much of an asset passes where the rest is held back.
const FIRST_BYTES: usize = 64 * 1024;

#[derive(Clone)]
struct Shared {
    reads: Arc<AtomicUsize>,
    open: watch::Receiver<bool>,
}

/// It ends when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    reads: Arc<AtomicUsize>,
    open: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// A proxy before a store on loopback.
    pub(crate) async fn before(store: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, opened) = watch::channel(true);
        let reads = Arc::new(AtomicUsize::new(0));
        let shared = Shared {
            reads: Arc::clone(&reads),
            open: opened,
        };
        let listening = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                connections.spawn(pass(client, store, shared.clone()));
            }
        });
        Self {
            address,
            reads,
            open,
            listening,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often an asset's bytes were requested.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// Whether more than the first bytes of an asset pass.
    pub(crate) fn set_open(&self, open: bool) {
        self.open.send_replace(open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn pass(client: TcpStream, store: SocketAddr, shared: Shared) {
    let Ok(store) = TcpStream::connect(store).await else {
        return;
    };
    for stream in [&client, &store] {
        stream.set_nodelay(true).unwrap();
    }
    let (from_client, to_client) = client.into_split();
    let (from_store, to_store) = store.into_split();
    let reads = Arc::clone(&shared.reads);
    // whichever side ends first ends both
    tokio::select! {
        () = requests(from_client, to_store, &reads) => {}
        () = answers(from_store, to_client, shared) => {}
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, reads: &AtomicUsize) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        // the head of a request without a body comes in one piece
        if buffer[..length].starts_with(READ) {
            reads.fetch_add(1, Ordering::SeqCst);
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut shared: Shared) {
    let mut buffer = vec![0; FIRST_BYTES];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        // only an asset's answer is that long
        let (first, rest) = buffer[..length].split_at(length.min(FIRST_BYTES / 4));
        // its head passes, for which the service waits for a shorter time
        if to.write_all(first).await.is_err() {
            return;
        }
        if !rest.is_empty() && shared.open.wait_for(|open| *open).await.is_err() {
            return;
        }
        if to.write_all(rest).await.is_err() {
            return;
        }
    }
}

//! A server on loopback that sends given bytes, valid or not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What is said to a request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// These bytes, then the connection is closed.
    Bytes(String),
    /// These bytes; the connection is closed in the moment of the next request on it.
    ClosedOnReuse(String),
    /// A head, then so many times these bytes, a pause after each, then nothing for ever.
    Pieces {
        head: String,
        piece: Vec<u8>,
        times: usize,
        pause: Duration,
    },
    /// Nothing, for ever.
    Hang,
    /// One byte of a head at a time, for ever.
    Drip,
}

impl Reply {
    /// An answer without a body.
    pub(super) fn head(status: u16, headers: &str) -> Self {
        Self::Bytes(format!(
            "HTTP/1.1 {status} Said\r\nconnection: close\r\n{headers}\r\n"
        ))
    }
}

/// It ends when it is dropped.
pub(super) struct RawServer {
    endpoint: String,
    requests: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
}

impl RawServer {
    /// Says `replies` in turn, and the last one ever after.
    pub(super) async fn saying(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        let listening = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let nth = count.fetch_add(1, Ordering::SeqCst);
                let reply = replies[nth.min(replies.len() - 1)].clone();
                connections.spawn(say(stream, reply));
            }
        });
        Self {
            endpoint,
            requests,
            listening,
        }
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// How many connections were made; each carries one request.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn say(mut stream: TcpStream, reply: Reply) {
    if !read_head(&mut stream).await {
        return;
    }
    match reply {
        Reply::Bytes(bytes) => {
            // the client may have given up
            let _ = stream.write_all(bytes.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Reply::ClosedOnReuse(bytes) => {
            if stream.write_all(bytes.as_bytes()).await.is_ok() {
                read_head(&mut stream).await;
            }
        }
        Reply::Pieces {
            head,
            piece,
            times,
            pause,
        } => {
            if stream.write_all(head.as_bytes()).await.is_err() {
                return;
            }
            for _ in 0..times {
                // the client may have given up
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
            }
            std::future::pending::<()>().await;
        }
        Reply::Hang => std::future::pending().await,
        Reply::Drip => {
            let mut head = b"HTTP/1.1 200 OK\r\nx-drip: ".to_vec();
            head.resize(4096, b'.');
            for byte in head {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

/// Reads up to the end of a head; whether there was one.
async fn read_head(stream: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => read.push(byte),
            Err(_) => return false,
        }
    }
    true
}

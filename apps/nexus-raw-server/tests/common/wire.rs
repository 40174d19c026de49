//! A connection on which a test says what it wants, and hears what comes, byte for byte.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A connection of a caller who may not keep to the rules.
pub(crate) struct Wire {
    stream: TcpStream,
    heard: Vec<u8>,
}

/// What was heard on a connection.
#[derive(Debug)]
pub(crate) struct Heard {
    /// The statuses of all answers, in order.
    pub(crate) statuses: Vec<u16>,
    /// Whether the server closed the connection.
    pub(crate) closed: bool,
    pub(crate) text: String,
}

impl Wire {
    pub(crate) async fn open(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let heard = Vec::new();
        Self { stream, heard }
    }

    /// Says it, unless the server has closed the connection.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Ends what is said, and goes on listening.
    pub(crate) async fn say_no_more(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Listens until the server closes the connection, for as long at most.
    pub(crate) async fn listen(&mut self, patience: Duration) -> Heard {
        let until = Instant::now() + patience;
        let mut closed = false;
        while !closed {
            let left = until.saturating_duration_since(Instant::now());
            match timeout(left, self.stream.read_buf(&mut self.heard)).await {
                Ok(Ok(read)) => closed = read == 0,
                Ok(Err(_)) => closed = true,
                Err(_) => break,
            }
        }
        let text = String::from_utf8_lossy(&self.heard).into_owned();
        let answers = text.match_indices("HTTP/1.");
        let statuses = answers.map(|(at, _)| {
            let from = at + "HTTP/1.1 ".len();
            text[from..from + 3].parse().unwrap()
        });
        Heard {
            statuses: statuses.collect(),
            closed,
            text: text.clone(),
        }
    }
}

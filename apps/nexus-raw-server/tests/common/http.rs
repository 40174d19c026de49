//! A client that sends given requests byte for byte.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// A request, written out byte for byte when it is sent, on a connection of its own.
#[derive(Clone)]
pub(crate) struct Request {
    server: SocketAddr,
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(server: SocketAddr, method: &str, target: &str) -> Self {
        Self {
            server,
            line: format!("{method} {target} HTTP/1.1"),
            headers: Vec::new(),
            body: Vec::new(),
        }
        .header("host", "nexus.test")
        .header("connection", "close")
    }

    /// Adds a header, whether or not it is there.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes a header away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(it, _)| it != name);
        self
    }

    /// Sets a header to this value alone.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).header(name, value)
    }

    /// Sets body and length.
    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        let length = self.body.len().to_string();
        self.with("content-length", &length)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    pub(crate) async fn send(self) -> Answer {
        let answer = self.send_to_the_end().await;
        answer.unwrap_or_else(|| panic!("the connection was closed without an answer"))
    }

    /// `None` when there is nobody, or the connection is closed without an answer.
    pub(crate) async fn send_to_the_end(self) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.server).await.ok()?;
        self.send_on(&mut stream).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        Answer::read(&answer)
    }

    /// Sends it, and reads nothing of the answer; `None` when there is nobody.
    pub(crate) async fn send_only(self) -> Option<TcpStream> {
        let socket = match self.server {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        let socket = socket.unwrap();
        // otherwise the system may take all of the answer, and the server has sent it
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        let mut stream = socket.connect(self.server).await.ok()?;
        self.send_on(&mut stream).await;
        Some(stream)
    }

    async fn send_on(self, stream: &mut TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut bytes = format!("{}\r\n", self.line).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        // a server may refuse and close before it has read all
        let _ = stream.write_all(&bytes).await;
    }
}

impl Answer {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Some(Self {
            status,
            headers: headers.collect(),
            body: bytes[end + 4..].to_vec(),
        })
    }

    /// The only value of a header; `None` when it is not there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(it, _)| it == name);
        let (_, value) = values.next()?;
        assert!(values.next().is_none(), "`{name}` is there twice");
        Some(value)
    }

    /// Whether all came that its head announced: a server that is killed cuts answers short.
    pub(crate) fn is_whole(&self) -> bool {
        let length = self.header("content-length").and_then(|it| it.parse().ok());
        // a 204 has no body to announce
        length == Some(self.body.len()) || self.status == 204
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The status and the body: what most tests assert.
    pub(crate) fn whole(&self) -> (u16, Value) {
        (self.status, self.json())
    }

    /// The status, the code and the faulty pointers of a problem.
    pub(crate) fn problem(&self) -> (u16, String, Vec<String>) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let body = self.json();
        assert_eq!(body["status"], self.status);
        let code = body["code"].as_str().unwrap().to_owned();
        assert_eq!(body["type"], format!("urn:nexus-raw:problem:{code}"));
        let errors = body["errors"].as_array();
        let may_name_parts = code == "object-not-uploaded";
        assert!(may_name_parts || errors.is_some() == (self.status == 422));
        let pointers = errors.into_iter().flatten();
        let pointers = pointers.map(|error| error["pointer"].as_str().unwrap().to_owned());
        (self.status, code, pointers.collect())
    }
}

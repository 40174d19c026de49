//! HTTP/1.1 over a plain socket, one request a connection.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is repeated");
        value
    }

    /// Status and S3's code of an error.
    pub(crate) fn error(&self) -> (u16, String) {
        let text = String::from_utf8_lossy(&self.body);
        let code = text
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split_once("</Code>"))
            .map_or_else(String::new, |(code, _)| code.to_owned());
        (self.status, code)
    }
}

pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream
}

/// The head of a request; `host` and `content-length` are added unless given.
pub(crate) fn head(
    addr: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body_bytes: usize,
) -> String {
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    let has = |name: &str| headers.iter().any(|(other, _)| other == name);
    if !has("host") {
        head += &format!("host: {addr}\r\n");
    }
    if !has("content-length") && !has("transfer-encoding") && method == "PUT" {
        head += &format!("content-length: {body_bytes}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head + "connection: close\r\n\r\n"
}

pub(crate) fn send(
    addr: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Answer {
    let mut stream = connect(addr);
    let mut bytes = head(addr, method, target, headers, body.len()).into_bytes();
    bytes.extend_from_slice(body);
    stream.write_all(&bytes).unwrap();
    receive(&mut stream)
}

pub(crate) fn receive(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("no head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let body = bytes[end + 4..].to_vec();
    Answer {
        status,
        headers,
        body,
    }
}

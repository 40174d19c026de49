use std::{
    io::{self, Read},
    net::TcpStream,
};

/// A request of HTTP/1.1, as bytes.
pub(super) struct Message {
    /// Up to and including the empty line.
    pub(super) head: Vec<u8>,
    /// As much of it as was read.
    pub(super) body: Vec<u8>,
    length: usize,
    /// How much of `body` came with the head, and was not counted yet.
    uncounted: usize,
}

impl Message {
    /// Reads the head, and perhaps a part of the body. `None` when the client has closed.
    pub(super) fn read_head(client: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let mut some = [0; 8192];
        let end = loop {
            if let Some(end) = head_end(&bytes) {
                break end;
            }
            match client.read(&mut some)? {
                0 => return Ok(None),
                read => bytes.extend_from_slice(&some[..read]),
            }
        };
        let body = bytes.split_off(end);
        let head = String::from_utf8_lossy(&bytes);
        let length = header(&head, "content-length").and_then(|it| it.parse().ok());
        Ok(Some(Self {
            length: length.unwrap_or_default(),
            uncounted: body.len(),
            head: bytes,
            body,
        }))
    }

    /// Reads the body up to `limit` bytes, and reports each piece. Returns whether the client sent
    /// as much.
    pub(super) fn read_body(
        &mut self,
        client: &mut TcpStream,
        limit: usize,
        mut count: impl FnMut(usize),
    ) -> io::Result<bool> {
        let limit = self.length.min(limit);
        count(self.uncounted);
        self.uncounted = 0;
        let mut some = vec![0; 64 * 1024];
        while self.body.len() < limit {
            let at_most = some.len().min(limit - self.body.len());
            match client.read(&mut some[..at_most])? {
                0 => return Ok(false),
                read => {
                    self.body.extend_from_slice(&some[..read]);
                    count(read);
                }
            }
        }
        Ok(true)
    }

    pub(super) fn head_text(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }

    /// Returns whether the client waits for the end of the connection.
    pub(super) fn is_the_last(&self) -> bool {
        let head = self.head_text();
        header(&head, "connection").is_some_and(|it| it.eq_ignore_ascii_case("close"))
    }
}

pub(super) fn method(head: &str) -> &str {
    head.split(' ').next().unwrap_or_default()
}

pub(super) fn target(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

/// Returns the status of a response.
pub(super) fn status(answer: &[u8]) -> Option<u16> {
    let line = String::from_utf8_lossy(answer.get(..12)?);
    line.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

/// Returns the offset of the body.
pub(super) fn head_end(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    Some(end + 4)
}

pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

//! HTTP/1.1 over a plain socket, with one request per connection. There is no client library, since
//! each would add or correct something.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// The timeout of a response. On a busy machine SeaweedFS has taken over 30 s for some of fifty
/// racing writers of one key.
const PATIENCE: Duration = Duration::from_mins(2);

/// The complete response, with the names of its headers in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, without the framing of chunks.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns the value of a header, if present.
    ///
    /// # Panics
    /// If the header is repeated.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is repeated");
        value
    }

    /// Returns the texts of all XML elements of a name, in order. Of escapes only those of quotes are
    /// resolved.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<String> {
        let body = String::from_utf8_lossy(&self.body);
        let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
        body.split(&begin)
            .skip(1)
            .filter_map(|rest| rest.split_once(&end))
            .map(|(text, _)| text.replace("&quot;", "\"").replace("&#34;", "\""))
            .collect()
    }

    /// Returns the status and the error code of S3, which is empty if the body has none.
    #[must_use]
    pub fn error(&self) -> (u16, String) {
        let text = String::from_utf8_lossy(&self.body);
        let code = text
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split_once("</Code>"))
            .map_or_else(String::new, |(code, _)| code.to_owned());
        (self.status, code)
    }
}

/// Connects to `host`, a name or address with an optional port.
///
/// # Errors
/// If the connection is refused.
pub fn connect(host: &str) -> io::Result<TcpStream> {
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let stream = if has_port {
        TcpStream::connect(host)?
    } else {
        TcpStream::connect((host, 80))?
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Returns the head of a request, with `host` and, for a PUT or POST, `content-length` added unless
/// given.
#[must_use]
pub fn head(
    host: &str,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body_bytes: usize,
) -> String {
    let has = |name: &str| headers.iter().any(|(other, _)| other == name);
    let mut lines = vec![format!("{method} {target} HTTP/1.1")];
    if !has("host") {
        lines.push(format!("host: {host}"));
    }
    let has_body = ["PUT", "POST"].contains(&method);
    if !has("content-length") && !has("transfer-encoding") && has_body {
        lines.push(format!("content-length: {body_bytes}"));
    }
    lines.extend(
        headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}")),
    );
    lines.join("\r\n") + "\r\nconnection: close\r\n\r\n"
}

/// Sends a request and reads the response.
///
/// # Errors
/// If the connection breaks before the response is complete.
pub fn send(
    host: &str,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = connect(host)?;
    let mut bytes = head(host, method, target, headers, body.len()).into_bytes();
    bytes.extend_from_slice(body);
    stream.write_all(&bytes)?;
    receive(&mut stream)
}

/// Reads a response up to the end of its connection.
///
/// # Errors
/// If the connection breaks, or the data is not a response.
pub fn receive(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
    let head = std::str::from_utf8(&bytes[..end]).map_err(io::Error::other)?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .ok_or(io::ErrorKind::InvalidData)?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let is_chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = &bytes[end + 4..];
    Ok(Answer {
        status,
        headers,
        body: if is_chunked {
            unchunked(body).ok_or(io::ErrorKind::InvalidData)?
        } else {
            body.to_vec()
        },
    })
}

/// Returns the content of chunks (RFC 9112, section 7.1).
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(content);
        }
        content.extend_from_slice(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 2 + size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together() {
        assert_eq!(
            unchunked(b"5\r\nhello\r\nA\r\n, 10 bytes\r\n0\r\n\r\n"),
            Some(b"hello, 10 bytes".to_vec())
        );
        assert_eq!(unchunked(b"5\r\nhel"), None);
        assert_eq!(unchunked(b""), None);
    }

    #[test]
    fn a_head_has_what_was_given_and_what_it_needs() {
        let own = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(
            head("h:1", "PUT", "/b/k", &own("if-none-match", "*"), 3),
            "PUT /b/k HTTP/1.1\r\nhost: h:1\r\ncontent-length: 3\r\nif-none-match: *\r\n\
             connection: close\r\n\r\n"
        );
        assert_eq!(
            head("h:1", "GET", "/", &own("host", "other"), 0),
            "GET / HTTP/1.1\r\nhost: other\r\nconnection: close\r\n\r\n"
        );
    }
}

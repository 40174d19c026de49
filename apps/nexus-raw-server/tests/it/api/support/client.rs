//! What only a test of single bytes wants of the client.

pub(crate) use crate::http::{Answer, Request};

impl Request {
    /// Makes it a request of another method and target.
    pub(crate) fn to(mut self, method: &str, target: &str) -> Self {
        self.line = format!("{method} {target} HTTP/1.1");
        self
    }

    /// Sets the bytes after the head, and no length.
    pub(crate) fn raw_body(mut self, bytes: Vec<u8>) -> Self {
        self.body = bytes;
        self
    }
}

impl Answer {
    /// The names of all headers, sorted.
    pub(crate) fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.headers.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names
    }

    /// Every header but those that differ from call to call: the date, the trace, the request.
    pub(crate) fn steady_headers(&self) -> Vec<(&str, &str)> {
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .filter(|(name, _)| !["date", "traceparent", "x-request-id"].contains(name))
            .collect();
        headers.sort_unstable();
        headers
    }
}

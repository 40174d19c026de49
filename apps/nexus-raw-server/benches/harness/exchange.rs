use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use super::load;

/// What was answered to a request that is sent once, outside of what is measured.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

/// Sends one request on a connection of its own.
pub(crate) fn ask(server: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(load::PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let (mut read, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        if let Some((head, body)) = load::lengths(&read)
            && read.len() >= head + body
        {
            let text = String::from_utf8(read[..head].to_vec()).unwrap();
            return Answer {
                status: text[9..12].parse().unwrap(),
                head: text,
                body: read.split_off(head),
            };
        }
        let more = stream.read(&mut part).unwrap();
        assert!(more > 0, "the connection was closed");
        read.extend(&part[..more]);
    }
}

impl Answer {
    /// The same, which must have this status.
    pub(crate) fn with(self, status: u16) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.unwrap().1
    }
}

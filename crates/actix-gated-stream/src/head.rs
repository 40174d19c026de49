use memchr::memchr;

/// An incremental search for the end of a head, by the rules of the library that parses it: empty
/// lines before it are skipped, and a line may end in LF alone (RFC 9112, section 2.2). After an
/// error, the bytes after the head are held until the deadline: none is misread.
#[derive(Debug, Default)]
pub(super) struct HeadEnd {
    began: bool,
    line: Line,
}

#[derive(Debug, Default, PartialEq)]
enum Line {
    #[default]
    Empty,
    EmptyButCr,
    Filled,
}

impl HeadEnd {
    /// Returns whether a part of a head has arrived.
    pub(super) fn has_begun(&self) -> bool {
        self.began
    }

    /// Returns how many of these bytes are of the head; `None` if it continues after them.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            self.line = match (byte, &self.line) {
                (b'\n', Line::Empty | Line::EmptyButCr) if self.began => return Some(at + 1),
                (b'\n', _) => Line::Empty,
                (b'\r', Line::Empty) => Line::EmptyButCr,
                _ => {
                    self.began = true;
                    // in a line with anything in it, only its end matters
                    at += memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at);
                    self.line = Line::Filled;
                    continue;
                }
            };
            at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_after_its_empty_line_in_any_pieces() {
        for head in [
            "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
            "GET / HTTP/1.1\nhost: x\n\n",
            "GET / HTTP/1.1\r\nhost: x\n\r\n",
            "\r\n\r\n\nGET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nx: a\rb\r\r\n\r\n",
        ] {
            let bytes = format!("{head}GET / HTTP/1.1\r\n\r\n").into_bytes();
            for size in 1..=bytes.len() {
                let mut end = HeadEnd::default();
                let mut read = 0;
                let found = bytes.chunks(size).find_map(|piece| {
                    let found = end.find(piece).map(|at| read + at);
                    read += piece.len();
                    found
                });
                assert_eq!(found, Some(head.len()), "{head:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn empty_lines_alone_begin_no_head() {
        let mut end = HeadEnd::default();
        assert_eq!((end.find(b"\r\n\r\n\n\r"), end.has_begun()), (None, false));
        assert_eq!((end.find(b"G"), end.has_begun()), (None, true));
    }
}

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    fs::File,
    io::{self, ErrorKind, Write},
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError},
};

use nexus_raw::text::is_invisible;

/// An output that several writers share.
///
/// Each has its own [`LineWriter`]; lines are written whole, one after the other.
/// When events and diagnostics both go to standard output, both must use one `SharedOutput`.
#[derive(Clone)]
pub struct SharedOutput(Arc<Mutex<Output>>);

struct Output {
    to: Box<dyn Write + Send>,
    /// Whether the last line was written in part and has no line end yet.
    torn: bool,
}

impl SharedOutput {
    /// Shares `to`, which must not buffer: a line counts as written after the flush of `to`.
    #[must_use]
    pub fn new(to: impl Write + Send + 'static) -> Self {
        let to = Box::new(to);
        Self(Arc::new(Mutex::new(Output { to, torn: false })))
    }

    /// Shares the standard output of the process.
    ///
    /// Duplicates the descriptor, since [`io::stdout`] reports success for a write to a
    /// descriptor that is not open for writing.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated.
    pub fn stdout() -> io::Result<Self> {
        let descriptor = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self::new(File::from(descriptor)))
    }

    /// Returns a writer of lines to this output.
    #[must_use]
    pub fn lines(&self) -> LineWriter {
        LineWriter {
            output: self.clone(),
            buffer: Vec::new(),
        }
    }

    fn write_lines(&self, lines: &[u8]) -> io::Result<()> {
        // a writer that panicked leaves `torn` unchanged: at worst one line is not JSON
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_lines(lines)
    }
}

impl fmt::Debug for SharedOutput {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SharedOutput").finish_non_exhaustive()
    }
}

impl Output {
    fn write_lines(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.torn {
            self.write(b"\n")?;
            self.torn = false;
        }
        self.write(lines)?;
        self.to.flush()
    }

    /// As [`Write::write_all`], which does not report a partial write before a failure.
    fn write(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match self.to.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = &rest[written..];
                    self.torn = !rest.is_empty();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A writer that buffers and passes on whole lines on flush.
///
/// The lines of one flush are one `write` of the output unless the output takes less. Flush after
/// each line, as `slog_json` does with `set_flush(true)`: it writes a record in dozens of pieces,
/// and another writer's line could come between them.
///
/// Characters that hide, reorder or break displayed text, such as U+202E and U+2028, are written as
/// JSON escapes (`\u202e`). JSON does not require this from U+007F on, but lines contain text from
/// callers, some of it stored before a rule forbade such characters.
///
/// When the output fails, the lines are dropped and the flush returns the error: the caller knows
/// that they were not written, and they do not appear later. A fragment that was written gets a
/// line end before the next line, so a reader sees at most one incomplete line.
#[derive(Debug)]
pub struct LineWriter {
    output: SharedOutput,
    buffer: Vec<u8>,
}

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(last) = self.buffer.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(());
        };
        let written = self.output.write_lines(&escaped(&self.buffer[..=last]));
        self.buffer.drain(..=last);
        written
    }
}

/// Escapes invisible characters. The JSON encoder has escaped those below U+007F.
fn escaped(lines: &[u8]) -> Cow<'_, [u8]> {
    if lines.iter().all(|byte| *byte < 0x7f) {
        return Cow::Borrowed(lines);
    }
    let mut escaped = String::with_capacity(lines.len());
    for char in String::from_utf8_lossy(lines).chars() {
        if char < '\u{7f}' || !is_invisible(char) {
            escaped.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            // writing to a string cannot fail
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    Cow::Owned(escaped.into_bytes())
}

#[cfg(test)]
mod tests;

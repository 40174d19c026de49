use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    fs::File,
    io::{self, ErrorKind, Write},
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError},
};

use nexus_raw::text::is_invisible;

/// One output, shared by all who write lines to it.
///
/// Each has a [`LineWriter`] of its own; the output sees their lines whole, one after the other.
/// When events and diagnostics both go to standard output, both must go through one of these.
#[derive(Clone)]
pub struct SharedOutput(Arc<Mutex<Output>>);

struct Output {
    to: Box<dyn Write + Send>,
    /// The last line was written in part, and its fragment is not ended yet.
    torn: bool,
}

impl SharedOutput {
    /// Shares `to`, which must not buffer: a line counts as written once `to` has taken it and
    /// was flushed.
    #[must_use]
    pub fn new(to: impl Write + Send + 'static) -> Self {
        let to = Box::new(to);
        Self(Arc::new(Mutex::new(Output { to, torn: false })))
    }

    /// Shares the standard output of the process.
    ///
    /// It is a duplicate of the descriptor, since [`io::stdout`] reports a write to a descriptor
    /// that is not open for writing as a success.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated.
    pub fn stdout() -> io::Result<Self> {
        let descriptor = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self::new(File::from(descriptor)))
    }

    /// A writer of lines to this output.
    #[must_use]
    pub fn lines(&self) -> LineWriter {
        LineWriter {
            output: self.clone(),
            buffer: Vec::new(),
        }
    }

    fn write_lines(&self, lines: &[u8]) -> io::Result<()> {
        // a writer that panicked leaves `torn` as it was, at worst one line that is no JSON
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

    /// As [`Write::write_all`], which does not tell whether it wrote a part before it failed.
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

/// Gathers what is written to it and hands over whole lines when it is flushed.
///
/// The lines of one flush are one `write` of the output unless the output takes less. Flush after
/// each line, as `slog_json` does with `set_flush(true)`: it writes a record in dozens of pieces,
/// between which another writer's line would land.
///
/// Characters that hide, reorder or break what is read, such as U+202E and U+2028, are written as
/// JSON escapes them (`\u202e`): JSON itself lets all from U+007F on stand as they are, and a line
/// has texts of callers, some kept since before a rule forbade them.
///
/// When the output fails, the lines are dropped and the flush has the error: whoever wrote them
/// knows that they are not there, and they do not turn up later, unasked, before other lines. A
/// fragment that the output took is ended before its next line, so a reader meets at most one
/// line that is not whole.
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
        let written = self.output.write_lines(&shown(&self.buffer[..=last]));
        self.buffer.drain(..=last);
        written
    }
}

/// The lines with what is invisible escaped. What is before U+007F is JSON's own to escape.
fn shown(lines: &[u8]) -> Cow<'_, [u8]> {
    if lines.iter().all(|byte| *byte < 0x7f) {
        return Cow::Borrowed(lines);
    }
    let mut shown = String::with_capacity(lines.len());
    for char in String::from_utf8_lossy(lines).chars() {
        if char < '\u{7f}' || !is_invisible(char) {
            shown.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            // writing to a string does not fail
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    Cow::Owned(shown.into_bytes())
}

#[cfg(test)]
mod tests;

use std::{
    io::{self, Write as _},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use nexus_raw::{ports::Clock, system::SystemClock};
use nexus_raw_events::SharedOutput;

/// How many bytes of lines wait to be written. Further lines are counted and dropped, so that
/// requests never wait for the log.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// How long lines gather after a write: a write for each line, and the wake-up for it, would cost a
/// request more than all that it logs. A line after a quiet time is written at once.
const PAUSE: Duration = Duration::from_millis(2);

/// The size of a write, unless a single line is longer: what a pipe takes in one piece (`PIPE_BUF`),
/// so that no line of another writer comes between.
const MAX_WRITE: usize = 4096;

/// What a buffer keeps of its memory after a burst.
const KEPT_BYTES: usize = 64 * 1024;

/// The message of the line that counts dropped ones.
const DROPPED: &str = "log records dropped";

/// Lines that wait for the thread that writes them.
pub(super) struct LineQueue {
    waiting: Mutex<WaitingLines>,
    woken: Condvar,
}

#[derive(Default)]
struct WaitingLines {
    text: Vec<u8>,
    dropped: u64,
    /// Whether the writer sleeps until it is woken.
    is_writer_asleep: bool,
    has_ended: bool,
}

/// The thread that writes the lines. A drop writes what waits, and ends it.
pub(super) struct QueueWriter {
    queue: Arc<LineQueue>,
    thread: Option<JoinHandle<()>>,
}

impl LineQueue {
    /// Starts a thread that writes lines to `output`.
    pub(super) fn to(
        output: impl io::Write + Send + 'static,
    ) -> io::Result<(Arc<Self>, QueueWriter)> {
        let queue = Arc::new(Self {
            waiting: Mutex::default(),
            woken: Condvar::new(),
        });
        let output = SharedOutput::new(output);
        let lines = Arc::clone(&queue);
        let thread = thread::Builder::new().name("log".to_owned());
        let thread = thread.spawn(move || lines.write_to(&output))?;
        let writer = QueueWriter {
            queue: Arc::clone(&queue),
            thread: Some(thread),
        };
        Ok((queue, writer))
    }

    /// Appends a line: the time, and `members`, which begin with a comma.
    pub(super) fn push(&self, members: &[u8]) {
        let mut waiting = self.lock();
        if waiting.has_ended {
            return;
        }
        let before = waiting.text.len();
        if before + members.len() > MAX_BYTES {
            waiting.dropped += 1;
            return;
        }
        write_line(&mut waiting.text, members);
        let has_much = before < MAX_BYTES / 2 && waiting.text.len() >= MAX_BYTES / 2;
        if mem::take(&mut waiting.is_writer_asleep) || has_much {
            // the writer would wait for a lock that is still held
            drop(waiting);
            self.woken.notify_one();
        }
    }

    fn write_to(&self, output: &SharedOutput) {
        let mut lines = output.lines();
        let mut text = Vec::new();
        loop {
            let (dropped, has_ended) = self.take(&mut text);
            if dropped > 0 {
                let members =
                    format!(",\"level\":\"ERROR\",\"msg\":\"{DROPPED}\",\"count\":{dropped}}}");
                write_line(&mut text, members.as_bytes());
            }
            for piece in Pieces(&text) {
                // an error cannot be reported anywhere
                let _ = lines.write_all(piece).and_then(|()| lines.flush());
            }
            if has_ended {
                return;
            }
            text.clear();
            text.shrink_to(KEPT_BYTES);
            let pausing = self.lock();
            let is_little = |it: &mut WaitingLines| !it.has_ended && it.text.len() < MAX_BYTES / 2;
            drop(self.woken.wait_timeout_while(pausing, PAUSE, is_little));
        }
    }

    /// Waits for lines. Returns the number of those dropped after them, and whether none will follow.
    fn take(&self, text: &mut Vec<u8>) -> (u64, bool) {
        let is_idle = |it: &mut WaitingLines| {
            it.is_writer_asleep = it.text.is_empty() && it.dropped == 0 && !it.has_ended;
            it.is_writer_asleep
        };
        let waiting = self.woken.wait_while(self.lock(), is_idle);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut waiting.text, text);
        (mem::take(&mut waiting.dropped), waiting.has_ended)
    }

    fn lock(&self) -> MutexGuard<'_, WaitingLines> {
        // no update under the lock can be left half done
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for QueueWriter {
    fn drop(&mut self) {
        self.queue.lock().has_ended = true;
        self.queue.woken.notify_one();
        if let Some(thread) = self.thread.take() {
            // an error means that the thread panicked, which the panic hook has seen
            let _ = thread.join();
        }
    }
}

/// Writes the time before the members, so that times ascend with the lines.
fn write_line(text: &mut Vec<u8>, members: &[u8]) {
    // writing to a vector cannot fail
    let _ = write!(text, "{{\"ts\":\"{}\"", SystemClock.now());
    text.extend_from_slice(members);
    text.push(b'\n');
}

/// Whole lines, together at most [`MAX_WRITE`] bytes, or one that is longer.
struct Pieces<'a>(&'a [u8]);

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.0;
        let last = |part: &[u8]| part.iter().rposition(|byte| *byte == b'\n');
        let first = |part: &[u8]| part.iter().position(|byte| *byte == b'\n');
        let end = if text.len() <= MAX_WRITE {
            text.len()
        } else {
            last(&text[..MAX_WRITE])
                .or_else(|| first(text))
                .map_or(text.len(), |at| at + 1)
        };
        let (piece, rest) = text.split_at(end);
        self.0 = rest;
        (!piece.is_empty()).then_some(piece)
    }
}

#[cfg(test)]
mod tests;

//! A sink of one's own: each event is one line of a file.

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{BoxError, DatasetEventSink, Delivery, SinkError, SinkName},
};
use tokio::{sync::watch, task::spawn_blocking};
use uuid::Uuid;

/// Appends each event, as JSON, to a file that one process has.
///
/// An event counts as taken once it is flushed to disk. One that is offered again is not written
/// again: it is known by its id, also after a restart (16 bytes of memory an event).
#[derive(Debug)]
pub struct JsonLinesSink {
    name: SinkName,
    lines: Arc<Mutex<Lines>>,
    count: watch::Sender<usize>,
}

/// The file as far as it is known to be whole and on disk.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    length: u64,
    ids: HashSet<Uuid>,
}

impl JsonLinesSink {
    /// Opens the file, which is made where there is none. A last line that a crash tore is cut off
    /// at the next delivery: its event did not count as taken, so it is offered again.
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds something else.
    pub async fn open(name: SinkName, path: PathBuf) -> io::Result<Self> {
        let lines = spawn_blocking(|| Lines::open(path)).await??;
        let count = watch::Sender::new(lines.ids.len());
        let lines = Arc::new(Mutex::new(lines));
        Ok(Self { name, lines, count })
    }

    /// The number of events in the file, to be waited for.
    #[must_use]
    pub fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }
}

#[async_trait]
impl DatasetEventSink for JsonLinesSink {
    fn name(&self) -> &SinkName {
        &self.name
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        let unavailable = |source: BoxError| SinkError::Unavailable { taken: 0, source };
        let (lines, offered) = (Arc::clone(&self.lines), events.to_vec());
        // the relay may drop this future at its deadline: the blocking task then still goes on to
        // its end, and the next delivery waits for it at the lock
        let appended = spawn_blocking(move || {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.append(&offered).map(|()| lines.ids.len())
        });
        let count = appended
            .await
            .map_err(|error| unavailable(error.into()))?
            .map_err(|error| unavailable(error.into()))?;
        self.count.send_replace(count);
        Ok(Delivery {
            taken: events.len(),
        })
    }
}

impl Lines {
    fn open(path: PathBuf) -> io::Result<Self> {
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => sync_directory(&path)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let text = std::fs::read(&path)?;
        let whole = text
            .iter()
            .rposition(|it| *it == b'\n')
            .map_or(0, |at| at + 1);
        let ids = text[..whole]
            .split_inclusive(|it| *it == b'\n')
            .map(|line| serde_json::from_slice(line).map(|event: DatasetEvent| event.event_id))
            .collect::<Result<_, _>>()?;
        // a process may have died between writing and flushing
        File::open(&path)?.sync_all()?;
        Ok(Self {
            path,
            length: whole as u64,
            ids,
        })
    }

    /// Writes what is new of `events` and flushes it; all or nothing counts.
    fn append(&mut self, events: &[DatasetEvent]) -> io::Result<()> {
        let mut ids = Vec::new();
        let mut text = Vec::new();
        for event in events {
            if !self.ids.contains(&event.event_id) && !ids.contains(&event.event_id) {
                ids.push(event.event_id);
                serde_json::to_writer(&mut text, event)?;
                text.push(b'\n');
            }
        }
        if text.is_empty() {
            return Ok(());
        }
        // reopened each time, to notice when the file or its disk is gone
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        if file.metadata()?.len() < self.length {
            return Err(io::Error::other("the file lost lines that were flushed"));
        }
        // what a failed delivery or a crash left behind the last whole line
        file.set_len(self.length)?;
        file.seek(SeekFrom::Start(self.length))?;
        file.write_all(&text)?;
        file.sync_all()?;
        self.length += text.len() as u64;
        self.ids.extend(ids);
        Ok(())
    }
}

/// A new name in a directory survives a power cut once the directory is flushed.
fn sync_directory(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

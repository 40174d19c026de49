use std::{
    fmt, io,
    sync::{Arc, Mutex as StdMutex, PoisonError, mpsc},
    thread,
};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{DatasetEventSink, Delivery, SinkError, SinkName},
    time::Timestamp,
};
use slog::{Drain, KV, Level, OwnedKVList, Record, Serde, Serializer, b, o, record_static};
use slog_json::Json;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use crate::{LineWriter, SharedOutput};

/// The sink named `log`: each event is one record of a slog drain, which a server writes to its
/// standard output as a JSON line.
///
/// It calls the drain directly: a [`Logger`](slog::Logger) would hide a failed write, and lost
/// events would count as delivered. The drain runs on a thread of its own, so that a full pipe
/// blocks neither the runtime nor its shutdown.
pub struct SlogEventSink<D> {
    name: SinkName,
    drain: Arc<Mutex<D>>,
    /// The thread's queue, once there is one. The lock is held to send only.
    writer: StdMutex<Option<mpsc::Sender<Batch<D>>>>,
}

/// Events to write, by whoever has the drain.
struct Batch<D> {
    drain: OwnedMutexGuard<D>,
    events: Vec<DatasetEvent>,
    outcome: oneshot::Sender<Result<Delivery, SinkError>>,
}

impl SlogEventSink<Json<LineWriter>> {
    /// Creates a sink that writes each event as one line of `output`:
    /// `{"ts":…,"level":"INFO","msg":"dataset event","event":{…}}`.
    #[must_use]
    pub fn json_lines(output: &SharedOutput) -> Self {
        // the drain adds no keys: the record has them all, and a key must not be repeated
        Self::new(Json::new(output.lines()).set_flush(true).build())
    }
}

impl<D> SlogEventSink<D>
where
    D: Drain<Ok = (), Err = io::Error> + Send + 'static,
{
    /// Creates a sink on `drain`, which must flush a record before it returns.
    ///
    /// The message is `dataset event` at level Info. The keys are `ts`, the time of the event, so
    /// that an event delivered twice is the same line twice; `level` and `msg`; and `event` with
    /// the `DatasetEvent` as a nested value. The drain must add none of these.
    #[must_use]
    pub fn new(drain: D) -> Self {
        Self {
            name: SinkName::new("log"),
            drain: Arc::new(Mutex::new(drain)),
            writer: StdMutex::new(None),
        }
    }

    /// Passes a batch to the thread, which is started if there is none or it has ended.
    fn write(&self, batch: Batch<D>) -> io::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = match &*writer {
            Some(queue) => match queue.send(batch) {
                Ok(()) => return Ok(()),
                // a drain that panics ends the thread
                Err(mpsc::SendError(batch)) => batch,
            },
            None => batch,
        };
        let (queue, batches) = mpsc::channel();
        // not `spawn_blocking`: the shutdown of a runtime waits for such a task, and a pipe without
        // a reader may block it for ever
        thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(move || batches.into_iter().for_each(write))?;
        let ended = |_| io::Error::other("event log thread ended");
        writer.insert(queue).send(batch).map_err(ended)
    }
}

impl<D> fmt::Debug for SlogEventSink<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SlogEventSink")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<D> DatasetEventSink for SlogEventSink<D>
where
    D: Drain<Ok = (), Err = io::Error> + Send + 'static,
{
    fn name(&self) -> &SinkName {
        &self.name
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        if events.is_empty() {
            return Ok(Delivery { taken: 0 });
        }
        // the write of an earlier call that timed out may still block: wait for it here, within the
        // caller's deadline, instead of queueing a second one behind it
        let drain = Arc::clone(&self.drain).lock_owned().await;
        let (outcome, reported) = oneshot::channel();
        let batch = Batch {
            drain,
            events: events.to_vec(),
            outcome,
        };
        self.write(batch).map_err(|error| unavailable(0, error))?;
        reported
            .await
            .unwrap_or_else(|_| Err(unavailable(0, io::Error::other("log drain panicked"))))
    }
}

fn write<D: Drain<Ok = (), Err = io::Error>>(batch: Batch<D>) {
    let Batch {
        drain,
        events,
        outcome,
    } = batch;
    let mut delivery = Delivery { taken: 0 };
    for event in events {
        if outcome.is_closed() {
            break;
        }
        if let Err(error) = log(&*drain, event) {
            let failure = unavailable(delivery.taken, error);
            drop(drain);
            // the caller may have timed out, which then offers these events again
            let _ = outcome.send(Err(failure));
            return;
        }
        delivery.taken += 1;
    }
    drop(drain);
    let _ = outcome.send(Ok(delivery));
}

fn log<D: Drain<Ok = (), Err = io::Error>>(drain: &D, event: DatasetEvent) -> io::Result<()> {
    let message = format_args!("dataset event");
    let place = record_static!(Level::Info, "");
    let line = EventLine {
        occurred_at: event.body.occurred_at,
        event: Serde(event),
    };
    drain.log(
        &Record::new(&place, &message, b!(line)),
        &OwnedKVList::from(o!()),
    )
}

/// The keys of an event's line, in this order: slog's own key lists are written reversed.
struct EventLine {
    occurred_at: Timestamp,
    event: Serde<DatasetEvent>,
}

impl KV for EventLine {
    fn serialize(&self, record: &Record<'_>, to: &mut dyn Serializer) -> slog::Result {
        to.emit_arguments("ts", &format_args!("{}", self.occurred_at))?;
        to.emit_str("level", record.level().as_str())?;
        to.emit_arguments("msg", record.msg())?;
        to.emit_serde("event", &self.event)
    }
}

fn unavailable(taken: usize, error: io::Error) -> SinkError {
    SinkError::Unavailable {
        taken,
        source: error.into(),
    }
}

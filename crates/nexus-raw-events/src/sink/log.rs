use std::{fmt, io, sync::Arc, thread};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{DatasetEventSink, Delivery, SinkError, SinkName},
    time::Timestamp,
};
use slog::{Drain, KV, Level, OwnedKVList, Record, Serde, Serializer, b, o, record_static};
use slog_json::Json;
use tokio::sync::{Mutex, oneshot};

use crate::{LineWriter, SharedOutput};

/// The sink named `log`: each event is one record of a slog drain, on the standard output of a
/// server one JSON line.
///
/// It calls the drain itself: a [`Logger`](slog::Logger) would hide a failed write, and events
/// would be counted as delivered that are nowhere. The drain runs on a thread of its own, so that
/// a full pipe holds up neither the runtime nor its end.
pub struct SlogEventSink<D> {
    name: SinkName,
    drain: Arc<Mutex<D>>,
}

impl SlogEventSink<Json<LineWriter>> {
    /// A sink that writes each event as one line of `output`:
    /// `{"ts":…,"level":"INFO","msg":"dataset event","event":{…}}`.
    #[must_use]
    pub fn json_lines(output: &SharedOutput) -> Self {
        // no keys of the drain's own: the record has them all, and a repeated key would mislead
        Self::new(Json::new(output.lines()).set_flush(true).build())
    }
}

impl<D> SlogEventSink<D>
where
    D: Drain<Ok = (), Err = io::Error> + Send + 'static,
{
    /// A sink on `drain`, which must have flushed a record before it returns.
    ///
    /// The record says `dataset event` at level Info. Its keys are `ts`, which is when the event
    /// occurred, so that an event delivered twice is the same line twice; `level` and `msg`; and
    /// `event` with the `DatasetEvent` as a nested value. The drain adds none of these.
    #[must_use]
    pub fn new(drain: D) -> Self {
        Self {
            name: SinkName::log(),
            drain: Arc::new(Mutex::new(drain)),
        }
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
        // a write that an earlier call gave up on may still be stuck: wait for it here, where the
        // caller's deadline ends the wait, instead of queueing a second one behind it
        let drain = Arc::clone(&self.drain).lock_owned().await;
        let events = events.to_vec();
        let (mut outcome, reported) = oneshot::channel();
        // not `spawn_blocking`: a runtime waits for such a task when it ends, and a pipe that
        // nobody reads may hold it for ever
        let writer = move || {
            let delivery = write(&*drain, events, &mut outcome);
            // nobody is told when the caller gave up: it offers these events again
            let _ = outcome.send(delivery);
        };
        thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(writer)
            .map_err(|error| unavailable(0, error))?;
        reported
            .await
            .unwrap_or_else(|_| Err(unavailable(0, io::Error::other("the drain panicked"))))
    }
}

fn write<D: Drain<Ok = (), Err = io::Error>>(
    drain: &D,
    events: Vec<DatasetEvent>,
    outcome: &mut oneshot::Sender<Result<Delivery, SinkError>>,
) -> Result<Delivery, SinkError> {
    let mut taken = 0;
    for event in events {
        if outcome.is_closed() {
            break;
        }
        log(drain, event).map_err(|error| unavailable(taken, error))?;
        taken += 1;
    }
    Ok(Delivery { taken })
}

fn log<D: Drain<Ok = (), Err = io::Error>>(drain: &D, event: DatasetEvent) -> io::Result<()> {
    let message = format_args!("dataset event");
    let place = record_static!(Level::Info, "");
    let line = Line {
        occurred_at: event.body.occurred_at,
        event: Serde(event),
    };
    drain.log(
        &Record::new(&place, &message, b!(line)),
        &OwnedKVList::from(o!()),
    )
}

/// What the line of an event says, in this order: slog's own lists of keys come out reversed.
struct Line {
    occurred_at: Timestamp,
    event: Serde<DatasetEvent>,
}

impl KV for Line {
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

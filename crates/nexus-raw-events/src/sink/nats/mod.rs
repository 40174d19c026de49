//! Events as messages of NATS `JetStream`.

mod connection;
mod settings;

use std::{collections::BTreeMap, error::Error, fmt, time::Duration};

use async_nats::{
    HeaderMap,
    header::NATS_MESSAGE_ID,
    jetstream::{
        self, Context, ErrorCode,
        context::{PublishError, PublishErrorKind},
    },
};
use async_trait::async_trait;
use futures_util::future::join_all;
use nexus_raw::{
    event::DatasetEvent,
    ports::{BoxError, DatasetEventSink, Delivery, SinkError, SinkName},
    tenancy::Scope,
};
use tokio::time::Instant;

use self::connection::Connection;
pub use self::settings::{NatsSinkError, NatsSinkSettings};
use crate::encoding::{EncodedEvent, Encoding};

/// The stream that events are kept in.
const STREAM: &str = "NEXUS_RAW";
/// What the stream takes.
const SUBJECTS: &str = "nexus.raw.>";

/// How long one acknowledgement is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// After this no further event is sent, so that the last one is answered before the relay's own
/// deadline ([`RelaySettings::deadline`](crate::RelaySettings::deadline), 5 s).
const LAST_START: Duration = Duration::from_secs(2);

/// The sink named `nats`: each event is one message of the stream `NEXUS_RAW`, on the subject
/// `nexus.raw.<tenant_id>.<env>.<event_type>`, with the event's id as `Nats-Msg-Id`.
///
/// An event is taken once `JetStream` has acknowledged it. Within a tenant and environment the next
/// one is sent only then, so that none stands in the stream before its predecessor; different
/// scopes go side by side. What was sent and not acknowledged is sent again: the stream drops it by
/// its id within its duplicate window, and after that the consumer does.
///
/// An event that is larger than the server or the stream takes is refused for good. Everything
/// else, a lost connection, silence, a stream that is full or gone, holds the events up.
///
/// The stream is made if it is absent. The URL may hold a password and never shows.
pub struct NatsEventSink {
    name: SinkName,
    encoding: Encoding,
    connection: Connection,
}

impl NatsEventSink {
    /// A sink that sends to `settings.url`. Nothing is connected yet.
    ///
    /// # Errors
    /// See [`NatsSinkError`].
    pub fn new(settings: NatsSinkSettings) -> Result<Self, NatsSinkError> {
        if !settings::is_trustworthy(&settings.url) {
            return Err(NatsSinkError::Url);
        }
        Ok(Self {
            name: SinkName::nats(),
            encoding: settings.encoding,
            connection: Connection::to(settings.url),
        })
    }

    /// Sends the events of one scope, one after the other, until one is not taken; what became of
    /// each that was sent, with its place in the batch.
    async fn send_in_order(
        &self,
        context: &Context,
        events: Vec<(usize, &DatasetEvent)>,
        until: Instant,
    ) -> Vec<(usize, Result<(), NotTaken>)> {
        let mut sent = Vec::with_capacity(events.len());
        for (place, event) in events {
            if Instant::now() > until {
                break;
            }
            let outcome = self.send(context, event).await;
            let goes_on = outcome.is_ok();
            sent.push((place, outcome));
            if !goes_on {
                break;
            }
        }
        sent
    }

    async fn send(&self, context: &Context, event: &DatasetEvent) -> Result<(), NotTaken> {
        let encoded = self.encoding.encode(event);
        let encoded = encoded.map_err(|error| NotTaken::Refused(error.into()))?;
        let subject = format!(
            "nexus.raw.{}.{}.{}",
            event.body.tenant_id,
            event.body.env,
            event.body.event_type.as_str()
        );
        let headers = headers(event, &encoded);
        let sent = context
            .publish_with_headers(subject, headers, encoded.payload.into())
            .await;
        let acknowledged = sent.map_err(not_taken)?.await.map_err(not_taken)?;
        if acknowledged.stream == STREAM {
            Ok(())
        } else {
            // another stream took it, on a subject that is ours
            Err(NotTaken::Unavailable(
                format!("not {STREAM} but another stream took the event").into(),
            ))
        }
    }
}

fn headers(event: &DatasetEvent, encoded: &EncodedEvent) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, event.event_id.to_string());
    headers.insert("Content-Type", encoded.media_type);
    for (name, value) in &encoded.headers {
        headers.insert(*name, &**value);
    }
    headers
}

/// Why an event was not taken.
enum NotTaken {
    /// It never will be.
    Refused(BoxError),
    /// Not now.
    Unavailable(BoxError),
}

/// Only the size of an event is said about the event itself.
fn not_taken(error: PublishError) -> NotTaken {
    let of_stream = error
        .source()
        .and_then(|source| source.downcast_ref::<jetstream::Error>())
        .map(jetstream::Error::error_code);
    let is_too_large = error.kind() == PublishErrorKind::MaxPayloadExceeded
        || of_stream == Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM);
    if is_too_large {
        NotTaken::Refused(error.into())
    } else {
        NotTaken::Unavailable(error.into())
    }
}

fn by_scope(events: &[DatasetEvent]) -> BTreeMap<Scope, Vec<(usize, &DatasetEvent)>> {
    let mut scopes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (place, event) in events.iter().enumerate() {
        scopes
            .entry(event.body.scope())
            .or_default()
            .push((place, event));
    }
    scopes
}

#[async_trait]
impl DatasetEventSink for NatsEventSink {
    fn name(&self) -> &SinkName {
        &self.name
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        if events.is_empty() {
            return Ok(Delivery { taken: 0 });
        }
        let until = Instant::now() + LAST_START;
        let unavailable = |source| SinkError::Unavailable { taken: 0, source };
        let context = self.connection.context(PATIENCE).await;
        let context = context.map_err(unavailable)?;
        let scopes = by_scope(events).into_values();
        let sent = scopes.map(|of_scope| self.send_in_order(&context, of_scope, until));
        let mut outcomes: Vec<_> = join_all(sent).await.into_iter().flatten().collect();
        outcomes.sort_unstable_by_key(|(place, _)| *place);
        // what other scopes have beyond the first that was not taken is sent again, as a repeat
        let mut taken = 0;
        for (place, outcome) in outcomes {
            match outcome {
                _ if place > taken => break,
                Ok(()) => taken += 1,
                Err(NotTaken::Refused(source)) => return Err(SinkError::Refused { taken, source }),
                Err(NotTaken::Unavailable(source)) => {
                    self.connection.distrust().await;
                    return Err(SinkError::Unavailable { taken, source });
                }
            }
        }
        Ok(Delivery { taken })
    }
}

impl fmt::Debug for NatsEventSink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("NatsEventSink")
            .field("name", &self.name)
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}

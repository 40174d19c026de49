//! Events as messages of NATS `JetStream`.

mod connection;
mod examine;
mod permissions;
mod settings;

use std::{collections::BTreeMap, error::Error, fmt, time::Duration};

use async_nats::{
    HeaderMap,
    header::NATS_MESSAGE_ID,
    jetstream::{
        self, ErrorCode,
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

use self::connection::{Connection, Session};
pub use self::settings::NatsSinkSettings;
use crate::encoding::{EncodedEvent, Encoding};

/// The stream that stores the events.
const STREAM: &str = "NEXUS_RAW";
/// The subjects of the stream.
const SUBJECTS: &str = "nexus.raw.>";

/// The timeout of one acknowledgement.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);
/// After this no further event is sent, so that the last one is acknowledged before the
/// relay's deadline ([`RelaySettings::deadline`](crate::RelaySettings::deadline), 5 s).
const LAST_START: Duration = Duration::from_secs(2);

/// The sink named `nats`: each event is one message of the stream `NEXUS_RAW`, on the subject
/// `nexus.raw.<tenant_id>.<env>.<event_type>`, with the event's id as `Nats-Msg-Id`.
///
/// An event is taken once `JetStream` has acknowledged it. Only then is the next one of its tenant
/// and environment sent, so that the stream keeps their order; scopes are sent concurrently and do
/// not delay each other. An event that was not acknowledged is sent again: the stream drops a
/// duplicate by its id within its duplicate window, and the consumer after that.
///
/// An event that is larger than the server or the stream allows is refused permanently. Everything
/// else, such as a lost connection, a timeout, a stream that is full or gone, or a missing
/// permission, stalls delivery.
///
/// An event that its encoding does not [cover](Encoding::covers) is taken without a message.
///
/// The stream is created if it does not exist. The URL may hold a password and is never shown.
pub struct NatsEventSink {
    name: SinkName,
    encoding: Encoding,
    connection: Connection,
}

impl NatsEventSink {
    /// Creates a sink that sends to `settings.url`. Does not connect yet.
    #[must_use]
    pub fn new(settings: NatsSinkSettings) -> Self {
        Self {
            name: SinkName::new("nats"),
            encoding: settings.encoding,
            connection: Connection::to(settings.url),
        }
    }

    /// Returns whether a message is sent of the event.
    fn covers(&self, event: &DatasetEvent) -> bool {
        self.encoding.covers(event.body.event_type)
    }

    /// Sends the events of one scope, one after the other, until one is not taken.
    async fn send_in_order(
        &self,
        open: &Session,
        events: &[&DatasetEvent],
        until: Instant,
    ) -> Result<Delivery, SinkError> {
        let mut taken = 0;
        for event in events {
            if Instant::now() > until {
                break;
            }
            self.send(open, event).await.map_err(|why| match why {
                SendError::Refused(source) => SinkError::Refused { taken, source },
                SendError::Unavailable(source) => SinkError::Unavailable { taken, source },
            })?;
            taken += 1;
        }
        Ok(Delivery { taken })
    }

    /// Sends one event, if its encoding covers it, and waits for the acknowledgement.
    async fn send(&self, open: &Session, event: &DatasetEvent) -> Result<(), SendError> {
        let encoded = self.encoding.encode(event);
        let encoded = encoded.map_err(|error| SendError::Refused(error.into()))?;
        let Some(encoded) = encoded else {
            return Ok(());
        };
        let subject = format!(
            "nexus.raw.{}.{}.{}",
            event.body.tenant_id,
            event.body.env,
            event.body.event_type.as_str()
        );
        open.permissions.forget(&subject);
        let headers = headers(event, &encoded);
        let publishing = async {
            let sent =
                open.context
                    .publish_with_headers(subject.clone(), headers, encoded.payload.into());
            sent.await?.await
        };
        let acknowledged = tokio::select! {
            acknowledged = publishing => acknowledged.map_err(send_error)?,
            denied = open.permissions.denied(&subject) => {
                return Err(SendError::Unavailable(denied.into()));
            }
        };
        if acknowledged.stream == STREAM {
            Ok(())
        } else {
            // another stream has one of our subjects
            Err(SendError::Unavailable(
                format!("event was stored in another stream than {STREAM}").into(),
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
enum SendError {
    /// It is too large for the server or the stream.
    Refused(BoxError),
    /// The server, the stream or a permission is missing for now.
    Unavailable(BoxError),
}

/// Classifies an error: only a size limit is about the event itself.
fn send_error(error: PublishError) -> SendError {
    let of_stream = error
        .source()
        .and_then(|source| source.downcast_ref::<jetstream::Error>())
        .map(jetstream::Error::error_code);
    let is_too_large = error.kind() == PublishErrorKind::MaxPayloadExceeded
        || of_stream == Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM);
    if is_too_large {
        SendError::Refused(error.into())
    } else {
        SendError::Unavailable(error.into())
    }
}

fn by_scope(events: &[DatasetEvent]) -> BTreeMap<Scope, Vec<&DatasetEvent>> {
    let mut scopes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in events {
        scopes.entry(event.body.scope()).or_default().push(event);
    }
    scopes
}

fn taken(answer: &Result<Delivery, SinkError>) -> usize {
    match answer {
        Ok(Delivery { taken })
        | Err(SinkError::Refused { taken, .. } | SinkError::Unavailable { taken, .. }) => *taken,
        Err(_) => 0,
    }
}

#[async_trait]
impl DatasetEventSink for NatsEventSink {
    fn name(&self) -> &SinkName {
        &self.name
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        if !events.iter().any(|event| self.covers(event)) {
            return Ok(Delivery {
                taken: events.len(),
            });
        }
        let until = Instant::now() + LAST_START;
        let open = self.connection.open(ACK_TIMEOUT).await;
        let open = open.map_err(|source| SinkError::Unavailable { taken: 0, source })?;
        let sent = by_scope(events).into_iter().map(async |(scope, events)| {
            let answer = self.send_in_order(&open, &events, until).await;
            let taken = taken(&answer);
            let is_acknowledged = events.iter().take(taken).any(|event| self.covers(event));
            (scope, answer, taken, is_acknowledged)
        });
        let (mut sum, mut is_any_acknowledged) = (0, false);
        let mut answers = Vec::new();
        for (scope, answer, taken, is_acknowledged) in join_all(sent).await {
            sum += taken;
            is_any_acknowledged |= is_acknowledged;
            answers.push((scope, answer));
        }
        if !is_any_acknowledged {
            // the connection or the stream may be at fault
            self.connection.reset().await;
        }
        if answers.len() > 1 && sum < events.len() {
            return Err(SinkError::ByScope(answers));
        }
        match answers.pop() {
            Some((_, answer)) if answers.is_empty() => answer,
            _ => Ok(Delivery { taken: sum }),
        }
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

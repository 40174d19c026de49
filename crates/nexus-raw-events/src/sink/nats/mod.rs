//! Events as messages of NATS `JetStream`.

mod connection;
mod rights;
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

use self::connection::{Connection, Open};
pub use self::settings::NatsSinkSettings;
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
/// scopes go side by side, and one that is not taken holds up no other. What was sent and not acknowledged is sent again: the stream drops it by
/// its id within its duplicate window, and after that the consumer does.
///
/// An event that is larger than the server or the stream takes is refused for good. Everything
/// else, a lost connection, silence, a stream that is full or gone, a right that the user does not
/// have, holds the events up.
///
/// The stream is made if it is absent. The URL may hold a password and never shows.
pub struct NatsEventSink {
    name: SinkName,
    encoding: Encoding,
    connection: Connection,
}

impl NatsEventSink {
    /// A sink that sends to `settings.url`. Nothing is connected yet.
    #[must_use]
    pub fn new(settings: NatsSinkSettings) -> Self {
        Self {
            name: SinkName::nats(),
            encoding: settings.encoding,
            connection: Connection::to(settings.url),
        }
    }

    /// Sends the events of one scope, one after the other, until one is not taken.
    async fn send_in_order(
        &self,
        open: &Open,
        events: Vec<&DatasetEvent>,
        until: Instant,
    ) -> Result<Delivery, SinkError> {
        let mut taken = 0;
        for event in events {
            if Instant::now() > until {
                break;
            }
            self.send(open, event).await.map_err(|why| match why {
                NotTaken::Refused(source) => SinkError::Refused { taken, source },
                NotTaken::Unavailable(source) => SinkError::Unavailable { taken, source },
            })?;
            taken += 1;
        }
        Ok(Delivery { taken })
    }

    async fn send(&self, open: &Open, event: &DatasetEvent) -> Result<(), NotTaken> {
        let encoded = self.encoding.encode(event);
        let encoded = encoded.map_err(|error| NotTaken::Refused(error.into()))?;
        let subject = format!(
            "nexus.raw.{}.{}.{}",
            event.body.tenant_id,
            event.body.env,
            event.body.event_type.as_str()
        );
        open.rights.forget(&subject);
        let headers = headers(event, &encoded);
        let publishing = async {
            let sent =
                open.context
                    .publish_with_headers(subject.clone(), headers, encoded.payload.into());
            sent.await?.await
        };
        let acknowledged = tokio::select! {
            acknowledged = publishing => acknowledged.map_err(not_taken)?,
            refused = open.rights.refused(&subject) => {
                return Err(NotTaken::Unavailable(refused.into()));
            }
        };
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
        if events.is_empty() {
            return Ok(Delivery { taken: 0 });
        }
        let until = Instant::now() + LAST_START;
        let open = self.connection.open(PATIENCE).await;
        let open = open.map_err(|source| SinkError::Unavailable { taken: 0, source })?;
        let sent = by_scope(events).into_iter().map(async |(scope, events)| {
            let answer = self.send_in_order(&open, events, until).await;
            (scope, answer)
        });
        let mut answers = join_all(sent).await;
        let sum = answers.iter().map(|(_, answer)| taken(answer)).sum();
        if sum == 0 {
            // not one was acknowledged: it may be the connection's or the stream's fault
            self.connection.distrust().await;
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

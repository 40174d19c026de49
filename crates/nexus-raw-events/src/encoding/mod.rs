//! Encodings of committed events.
//!
//! A sink is configured with an [`Encoding`]. Each is a module: [`native`], [`cloud_events`], [`cloud_events_binary`], [`open_lineage`], [`open_lineage_run`].

mod attributes;
mod cloud_events;
mod native;
mod open_lineage;
mod open_lineage_run;

use std::borrow::Cow;

use nexus_raw::event::{DatasetEvent, EventType};

pub use cloud_events::{cloud_events, cloud_events_binary};
pub use native::native;
pub use open_lineage::open_lineage;
pub use open_lineage_run::open_lineage_run;

/// An event as the payload of a message or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The media type of `payload`.
    pub media_type: &'static str,
    /// Message headers, names in lower case. Empty unless the encoding keeps attributes out of
    /// its payload.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The event.
    pub payload: Vec<u8>,
}

/// The error of an event that cannot be encoded. No committed event is known to fail; a sink would
/// refuse it permanently, so that it is parked and logged.
#[derive(Debug, thiserror::Error)]
#[error("event cannot be encoded")]
pub struct EncodingError(#[source] serde_json::Error);

/// The encoding of the events of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// [`native`]: the `DatasetEvent` alone.
    Native,
    /// [`cloud_events`]: a `CloudEvents` envelope around the `DatasetEvent`.
    CloudEvents,
    /// [`cloud_events_binary`]: the `DatasetEvent`, its `CloudEvents` attributes as headers.
    CloudEventsBinary,
    /// [`open_lineage`]: an `OpenLineage` `DatasetEvent`.
    OpenLineage,
    /// [`open_lineage_run`]: an `OpenLineage` `RunEvent` of a registration, and nothing of other
    /// events.
    OpenLineageRun,
}

impl Encoding {
    /// Encodes an event. Returns `None` where nothing is to be sent of it, which is where it does
    /// not [cover](Self::covers) its type: such an event counts as delivered.
    ///
    /// # Errors
    /// See [`EncodingError`].
    pub fn encode(self, event: &DatasetEvent) -> Result<Option<EncodedEvent>, EncodingError> {
        match self {
            Self::Native => native(event).map(Some),
            Self::CloudEvents => cloud_events(event).map(Some),
            Self::CloudEventsBinary => cloud_events_binary(event).map(Some),
            Self::OpenLineage => open_lineage(event).map(Some),
            Self::OpenLineageRun => open_lineage_run(event),
        }
    }

    /// Returns whether events of this type are sent.
    #[must_use]
    pub fn covers(self, event_type: EventType) -> bool {
        match self {
            Self::Native | Self::CloudEvents | Self::CloudEventsBinary | Self::OpenLineage => true,
            Self::OpenLineageRun => open_lineage_run::covers(event_type),
        }
    }
}

/// Returns a payload without headers.
fn payload(
    media_type: &'static str,
    value: &impl serde::Serialize,
) -> Result<EncodedEvent, EncodingError> {
    Ok(EncodedEvent {
        media_type,
        headers: Vec::new(),
        payload: serde_json::to_vec(value).map_err(EncodingError)?,
    })
}

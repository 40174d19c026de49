//! How a committed event is written for those outside.
//!
//! A sink that sends payloads is given the [`Encoding`] it is configured with. Each encoding is a
//! module: [`native`], [`cloud_events`], [`cloud_events_binary`], [`open_lineage`].

mod attributes;
mod cloud_events;
mod native;
mod open_lineage;

use std::borrow::Cow;

use nexus_raw::event::DatasetEvent;

pub use cloud_events::{cloud_events, cloud_events_binary};
pub use native::native;
pub use open_lineage::open_lineage;

/// An event as the payload of a message or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The media type of `payload`.
    pub media_type: &'static str,
    /// What stands beside the payload: headers of the message, names in lower case. Only an
    /// encoding that keeps attributes out of its payload has some.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The event.
    pub payload: Vec<u8>,
}

/// An event that cannot be written in an encoding. No event that a catalogue committed is known
/// to be one; a sink refuses it for good, so that it is parked and told.
#[derive(Debug, thiserror::Error)]
#[error("the event cannot be encoded")]
pub struct EncodingError(#[source] serde_json::Error);

/// Which form the events of a sink have.
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
}

impl Encoding {
    /// Writes an event in this form.
    ///
    /// # Errors
    /// See [`EncodingError`].
    pub fn encode(self, event: &DatasetEvent) -> Result<EncodedEvent, EncodingError> {
        match self {
            Self::Native => native(event),
            Self::CloudEvents => cloud_events(event),
            Self::CloudEventsBinary => cloud_events_binary(event),
            Self::OpenLineage => open_lineage(event),
        }
    }
}

/// A payload without headers.
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

use nexus_raw::event::DatasetEvent;
use serde::Serialize;

use super::{
    EncodedEvent, EncodingError, attributes::Attributes, native, native::MEDIA_TYPE, payload,
};

/// Encodes in the structured content mode of `CloudEvents` 1.0 (JSON event format): attributes and, under
/// `data`, the `DatasetEvent` in one object.
///
/// # Errors
/// See [`EncodingError`].
pub fn cloud_events(event: &DatasetEvent) -> Result<EncodedEvent, EncodingError> {
    #[derive(Serialize)]
    struct Envelope<'a> {
        #[serde(flatten)]
        attributes: Attributes,
        datacontenttype: &'static str,
        data: &'a DatasetEvent,
    }
    let envelope = Envelope {
        attributes: Attributes::of(event),
        datacontenttype: MEDIA_TYPE,
        data: event,
    };
    payload("application/cloudevents+json; charset=utf-8", &envelope)
}

/// Encodes in the binary content mode of `CloudEvents` 1.0 (HTTP protocol binding, section 3.1):
/// the `DatasetEvent` is the payload, and each attribute is a header `ce-…`.
///
/// # Errors
/// See [`EncodingError`].
pub fn cloud_events_binary(event: &DatasetEvent) -> Result<EncodedEvent, EncodingError> {
    let attributes = Attributes::of(event).into_headers();
    let headers = attributes.map(|(name, value)| (name, value.into()));
    Ok(EncodedEvent {
        headers: headers.into(),
        ..native::native(event)?
    })
}

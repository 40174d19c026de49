use nexus_raw::event::DatasetEvent;

use super::{EncodedEvent, EncodingError, payload};

/// The media type of a `DatasetEvent` itself.
pub(super) const MEDIA_TYPE: &str = "application/json";

/// Encodes the `DatasetEvent` itself: one JSON object without white space, its members in the
/// order of the API contract (docs/EVENTS.md).
///
/// # Errors
/// See [`EncodingError`].
pub fn native(event: &DatasetEvent) -> Result<EncodedEvent, EncodingError> {
    payload(MEDIA_TYPE, event)
}

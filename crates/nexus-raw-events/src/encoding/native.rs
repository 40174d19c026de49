use nexus_raw::event::DatasetEvent;

use super::{EncodedEvent, EncodingError};

/// The `DatasetEvent` itself: one JSON object without white space, its members in the order of
/// the API contract (docs/EVENTS.md).
///
/// # Errors
/// See [`EncodingError`].
pub fn native(event: &DatasetEvent) -> Result<EncodedEvent, EncodingError> {
    Ok(EncodedEvent {
        media_type: "application/json",
        payload: serde_json::to_vec(event).map_err(EncodingError)?,
    })
}

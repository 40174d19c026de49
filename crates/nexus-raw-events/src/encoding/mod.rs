//! How a committed event is written for those outside.
//!
//! One function an encoding, each from a [`DatasetEvent`](nexus_raw::event::DatasetEvent) to an
//! [`EncodedEvent`]; a sink that sends payloads is given the one it is configured with.

mod native;

pub use native::native;

/// An event as the payload of a message or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The media type of `payload`.
    pub media_type: &'static str,
    /// The event.
    pub payload: Vec<u8>,
}

/// An event that cannot be written in an encoding. No event that a catalogue committed is known
/// to be one; a sink refuses it for good, so that it is parked and told.
#[derive(Debug, thiserror::Error)]
#[error("the event cannot be encoded")]
pub struct EncodingError(#[source] serde_json::Error);

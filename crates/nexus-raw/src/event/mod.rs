//! What is told of an asset, and to which request it belongs.

mod dataset_event;
mod trace;

pub use dataset_event::{DatasetEvent, EventBody, EventType, SchemaVersion};
pub use trace::{RequestContext, RequestId, RequestIdError, TraceId, TraceIdError};

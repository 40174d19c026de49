//! The events of assets, and the request that each belongs to.

mod dataset_event;
mod stored;
mod trace;

pub use dataset_event::{
    DatasetEvent, EventBody, EventDownload, EventIntegrity, EventType, EventTypeError,
    SchemaVersion,
};
pub use stored::{StoredEvent, StoredEventError};
pub use trace::{RequestContext, RequestId, RequestIdError, TraceId, TraceIdError};

//! Random ids.

use nexus_raw::{
    event::{RequestContext, RequestId, TraceId},
    system::random_bytes,
};
use uuid::Uuid;

/// Returns a trace id for a request without one.
pub(crate) fn fresh_trace_id() -> TraceId {
    loop {
        // all zeros, with probability 2^-128, is no valid trace id
        if let Ok(id) = TraceId::from_bytes(random_bytes()) {
            return id;
        }
    }
}

/// Returns a request id for a request without one.
pub(crate) fn fresh_request_id() -> RequestId {
    loop {
        let mut text = Uuid::encode_buffer();
        if let Ok(id) = RequestId::parse(fresh_uuid().hyphenated().encode_lower(&mut text)) {
            return id;
        }
    }
}

/// Returns the trace and the request id of something that no request asks for.
pub(crate) fn fresh_context() -> RequestContext {
    RequestContext {
        trace_id: fresh_trace_id(),
        request_id: fresh_request_id(),
    }
}

/// Returns a UUID version 4 (RFC 9562, section 5.4).
pub(crate) fn fresh_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(random_bytes()).into_uuid()
}

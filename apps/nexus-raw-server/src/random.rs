//! Random ids.

use nexus_raw::event::{RequestId, TraceId};
use uuid::Uuid;

/// Returns a trace id for a request without one.
pub(crate) fn fresh_trace_id() -> TraceId {
    loop {
        // all zeros, with probability 2^-128, is no valid trace id
        if let Ok(id) = TraceId::from_bytes(random()) {
            return id;
        }
    }
}

/// Returns a request id for a request without one.
pub(crate) fn fresh_request_id() -> RequestId {
    loop {
        if let Ok(id) = RequestId::parse(&fresh_uuid().hyphenated().to_string()) {
            return id;
        }
    }
}

/// Returns a UUID version 4 (RFC 9562, section 5.4).
pub(crate) fn fresh_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(random()).into_uuid()
}

/// Returns random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::expect_used,
        reason = "there is no fallback: a guessable id must not be issued"
    )]
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

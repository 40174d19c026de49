//! Names and ids that nobody can guess.

use nexus_raw::event::{RequestId, TraceId};
use uuid::Uuid;

/// A trace id for a request that came without one.
pub(crate) fn fresh_trace_id() -> TraceId {
    loop {
        // all zero, which is no trace id, once in 2^128
        if let Ok(id) = TraceId::from_bytes(random()) {
            return id;
        }
    }
}

/// A name for a request that came without one.
pub(crate) fn fresh_request_id() -> RequestId {
    loop {
        if let Ok(id) = RequestId::parse(&fresh_uuid().hyphenated().to_string()) {
            return id;
        }
    }
}

/// A UUID version 4 (RFC 9562, section 5.4).
pub(crate) fn fresh_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(random()).into_uuid()
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::expect_used,
        reason = "an id that can be guessed must not be given out, and nothing else can be done"
    )]
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

//! Whether bytes must match their signed SHA-256.

use super::put::{Answer, PREFIX, Tampering, put, upload};
use crate::{failure::RequestFailure, store::Store};

/// Sends other bytes than were signed. The store must refuse them now, and hold none of an
/// earlier start: neither written over a digest that it did not check, nor left behind by a
/// refusal that came too late.
pub(super) async fn enforced(store: &Store) -> Result<bool, RequestFailure> {
    let key = format!("{PREFIX}other-bytes");
    match put(store, &upload(&key), Tampering::OtherBytes).await? {
        Answer::Stored | Answer::AlreadyThere => return Ok(false),
        Answer::Refused(_) => {}
    }
    match store.head(&key).await {
        Ok(left) => Ok(left.is_none()),
        // it hides what is absent, which is a finding of its own
        Err(failure) if failure.status() == Some(403) => Ok(false),
        Err(failure) => Err(failure),
    }
}

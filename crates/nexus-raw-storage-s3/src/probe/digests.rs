//! A check that the store verifies signed SHA-256 digests.

use super::put::{PREFIX, PutOutcome, Tampering, put, upload};
use crate::{failure::RequestFailure, store::Store};

/// Sends other bytes than were signed. The store must refuse them, and must have stored none at an
/// earlier start, whether by an unchecked digest or before a late refusal.
pub(super) async fn enforced(store: &Store) -> Result<bool, RequestFailure> {
    let key = format!("{PREFIX}other-bytes");
    match put(store, &upload(&key), Tampering::OtherBytes).await? {
        PutOutcome::Stored | PutOutcome::AlreadyThere => return Ok(false),
        PutOutcome::Refused(_) => {}
    }
    match store.head(&key).await {
        Ok(left) => Ok(left.is_none()),
        // it hides absent objects, which has its own finding
        Err(failure) if failure.status() == Some(403) => Ok(false),
        Err(failure) => Err(failure),
    }
}

//! Checks with uploads that break their signature.

use super::put::{PREFIX, PutOutcome, Tampering, put, upload};
use crate::{failure::RequestFailure, store::Store};

#[derive(Debug, Default)]
pub(super) struct SignatureTrial {
    pub(super) findings: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Omits a signed header, and adds an unsigned one.
///
/// Each uses its own key, which stays empty while the store refuses; both keep `If-None-Match`, so
/// that a store that accepts them writes once and is found out at every later start.
pub(super) async fn findings(store: &Store) -> Result<SignatureTrial, RequestFailure> {
    let mut trial = SignatureTrial::default();
    let missing = Tampering::Without("x-amz-meta-tenant-id");
    if is_accepted(store, "missing-header", missing).await? {
        trial.findings.push(
            "the store accepts a presigned upload without a signed header: use one that checks signatures".to_owned(),
        );
    }
    let added = Tampering::With("x-amz-meta-nexus-raw-unsigned", "1");
    if is_accepted(store, "unsigned-header", added).await? {
        if store.settings.allow_unsigned_headers {
            trial.notes.push(
                "the store accepts unsigned x-amz-* headers, as storage.allow_unsigned_headers allows".to_owned(),
            );
        } else {
            trial.findings.push(
                "the store accepts unsigned x-amz-* headers: use one that refuses them, or set \
                 storage.allow_unsigned_headers"
                    .to_owned(),
            );
        }
    }
    Ok(trial)
}

async fn is_accepted(
    store: &Store,
    name: &str,
    tampering: Tampering,
) -> Result<bool, RequestFailure> {
    let key = format!("{PREFIX}{name}");
    match put(store, &upload(&key), tampering).await? {
        PutOutcome::Stored | PutOutcome::AlreadyThere => Ok(true),
        PutOutcome::Refused(_) => Ok(false),
    }
}

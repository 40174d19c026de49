//! Uploads that break their signature.

use super::put::{Answer, PREFIX, Tampering, put, upload};
use crate::{failure::RequestFailure, store::Store};

#[derive(Debug, Default)]
pub(super) struct SignatureTrial {
    pub(super) findings: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Leaves out a signed header, and adds one that is not signed.
///
/// Each has a key of its own, where nothing is as long as the store refuses; both keep
/// `If-None-Match`, so that a store that takes them writes once and says so ever after.
pub(super) async fn findings(store: &Store) -> Result<SignatureTrial, RequestFailure> {
    let mut trial = SignatureTrial::default();
    let missing = Tampering::Without("x-amz-meta-tenant-id");
    if is_taken(store, "missing-header", missing).await? {
        trial.findings.push(
            "the store takes a presigned upload that lacks a signed header: use one that checks signatures".to_owned(),
        );
    }
    let added = Tampering::With("x-amz-meta-nexus-raw-unsigned", "1");
    if is_taken(store, "unsigned-header", added).await? {
        if store.settings.allow_unsigned_headers {
            trial.notes.push(
                "the store takes x-amz-* headers that nobody signed, as storage.allow_unsigned_headers allows".to_owned(),
            );
        } else {
            trial.findings.push(
                "the store takes x-amz-* headers that nobody signed: use one that refuses them, or set \
                 storage.allow_unsigned_headers"
                    .to_owned(),
            );
        }
    }
    Ok(trial)
}

async fn is_taken(store: &Store, name: &str, tampering: Tampering) -> Result<bool, RequestFailure> {
    let key = format!("{PREFIX}{name}");
    match put(store, &upload(&key), tampering).await? {
        Answer::Stored | Answer::AlreadyThere => Ok(true),
        Answer::Refused(_) => Ok(false),
    }
}

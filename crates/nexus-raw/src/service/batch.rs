use std::collections::BTreeSet;

use super::{
    BatchParents, PRESIGN_UPLOAD_BATCH, PresignError, PresignRequest, Presigned, RawStorageService,
    RegisterError, RegisterRequest,
};
use crate::{
    asset::Sha256Digest,
    event::RequestContext,
    ports::{IdempotencyKey, KeyClaim},
    tenancy::WriteAccess,
};

/// A caller's key bound to one batch of presigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchKey {
    key: IdempotencyKey,
    body_digest: Sha256Digest,
}

impl RawStorageService {
    /// Binds a caller's key to a batch, before any item of it is presigned. An item is `None`
    /// where the caller's text was no request.
    ///
    /// # Errors
    /// [`PresignError::KeyReused`] where it is bound to another batch.
    pub async fn claim_batch(
        &self,
        access: &WriteAccess,
        key: IdempotencyKey,
        items: &[Option<&PresignRequest>],
    ) -> Result<BatchKey, PresignError> {
        let digests: Vec<_> = items
            .iter()
            .map(|it| it.map(PresignRequest::digest))
            .collect();
        // only a map with non-text keys or a failing writer could err, and there is neither
        let text = serde_json::to_vec(&digests).unwrap_or_default();
        let body_digest = Sha256Digest::of(&text);
        let claimed_at = self.clock.now();
        let claim = KeyClaim {
            key: Self::caller_key(access, PRESIGN_UPLOAD_BATCH, key),
            body_digest,
            claimed_at,
            ends_at: claimed_at.saturating_add(self.policy.intent_ttl),
        };
        if self.catalog.claim_key(claim).await? == body_digest {
            Ok(BatchKey { key, body_digest })
        } else {
            Err(PresignError::KeyReused)
        }
    }

    /// Presigns the item at `place` of a batch that has a key, as [`Self::presign_upload`] does a
    /// request that has one: where an earlier call made the item, it is the same asset.
    ///
    /// # Errors
    /// As for [`Self::presign_upload`].
    pub async fn presign_item(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        (batch, place): (&BatchKey, usize),
        request: &PresignRequest,
    ) -> Result<Presigned, PresignError> {
        self.check_upload(request)?;
        let key = batch.key.of_item(place);
        let key = Self::caller_key(access, PRESIGN_UPLOAD_BATCH, key);
        self.presign_keyed(access, context, key, batch.body_digest, request)
            .await
    }

    /// Looks up which parents of a batch of registrations are to be registered by it.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    pub async fn batch_parents<'r>(
        &self,
        access: &WriteAccess,
        requests: impl Iterator<Item = &'r RegisterRequest> + Clone,
    ) -> Result<BatchParents, RegisterError> {
        let ids: BTreeSet<_> = requests.clone().map(|it| it.asset_id).collect();
        let parents = requests.flat_map(|it| it.provenance.lineage.derived_from.as_slice());
        let inside: BTreeSet<_> = parents.filter(|it| ids.contains(it)).copied().collect();
        if inside.is_empty() {
            return Ok(BatchParents::default());
        }
        let inside = Vec::from_iter(inside);
        let unknown = self
            .catalog
            .unknown_parents(access.scope(), &inside)
            .await?;
        let unknown = unknown.iter().filter_map(|at| inside.get(*at).copied());
        Ok(unknown.collect())
    }
}

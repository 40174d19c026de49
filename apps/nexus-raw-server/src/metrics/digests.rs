use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use nexus_raw::{
    asset::Sha256Digest,
    ports::{CatalogError, DigestLedger, HashingClaim, PinnedObject},
    time::Timestamp,
};
use uuid::Uuid;

use super::calls::Calls;

/// A ledger of digests whose calls are measured.
pub(super) struct MeasuredDigests {
    inner: Arc<dyn DigestLedger>,
    calls: Calls,
}

impl MeasuredDigests {
    pub(super) fn new(inner: Arc<dyn DigestLedger>, calls: Calls) -> Self {
        Self { inner, calls }
    }
}

#[async_trait]
impl DigestLedger for MeasuredDigests {
    async fn known_digest(
        &self,
        object: &PinnedObject,
    ) -> Result<Option<Sha256Digest>, CatalogError> {
        let call = self.inner.known_digest(object);
        self.calls.time("known_digest", call).await
    }

    async fn claim_hashing(
        &self,
        object: &PinnedObject,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<HashingClaim, CatalogError> {
        let call = self.inner.claim_hashing(object, owner, now, ttl);
        self.calls.time("claim_hashing", call).await
    }

    async fn renew_hashing(
        &self,
        object: &PinnedObject,
        epoch: u64,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<bool, CatalogError> {
        let call = self.inner.renew_hashing(object, epoch, now, ttl);
        self.calls.time("renew_hashing", call).await
    }

    async fn record_digest(
        &self,
        object: &PinnedObject,
        epoch: u64,
        digest: Sha256Digest,
    ) -> Result<bool, CatalogError> {
        let call = self.inner.record_digest(object, epoch, digest);
        self.calls.time("record_digest", call).await
    }

    async fn release_hashing(
        &self,
        object: &PinnedObject,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let call = self.inner.release_hashing(object, epoch);
        self.calls.time("release_hashing", call).await
    }
}

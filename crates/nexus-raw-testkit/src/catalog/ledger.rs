use std::time::Duration;

use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, Sha256Digest},
    ports::{CatalogError, OpenUpload, PinnedObject, WorkClaim, WorkLedger},
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::FakeCatalog;

#[async_trait]
impl WorkLedger for FakeCatalog {
    async fn known_digest(
        &self,
        object: &PinnedObject,
    ) -> Result<Option<Sha256Digest>, CatalogError> {
        self.read(|state| state.known_digest(object)).await
    }

    async fn claim_hashing(
        &self,
        object: &PinnedObject,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<WorkClaim, CatalogError> {
        let until = now.saturating_add(ttl);
        self.connect().await?;
        Ok(self.state().claim_hashing(object, owner, now, until))
    }

    async fn claim_upload(
        &self,
        upload: &OpenUpload,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<WorkClaim, CatalogError> {
        let until = now.saturating_add(ttl);
        self.connect().await?;
        let (scope, asset) = (&upload.scope, upload.asset_id);
        Ok(self.state().claim_work(scope, asset, owner, now, until))
    }

    async fn claim_verification(
        &self,
        scope: &Scope,
        asset: AssetId,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<WorkClaim, CatalogError> {
        let until = now.saturating_add(ttl);
        self.connect().await?;
        let mut state = self.state();
        Ok(state.claim_verification(scope, asset, owner, now, until))
    }

    async fn renew_work(
        &self,
        scope: &Scope,
        asset: AssetId,
        epoch: u64,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<bool, CatalogError> {
        let until = now.saturating_add(ttl);
        self.connect().await?;
        Ok(self.state().renew_work(scope, asset, epoch, until))
    }

    async fn record_digest(
        &self,
        object: &PinnedObject,
        epoch: u64,
        digest: Sha256Digest,
    ) -> Result<bool, CatalogError> {
        self.connect().await?;
        Ok(self.state().record_digest(object, epoch, digest))
    }

    async fn release_work(
        &self,
        scope: &Scope,
        asset: AssetId,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        self.connect().await?;
        Ok(self.state().release_work(scope, asset, epoch))
    }
}

use std::time::Duration;

use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, Sha256Digest},
    ports::{CatalogError, OpenUpload, PinnedObject, WorkClaim, WorkLedger},
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::{SqlAssetCatalog, read};
use crate::writer::{ObjectTag, WorkAnswer, WorkPurpose, WorkRequest, WorkStep};

impl SqlAssetCatalog {
    async fn step(
        &self,
        operation: &'static str,
        scope: &Scope,
        asset_id: AssetId,
        step: WorkStep,
    ) -> Result<WorkAnswer, CatalogError> {
        let call = self.writer.call(WorkRequest {
            scope: scope.clone(),
            asset_id,
            step,
        });
        self.observed(operation, call).await
    }

    async fn claim(
        &self,
        operation: &'static str,
        scope: &Scope,
        asset: AssetId,
        claim: WorkStep,
    ) -> Result<WorkClaim, CatalogError> {
        match self.step(operation, scope, asset, claim).await? {
            WorkAnswer::Claim(claim) => Ok(claim),
            // not reached: the writer answers a claim with a claim
            WorkAnswer::Done(_) => Ok(WorkClaim::Closed),
        }
    }

    /// Does a step and returns whether the claim was still valid.
    async fn done(
        &self,
        operation: &'static str,
        scope: &Scope,
        asset: AssetId,
        step: WorkStep,
    ) -> Result<bool, CatalogError> {
        Ok(self.step(operation, scope, asset, step).await? == WorkAnswer::Done(true))
    }
}

#[async_trait]
impl WorkLedger for SqlAssetCatalog {
    async fn known_digest(
        &self,
        object: &PinnedObject,
    ) -> Result<Option<Sha256Digest>, CatalogError> {
        read!(self, "known_digest", it => it.known_digest(object))
    }

    async fn claim_hashing(
        &self,
        object: &PinnedObject,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<WorkClaim, CatalogError> {
        let claim = WorkStep::Claim {
            purpose: WorkPurpose::Hashing(ObjectTag::of(object)),
            owner,
            now,
            ttl,
        };
        self.claim("claim_hashing", &object.scope, object.asset_id, claim)
            .await
    }

    async fn claim_upload(
        &self,
        upload: &OpenUpload,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<WorkClaim, CatalogError> {
        let claim = WorkStep::Claim {
            purpose: WorkPurpose::Upload,
            owner,
            now,
            ttl,
        };
        self.claim("claim_upload", &upload.scope, upload.asset_id, claim)
            .await
    }

    async fn claim_verification(
        &self,
        scope: &Scope,
        asset: AssetId,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<WorkClaim, CatalogError> {
        let claim = WorkStep::Claim {
            purpose: WorkPurpose::Verification,
            owner,
            now,
            ttl,
        };
        self.claim("claim_verification", scope, asset, claim).await
    }

    async fn renew_work(
        &self,
        scope: &Scope,
        asset: AssetId,
        epoch: u64,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<bool, CatalogError> {
        let step = WorkStep::Renew { epoch, now, ttl };
        self.done("renew_work", scope, asset, step).await
    }

    async fn record_digest(
        &self,
        object: &PinnedObject,
        epoch: u64,
        digest: Sha256Digest,
    ) -> Result<bool, CatalogError> {
        let step = WorkStep::Record {
            object: ObjectTag::of(object),
            epoch,
            digest,
        };
        self.done("record_digest", &object.scope, object.asset_id, step)
            .await
    }

    async fn release_work(
        &self,
        scope: &Scope,
        asset: AssetId,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let step = WorkStep::Release { epoch };
        self.done("release_work", scope, asset, step).await
    }
}

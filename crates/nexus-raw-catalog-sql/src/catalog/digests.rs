use std::time::Duration;

use async_trait::async_trait;
use nexus_raw::{
    asset::Sha256Digest,
    ports::{CatalogError, DigestLedger, HashingClaim, PinnedObject},
    time::Timestamp,
};
use uuid::Uuid;

use super::{SqlAssetCatalog, read};
use crate::writer::{HashingAnswer, HashingRequest, HashingStep};

impl SqlAssetCatalog {
    async fn hashing(
        &self,
        operation: &'static str,
        object: &PinnedObject,
        step: HashingStep,
    ) -> Result<HashingAnswer, CatalogError> {
        let object = object.clone();
        let call = self.writer.call(HashingRequest { object, step });
        self.observed(operation, call).await
    }

    /// Does a step and returns whether the claim was still valid.
    async fn done(
        &self,
        operation: &'static str,
        object: &PinnedObject,
        step: HashingStep,
    ) -> Result<bool, CatalogError> {
        Ok(self.hashing(operation, object, step).await? == HashingAnswer::Done(true))
    }
}

#[async_trait]
impl DigestLedger for SqlAssetCatalog {
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
    ) -> Result<HashingClaim, CatalogError> {
        let step = HashingStep::Claim { owner, now, ttl };
        match self.hashing("claim_hashing", object, step).await? {
            HashingAnswer::Claim(claim) => Ok(claim),
            // not reached: the writer answers a claim with a claim
            HashingAnswer::Done(_) => Ok(HashingClaim::Closed),
        }
    }

    async fn renew_hashing(
        &self,
        object: &PinnedObject,
        epoch: u64,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<bool, CatalogError> {
        let step = HashingStep::Renew { epoch, now, ttl };
        self.done("renew_hashing", object, step).await
    }

    async fn record_digest(
        &self,
        object: &PinnedObject,
        epoch: u64,
        digest: Sha256Digest,
    ) -> Result<bool, CatalogError> {
        let step = HashingStep::Record { epoch, digest };
        self.done("record_digest", object, step).await
    }

    async fn release_hashing(
        &self,
        object: &PinnedObject,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let step = HashingStep::Release { epoch };
        self.done("release_hashing", object, step).await
    }
}

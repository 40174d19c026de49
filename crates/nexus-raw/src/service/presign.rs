use super::{PresignError, RawStorageService};
use crate::{
    asset::{AssetId, ContentFacts, ObjectAddress, ObjectKey, UploadIntent},
    event::{EventBody, RequestContext},
    ports::{PresignedUpload, UploadTerms},
    tenancy::WriteAccess,
};

/// What a caller wants to upload: the facts that S3 will be bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignRequest {
    /// The promised content.
    pub facts: ContentFacts,
}

/// Leave to upload an asset-to-be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedAsset {
    /// The asset to be.
    pub asset_id: AssetId,
    /// Where its object will be.
    pub address: ObjectAddress,
    /// How to upload it.
    pub upload: PresignedUpload,
}

impl RawStorageService {
    /// Promises one content to one caller: signs its upload, and writes intent and event before
    /// the URL is given away.
    ///
    /// # Errors
    /// See [`PresignError`]; in every case no URL exists outside and nothing was written.
    pub async fn presign_upload(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        request: PresignRequest,
    ) -> Result<PresignedAsset, PresignError> {
        if request.facts.size_bytes > self.policy.max_object_bytes {
            return Err(PresignError::TooLarge {
                limit: self.policy.max_object_bytes,
            });
        }
        let now = self.clock.now();
        let asset_id = self.ids.next(now);
        let address = ObjectAddress {
            bucket: self.storage.bucket().clone(),
            key: ObjectKey::for_asset(access.scope(), asset_id, &request.facts.filename),
        };
        let intent = UploadIntent {
            asset_id,
            scope: access.scope().clone(),
            address: address.clone(),
            facts: request.facts,
            requested_by: access.user().clone(),
            requested_at: now,
            ends_at: now.saturating_add(self.policy.intent_ttl),
        };
        let terms = UploadTerms {
            intent: &intent,
            now,
            ttl: self.policy.presign_ttl,
        };
        let upload = self.storage.presign_upload(terms).await?;
        let event = EventBody::presigned(&intent, access.user(), context, now);
        self.catalog.record_intent(intent, event).await?;
        Ok(PresignedAsset {
            asset_id,
            address,
            upload,
        })
    }
}

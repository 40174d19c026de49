//! What a run writes to the catalogue, if it is to: intents of objects that have none, and the end
//! of intents that came to nothing.

use nexus_raw::{
    asset::{
        BucketName, ByteSize, ContentType, DeclaredFacts, MultipartUpload, ObjectAddress,
        ObjectKey, PartLayout, Sha256Digest, UploadIntent,
    },
    event::{EventBody, RequestContext},
    ports::{
        AssetCatalog, CatalogError, Clock, HashOutcome, IntentClosing, PinnedObject,
        RawStorageRepository, StorageError, StoredObject,
    },
    service::UploadPolicy,
    tenancy::{Environments, UserId},
    time::Timestamp,
};

use super::error::ReconcileError;

/// Writes to the catalogue what the bucket shows. The bucket is not written to.
#[derive(Debug)]
pub struct Adoption<'a> {
    /// Where intents are written.
    pub catalog: &'a dyn AssetCatalog,
    /// Where intents are closed.
    pub closing: &'a dyn IntentClosing,
    /// Reads objects of which the store has no digest.
    pub storage: &'a dyn RawStorageRepository,
    /// The environments of the service: nobody could reach an asset of another one.
    pub environments: Environments,
    /// The user in the intents and their events.
    pub user: UserId,
    /// The trace and the request of the run.
    pub context: RequestContext,
    /// What is allowed of an upload: its size, the size of its parts, and how long an intent is valid.
    pub policy: UploadPolicy,
}

impl Adoption<'_> {
    /// Writes an intent of an object that has none, if it is as an upload of the service is. Returns
    /// the intent, or why there is none.
    pub(super) async fn adopt(
        &self,
        bucket: &BucketName,
        key: &str,
        found: &StoredObject,
        clock: &dyn Clock,
    ) -> Result<Result<UploadIntent, &'static str>, ReconcileError> {
        let mut intent = match self.promised(bucket, key, found, clock.now()) {
            Ok(intent) => intent,
            Err(reason) => return Ok(Err(reason)),
        };
        let sha256 = match found.sha256 {
            // registration compares it with the content, where the store is not known to
            Some(digest) => digest,
            None => match self.read(&intent, found).await? {
                Ok(digest) => digest,
                Err(reason) => return Ok(Err(reason)),
            },
        };
        intent.facts.sha256 = Some(sha256);
        let now = intent.requested_at;
        let event = EventBody::presigned(&intent, &self.user, &self.context, now);
        match self.catalog.record_intent(intent.clone(), event).await {
            Ok(()) => Ok(Ok(intent)),
            // of another file name, or by another run meanwhile
            Err(CatalogError::AlreadyExists) => Ok(Err("the catalogue knows its asset id")),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns what was promised once, but for the digest, or why it cannot have been.
    fn promised(
        &self,
        bucket: &BucketName,
        key: &str,
        found: &StoredObject,
        now: Timestamp,
    ) -> Result<UploadIntent, &'static str> {
        let parts = ObjectKey::parse_parts(key);
        let (scope, asset_id, filename) = parts.map_err(|_| "its key is none of the service's")?;
        if self.environments.find(scope.environment.as_str()).is_none() {
            return Err("its environment is none of the service's");
        }
        if !found.foreign_headers.is_empty() {
            return Err("it has headers that no upload of the service has");
        }
        let content_type = found.content_type.as_deref();
        let content_type = ContentType::from_stored(content_type.unwrap_or_default());
        let content_type = content_type.map_err(|_| "its content type is invalid")?;
        let size_bytes = ByteSize::parse(found.size_bytes)
            .ok()
            .filter(|it| *it <= self.policy.max_object_bytes)
            .ok_or("it is larger than `storage.max_object_bytes`")?;
        let address = ObjectAddress {
            bucket: bucket.clone(),
            key: ObjectKey::for_asset(&scope, asset_id, &filename),
        };
        let intent = UploadIntent {
            asset_id,
            scope,
            address,
            facts: DeclaredFacts {
                filename,
                content_type,
                size_bytes,
                sha256: None,
            },
            multipart: self.parts_of(size_bytes, found)?,
            requested_by: self.user.clone(),
            requested_at: now,
            ends_at: now.saturating_add(self.policy.intent_ttl),
        };
        let of_key = intent.object_metadata();
        let of_key = of_key.iter().map(|(name, value)| (*name, value.as_str()));
        let metadata = found.user_metadata.iter();
        let metadata = metadata.map(|(name, value)| (name.as_str(), value.as_str()));
        let mut of_key: Vec<_> = of_key.collect();
        of_key.sort_unstable();
        if !metadata.eq(of_key) {
            return Err("its metadata are not those that its key requires");
        }
        Ok(intent)
    }

    /// Returns how an object was uploaded in parts; `None` if it was not.
    fn parts_of(
        &self,
        size_bytes: ByteSize,
        found: &StoredObject,
    ) -> Result<Option<MultipartUpload>, &'static str> {
        if found.sha256.is_some() {
            return Ok(None);
        }
        // S3 ends the entity tag of an object in parts with their number, and so do other stores
        let of_tag = found
            .etag
            .rsplit_once('-')
            .and_then(|(_, parts)| parts.parse().ok());
        let Some(parts) = found.composite.map(|it| it.parts).or(of_tag) else {
            let needs_digest = self.storage.capabilities().enforces_sha256;
            let reason = "it has no digest, which each upload of the service has here";
            return if needs_digest { Err(reason) } else { Ok(None) };
        };
        let layout = PartLayout::of(size_bytes, self.policy.part_size_bytes);
        let layout = layout.filter(|it| it.count() == parts);
        let layout =
            layout.ok_or("it has another number of parts than an upload of the service")?;
        Ok(Some(MultipartUpload {
            part_size_bytes: layout.part_size_bytes(),
            upload_id: None,
        }))
    }

    async fn read(
        &self,
        intent: &UploadIntent,
        found: &StoredObject,
    ) -> Result<Result<Sha256Digest, &'static str>, StorageError> {
        let object = PinnedObject::of(intent, found);
        match self.storage.hash(&object).await {
            Ok(HashOutcome::Hashed(digest)) => Ok(Ok(digest)),
            Ok(HashOutcome::Replaced | HashOutcome::Gone) => {
                Ok(Err("it changed while it was read"))
            }
            Err(error) => match self.storage.ready().await {
                // of this object alone: an archived one, for instance
                Ok(()) => Ok(Err("it cannot be read")),
                Err(_) => Err(error),
            },
        }
    }
}

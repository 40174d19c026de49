use serde::Serialize;

use super::{PRESIGN_UPLOAD, PresignError, RawStorageService};
use crate::{
    asset::{
        AssetId, ByteSize, ContentFacts, ContentType, DeclaredFacts, Filename, MultipartUpload,
        ObjectAddress, ObjectKey, PartLayout, RawAsset, Sha256Digest, UploadIntent,
    },
    event::{EventBody, RequestContext},
    ports::{IdempotencyKey, PresignedUpload, StorageError, UploadTerms},
    tenancy::WriteAccess,
    time::Timestamp,
};

/// What a caller wants to upload: the facts that S3 will be bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresignRequest {
    /// The declared content.
    pub facts: DeclaredFacts,
    /// Whether it is uploaded in parts.
    pub multipart: bool,
    /// What to do where the same content is registered already.
    pub if_registered: IfRegistered,
    /// The caller's own name for the request, if it has one.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// What a caller wants where the same content is registered already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IfRegistered {
    /// Another asset of it.
    #[default]
    Create,
    /// The asset that is there.
    Return,
}

/// A name is no [`IfRegistered`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `create` or `return`")]
#[non_exhaustive]
pub struct IfRegisteredError;

impl IfRegistered {
    /// Reads its name on the wire.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, IfRegisteredError> {
        match text {
            "create" => Ok(Self::Create),
            "return" => Ok(Self::Return),
            _ => Err(IfRegisteredError),
        }
    }
}

/// The outcome of a presign.
#[derive(Debug, Clone, PartialEq)]
pub enum Presigned {
    /// A signed upload.
    Upload(PresignedAsset),
    /// The content is registered already, and [`IfRegistered::Return`] was asked. Nothing was
    /// signed and nothing was written.
    Registered(Box<RawAsset>),
}

impl Presigned {
    /// Returns the signed upload, which is always there for [`IfRegistered::Create`].
    #[must_use]
    pub fn into_upload(self) -> Option<PresignedAsset> {
        match self {
            Self::Upload(upload) => Some(upload),
            Self::Registered(_) => None,
        }
    }
}

/// A signed upload of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedAsset {
    /// The asset that it will be.
    pub asset_id: AssetId,
    /// Where its object will be.
    pub address: ObjectAddress,
    /// How to upload it.
    pub upload: UploadSteps,
}

/// How an asset is uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadSteps {
    /// By one request.
    Single(PresignedUpload),
    /// In parts, each of which is signed by [`RawStorageService::presign_parts`].
    Multipart {
        /// How it is cut into parts.
        layout: PartLayout,
        /// When the intent ends.
        expires_at: Timestamp,
    },
}

impl UploadSteps {
    /// Returns the signed request of an upload by one.
    #[must_use]
    pub fn as_single(&self) -> Option<&PresignedUpload> {
        match self {
            Self::Single(upload) => Some(upload),
            Self::Multipart { .. } => None,
        }
    }
}

impl PresignRequest {
    /// A request to upload this content, without an idempotency key.
    #[must_use]
    pub fn new(facts: impl Into<DeclaredFacts>) -> Self {
        Self {
            facts: facts.into(),
            multipart: false,
            if_registered: IfRegistered::default(),
            idempotency_key: None,
        }
    }

    /// Has the content uploaded in parts; its digest need not be known yet.
    #[must_use]
    pub fn in_parts(self) -> Self {
        Self {
            multipart: true,
            ..self
        }
    }

    /// Sets what to do where the same content is registered already in the same scope, with a
    /// digest that was proved.
    #[must_use]
    pub fn with_if_registered(self, if_registered: IfRegistered) -> Self {
        Self {
            if_registered,
            ..self
        }
    }

    /// Names the request, so that it can be sent again when its answer was lost: the same key and
    /// content of the same user in the same scope are the same asset, until its intent ends. Each
    /// answer has a fresh URL, and an event of its own.
    #[must_use]
    pub fn with_idempotency_key(self, key: IdempotencyKey) -> Self {
        Self {
            idempotency_key: Some(key),
            ..self
        }
    }

    /// A digest that is equal exactly for requests of equal content: SHA-256 over one canonical
    /// JSON text. What a caller left out counts as its default; the spelling of the body and the
    /// idempotency key do not count.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        #[derive(Serialize)]
        struct CanonicalRequest<'a> {
            v: u8,
            filename: &'a Filename,
            content_type: &'a ContentType,
            size_bytes: ByteSize,
            sha256: Option<Sha256Digest>,
            // a field at its default is as one that is left out: keys of before it stand
            #[serde(skip_serializing_if = "Option::is_none")]
            if_registered: Option<&'static str>,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            multipart: bool,
        }
        let ContentFacts {
            filename,
            content_type,
            size_bytes,
            sha256,
        } = &self.facts;
        let text = serde_json::to_vec(&CanonicalRequest {
            v: 1,
            filename,
            content_type,
            size_bytes: *size_bytes,
            sha256: *sha256,
            if_registered: match self.if_registered {
                IfRegistered::Create => None,
                IfRegistered::Return => Some("return"),
            },
            multipart: self.multipart,
        });
        // only a map with non-text keys or a failing writer could err, and there is neither
        Sha256Digest::of(&text.unwrap_or_default())
    }
}

impl RawStorageService {
    /// Signs the upload of one content for one caller, and writes intent and event before the URL
    /// is returned.
    ///
    /// # Errors
    /// See [`PresignError`]; in every case no URL exists outside and nothing was written. With a
    /// key, [`StorageError::ForeignBucket`] where the
    /// key's intent is of a bucket that is not served any more: asset and key stay with that
    /// bucket.
    ///
    /// With [`IfRegistered::Return`] the oldest registered asset of the same scope and content is
    /// returned instead, if there is one; it takes no key.
    pub async fn presign_upload(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        request: PresignRequest,
    ) -> Result<Presigned, PresignError> {
        self.check_upload(&request)?;
        if let Some(key) = request.idempotency_key {
            let key = Self::caller_key(access, PRESIGN_UPLOAD, key);
            let digest = request.digest();
            return self
                .presign_keyed(access, context, key, digest, &request)
                .await;
        }
        if let Some(asset) = self.registered_copy(access, &request).await? {
            return Ok(Presigned::Registered(asset));
        }
        let now = self.clock.now();
        let intent = self.new_intent(access, &request, now);
        let presigned = self.sign(&intent, now).await?;
        let event = EventBody::presigned(&intent, access.user(), context, now);
        self.catalog.record_intent(intent, event).await?;
        Ok(Presigned::Upload(presigned))
    }

    pub(super) fn check_upload(&self, request: &PresignRequest) -> Result<(), PresignError> {
        let (limit, size_bytes) = (self.policy.max_object_bytes, request.facts.size_bytes);
        if size_bytes > limit {
            Err(PresignError::TooLarge { limit })
        } else if request.multipart {
            let layout = PartLayout::of(size_bytes, self.policy.part_size_bytes);
            layout.map(|_| ()).ok_or(PresignError::NoParts)
        } else if size_bytes > ByteSize::MAX_SINGLE_PUT {
            Err(PresignError::PartsNeeded)
        } else if request.facts.sha256.is_none() {
            Err(PresignError::DigestMissing)
        } else {
            Ok(())
        }
    }

    /// Returns the registered asset of the content, if the request wants it and there is one.
    pub(super) async fn registered_copy(
        &self,
        access: &WriteAccess,
        request: &PresignRequest,
    ) -> Result<Option<Box<RawAsset>>, PresignError> {
        if request.if_registered == IfRegistered::Create {
            return Ok(None);
        }
        let facts = &request.facts;
        let sha256 = facts.sha256.ok_or(PresignError::DigestMissing)?;
        let found = self
            .catalog
            .find_content(access.scope(), sha256, facts.size_bytes)
            .await?;
        Ok(found.map(Box::new))
    }

    /// Returns the intent of a new asset of this content, in the scope of `access`.
    pub(super) fn new_intent(
        &self,
        access: &WriteAccess,
        request: &PresignRequest,
        now: Timestamp,
    ) -> UploadIntent {
        let asset_id = self.ids.next(now);
        let facts = request.facts.clone();
        let layout = PartLayout::of(facts.size_bytes, self.policy.part_size_bytes);
        let layout = layout.filter(|_| request.multipart);
        UploadIntent {
            asset_id,
            scope: access.scope().clone(),
            address: ObjectAddress {
                bucket: self.storage.bucket().clone(),
                key: ObjectKey::for_asset(access.scope(), asset_id, &facts.filename),
            },
            facts,
            multipart: layout.map(|layout| MultipartUpload {
                part_size_bytes: layout.part_size_bytes(),
                upload_id: None,
            }),
            requested_by: access.user().clone(),
            requested_at: now,
            ends_at: now.saturating_add(self.policy.intent_ttl),
        }
    }

    /// Signs the upload of an intent, valid from now on.
    pub(super) async fn sign(
        &self,
        intent: &UploadIntent,
        now: Timestamp,
    ) -> Result<PresignedAsset, PresignError> {
        let upload = if let Some(layout) = intent.layout() {
            if intent.address.bucket != *self.storage.bucket() {
                return Err(StorageError::ForeignBucket.into());
            }
            UploadSteps::Multipart {
                layout,
                expires_at: intent.ends_at,
            }
        } else {
            let terms = UploadTerms {
                intent,
                sha256: intent.facts.sha256.ok_or(PresignError::DigestMissing)?,
                now,
                ttl: self.policy.presign_ttl,
            };
            UploadSteps::Single(self.storage.presign_upload(terms).await?)
        };
        Ok(PresignedAsset {
            asset_id: intent.asset_id,
            address: intent.address.clone(),
            upload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> PresignRequest {
        PresignRequest::new(ContentFacts {
            filename: Filename::parse("a.jpg").unwrap(),
            content_type: ContentType::octet_stream(),
            size_bytes: ByteSize::parse(1).unwrap(),
            sha256: Sha256Digest::of(b"a"),
        })
    }

    #[test]
    fn requests_have_one_digest_exactly_where_they_are_equal() {
        assert_eq!(request().digest(), request().digest());
        // a catalogue keeps it, so it never changes: printf '{"v":1,…}' | sha256sum
        assert_eq!(
            request().digest().to_string(),
            "71d2d8a029cd7e0a76bd05076b63ef5c30294a62bfcc01ddc1f6c1e9b49ab1e1"
        );
        let stated = request().with_if_registered(IfRegistered::Create);
        assert_eq!(stated.digest(), request().digest());
        let mut others = [(); 6].map(|()| request());
        others[0].facts.filename = Filename::parse("A.jpg").unwrap();
        others[1].facts.content_type = ContentType::parse("Application/octet-stream").unwrap();
        others[2].facts.size_bytes = ByteSize::parse(2).unwrap();
        others[3].facts.sha256 = Some(Sha256Digest::of(b"b"));
        others[4].if_registered = IfRegistered::Return;
        others[5].multipart = true;
        for other in others {
            assert_ne!(other.digest(), request().digest(), "{other:?}");
        }
    }
}

use super::{
    RawStorageService, RegisterError, Registered,
    mismatch::{StoreProof, mismatches},
};
use crate::{
    asset::{
        AssetId, DeclaredFacts, Integrity, IntegrityLevel, ObjectAddress, ObjectKey, Provenance,
        RawAsset, RawAssetParts, Sha256Digest, UploadIntent,
    },
    event::{EventBody, RequestContext},
    ports::{
        CompositeDigest, HashOutcome, NewAsset, NewImport, PinnedObject, RegisterOutcome,
        StoredObject, Urgency, WorkProgress,
    },
    tenancy::WriteAccess,
};

/// How the bytes came to the address of an import, and so what is still to be proved of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredContent {
    /// They were hashed while this process wrote them, by one request. Where the store does not
    /// enforce digests, they are read again.
    WrittenWhole,
    /// They were hashed while this process wrote them, in parts. Where the store does not enforce
    /// the digests of parts, they are read again.
    WrittenInParts(CompositeDigest),
    /// They were there: of an earlier attempt, or of somebody else. They are read and hashed.
    Found,
}

/// An object that was imported and is to be registered.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedAsset {
    /// Its intent, of [`RawStorageService::import_intent`].
    pub intent: UploadIntent,
    /// The digest of the source.
    pub sha256: Sha256Digest,
    /// How its bytes came here.
    pub content: StoredContent,
    /// Where it came from, and how it may be used.
    pub provenance: Provenance,
}

impl RawStorageService {
    /// Returns the intent of an import: where the object belongs, and what must be there.
    #[must_use]
    pub fn import_intent(
        &self,
        access: &WriteAccess,
        asset_id: AssetId,
        facts: DeclaredFacts,
    ) -> UploadIntent {
        let now = self.clock.now();
        UploadIntent {
            asset_id,
            scope: access.scope().clone(),
            address: ObjectAddress {
                bucket: self.storage.bucket().clone(),
                key: ObjectKey::for_asset(access.scope(), asset_id, &facts.filename),
            },
            facts,
            multipart: None,
            requested_by: access.user().clone(),
            requested_at: now,
            ends_at: now.saturating_add(self.policy.intent_ttl),
        }
    }

    /// Registers an imported object: compares what the store has at its address with the intent, and
    /// writes intent, record and the event of the registration together. Nothing was presigned, so
    /// there is no event of that.
    ///
    /// The same import again returns the existing record.
    ///
    /// # Errors
    /// See [`RegisterError`]; in every case this call wrote nothing.
    pub async fn register_import(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        imported: ImportedAsset,
    ) -> Result<Registered, RegisterError> {
        let ImportedAsset {
            mut intent,
            sha256,
            content,
            provenance,
        } = imported;
        if provenance
            .captured_at
            .is_some_and(|captured| captured.is_ahead_of(self.clock.now()))
        {
            return Err(RegisterError::CapturedInFuture);
        }
        intent.facts.sha256 = Some(sha256);
        let stored = self.look(&intent).await?;
        self.check_imported(&intent, &stored, sha256, content)
            .await?;
        let provenance_digest = provenance.digest();
        let asset = RawAsset::from_parts(RawAssetParts {
            asset_id: intent.asset_id,
            scope: intent.scope.clone(),
            address: intent.address.clone(),
            facts: intent.facts.clone().with_sha256(sha256),
            provenance,
            imported_at: self.clock.now(),
            registered_by: access.user().clone(),
            integrity: Integrity {
                level: IntegrityLevel::StreamSha256,
                version_id: stored.version_id,
                etag: stored.etag,
                parts: None,
            },
        });
        let event = EventBody::registered(&asset, context);
        let new = NewAsset {
            asset: asset.clone(),
            provenance_digest,
            event,
        };
        match self
            .catalog
            .record_import(NewImport { intent, new })
            .await?
        {
            RegisterOutcome::Registered => Ok(Registered {
                asset,
                created: true,
            }),
            RegisterOutcome::AlreadyRegistered { asset, .. } => Ok(Registered {
                asset: *asset,
                created: false,
            }),
            RegisterOutcome::UnknownParents(positions) => {
                Err(RegisterError::UnknownParents { positions })
            }
            RegisterOutcome::UnknownIntent => Err(RegisterError::AssetNotFound),
            RegisterOutcome::Aborted => Err(RegisterError::UploadAborted),
        }
    }

    /// Compares what the store has with the intent, and reads it where this process has not written
    /// it.
    async fn check_imported(
        &self,
        intent: &UploadIntent,
        stored: &StoredObject,
        sha256: Sha256Digest,
        content: StoredContent,
    ) -> Result<(), RegisterError> {
        let capabilities = self.storage.capabilities();
        let proof = match content {
            StoredContent::WrittenWhole if capabilities.enforces_sha256 => {
                Some(StoreProof::Whole(sha256))
            }
            StoredContent::WrittenInParts(composite) if capabilities.proves_parts => {
                Some(StoreProof::Composite(composite))
            }
            _ => None,
        };
        let mut differing = mismatches(intent, stored, proof, capabilities);
        if differing.is_empty() && proof.is_none() {
            let object = PinnedObject::of(intent, stored);
            match self.worker.digest(object, Urgency::Awaited).await? {
                WorkProgress::Done(HashOutcome::Hashed(found)) if found == sha256 => {}
                WorkProgress::Done(HashOutcome::Gone) => {
                    return Err(RegisterError::ObjectNotUploaded);
                }
                WorkProgress::Done(_) => differing.push(super::Mismatch::Sha256),
                WorkProgress::Pending => {
                    return Err(RegisterError::pending(intent.facts.size_bytes));
                }
            }
        }
        if differing.is_empty() {
            Ok(())
        } else {
            Err(RegisterError::ObjectMismatch {
                mismatches: differing,
            })
        }
    }
}

use crate::{
    asset::{ContentType, Integrity, IntegrityLevel, UploadIntent},
    ports::{StoreCapabilities, StoredObject},
};

/// One way in which an object is not what was promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// Its length differs.
    Size,
    /// Its SHA-256 differs, or the store has none of it.
    Sha256,
    /// Its media type differs.
    ContentType,
    /// Its user metadata is not exactly what the upload was signed with.
    UserMetadata,
    /// It carries a header that no signed upload has.
    ForeignHeader(&'static str),
}

/// Compares what the store holds with what was promised, and states the proof.
///
/// Believes the store's digest: callers must have seen that the store enforces it.
pub(super) fn verify(
    intent: &UploadIntent,
    stored: &StoredObject,
    capabilities: StoreCapabilities,
) -> Result<Integrity, Vec<Mismatch>> {
    let mut mismatches = Vec::new();
    if stored.size_bytes != intent.facts.size_bytes.get() {
        mismatches.push(Mismatch::Size);
    }
    if stored.sha256 != Some(intent.facts.sha256) {
        mismatches.push(Mismatch::Sha256);
    }
    let promised_type = intent.facts.content_type.as_str();
    let type_is_compared =
        capabilities.keeps_octet_stream || promised_type != ContentType::OCTET_STREAM;
    if type_is_compared && stored.content_type.as_deref() != Some(promised_type) {
        mismatches.push(Mismatch::ContentType);
    }
    let promised_metadata = intent.object_metadata();
    let metadata_is_promised = stored.user_metadata.len() == promised_metadata.len()
        && promised_metadata
            .iter()
            .all(|(name, value)| stored.user_metadata.get(*name) == Some(value));
    if !metadata_is_promised {
        mismatches.push(Mismatch::UserMetadata);
    }
    mismatches.extend(
        stored
            .foreign_headers
            .iter()
            .copied()
            .map(Mismatch::ForeignHeader),
    );
    if mismatches.is_empty() {
        Ok(Integrity {
            level: IntegrityLevel::S3Sha256,
            version_id: stored.version_id.clone(),
            etag: stored.etag.clone(),
        })
    } else {
        Err(mismatches)
    }
}

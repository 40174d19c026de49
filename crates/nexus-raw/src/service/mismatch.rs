use std::fmt;

use crate::{
    asset::{ContentType, IntegrityLevel, Sha256Digest, UploadIntent},
    ports::{CompositeDigest, StoreCapabilities, StoredObject},
};

/// One way in which an object is not what was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// Its length differs.
    Size,
    /// Its SHA-256 differs, or a store whose digests are a proof has none of it.
    Sha256,
    /// Its media type differs.
    ContentType,
    /// Its user metadata is not exactly what the upload was signed with.
    UserMetadata,
    /// It carries a header that no signed upload has.
    ForeignHeader(&'static str),
}

impl fmt::Display for Mismatch {
    /// What differs, by the name that the fact has in a record.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size => out.write_str("size_bytes"),
            Self::Sha256 => out.write_str("sha256"),
            Self::ContentType => out.write_str("content_type"),
            Self::UserMetadata => out.write_str("user metadata"),
            Self::ForeignHeader(name) => write!(out, "header {name}"),
        }
    }
}

/// All that differs, in one text.
pub(super) fn named(mismatches: &[Mismatch]) -> String {
    let names: Vec<String> = mismatches.iter().map(Mismatch::to_string).collect();
    names.join(", ")
}

/// What a store must report of an object whose digest it has enforced.
#[derive(Debug, Clone, Copy)]
pub(super) enum StoreProof {
    /// The digest of the whole.
    Whole(Sha256Digest),
    /// The composite digest of its parts.
    Composite(CompositeDigest),
}

impl StoreProof {
    pub(super) fn level(self) -> IntegrityLevel {
        match self {
            Self::Whole(_) => IntegrityLevel::S3Sha256,
            Self::Composite(_) => IntegrityLevel::S3CompositeSha256,
        }
    }

    fn is_of(self, stored: &StoredObject) -> bool {
        match self {
            Self::Whole(sha256) => stored.sha256 == Some(sha256),
            Self::Composite(composite) => stored.composite == Some(composite),
        }
    }
}

/// Returns the differences between what the store reports of an object and what was declared. The
/// digest counts only where it is a proof; any other digest is ignored.
pub(super) fn mismatches(
    intent: &UploadIntent,
    stored: &StoredObject,
    proof: Option<StoreProof>,
    capabilities: StoreCapabilities,
) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    if stored.size_bytes != intent.facts.size_bytes.get() {
        mismatches.push(Mismatch::Size);
    }
    if proof.is_some_and(|proof| !proof.is_of(stored)) {
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
    mismatches
}

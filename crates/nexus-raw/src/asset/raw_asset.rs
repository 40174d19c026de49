use serde::{Deserialize, Deserializer, Serialize, ser::SerializeStruct};

use super::{
    AssetId, ByteSize, CaptureLocation, CapturedAt, ContentType, Filename, Labels, Lineage,
    ObjectAddress, PiiFlags, Provenance, Sha256Digest,
};
use crate::{
    tenancy::{Environment, Scope, TenantId, UserId},
    time::Timestamp,
};

/// What a caller declared of an asset's content, and the signature bound the upload to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentFacts<D = Sha256Digest> {
    /// The file's name.
    pub filename: Filename,
    /// The media type.
    pub content_type: ContentType,
    /// The length.
    pub size_bytes: ByteSize,
    /// The digest of the whole content.
    pub sha256: D,
}

/// What is declared of a content before its upload. An upload in parts can begin before the digest
/// of the whole is known.
pub type DeclaredFacts = ContentFacts<Option<Sha256Digest>>;

impl<D> ContentFacts<D> {
    /// The same facts with this digest.
    #[must_use]
    pub fn with_sha256<E>(self, sha256: E) -> ContentFacts<E> {
        ContentFacts {
            filename: self.filename,
            content_type: self.content_type,
            size_bytes: self.size_bytes,
            sha256,
        }
    }
}

impl From<ContentFacts> for DeclaredFacts {
    fn from(facts: ContentFacts) -> Self {
        let sha256 = Some(facts.sha256);
        facts.with_sha256(sha256)
    }
}

/// How the content was proved to be the declared bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IntegrityLevel {
    /// The store checked the SHA-256 at upload, and was seen to refuse wrong bytes.
    #[serde(rename = "s3_sha256")]
    S3Sha256,
    /// The service read the object and hashed it.
    #[serde(rename = "stream_sha256")]
    StreamSha256,
    /// The store checked the SHA-256 of each part and of all these digests, and was seen to refuse
    /// wrong ones. The digest of the whole is what the caller stated.
    #[serde(rename = "s3_composite_sha256")]
    S3CompositeSha256,
}

impl IntegrityLevel {
    /// The level's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S3Sha256 => "s3_sha256",
            Self::StreamSha256 => "stream_sha256",
            Self::S3CompositeSha256 => "s3_composite_sha256",
        }
    }

    /// The level of this exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::S3Sha256, Self::StreamSha256, Self::S3CompositeSha256]
            .into_iter()
            .find(|level| level.as_str() == name)
    }
}

/// The proof of an asset's content, pinned to one version of the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integrity {
    /// How it was proved.
    pub level: IntegrityLevel,
    /// The version that was proved, where the bucket is versioned.
    pub version_id: Option<String>,
    /// The entity tag of what was proved, without its quotes.
    pub etag: String,
    /// Of how many parts it was uploaded, where it was uploaded in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<u16>,
}

/// Everything a [`RawAsset`] is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct RawAssetParts {
    /// Its identifier.
    pub asset_id: AssetId,
    /// Whose it is.
    pub scope: Scope,
    /// Where its object is.
    pub address: ObjectAddress,
    /// What its content was proved to be.
    pub facts: ContentFacts,
    /// What the caller stated of it.
    pub provenance: Provenance,
    /// When it was registered, by the service's clock.
    pub imported_at: Timestamp,
    /// Who registered it.
    pub registered_by: UserId,
    /// How its content was proved.
    pub integrity: Integrity,
}

/// A registered asset. It never changes: there is no way to alter one.
///
/// Its serde form is the record of the wire, in which capture times are in UTC. Unknown members of
/// the record itself are ignored when it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct RawAsset(RawAssetParts);

impl RawAsset {
    /// Puts a record together: at registration, or from where a catalogue keeps it.
    #[must_use]
    pub fn from_parts(parts: RawAssetParts) -> Self {
        Self(parts)
    }

    /// The SHA-256 of the record's bytes on the wire, which is not that of its content.
    #[must_use]
    pub fn record_sha256(&self) -> Sha256Digest {
        // a record has no map with other keys than texts, and nothing is written that could fail
        Sha256Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// Returns its identifier.
    #[must_use]
    pub fn asset_id(&self) -> AssetId {
        self.0.asset_id
    }

    /// Returns the tenant and environment that it belongs to.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// Returns the address of its object.
    #[must_use]
    pub fn address(&self) -> &ObjectAddress {
        &self.0.address
    }

    /// Returns what its content was proved to be.
    #[must_use]
    pub fn facts(&self) -> &ContentFacts {
        &self.0.facts
    }

    /// Returns what the caller stated at registration.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.0.provenance
    }

    /// Returns the time of its registration, by the service's clock.
    #[must_use]
    pub fn imported_at(&self) -> Timestamp {
        self.0.imported_at
    }

    /// Returns the user who registered it.
    #[must_use]
    pub fn registered_by(&self) -> &UserId {
        &self.0.registered_by
    }

    /// Returns the proof of its content.
    #[must_use]
    pub fn integrity(&self) -> &Integrity {
        &self.0.integrity
    }
}

impl Serialize for RawAsset {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let RawAssetParts {
            asset_id,
            scope,
            address,
            facts,
            provenance,
            imported_at,
            registered_by,
            integrity,
        } = &self.0;
        let mut record = to.serialize_struct("RawAsset", 17)?;
        record.serialize_field("asset_id", asset_id)?;
        record.serialize_field("tenant_id", &scope.tenant)?;
        record.serialize_field("env", &scope.environment)?;
        record.serialize_field("uri", address)?;
        record.serialize_field("filename", &facts.filename)?;
        record.serialize_field("sha256", &facts.sha256)?;
        record.serialize_field("size_bytes", &facts.size_bytes)?;
        record.serialize_field("content_type", &facts.content_type)?;
        record.serialize_field("captured_at", &provenance.captured_at)?;
        record.serialize_field("imported_at", imported_at)?;
        record.serialize_field("capture_location", &provenance.capture_location)?;
        record.serialize_field("lineage", &provenance.lineage)?;
        record.serialize_field("pii_flags", &provenance.pii_flags)?;
        record.serialize_field("train_ok", &provenance.train_ok)?;
        record.serialize_field("labels", &provenance.labels)?;
        record.serialize_field("registered_by", registered_by)?;
        record.serialize_field("integrity", integrity)?;
        record.end()
    }
}

impl<'de> Deserialize<'de> for RawAsset {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Record {
            asset_id: AssetId,
            tenant_id: TenantId,
            env: Environment,
            uri: ObjectAddress,
            filename: Filename,
            sha256: Sha256Digest,
            size_bytes: ByteSize,
            content_type: ContentType,
            captured_at: Option<CapturedAt>,
            imported_at: Timestamp,
            capture_location: Option<CaptureLocation>,
            lineage: Lineage,
            pii_flags: PiiFlags,
            train_ok: bool,
            labels: Labels,
            registered_by: UserId,
            integrity: Integrity,
        }
        let it = Record::deserialize(from)?;
        Ok(Self(RawAssetParts {
            asset_id: it.asset_id,
            scope: Scope {
                tenant: it.tenant_id,
                environment: it.env,
            },
            address: it.uri,
            facts: ContentFacts {
                filename: it.filename,
                content_type: it.content_type,
                size_bytes: it.size_bytes,
                sha256: it.sha256,
            },
            provenance: Provenance {
                captured_at: it.captured_at,
                capture_location: it.capture_location,
                lineage: it.lineage,
                pii_flags: it.pii_flags,
                train_ok: it.train_ok,
                labels: it.labels,
            },
            imported_at: it.imported_at,
            registered_by: it.registered_by,
            integrity: it.integrity,
        }))
    }
}

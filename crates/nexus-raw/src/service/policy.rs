use std::time::Duration;

use crate::asset::ByteSize;

/// What an installation allows of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadPolicy {
    /// How long an upload URL lives; whole seconds.
    pub presign_ttl: Duration,
    /// How long an intent is valid; never shorter than `presign_ttl`.
    pub intent_ttl: Duration,
    /// The largest asset.
    pub max_object_bytes: ByteSize,
    /// The largest object that a registration waits for while the service hashes it, where the
    /// store's own digests are no proof.
    pub sync_hash_max_bytes: ByteSize,
    /// The size of the parts of an upload in parts, doubled where there would be more than 10,000.
    /// Stores refuse parts below a size of their own; S3 below 5 MiB.
    pub part_size_bytes: ByteSize,
}

impl Default for UploadPolicy {
    /// URLs of 15 minutes, intents of a day, assets of up to 5 GiB, parts of 8 MiB; no object is too
    /// large to wait for.
    fn default() -> Self {
        Self {
            presign_ttl: Duration::from_mins(15),
            intent_ttl: Duration::from_hours(24),
            max_object_bytes: ByteSize::MAX_SINGLE_PUT,
            sync_hash_max_bytes: ByteSize::MAX_SINGLE_PUT,
            part_size_bytes: ByteSize::PART,
        }
    }
}

impl UploadPolicy {
    /// Sets how long an upload URL lives, in whole seconds.
    #[must_use]
    pub fn with_presign_ttl(self, presign_ttl: Duration) -> Self {
        Self {
            presign_ttl,
            ..self
        }
    }

    /// Sets how long an intent is valid; never shorter than an upload URL lives.
    #[must_use]
    pub fn with_intent_ttl(self, intent_ttl: Duration) -> Self {
        Self { intent_ttl, ..self }
    }

    /// Sets the size of the largest asset.
    #[must_use]
    pub fn with_max_object_bytes(self, max_object_bytes: ByteSize) -> Self {
        Self {
            max_object_bytes,
            ..self
        }
    }

    /// Sets the size of the parts of an upload in parts.
    #[must_use]
    pub fn with_part_size_bytes(self, part_size_bytes: ByteSize) -> Self {
        Self {
            part_size_bytes,
            ..self
        }
    }

    /// Sets the size of the largest object that a registration waits for while the service hashes
    /// it.
    #[must_use]
    pub fn with_sync_hash_max_bytes(self, sync_hash_max_bytes: ByteSize) -> Self {
        Self {
            sync_hash_max_bytes,
            ..self
        }
    }
}

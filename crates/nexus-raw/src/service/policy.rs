use std::time::Duration;

use crate::asset::ByteSize;

/// What an installation allows of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadPolicy {
    /// How long an upload URL lives; whole seconds.
    pub presign_ttl: Duration,
    /// How long an intent stands; never shorter than `presign_ttl`.
    pub intent_ttl: Duration,
    /// The largest asset.
    pub max_object_bytes: ByteSize,
    /// The largest object that a registration waits for while the service hashes it, where the
    /// store's own digests are no proof.
    pub sync_hash_max_bytes: ByteSize,
}

impl Default for UploadPolicy {
    /// URLs of 15 minutes, intents of a day, assets of up to 5 GiB; no object is too large to
    /// wait for.
    fn default() -> Self {
        Self {
            presign_ttl: Duration::from_mins(15),
            intent_ttl: Duration::from_hours(24),
            max_object_bytes: ByteSize::MAX_SINGLE_PUT,
            sync_hash_max_bytes: ByteSize::MAX_SINGLE_PUT,
        }
    }
}

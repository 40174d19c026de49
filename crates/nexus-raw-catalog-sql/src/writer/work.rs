//! Steps of those who work on objects.

use std::time::Duration;

use nexus_raw::{
    asset::{AssetId, Sha256Digest},
    ports::{PinnedObject, WorkClaim},
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

/// A worker's step on the object of an asset.
#[derive(Debug)]
pub(crate) struct WorkRequest {
    pub(crate) scope: Scope,
    pub(crate) asset_id: AssetId,
    pub(crate) step: WorkStep,
}

/// See [`WorkLedger`](nexus_raw::ports::WorkLedger), whose methods these are.
#[derive(Debug, Clone)]
pub(crate) enum WorkStep {
    Claim {
        purpose: WorkPurpose,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    },
    Renew {
        epoch: u64,
        now: Timestamp,
        ttl: Duration,
    },
    Record {
        object: ObjectTag,
        epoch: u64,
        digest: Sha256Digest,
    },
    Release {
        epoch: u64,
    },
}

/// What a claim is for.
#[derive(Debug, Clone)]
pub(crate) enum WorkPurpose {
    /// To hash this object.
    Hashing(ObjectTag),
    /// To complete or abort an upload.
    Upload,
    /// To verify a registered asset.
    Verification,
}

impl WorkPurpose {
    /// Returns what is to be hashed.
    pub(crate) fn hashing(&self) -> Option<&ObjectTag> {
        match self {
            Self::Hashing(object) => Some(object),
            Self::Upload | Self::Verification => None,
        }
    }

    /// Returns whether the asset must be registered; otherwise it must not be.
    pub(crate) fn is_of_record(&self) -> bool {
        matches!(self, Self::Verification)
    }
}

/// What tells an object from others at its address.
#[derive(Debug, Clone)]
pub(crate) struct ObjectTag {
    pub(crate) etag: String,
    pub(crate) version_id: Option<String>,
}

impl ObjectTag {
    pub(crate) fn of(object: &PinnedObject) -> Self {
        Self {
            etag: object.etag.clone(),
            version_id: object.version_id.clone(),
        }
    }
}

/// The outcome of a worker's step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkAnswer {
    Claim(WorkClaim),
    /// Whether the claim was still valid and the step was done.
    Done(bool),
}

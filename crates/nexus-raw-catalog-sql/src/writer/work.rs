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
        /// What is to be hashed; `None` for a claim of an upload.
        hashing: Option<ObjectTag>,
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

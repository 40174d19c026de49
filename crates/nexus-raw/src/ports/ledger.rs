use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{CatalogError, Lease, OpenUpload, PinnedObject};
use crate::{
    asset::{AssetId, Sha256Digest},
    tenancy::Scope,
    time::Timestamp,
};

/// What came of asking for the right to work on an asset's object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkClaim {
    /// It is the caller's until the lease ends, and longer where it is renewed.
    Taken(Lease),
    /// Somebody has it, until then at least.
    Held {
        /// When it is free unless it is renewed.
        until: Timestamp,
    },
    /// Exactly this object was hashed before.
    Known(Sha256Digest),
    /// There is nothing to do: its upload was aborted, there is no intent of it in this scope, or
    /// it is registered; for a verification, it is not registered.
    Closed,
}

/// Claims on the work on objects, and the digests that come of hashing. Each object is read once:
/// for any number of callers, in any of several processes, and across restarts.
///
/// Implemented by what implements [`AssetCatalog`](super::AssetCatalog); called by what
/// implements [`ObjectWorker`](super::ObjectWorker). What must hold:
///
/// - Per asset one claim is valid at a time, whatever it is for. Each has an epoch above all earlier ones of its
///   asset; only under the last one is anything renewed, recorded or given back.
/// - A claim ends with its lease, so that a process that died keeps nobody waiting for long. An
///   implementation that only one process can have open ends all claims when it is opened.
/// - A digest is of one object: scope, asset, entity tag and version. Of another object at the
///   same address nothing is known by it.
/// - What a method has answered is durable.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WorkLedger: std::fmt::Debug + Send + Sync + 'static {
    /// The digest that was recorded of exactly this object; `None` when there is none.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn known_digest(
        &self,
        object: &PinnedObject,
    ) -> Result<Option<Sha256Digest>, CatalogError>;

    /// Claims the hashing of this object until `now + ttl`. Also the owner of the last claim
    /// waits for its end.
    ///
    /// # Errors
    /// When the catalogue cannot answer; it is then not known whether the claim was made.
    async fn claim_hashing(
        &self,
        object: &PinnedObject,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<WorkClaim, CatalogError>;

    /// Claims the completion or the abort of an upload until `now + ttl`; nothing is known of it
    /// before. Also the owner of the last claim waits for its end.
    ///
    /// # Errors
    /// When the catalogue cannot answer; it is then not known whether the claim was made.
    async fn claim_upload(
        &self,
        upload: &OpenUpload,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<WorkClaim, CatalogError>;

    /// Claims the verification of a registered asset until `now + ttl`;
    /// [`WorkClaim::Closed`] where it is not registered. Also the owner of the last claim waits for
    /// its end.
    ///
    /// # Errors
    /// When the catalogue cannot answer; it is then not known whether the claim was made.
    async fn claim_verification(
        &self,
        scope: &Scope,
        asset: AssetId,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<WorkClaim, CatalogError>;

    /// Has the claim of this epoch last until `now + ttl`. `false`, and nothing done, when it is
    /// not the last one or was given back. One that ended and that nobody took over goes on.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn renew_work(
        &self,
        scope: &Scope,
        asset: AssetId,
        epoch: u64,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<bool, CatalogError>;

    /// Records the digest of this object in place of what was recorded for its asset before, and
    /// gives the claim back, in one transaction. `false`, and nothing done, when `epoch` is not
    /// that of a valid claim.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn record_digest(
        &self,
        object: &PinnedObject,
        epoch: u64,
        digest: Sha256Digest,
    ) -> Result<bool, CatalogError>;

    /// Releases the claim, so that the next caller has it at once. `false`, and nothing done,
    /// when `epoch` is not that of a valid claim.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn release_work(
        &self,
        scope: &Scope,
        asset: AssetId,
        epoch: u64,
    ) -> Result<bool, CatalogError>;
}

//! Which registered assets to read again next.

use async_trait::async_trait;

use super::CatalogError;
use crate::{
    asset::{AssetId, ByteSize},
    tenancy::{Scope, TenantId},
    time::Timestamp,
};

/// A scope and the number of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeRecords {
    /// The tenant and environment.
    pub scope: Scope,
    /// How many assets are registered in it.
    pub registered: u64,
}

/// A place in the order of a scope's [`UnverifiedAsset`]s. The smallest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnverifiedPlace {
    /// When the asset was last verified; if never, when it was registered.
    pub since: Timestamp,
    /// The sequence of its registration.
    pub sequence: u64,
}

/// A registered asset that was not read for some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnverifiedAsset {
    /// The asset.
    pub asset_id: AssetId,
    /// Its place in the order.
    pub place: UnverifiedPlace,
    /// The length of its object, by the record.
    pub size_bytes: ByteSize,
}

/// The registered assets in the order in which their objects are to be read again: those that were
/// not verified for longest first. An asset that was never read again counts from its registration,
/// which has verified it.
///
/// Implemented by what implements [`AssetCatalog`](super::AssetCatalog); called by
/// `nexus-raw-upkeep` and for the metrics. It is for those who run the service: it knows no user and
/// returns any scope. A page costs in proportion to its limit, however many assets there are.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait VerificationBacklog: std::fmt::Debug + Send + Sync + 'static {
    /// Up to `limit` scopes after this one, of one tenant or of all, by tenant and environment.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn scopes_with_records(
        &self,
        tenant: Option<TenantId>,
        after: Option<Scope>,
        limit: u32,
    ) -> Result<Vec<ScopeRecords>, CatalogError>;

    /// Up to `limit` assets of a scope at places above `after`, in their order, of those that were
    /// last verified before `before`.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn unverified(
        &self,
        scope: &Scope,
        before: Timestamp,
        after: Option<UnverifiedPlace>,
        limit: u32,
    ) -> Result<Vec<UnverifiedAsset>, CatalogError>;
}

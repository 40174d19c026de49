//! What a bucket and a catalogue hold as wholes, to be compared with each other.

use std::fmt;

use async_trait::async_trait;

use super::{BoxError, CatalogError, IntentState, StoredObject};
use crate::{
    asset::{AssetId, DeclaredPart},
    tenancy::{Scope, TenantId},
    time::Timestamp,
};

/// The error of a [`BucketInventory`] or an [`ObjectListing`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// There was no clear answer. Nothing is known; the caller may retry.
    #[error("the object store is unavailable")]
    Unavailable(#[source] BoxError),
    /// The store refuses the request: a permission must be granted first.
    #[error("the object store refuses: allow {right}")]
    Denied {
        /// The permission, as policies name it.
        right: &'static str,
        /// The refusal.
        source: BoxError,
    },
    /// The store does not give this object, one in an archive for instance, and a retry does not help.
    #[error("the object store does not give the object")]
    Unreadable(#[source] BoxError),
    /// The list cannot be read, and a retry does not help.
    #[error("the list of objects is unusable")]
    Unusable(#[source] BoxError),
}

/// Where the next page of a list begins, as its lister names it. It may be kept in a file: it is no
/// secret, and means the same to another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(String);

impl PageToken {
    /// Takes a lister's text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PageToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A page of a list. Nothing is promised: an item may come twice, late, in any order, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryPage<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<PageToken>,
}

/// A version of an object, or a delete marker, as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// The key, which may be of any form.
    pub key: String,
    /// The version, where the bucket is versioned.
    pub version_id: Option<String>,
    /// Whether it is a delete marker.
    pub is_delete_marker: bool,
}

/// An open upload in parts, as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedMultipart {
    /// The key, which may be of any form.
    pub key: String,
    /// The store's id of the upload.
    pub upload_id: String,
}

/// A list of the versions of all objects: by the store's own requests, or from a file that it wrote.
#[async_trait]
pub trait ObjectListing: fmt::Debug + Send + Sync {
    /// The list has every object that was there at this time; `None` if each page is of the time of its
    /// request.
    fn complete_until(&self) -> Option<Timestamp>;

    /// A page of the versions and delete markers of keys that begin with `prefix`.
    ///
    /// # Errors
    /// See [`InventoryError`].
    async fn versions(
        &self,
        prefix: &str,
        after: Option<&PageToken>,
    ) -> Result<InventoryPage<ListedVersion>, InventoryError>;
}

/// The bucket, as far as it must be read to be compared with the catalogue. Nothing is written.
///
/// Implemented by `S3BucketInventory` and the fake of `nexus-raw-testkit`; called by
/// `nexus-raw-upkeep`.
#[async_trait]
pub trait BucketInventory: fmt::Debug + Send + Sync {
    /// A page of the open uploads in parts at keys that begin with `prefix`.
    ///
    /// # Errors
    /// See [`InventoryError`].
    async fn multiparts(
        &self,
        prefix: &str,
        after: Option<&PageToken>,
    ) -> Result<InventoryPage<ListedMultipart>, InventoryError>;

    /// Whether an upload in parts is open now.
    ///
    /// # Errors
    /// See [`InventoryError`].
    async fn is_open(&self, upload: &ListedMultipart) -> Result<bool, InventoryError>;

    /// The object at a key now, or one version of it; `null` names the version without an id. A
    /// delete marker is none.
    ///
    /// # Errors
    /// See [`InventoryError`].
    async fn object(
        &self,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<Option<StoredObject>, InventoryError>;

    /// Whether the store returns `application/octet-stream` for what was uploaded as such, see
    /// [`StoreCapabilities`](super::StoreCapabilities); `false` where that is not known.
    ///
    /// # Errors
    /// See [`InventoryError`].
    async fn keeps_octet_stream(&self) -> Result<bool, InventoryError>;
}

/// The catalogue, as far as it must be read to be compared with the bucket. It is for those who run
/// the service: it knows no user and returns any scope. Nothing is written.
///
/// Implemented by `SqlAssetCatalog` and the fake of `nexus-raw-testkit`; called by
/// `nexus-raw-upkeep`.
#[async_trait]
pub trait CatalogInventory: fmt::Debug + Send + Sync {
    /// Up to `limit` scopes after this one, of one tenant or of all, by tenant and environment.
    ///
    /// # Errors
    /// If the catalogue does not respond.
    async fn scopes(
        &self,
        tenant: Option<&TenantId>,
        after: Option<&Scope>,
        limit: u32,
    ) -> Result<Vec<Scope>, CatalogError>;

    /// Up to `limit` intents of a scope with an asset id above `after`, with their states, by asset
    /// id. Those that were [closed](super::IntentClosing) are left out: of them there was no object.
    ///
    /// # Errors
    /// If the catalogue does not respond.
    async fn intents(
        &self,
        scope: &Scope,
        after: Option<AssetId>,
        limit: u32,
    ) -> Result<Vec<IntentState>, CatalogError>;

    /// The intent of an asset, closed or not; `None` if the scope has none.
    ///
    /// # Errors
    /// If the catalogue does not respond.
    async fn intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError>;

    /// All declared parts of an upload, ascending.
    ///
    /// # Errors
    /// If the catalogue does not respond.
    async fn parts(&self, scope: &Scope, asset: AssetId)
    -> Result<Vec<DeclaredPart>, CatalogError>;
}

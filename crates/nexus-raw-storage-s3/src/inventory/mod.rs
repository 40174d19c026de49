//! The bucket as a whole, for those who run the service.

mod list;
mod list_fault;
mod lookup;
mod page_place;
mod pages;
mod url_encoded;

pub(crate) use self::{
    list_fault::ListFault,
    pages::{ListRequest, VersionsPage},
};

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use nexus_raw::{
    ports::{
        BucketInventory, Clock, InventoryError, InventoryPage, ListedMultipart, ListedVersion,
        ObjectListing, PageToken, StoredObject,
    },
    time::Timestamp,
};

use crate::{
    connect::{ConnectError, connect},
    deadlines::Deadlines,
    failure::RequestFailure,
    settings::S3Settings,
    store::Store,
};

/// The [`BucketInventory`] and [`ObjectListing`] of an S3 bucket. It only reads: the bucket is not
/// probed. Nobody waits for its requests, so they may take longer than those of the service.
///
/// Versions are listed where the store can list them, and otherwise objects.
pub struct S3BucketInventory {
    store: Arc<Store>,
}

impl S3BucketInventory {
    /// Loads credentials; sends nothing to the store. Must be called within the tokio runtime in
    /// which the inventory will be used.
    ///
    /// # Errors
    /// When no credentials are available, or the settings are not a valid address.
    pub async fn connect(
        settings: S3Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        let store = connect(settings, clock, Deadlines::default().unhurried()).await?;
        Ok(Self::of(store))
    }

    pub(crate) fn of(store: Arc<Store>) -> Self {
        Self { store }
    }
}

impl fmt::Debug for S3BucketInventory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("S3BucketInventory")
            .field("bucket", self.store.bucket())
            .finish_non_exhaustive()
    }
}

/// Names the permission that is missing, if that is what the store says.
pub(crate) fn refused(failure: RequestFailure, right: &'static str) -> InventoryError {
    // a response to HEAD has no code
    let is_denied = matches!(failure.code(), None | Some("AccessDenied"));
    if failure.status() == Some(403) && is_denied {
        let source = Box::new(failure);
        InventoryError::Denied { right, source }
    } else {
        InventoryError::Unavailable(Box::new(failure))
    }
}

#[async_trait]
impl ObjectListing for S3BucketInventory {
    fn complete_until(&self) -> Option<Timestamp> {
        None
    }

    async fn versions(
        &self,
        prefix: &str,
        after: Option<&PageToken>,
    ) -> Result<InventoryPage<ListedVersion>, InventoryError> {
        list::versions(&self.store, prefix, after).await
    }
}

#[async_trait]
impl BucketInventory for S3BucketInventory {
    async fn multiparts(
        &self,
        prefix: &str,
        after: Option<&PageToken>,
    ) -> Result<InventoryPage<ListedMultipart>, InventoryError> {
        list::multiparts(&self.store, prefix, after).await
    }

    async fn is_open(&self, upload: &ListedMultipart) -> Result<bool, InventoryError> {
        lookup::is_open(&self.store, upload).await
    }

    async fn object(
        &self,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<Option<StoredObject>, InventoryError> {
        lookup::object(&self.store, key, version_id).await
    }

    async fn keeps_octet_stream(&self) -> Result<bool, InventoryError> {
        lookup::keeps_octet_stream(&self.store).await
    }
}

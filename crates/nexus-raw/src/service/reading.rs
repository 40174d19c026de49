use super::{RawStorageService, ReadError};
use crate::{
    asset::AssetId,
    event::DatasetEvent,
    ports::{EventQuery, EventSelection, LineageGraph, LineageQuery, ListedAsset},
    tenancy::ReadAccess,
};

impl RawStorageService {
    /// The record of a registered asset, and what is in force of it.
    ///
    /// # Errors
    /// [`ReadError::AssetNotFound`] when the scope has none: absent, not registered and another
    /// scope's are not distinguished.
    pub async fn asset(
        &self,
        access: &ReadAccess,
        asset: AssetId,
    ) -> Result<ListedAsset, ReadError> {
        self.catalog
            .find_asset(access.scope(), asset)
            .await?
            .ok_or(ReadError::AssetNotFound)
    }

    /// [`InForce::train_ok_effective`](crate::asset::InForce::train_ok_effective) of a registered
    /// asset, for a caller who has its record already, which never changes.
    ///
    /// # Errors
    /// [`ReadError::AssetNotFound`] as of [`Self::asset`].
    pub async fn train_ok_effective(
        &self,
        access: &ReadAccess,
        asset: AssetId,
    ) -> Result<bool, ReadError> {
        let effective = self
            .catalog
            .train_ok_effective(access.scope(), asset)
            .await?;
        effective.ok_or(ReadError::AssetNotFound)
    }

    /// See [`AssetCatalog::consent_version`](crate::ports::AssetCatalog::consent_version).
    #[must_use]
    pub fn consent_version(&self, access: &ReadAccess) -> Option<u64> {
        self.catalog.consent_version(access.scope())
    }

    /// A part of the lineage of a registered asset.
    ///
    /// # Errors
    /// [`ReadError::AssetNotFound`] when the scope has no such asset.
    pub async fn lineage(
        &self,
        access: &ReadAccess,
        asset: AssetId,
        query: &LineageQuery,
    ) -> Result<LineageGraph, ReadError> {
        let graph = self.catalog.lineage(access.scope(), asset, query).await?;
        graph.ok_or(ReadError::AssetNotFound)
    }

    /// The events of the scope that the query selects, in order of sequence. A consumer that
    /// continues from the last sequence it was given misses none, and ends at an empty page.
    ///
    /// # Errors
    /// [`ReadError::AssetNotFound`] when the query names an asset that the scope does not have,
    /// presigned or registered.
    pub async fn events(
        &self,
        access: &ReadAccess,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, ReadError> {
        let scope = access.scope();
        let events = self.catalog.events(scope, query).await?;
        if let (EventSelection::OfAsset(asset), true) = (&query.selection, events.is_empty()) {
            // every intent has its presign event: none at all means no asset
            let is_absent =
                query.after == 0 || self.catalog.find_intent(scope, *asset).await?.is_none();
            if is_absent {
                return Err(ReadError::AssetNotFound);
            }
        }
        Ok(events)
    }
}

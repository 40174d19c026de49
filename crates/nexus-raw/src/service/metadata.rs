use super::{RawStorageService, ReadError};
use crate::{
    asset::{AssetId, RawAsset},
    event::DatasetEvent,
    tenancy::ReadAccess,
};

impl RawStorageService {
    /// The record of a registered asset.
    ///
    /// # Errors
    /// [`ReadError::AssetNotFound`] when the scope has none: absent, not registered and another
    /// scope's are not told apart.
    pub async fn metadata(
        &self,
        access: &ReadAccess,
        asset: AssetId,
    ) -> Result<RawAsset, ReadError> {
        self.catalog
            .find_asset(access.scope(), asset)
            .await?
            .ok_or(ReadError::AssetNotFound)
    }

    /// The events of an asset, from its presign on, whose sequence is above `after`, in order: the
    /// first `limit` of them, which is one at least. None where there is none above, so whoever
    /// goes on from the last sequence that it was given comes to the end.
    ///
    /// # Errors
    /// [`ReadError::AssetNotFound`] when the scope has no such asset, presigned or registered.
    pub async fn events(
        &self,
        access: &ReadAccess,
        asset: AssetId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, ReadError> {
        let scope = access.scope();
        let events = self.catalog.events_of(scope, asset, after, limit).await?;
        if events.is_empty() {
            // every intent has its presign event: none at all means no asset
            let is_absent = after == 0 || self.catalog.find_intent(scope, asset).await?.is_none();
            if is_absent {
                return Err(ReadError::AssetNotFound);
            }
        }
        Ok(events)
    }

    /// The events of the scope whose sequence is above `after`, in order: the first `limit` of
    /// them. A consumer that goes on from the last sequence it was given misses none.
    ///
    /// # Errors
    /// [`ReadError::Catalog`] when the catalogue gave no answer.
    pub async fn events_after(
        &self,
        access: &ReadAccess,
        after: u64,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, ReadError> {
        let events = self.catalog.events_after(access.scope(), after, limit);
        Ok(events.await?)
    }
}

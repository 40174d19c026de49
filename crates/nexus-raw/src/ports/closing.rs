//! The closing of intents whose end is over.

use std::fmt;

use async_trait::async_trait;

use super::CatalogError;
use crate::{asset::AssetId, tenancy::Scope, time::Timestamp};

/// The catalogue, as far as intents are closed that came to nothing. It is for those who run the
/// service: it knows no user and takes any scope.
///
/// Implemented by `SqlAssetCatalog` and the fake of `nexus-raw-testkit`; called by
/// `nexus-raw-upkeep`, once the bucket has shown that nothing was uploaded.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait IntentClosing: fmt::Debug + Send + Sync + 'static {
    /// Closes those of these intents that are pending and have ended at `now`, and returns their
    /// number. A closed intent is [pending](super::IntentState::Pending), and is registered all the
    /// same if its object arrived in time; but it is no longer counted as
    /// [open](super::CatalogTotals::open_intents), nor presigned or uploaded in parts.
    ///
    /// # Errors
    /// If the catalogue does not respond.
    async fn close_intents(
        &self,
        scope: &Scope,
        assets: &[AssetId],
        now: Timestamp,
    ) -> Result<u32, CatalogError>;
}

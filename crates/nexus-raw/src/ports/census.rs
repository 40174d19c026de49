use async_trait::async_trait;

use super::CatalogError;

/// What a catalogue holds, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CatalogTotals {
    /// The number of intents that are neither registered nor aborted, ended or not.
    pub open_intents: u64,
    /// The total of their declared bytes.
    pub open_bytes: u64,
    /// The number of registered assets whose latest verification found another content, or none.
    pub corrupt_assets: u64,
}

/// What a catalogue holds of all scopes together, in numbers: for those who run it.
///
/// Implemented by what implements [`AssetCatalog`](super::AssetCatalog); called by the app for its
/// metrics. It is apart from that port because it knows no scope: nothing of a single one is returned.
/// A call costs in proportion to the number of scopes, so it is made every few seconds at most.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CatalogCensus: std::fmt::Debug + Send + Sync + 'static {
    /// The totals of all scopes.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn totals(&self) -> Result<CatalogTotals, CatalogError>;
}

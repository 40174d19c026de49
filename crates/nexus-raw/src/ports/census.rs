use async_trait::async_trait;

use super::CatalogError;

/// The intents that are not registered, ended or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenIntents {
    /// How many there are.
    pub count: u64,
    /// The total of their declared bytes.
    pub bytes: u64,
}

/// What a catalogue holds of all scopes together, in numbers: for those who run it.
///
/// Implemented by what implements [`AssetCatalog`](super::AssetCatalog); called by the app for its
/// metrics. It is apart from that port because it knows no scope: nothing of a single one is returned.
/// A call costs in proportion to the number of scopes, so it is made every few seconds at most.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CatalogCensus: std::fmt::Debug + Send + Sync + 'static {
    /// The open intents of all scopes.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn open_intents(&self) -> Result<OpenIntents, CatalogError>;
}

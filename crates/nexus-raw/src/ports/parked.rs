use async_trait::async_trait;

use super::{CatalogError, ParkedEvent, SinkName};
use crate::{
    tenancy::{Environment, TenantId},
    time::Timestamp,
};

/// Which parked events are meant: all, but for what is said here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParkedFilter {
    /// Those of this sink.
    pub sink: Option<SinkName>,
    /// Those of this tenant.
    pub tenant: Option<TenantId>,
    /// Those of this environment.
    pub environment: Option<Environment>,
    /// The one in this place of its scope.
    pub sequence: Option<u64>,
}

/// A parked event, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// The sink that refused it.
    pub sink: SinkName,
    /// What was refused, why and when.
    pub parked: ParkedEvent,
    /// Whether it is to be tried again.
    pub retry_asked: bool,
}

/// The events that sinks refused for good, for the operators of the service.
///
/// Implemented by what implements [`EventOutbox`](super::EventOutbox), whose relay tries again
/// what is requested; called by the app's commands.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ParkedEvents: std::fmt::Debug + Send + Sync + 'static {
    /// Up to `limit` parked events, by sink, tenant, environment and sequence.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn parked(
        &self,
        filter: &ParkedFilter,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, CatalogError>;

    /// Has the relay retry these, beside new events; returns how many there are. Requested twice, an
    /// event is tried once.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn ask_retry(&self, filter: ParkedFilter, now: Timestamp) -> Result<u64, CatalogError>;
}

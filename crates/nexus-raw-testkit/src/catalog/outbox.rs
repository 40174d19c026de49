use std::time::Duration;

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{
        Backlog, CatalogError, EventOutbox, KeptEvent, Lease, ParkedEvents, ParkedFilter, Progress,
        SinkName,
    },
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::FakeCatalog;

#[async_trait]
impl EventOutbox for FakeCatalog {
    async fn lease(
        &self,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, CatalogError> {
        self.connect().await?;
        Ok(self.state().lease(owner, now, ttl))
    }

    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let limit = usize::try_from(limit).unwrap();
        self.read(|state| state.undelivered(sink, limit, held))
            .await
    }

    async fn advance(&self, progress: Progress) -> Result<bool, CatalogError> {
        self.connect().await?;
        Ok(self.state().advance(progress))
    }

    async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let limit = usize::try_from(limit).unwrap();
        self.read(|state| state.retries(sink, limit)).await
    }

    async fn oldest_undelivered(&self, sink: &SinkName) -> Result<Option<Timestamp>, CatalogError> {
        self.read(|state| state.oldest_undelivered(sink)).await
    }

    async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        self.read(|state| state.backlog(sink)).await
    }

    async fn committed(&self, patience: Duration) {
        // a timeout is no error: the caller polls
        let _ = tokio::time::timeout(patience, self.shared.committed.notified()).await;
    }
}

#[async_trait]
impl ParkedEvents for FakeCatalog {
    async fn parked(
        &self,
        filter: &ParkedFilter,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, CatalogError> {
        let limit = usize::try_from(limit).unwrap();
        self.read(|state| state.kept(filter, limit)).await
    }

    async fn ask_retry(&self, filter: ParkedFilter, _now: Timestamp) -> Result<u64, CatalogError> {
        self.connect().await?;
        let asked = self.state().ask_retry(&filter);
        // as after a commit: a relay may have work
        self.shared.committed.notify_waiters();
        Ok(asked)
    }
}

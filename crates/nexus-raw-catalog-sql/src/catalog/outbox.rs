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

use super::{SqlAssetCatalog, timely};
use crate::writer::{LeaseRequest, Message, RetryRequest};

#[async_trait]
impl EventOutbox for SqlAssetCatalog {
    async fn lease(
        &self,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, CatalogError> {
        let request = LeaseRequest { owner, now, ttl };
        self.writer.call(request, Message::Lease).await
    }

    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        timely(self.reader.undelivered(sink, limit, held)).await
    }

    async fn advance(&self, progress: Progress) -> Result<bool, CatalogError> {
        self.writer.call(progress, Message::Progress).await
    }

    async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        timely(self.reader.retries(sink, limit)).await
    }

    async fn oldest_undelivered(&self, sink: &SinkName) -> Result<Option<Timestamp>, CatalogError> {
        timely(self.reader.oldest_undelivered(sink)).await
    }

    async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        timely(self.reader.backlog(sink)).await
    }

    async fn committed(&self, patience: Duration) {
        self.writer.committed(patience).await;
    }
}

#[async_trait]
impl ParkedEvents for SqlAssetCatalog {
    async fn parked(
        &self,
        filter: &ParkedFilter,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, CatalogError> {
        timely(self.reader.parked(filter, limit)).await
    }

    async fn ask_retry(&self, filter: ParkedFilter, now: Timestamp) -> Result<u64, CatalogError> {
        let request = RetryRequest { filter, now };
        self.writer.call(request, Message::Retry).await
    }
}

use std::time::Duration;

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{
        Backlog, CatalogError, EventOutbox, KeptEvent, Lease, ParkedEvent, ParkedEvents,
        ParkedFilter, SinkName,
    },
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::{SqlAssetCatalog, timely};
use crate::writer::{LeaseRequest, Message, Progress, RetryRequest};

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

    async fn delivered(
        &self,
        sink: &SinkName,
        cursors: Vec<(Scope, u64)>,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let request = Progress {
            sink: sink.clone(),
            epoch,
            cursors,
            parked: None,
            retried: None,
        };
        self.writer.call(request, Message::Progress).await
    }

    async fn park(
        &self,
        sink: &SinkName,
        parked: ParkedEvent,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let request = Progress {
            sink: sink.clone(),
            epoch,
            cursors: vec![(parked.scope.clone(), parked.sequence)],
            parked: Some(parked),
            retried: None,
        };
        self.writer.call(request, Message::Progress).await
    }

    async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        timely(self.reader.retries(sink, limit)).await
    }

    async fn retried(
        &self,
        sink: &SinkName,
        scope: Scope,
        sequence: u64,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let request = Progress {
            sink: sink.clone(),
            epoch,
            cursors: Vec::new(),
            parked: None,
            retried: Some((scope, sequence)),
        };
        self.writer.call(request, Message::Progress).await
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

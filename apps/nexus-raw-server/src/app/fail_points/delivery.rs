use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{
        Backlog, CatalogError, DatasetEventSink, Delivery, EventOutbox, Lease, Progress,
        ProgressChange, SinkError, SinkName,
    },
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::{FailPoints, Point};

pub(super) struct SinkWithPoints {
    pub(super) inner: Arc<dyn DatasetEventSink>,
    pub(super) points: FailPoints,
}

#[async_trait]
impl DatasetEventSink for SinkWithPoints {
    fn name(&self) -> &SinkName {
        self.inner.name()
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        let delivered = self.inner.deliver(events).await;
        self.points.reached(Point::AfterPublish);
        delivered
    }
}

pub(super) struct OutboxWithPoints {
    pub(super) inner: Arc<dyn EventOutbox>,
    pub(super) points: FailPoints,
}

#[async_trait]
impl EventOutbox for OutboxWithPoints {
    async fn lease(
        &self,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, CatalogError> {
        self.inner.lease(owner, now, ttl).await
    }

    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        self.inner.undelivered(sink, limit, held).await
    }

    async fn advance(&self, progress: Progress) -> Result<bool, CatalogError> {
        let marks = matches!(progress.change, ProgressChange::Delivered(_));
        let moved = self.inner.advance(progress).await;
        if marks {
            self.points.reached(Point::AfterMark);
        }
        moved
    }

    async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        self.inner.retries(sink, limit).await
    }

    async fn oldest_undelivered(&self, sink: &SinkName) -> Result<Option<Timestamp>, CatalogError> {
        self.inner.oldest_undelivered(sink).await
    }

    async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        self.inner.backlog(sink).await
    }

    async fn committed(&self, patience: Duration) {
        self.inner.committed(patience).await;
    }
}

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{Backlog, CatalogError, EventOutbox, Lease, ParkedEvent, SinkName},
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::{Whole, calls::Calls};

/// An outbox whose calls are measured, and by which it shows whether this process relays.
pub(super) struct MeasuredOutbox {
    inner: Arc<dyn EventOutbox>,
    calls: Calls,
    leader: Whole,
}

impl MeasuredOutbox {
    pub(super) fn new(inner: Arc<dyn EventOutbox>, calls: Calls, leader: Whole) -> Self {
        Self {
            inner,
            calls,
            leader,
        }
    }
}

#[async_trait]
impl EventOutbox for MeasuredOutbox {
    async fn lease(
        &self,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, CatalogError> {
        let call = self.inner.lease(owner, now, ttl);
        let lease = self.calls.time("lease", call).await;
        // the relay asks again and again; while nobody answers, nobody relays
        let leads = matches!(lease, Ok(Some(_)));
        self.leader.set(i64::from(leads));
        lease
    }

    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let call = self.inner.undelivered(sink, limit);
        self.calls.time("undelivered", call).await
    }

    async fn delivered(
        &self,
        sink: &SinkName,
        cursors: Vec<(Scope, u64)>,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let call = self.inner.delivered(sink, cursors, epoch);
        self.calls.time("delivered", call).await
    }

    async fn park(
        &self,
        sink: &SinkName,
        parked: ParkedEvent,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let call = self.inner.park(sink, parked, epoch);
        self.calls.time("park", call).await
    }

    async fn oldest_undelivered(&self, sink: &SinkName) -> Result<Option<Timestamp>, CatalogError> {
        let call = self.inner.oldest_undelivered(sink);
        self.calls.time("oldest_undelivered", call).await
    }

    async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        self.calls.time("backlog", self.inner.backlog(sink)).await
    }

    async fn committed(&self, patience: Duration) {
        // it is meant to take its time
        self.inner.committed(patience).await;
    }
}

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{Backlog, CatalogError, EventOutbox, Lease, Progress, ProgressChange, SinkName},
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::calls::Calls;

/// Until when this process relays, unless it renews its lease.
#[derive(Clone, Default)]
pub(super) struct LeadsUntil(Arc<AtomicI64>);

impl LeadsUntil {
    /// In microseconds since 1970.
    fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::Relaxed);
    }

    pub(super) fn is_after(&self, now: Timestamp) -> bool {
        self.0.load(Ordering::Relaxed) > now.as_micros()
    }
}

/// An outbox whose calls are measured, and by which it shows whether this process relays.
pub(super) struct MeasuredOutbox {
    inner: Arc<dyn EventOutbox>,
    calls: Calls,
    leads_until: LeadsUntil,
}

impl MeasuredOutbox {
    pub(super) fn new(inner: Arc<dyn EventOutbox>, calls: Calls, leads_until: LeadsUntil) -> Self {
        Self {
            inner,
            calls,
            leads_until,
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
        // where nobody answers, what was held is held to its end
        match &lease {
            Ok(Some(lease)) => self.leads_until.set(lease.until.as_micros()),
            Ok(None) => self.leads_until.set(0),
            Err(_) => {}
        }
        lease
    }

    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let call = self.inner.undelivered(sink, limit, held);
        self.calls.time("undelivered", call).await
    }

    async fn advance(&self, progress: Progress) -> Result<bool, CatalogError> {
        let operation = match progress.change {
            ProgressChange::Delivered(_) => "delivered",
            ProgressChange::Parked(_) => "park",
            ProgressChange::Retried { .. } => "retried",
        };
        self.calls
            .time(operation, self.inner.advance(progress))
            .await
    }

    async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let call = self.inner.retries(sink, limit);
        self.calls.time("retries", call).await
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

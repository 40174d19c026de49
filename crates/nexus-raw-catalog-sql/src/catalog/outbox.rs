use std::time::Duration;

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{
        Backlog, CatalogError, EventOutbox, KeptEvent, Lease, ParkedEvents, ParkedFilter, Progress,
        ProgressChange, SinkName,
    },
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::{SqlAssetCatalog, read};
use crate::{
    backend::Reader,
    writer::{LeaseRequest, RetryRequest},
};

#[async_trait]
impl EventOutbox for SqlAssetCatalog {
    async fn lease(
        &self,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, CatalogError> {
        let call = self.writer.call(LeaseRequest { owner, now, ttl });
        let lease = self.observed("lease", call).await?;
        if let Some(observer) = self.writer.observer() {
            observer.leased(lease);
        }
        Ok(lease)
    }

    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        if let Reader::Sqlite(reader) = &self.reader
            && let Some(events) = reader.committed().undelivered(sink, limit, held)
        {
            return self.observed("undelivered", async { Ok(events) }).await;
        }
        self.write_cursors(sink).await?;
        read!(self, "undelivered", it => it.undelivered(sink, limit, held))
    }

    async fn advance(&self, progress: Progress) -> Result<bool, CatalogError> {
        let operation = match progress.change {
            ProgressChange::Delivered(_) => "delivered",
            ProgressChange::Parked(_) => "park",
            ProgressChange::Retried { .. } => "retried",
        };
        let advance = async {
            match &self.reader {
                Reader::Sqlite(reader) if reader.committed().advance(&progress) => Ok(true),
                _ => self.writer.call(progress).await,
            }
        };
        self.observed(operation, advance).await
    }

    async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        read!(self, "retries", it => it.retries(sink, limit))
    }

    async fn oldest_undelivered(&self, sink: &SinkName) -> Result<Option<Timestamp>, CatalogError> {
        // where nothing can be written, the last second's deliveries count as undelivered
        let _ = self.write_cursors(sink).await;
        read!(self, "oldest_undelivered", it => it.oldest_undelivered(sink))
    }

    async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        let _ = self.write_cursors(sink).await;
        read!(self, "backlog", it => it.backlog(sink))
    }

    async fn committed(&self, patience: Duration) {
        self.writer.committed(patience).await;
    }
}

impl SqlAssetCatalog {
    /// Writes the cursors of a sink that are in memory only, before a read that compares with them.
    async fn write_cursors(&self, sink: &SinkName) -> Result<(), CatalogError> {
        let Reader::Sqlite(reader) = &self.reader else {
            return Ok(());
        };
        if reader.committed().has_unwritten(sink) {
            // any write takes them along
            let nothing = Progress {
                sink: sink.clone(),
                epoch: 0,
                change: ProgressChange::Delivered(Vec::new()),
            };
            self.writer.call(nothing).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl ParkedEvents for SqlAssetCatalog {
    async fn parked(
        &self,
        filter: &ParkedFilter,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, CatalogError> {
        read!(self, "parked", it => it.parked(filter, limit))
    }

    async fn ask_retry(&self, filter: ParkedFilter, now: Timestamp) -> Result<u64, CatalogError> {
        let call = self.writer.call(RetryRequest { filter, now });
        self.observed("ask_retry", call).await
    }
}

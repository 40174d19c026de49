use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{DatasetEventSink, Delivery, SinkError, SinkName},
};

use super::{FailPoints, Point};

#[derive(Debug)]
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

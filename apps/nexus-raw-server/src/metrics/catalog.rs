use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use nexus_raw::{
    ports::{CatalogError, Lease},
    time::Timestamp,
};
use nexus_raw_catalog_sql::{CatalogObserver, GroupAttempt};

use super::{GroupLabels, Metrics, float};

/// The expiry of this process's relay lease.
#[derive(Clone, Default)]
pub(super) struct LeaseExpiry(Arc<AtomicI64>);

impl LeaseExpiry {
    pub(super) fn is_after(&self, now: Timestamp) -> bool {
        self.0.load(Ordering::Relaxed) > now.as_micros()
    }
}

impl CatalogObserver for Metrics {
    fn called(
        &self,
        operation: &'static str,
        took: Duration,
        outcome: Option<Result<(), &CatalogError>>,
    ) {
        self.0.catalog.ended(operation, took, outcome);
    }

    fn attempted(&self, attempt: GroupAttempt) {
        let groups = &self.0.groups;
        let outcome = if attempt.committed {
            groups.calls.observe(float(attempt.calls));
            "committed"
        } else {
            "failed"
        };
        let seconds = groups.seconds.get_or_create(&GroupLabels { outcome });
        seconds.observe(attempt.took.as_secs_f64());
    }

    fn leased(&self, lease: Option<Lease>) {
        let until = lease.map_or(0, |lease| lease.until.as_micros());
        self.0.lease_expiry.0.store(until, Ordering::Relaxed);
    }
}

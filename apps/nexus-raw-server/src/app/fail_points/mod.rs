//! Fail points, at which the process kills itself by SIGKILL for tests. Only with the feature
//! `fail-points`, which no release has. The components are wrapped, so their own code is unchanged.
//!
//! The file that `NEXUS_RAW_FAIL_POINT_FILE` names contains the armed point; the process ends the next
//! time that it reaches the point. Without such a file nothing happens.
//!
//! It also shortens waits for tests.

mod delivery;
mod storage;

use std::{ffi::OsString, fs, sync::Arc, thread, time::Duration};

use nexus_raw::ports::{CatalogError, DatasetEventSink, RawStorageRepository};
use nexus_raw_catalog_sql::{
    CatalogObserver, OpenError, SqlAssetCatalog, SqlCatalogSettings, Transaction,
};
use rustix::process::{Signal, getpid, kill_process};

use self::{delivery::SinkWithPoints, storage::StorageWithPoints};
use super::plan::Plan;

/// The fail points, in the order in which an asset reaches them.
#[derive(Debug, Clone, Copy)]
enum Point {
    /// An upload is signed and nothing is written.
    AfterSigning,
    /// An intent and its event, or the event of a repeated presign, are written but not committed.
    InPresign,
    /// They are durable and the URL is not sent.
    AfterIntent,
    /// The store has begun an upload in parts and its id is not recorded.
    AfterBegin,
    /// The store has put an upload's parts together and nothing is written.
    AfterCompletion,
    /// The store has dropped an upload's parts and nothing is written.
    AfterAbort,
    /// The store has returned the object's metadata and nothing is written.
    AfterHead,
    /// A record and its event are written but not committed.
    InRegister,
    /// A record and its event are durable and the response is not sent.
    AfterCommit,
    /// A sink has accepted events and its cursor is unchanged.
    AfterPublish,
    /// The relay's cursor, or its lease, is written but not committed.
    InMark,
    /// A sink's cursor has advanced.
    AfterMark,
}

impl Point {
    fn name(self) -> &'static str {
        match self {
            Self::AfterSigning => "after-signing",
            Self::InPresign => "in-presign",
            Self::AfterIntent => "after-intent",
            Self::AfterBegin => "after-begin",
            Self::AfterCompletion => "after-completion",
            Self::AfterAbort => "after-abort",
            Self::AfterHead => "after-head",
            Self::InRegister => "in-register",
            Self::AfterCommit => "after-commit",
            Self::AfterPublish => "after-publish",
            Self::InMark => "in-mark",
            Self::AfterMark => "after-mark",
        }
    }
}

/// The file of the armed point, if any.
#[derive(Debug, Clone)]
struct FailPoints(Option<Arc<OsString>>);

impl FailPoints {
    #[expect(
        clippy::disallowed_methods,
        reason = "fail points are for tests only, so they are not part of the configuration"
    )]
    fn from_environment() -> Self {
        Self(std::env::var_os("NEXUS_RAW_FAIL_POINT_FILE").map(Arc::new))
    }

    /// Kills the process if `point` is armed.
    fn reached(&self, point: Point) {
        let Some(file) = &self.0 else { return };
        let armed = fs::read_to_string(&**file).is_ok_and(|armed| armed == point.name());
        if armed && kill_process(getpid(), Signal::KILL).is_ok() {
            // do nothing more until the signal arrives
            loop {
                thread::park();
            }
        }
    }
}

/// Sets the timeout of request heads from `NEXUS_RAW_FAIL_POINT_HEAD_MILLIS`, and how long the work
/// of a dead process stays claimed from `NEXUS_RAW_FAIL_POINT_LEASE_MILLIS`.
pub(super) fn shorten(plan: &mut Plan) {
    if let Some(head) = duration("NEXUS_RAW_FAIL_POINT_HEAD_MILLIS") {
        plan.server.deadlines.head = head;
    }
    if let Some(lease) = duration("NEXUS_RAW_FAIL_POINT_LEASE_MILLIS") {
        plan.worker.lease = lease;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "it is no configuration: nobody but a test may set it"
)]
fn duration(name: &str) -> Option<Duration> {
    let millis = std::env::var(name).ok()?.parse().ok()?;
    Some(Duration::from_millis(millis))
}

/// Opens the catalogue with fail points in its transactions.
pub(super) async fn open(settings: SqlCatalogSettings) -> Result<SqlAssetCatalog, OpenError> {
    let points = FailPoints::from_environment();
    if points.0.is_none() {
        return SqlAssetCatalog::open(settings).await;
    }
    let hook = move |written: Transaction| {
        points.reached(match written {
            Transaction { assets: true, .. } => Point::InRegister,
            Transaction { events: true, .. } => Point::InPresign,
            _ => Point::InMark,
        });
    };
    SqlAssetCatalog::open_with_hook(settings, Arc::new(hook)).await
}

/// Wraps the store and the sinks in fail points.
pub(super) fn around(
    storage: Arc<dyn RawStorageRepository>,
    sinks: Vec<Arc<dyn DatasetEventSink>>,
) -> (
    Arc<dyn RawStorageRepository>,
    Vec<Arc<dyn DatasetEventSink>>,
) {
    let points = FailPoints::from_environment();
    let sinks = sinks.into_iter().map(|inner| {
        let points = points.clone();
        Arc::new(SinkWithPoints { inner, points }) as Arc<dyn DatasetEventSink>
    });
    let sinks = sinks.collect();
    let storage = StorageWithPoints {
        inner: storage,
        points,
    };
    (Arc::new(storage), sinks)
}

/// Returns the observer with the fail points after catalogue calls.
pub(super) fn observer() -> impl CatalogObserver {
    FailPoints::from_environment()
}

impl CatalogObserver for FailPoints {
    /// Called when the write is durable and before its caller gets the outcome.
    fn called(
        &self,
        operation: &'static str,
        _: Duration,
        outcome: Option<Result<(), &CatalogError>>,
    ) {
        let point = match operation {
            "record_intent"
            | "record_keyed_intent"
            | "record_repeated_presign"
            | "declare_parts" => Point::AfterIntent,
            "register" => Point::AfterCommit,
            "delivered" => Point::AfterMark,
            _ => return,
        };
        if outcome.is_some() {
            self.reached(point);
        }
    }
}

//! Points at which a test has the process end itself by SIGKILL. Only with the feature
//! `fail-points`, which no release has: the parts are wrapped, and their own code knows nothing.
//!
//! The point is the text of the file that `NEXUS_RAW_FAIL_POINT_FILE` names; the process ends the
//! next time that it gets there. While there is no such file, nothing happens.

mod delivery;
mod storage;

use std::{ffi::OsString, fs, sync::Arc, thread, time::Duration};

use nexus_raw::ports::{CatalogError, DatasetEventSink, RawStorageRepository};
use nexus_raw_catalog_sql::{
    CatalogObserver, OpenError, SqlAssetCatalog, SqlCatalogSettings, Transaction,
};
use rustix::process::{Signal, getpid, kill_process};

use self::{delivery::SinkWithPoints, storage::StorageWithPoints};

/// The places, in the order in which an asset comes by them.
#[derive(Debug, Clone, Copy)]
enum Point {
    /// An upload is signed, and nothing of it is written.
    AfterSigning,
    /// An intent and its event, or the event of a repeated presign, are written, and not committed.
    InPresign,
    /// They are durable, and the URL has not left.
    AfterIntent,
    /// The store has said what it holds, and nothing of it is written.
    AfterHead,
    /// A record and its event are written, and not committed.
    InRegister,
    /// A record and its event are durable, and nobody was told.
    AfterCommit,
    /// A sink has taken events, and its cursor has not moved.
    AfterPublish,
    /// The relay's cursor is written, and not committed. So may its lease be.
    InMark,
    /// A sink's cursor has moved.
    AfterMark,
}

impl Point {
    fn name(self) -> &'static str {
        match self {
            Self::AfterSigning => "after-signing",
            Self::InPresign => "in-presign",
            Self::AfterIntent => "after-intent",
            Self::AfterHead => "after-head",
            Self::InRegister => "in-register",
            Self::AfterCommit => "after-commit",
            Self::AfterPublish => "after-publish",
            Self::InMark => "in-mark",
            Self::AfterMark => "after-mark",
        }
    }
}

/// Which point is armed.
#[derive(Debug, Clone)]
struct FailPoints(Option<Arc<OsString>>);

impl FailPoints {
    #[expect(
        clippy::disallowed_methods,
        reason = "the points are no configuration: they are not to be there for anybody but a test"
    )]
    fn from_environment() -> Self {
        Self(std::env::var_os("NEXUS_RAW_FAIL_POINT_FILE").map(Arc::new))
    }

    /// Ends the process where `point` is armed.
    fn reached(&self, point: Point) {
        let Some(file) = &self.0 else { return };
        let armed = fs::read_to_string(&**file).is_ok_and(|armed| armed == point.name());
        if armed && kill_process(getpid(), Signal::KILL).is_ok() {
            // the signal is on its way: nothing more is done here
            loop {
                thread::park();
            }
        }
    }
}

/// Opens the catalogue, with the points inside its transactions.
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

/// Puts points around the store and the sinks.
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

/// The points after what the catalogue does.
pub(super) fn observer() -> impl CatalogObserver {
    FailPoints::from_environment()
}

impl CatalogObserver for FailPoints {
    /// It is durable, and its caller has no answer yet.
    fn called(
        &self,
        operation: &'static str,
        _: Duration,
        outcome: Option<Result<(), &CatalogError>>,
    ) {
        let point = match operation {
            "record_intent" | "record_keyed_intent" | "record_repeated_presign" => {
                Point::AfterIntent
            }
            "register" => Point::AfterCommit,
            "delivered" => Point::AfterMark,
            _ => return,
        };
        if outcome.is_some() {
            self.reached(point);
        }
    }
}

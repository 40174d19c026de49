//! The composition root, the only module that knows every adapter.

use std::{sync::Arc, time::Duration};

use nexus_raw::{
    asset::IntegrityLevel,
    ports::{AssetCatalog, AssetIds, Clock, EventOutbox, ObjectWorker, RawStorageRepository},
    service::{RawStorageService, UploadPolicy},
    system::SystemAssetIds,
};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_events::{Relay, RelaySettings};
use nexus_raw_hasher::TokioObjectWorker;
use nexus_raw_storage_s3::UnprobedS3;
use slog::Logger;
use tokio::sync::watch;

#[cfg(feature = "fail-points")]
use super::fail_points;
use super::{
    Failure, abandoned, background::Stoppable, consent, plan::Plan, startup_retry::StartupRetry,
};
use crate::{
    feed::{Feed, FeedSettings},
    life_cycle::{Core, Dependency, Phase},
    metrics::{CoverageSampler, Metrics, Sampler},
    random,
    readiness::{self, Backlogs, Readiness},
    records::Records,
};

/// Open ports, and the settings of the service on them. The program opens adapters, tests give
/// fakes.
pub struct Composition {
    /// The object store.
    pub storage: Arc<dyn RawStorageRepository>,
    /// The catalogue.
    pub catalog: Arc<dyn AssetCatalog>,
    /// The worker on objects; by default all is done within the request.
    pub worker: Option<Arc<dyn ObjectWorker>>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of new ids.
    pub ids: Arc<dyn AssetIds>,
    /// The rules of uploads.
    pub policy: UploadPolicy,
    /// The settings of long polling.
    pub feed: FeedSettings,
    /// The lifetime of a readiness check.
    pub check_ttl: Duration,
}

impl Composition {
    /// Builds the service. `observe` receives the feed, which the catalogue must notify of each
    /// write. Must be called within a tokio runtime.
    pub fn build(self, observe: impl FnOnce(Feed)) -> Core {
        let feed = Feed::new(Arc::clone(&self.catalog), self.feed);
        observe(feed.clone());
        let readiness = Readiness::new(
            Arc::clone(&self.storage),
            Arc::clone(&self.catalog),
            Backlogs::default(),
            self.check_ttl,
        );
        let mut service = RawStorageService::new(self.storage, self.catalog, self.clock, self.ids)
            .with_policy(self.policy);
        if let Some(worker) = self.worker {
            service = service.with_worker(worker);
        }
        Core {
            service,
            records: Records::default(),
            feed,
            readiness,
        }
    }
}

/// The components behind the routes after the start.
pub(super) struct RunningServer {
    catalog: Arc<SqlAssetCatalog>,
    relay: Stoppable,
    worker: TokioObjectWorker,
    feed: Feed,
    sampler: Stoppable,
    coverage: Stoppable,
    consent: Stoppable,
    abandoned: Stoppable,
}

/// Opens the catalogue, probes the store, and builds the service.
pub(super) async fn start(
    plan: &Plan,
    phase: &watch::Sender<Phase>,
    metrics: &Metrics,
    log: &Logger,
) -> Result<RunningServer, Failure> {
    let retry = StartupRetry::of(plan.startup_timeout, log);
    phase.send_replace(Phase::Waiting(Dependency::Catalog));
    #[cfg(not(feature = "fail-points"))]
    let open = || async { Ok(SqlAssetCatalog::open(plan.catalog.clone()).await?) };
    #[cfg(feature = "fail-points")]
    let open = || async { Ok(fail_points::open(plan.catalog.clone()).await?) };
    let catalog = Arc::new(retry.retry(Dependency::Catalog, open).await?);

    phase.send_replace(Phase::Waiting(Dependency::Storage));
    let probe = || async {
        let store = UnprobedS3::connect(plan.storage.clone(), Arc::clone(&plan.clock)).await?;
        Ok(store.probe().await?)
    };
    let storage = retry.retry(Dependency::Storage, probe).await?;
    for note in storage.notes() {
        slog::info!(log, "object store probed"; "note" => note);
    }
    let level = if storage.capabilities().enforces_sha256 {
        IntegrityLevel::S3Sha256
    } else {
        IntegrityLevel::StreamSha256
    };
    slog::info!(log, "integrity level selected"; "integrity_level" => level.as_str());

    let clock_offset = storage.clock_offset();
    let storage = metrics.storage(Arc::new(storage));
    let outbox: Arc<dyn EventOutbox> = Arc::clone(&catalog) as _;
    let sinks = plan.sinks.iter().cloned();
    let sinks = sinks.map(|sink| metrics.sink(sink)).collect();
    #[cfg(feature = "fail-points")]
    let (storage, sinks) = fail_points::around(storage, sinks);
    let relay = Relay::new(
        Arc::clone(&outbox),
        sinks,
        Arc::clone(&plan.clock),
        random::fresh_uuid(),
        RelaySettings::default(),
    )?
    .with_log(log.clone());
    let worker = TokioObjectWorker::new(
        Arc::clone(&storage),
        Arc::clone(&catalog) as _,
        Arc::clone(&catalog) as _,
        Arc::clone(&plan.clock),
        random::fresh_uuid(),
        plan.worker,
        log.clone(),
    );
    let composition = Composition {
        storage,
        catalog: Arc::clone(&catalog) as _,
        worker: Some(Arc::new(worker.clone())),
        clock: Arc::clone(&plan.clock),
        ids: Arc::new(SystemAssetIds),
        policy: plan.policy,
        feed: FeedSettings::within(plan.server.connections),
        check_ttl: readiness::CHECK_TTL,
    };
    let core = composition.build(|feed| {
        let observer = (metrics.clone(), feed);
        #[cfg(feature = "fail-points")]
        let observer = (observer, fail_points::observer());
        catalog.observe(Arc::new(observer));
    });
    let feed = core.feed.clone();
    metrics.watch(worker.clone(), feed.clone(), clock_offset);
    let sampler = Sampler {
        metrics: metrics.clone(),
        census: Arc::clone(&catalog) as _,
        outbox,
        sinks: relay.sink_names().cloned().collect(),
        clock: Arc::clone(&plan.clock),
        backlogs: core.readiness.backlogs().clone(),
    };
    let relay = Stoppable::spawn(|stopped| async move { relay.run(stopped).await });
    let sampler = Stoppable::spawn(|stopped| sampler.run(stopped));
    let coverage = CoverageSampler {
        metrics: metrics.clone(),
        backlog: Arc::clone(&catalog) as _,
        clock: Arc::clone(&plan.clock),
    };
    let coverage = Stoppable::spawn(|stopped| coverage.run(stopped));
    let core = Arc::new(core);
    let consent = propagate_consent(&core, log);
    let abandoned = remove_abandoned_uploads(&core, metrics, log);
    phase.send_replace(Phase::Started(core));
    Ok(RunningServer {
        catalog,
        relay,
        worker,
        feed,
        sampler,
        coverage,
        consent,
        abandoned,
    })
}

/// Spawns the task that takes changes of consent to the descendants.
fn propagate_consent(core: &Arc<Core>, log: &Logger) -> Stoppable {
    let core = Arc::clone(core);
    let advance = move || {
        let core = Arc::clone(&core);
        async move { core.service.advance_consent().await }
    };
    Stoppable::spawn(|stopped| consent::propagate(advance, log.clone(), stopped))
}

/// Spawns the task that aborts abandoned uploads in parts.
fn remove_abandoned_uploads(core: &Arc<Core>, metrics: &Metrics, log: &Logger) -> Stoppable {
    let core = Arc::clone(core);
    let page = move |after| {
        let core = Arc::clone(&core);
        async move { core.service.remove_abandoned(after).await }
    };
    let open = metrics.open_uploads();
    Stoppable::spawn(|stopped| abandoned::remove(page, open, log.clone(), stopped))
}

impl RunningServer {
    /// Resolves after a failure of the catalogue's medium.
    pub(super) fn medium_failed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.catalog.failed()
    }

    /// Resolves once the relay has ended, which before the shutdown is a bug.
    pub(super) fn relay_ended(&self) -> impl Future<Output = ()> + Send + 'static {
        self.relay.ended()
    }

    /// Resolves once the propagation of consent has ended, which before the shutdown is a bug.
    pub(super) fn consent_ended(&self) -> impl Future<Output = ()> + Send + 'static {
        self.consent.ended()
    }

    /// Resolves once the removal of abandoned uploads has ended, which before the shutdown is a bug.
    pub(super) fn abandoned_ended(&self) -> impl Future<Output = ()> + Send + 'static {
        self.abandoned.ended()
    }

    /// Ends the requests that wait for events, so that they do not delay the shutdown.
    pub(super) fn end_waits(&self) {
        self.feed.stop();
    }

    /// Stops the components in the order of their dependencies.
    pub(super) async fn stop(self) {
        self.abandoned.stop().await;
        self.worker.stop().await;
        self.consent.stop().await;
        self.sampler.stop().await;
        self.coverage.stop().await;
        self.relay.stop().await;
        self.catalog.close().await;
    }
}

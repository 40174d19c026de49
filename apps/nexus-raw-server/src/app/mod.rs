//! The life of the server: bind, start, serve and stop, in order.

mod abandoned;
mod background;
mod catalogue;
mod compose;
mod consent;
mod descriptors;
mod doctor;
mod embedded;
#[cfg(feature = "fail-points")]
mod fail_points;
mod failure;
mod import;
mod parked;
mod plan;
mod reconcile;
mod scrub;
mod signals;
mod sinks;
mod startup_retry;
mod writing;

use std::{future::pending, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::dev::Server;
use nexus_raw::ports::IdentityVerifier as _;
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_config::Settings;
use nexus_raw_identity_jwt::JwtIdentityVerifier;
use nexus_raw_storage_s3::S3Settings;
use slog::Logger;
use tokio::{runtime::Runtime, sync::watch};

pub use self::{
    catalogue::{backup, check_catalogue, plan_migration},
    compose::Composition,
    doctor::examine,
    failure::Failure,
    import::{ImportTask, import},
    parked::{parked, retry},
    reconcile::{ReconcileTask, reconcile},
    scrub::{ScrubTask, scrub},
    signals::Signals,
};
use self::{
    compose::RunningServer, embedded::EmbeddedStore, plan::Plan, startup_retry::StartupRetry,
};
use crate::{
    http::{self, Answers, AppState, CorsOrigins},
    life_cycle::{Dependency, Phase},
    logging::Logging,
    metrics::Metrics,
};

/// A server with bound sockets that has not connected to anything yet.
pub struct Application {
    plan: Plan,
    server: Server,
    address: SocketAddr,
    metrics: Metrics,
    metrics_server: Server,
    metrics_address: SocketAddr,
    store: Option<EmbeddedStore>,
    phase: watch::Sender<Phase>,
    log: Logger,
}

/// Serves until a signal to stop.
///
/// # Errors
/// See [`Failure`].
pub fn serve(settings: &Settings, logging: &Logging) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("nexus-raw")
        .build()
        .map_err(Failure::System)?;
    runtime.block_on(async {
        let mut signals = Signals::install().map_err(Failure::System)?;
        let application = Application::build(settings, logging.log().clone())?;
        application.run_until_stopped(&mut signals).await
    })
}

/// Migrates the catalogue's schema and returns the applied migrations. Waits for an unreachable
/// catalogue as long as a start does.
///
/// # Errors
/// See [`Failure`].
pub fn migrate(settings: &Settings, log: &Logger) -> Result<Vec<i64>, Failure> {
    let plan = Plan::of(settings)?;
    let runtime = runtime_of_a_command()?;
    let attempt = || async { Ok(SqlAssetCatalog::migrate(plan.catalog.clone()).await?) };
    runtime.block_on(async {
        StartupRetry::of(plan.startup_timeout, log)
            .retry(Dependency::Catalog, attempt)
            .await
    })
}

/// Returns a runtime on this thread, for a command.
fn runtime_of_a_command() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::System)
}

/// Checks that this version supports the configuration, without connecting to anything.
///
/// # Errors
/// See [`Failure`].
pub fn check(settings: &Settings) -> Result<(), Failure> {
    Plan::of(settings).map(drop)
}

/// Returns the settings of the object store, without connecting to it.
///
/// # Errors
/// If they are no valid address.
pub fn object_store(settings: &Settings) -> Result<S3Settings, Failure> {
    plan::object_store(&settings.storage)
}

impl Application {
    /// Binds the sockets. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If the configuration is invalid or an address cannot be bound.
    pub fn build(settings: &Settings, log: Logger) -> Result<Self, Failure> {
        let mut plan = Plan::of(settings)?;
        #[cfg(feature = "fail-points")]
        fail_points::shorten(&mut plan);
        let limit = descriptors::raised_limit();
        let workers = plan.server.workers;
        plan.server.connections = descriptors::connections(limit, settings, workers)?;
        slog::info!(log, "open file limit";
            "descriptors" => limit, "http_connections" => plan.server.connections);
        let store = match &plan.store {
            Some(store) => Some(EmbeddedStore::start(store, &mut plan.storage)?),
            None => None,
        };
        let (phase, watched) = watch::channel(Phase::Waiting(Dependency::Catalog));
        let metrics = Metrics::new(&plan.clock);
        let state = AppState {
            identity: Arc::clone(&plan.identity) as _,
            environments: settings.tenancy.environments.clone(),
            limits: plan.limits.clone(),
            answers: Answers::default(),
            cors: CorsOrigins::new(settings.http.cors_origins.iter().map(String::as_str))
                .with_headers(&settings.http.cors_headers),
            clock: plan.clock.clone(),
            request_timeout: settings.http.request_timeout,
            max_lag: settings.events.max_lag,
            metrics: metrics.clone(),
            log: log.clone(),
            phase: watched,
        };
        let (server, address) =
            http::bind(&plan.server, state).map_err(|source| Failure::Bind {
                key: "http.bind",
                address: plan.server.bind,
                source,
            })?;
        let bind = settings.metrics.bind;
        let (metrics_server, metrics_address) =
            http::bind_metrics(bind, metrics.clone(), log.clone()).map_err(|source| {
                Failure::Bind {
                    key: "metrics.bind",
                    address: bind,
                    source,
                }
            })?;
        Ok(Self {
            plan,
            server,
            address,
            metrics,
            metrics_server,
            metrics_address,
            store,
            phase,
            log,
        })
    }

    /// Returns the port of the API.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Starts, serves until one of `signals`, and shuts down in order: not ready for the configured
    /// drain time or until the next signal, no new connections, running requests finished,
    /// deliveries finished, catalogue closed, store stopped.
    ///
    /// # Errors
    /// If the start fails permanently or for too long, or a medium or a background task fails.
    pub async fn run_until_stopped(self, signals: &mut Signals) -> Result<(), Failure> {
        let log = &self.log;
        slog::info!(log, "listening";
            "http_address" => self.address.to_string(),
            "metrics_address" => self.metrics_address.to_string(),
            "s3_endpoint" => self.store.as_ref().map(EmbeddedStore::endpoint));
        let handle = self.server.handle();
        let serving = tokio::spawn(self.server);
        let metrics_handle = self.metrics_server.handle();
        let serving_metrics = tokio::spawn(self.metrics_server);
        let keys = tokio::spawn(keep_keys(Arc::clone(&self.plan.identity), log.clone()));
        let parts = (&self.plan, &self.phase, &self.metrics);
        let store = self.store.as_ref().map(EmbeddedStore::medium_failed);
        let store_failed = async move {
            match store {
                Some(failed) => failed.await,
                None => pending::<()>().await,
            }
        };
        let (running, outcome) = work(parts, log, signals, store_failed).await;
        if let Some(running) = &running {
            running.end_waits();
        }
        handle.stop(true).await;
        keys.abort();
        // an error of the server task shows as closed sockets
        let _ = serving.await;
        if let Some(running) = running {
            running.stop().await;
        }
        if let Some(store) = self.store {
            store.stop(log).await;
        }
        // metrics are served until the end
        metrics_handle.stop(false).await;
        let _ = serving_metrics.await;
        slog::info!(log, "shut down");
        outcome
    }
}

/// Fetches token keys whenever there are none. The start does not wait for them, since the relay
/// and the probes need no keys.
async fn keep_keys(identity: Arc<JwtIdentityVerifier>, log: Logger) {
    loop {
        if identity.ready().await.is_err() {
            identity.wait_for_keys().await;
            slog::info!(log, "token keys fetched");
        }
        identity.wait_for_expiry().await;
    }
}

/// Starts, and waits for a reason to stop.
async fn work(
    (plan, phase, metrics): (&Plan, &watch::Sender<Phase>, &Metrics),
    log: &Logger,
    signals: &mut Signals,
    store_failed: impl Future<Output = ()>,
) -> (Option<RunningServer>, Result<(), Failure>) {
    tokio::pin!(store_failed);
    let started = tokio::select! {
        started = compose::start(plan, phase, metrics, log) => started,
        signal = signals.next() => {
            slog::info!(log, "shutting down before startup completed"; "signal" => signal);
            return (None, Ok(()));
        }
        () = &mut store_failed => return (None, Err(Failure::StoreMediumFailed)),
    };
    let running = match started {
        Ok(running) => running,
        Err(failure) => return (None, Err(failure)),
    };
    slog::info!(log, "ready");
    let stop_requested = async {
        let signal = signals.next().await;
        slog::info!(log, "shutting down"; "signal" => signal, "drain_seconds" => plan.drain.as_secs());
        if !plan.drain.is_zero() {
            drain(phase, plan.drain, signals).await;
        }
    };
    let outcome = tokio::select! {
        () = stop_requested => Ok(()),
        () = running.medium_failed() => Err(Failure::MediumFailed),
        () = store_failed => Err(Failure::StoreMediumFailed),
        () = running.relay_ended() => Err(Failure::RelayEnded),
        () = running.consent_ended() => Err(Failure::ConsentEnded),
        () = running.abandoned_ended() => Err(Failure::RemovalEnded),
    };
    (Some(running), outcome)
}

/// Keeps serving while not ready, since load balancers learn of a shutdown late. A second signal
/// ends the wait.
async fn drain(phase: &watch::Sender<Phase>, time: Duration, signals: &mut Signals) {
    phase.send_modify(|phase| {
        if let Phase::Started(core) = phase {
            *phase = Phase::Draining(Arc::clone(core));
        }
    });
    // both end the drain
    let _ = tokio::time::timeout(time, signals.next()).await;
}

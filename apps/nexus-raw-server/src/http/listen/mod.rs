//! The sockets of the API and of metrics.

mod metrics_page;

use std::{io, net::SocketAddr, time::Duration};

use actix_gated_stream::{Answer, ConnectionObserver, Deadlines, Settings, exchange, serve};
use actix_web::{HttpRequest, HttpResponse, dev::Server, web};
use slog::Logger;

use self::metrics_page::MetricsPage;
use super::{api::ROUTES, request::AppState, respond::Answers, route};
use crate::metrics::{ListenerMetrics, Metrics};

/// The settings of the API's listener.
#[derive(Debug, Clone, Copy)]
pub struct ServerSettings {
    /// The address.
    pub bind: SocketAddr,
    /// The time limit for running requests at shutdown.
    pub shutdown_timeout: Duration,
    /// The number of worker threads.
    pub workers: usize,
    /// The maximum number of open connections over all workers.
    pub connections: usize,
    /// The timeouts of each connection.
    pub deadlines: Deadlines,
}

/// The maximum number of connections of the metrics listener.
pub(crate) const METRICS_CONNECTIONS: usize = 32;

impl From<&ServerSettings> for Settings {
    fn from(ours: &ServerSettings) -> Self {
        let mut settings = Self::new(ours.bind);
        settings.shutdown_timeout = ours.shutdown_timeout;
        settings.workers = ours.workers;
        settings.connections = ours.connections;
        settings.deadlines = ours.deadlines;
        settings
    }
}

impl Answer for AppState {
    async fn answer(&self, request: &HttpRequest, payload: &mut web::Payload) -> HttpResponse {
        route::answer(request, payload, self, ROUTES).await
    }
}

/// Configures an application to serve all requests as the service does, without a socket.
pub fn routes(state: web::Data<AppState>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |app| {
        app.app_data(state)
            // our own route table keeps the order of checks in the contract
            .default_service(web::to(exchange::<AppState>));
    }
}

/// Binds the socket of the API and returns its server and address. Must be called within a tokio
/// runtime.
///
/// # Errors
/// If the address is in use or not local.
pub fn bind(settings: &ServerSettings, state: AppState) -> io::Result<(Server, SocketAddr)> {
    let observer = ObservedListener::new("api", &state.metrics, state.log.clone());
    serve(&settings.into(), state, observer)
}

/// Binds the socket of `/metrics`, with the same rules for connections.
///
/// # Errors
/// If the address is in use or not local.
pub fn bind_metrics(
    address: SocketAddr,
    metrics: Metrics,
    log: Logger,
) -> io::Result<(Server, SocketAddr)> {
    let mut settings = Settings::new(address);
    // a scrape is short
    settings.shutdown_timeout = Duration::from_secs(1);
    settings.connections = METRICS_CONNECTIONS;
    let observer = ObservedListener::new("metrics", &metrics, log);
    let answers = Answers::default();
    serve(&settings, MetricsPage { metrics, answers }, observer)
}

/// Reports a listener's events to metrics and log.
struct ObservedListener {
    metrics: ListenerMetrics,
    log: Logger,
}

impl ObservedListener {
    fn new(listener: &'static str, metrics: &Metrics, log: Logger) -> Self {
        Self {
            metrics: metrics.listener(listener),
            log,
        }
    }
}

impl ConnectionObserver for ObservedListener {
    fn may_have(&self, most: usize) {
        self.metrics.may_have(most);
    }

    fn has(&self, open: usize) {
        self.metrics.has(open);
    }

    fn closed_for_room(&self) {
        self.metrics.closed_for_room();
    }

    fn made_room(&self, closed: u64, most: usize) {
        slog::warn!(self.log, "idle connections closed to make room";
            "listener" => self.metrics.listener(), "closed" => closed, "most_connections" => most);
    }

    /// Logs at `debug`, since such a head needs no token.
    fn unreadable(&self, status: u16, error: &str) {
        self.metrics.unreadable(status);
        slog::debug!(self.log, "request head rejected";
            "listener" => self.metrics.listener(), "status" => status, "error" => error);
    }
}

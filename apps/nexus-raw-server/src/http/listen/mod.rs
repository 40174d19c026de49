//! The sockets: of the API, and of its metrics.

mod metrics_page;

use std::{io, net::SocketAddr, time::Duration};

use actix_gated_stream::{Answer, ConnectionObserver, Settings, exchange, serve};
use actix_web::{HttpRequest, HttpResponse, dev::Server, web};
use slog::Logger;

use self::metrics_page::MetricsPage;
use super::{api::ROUTES, request::AppState, respond::Answers, route};
use crate::metrics::{Metrics, OfListener};

/// How the service listens.
#[derive(Debug, Clone, Copy)]
pub struct ServerSettings {
    /// Where.
    pub bind: SocketAddr,
    /// How long running requests have to end once the service stops.
    pub shutdown_timeout: Duration,
    /// How many threads serve.
    pub workers: usize,
    /// How many connections may be open, on all threads together.
    pub connections: usize,
}

/// How many connections the listener of metrics holds open: those who scrape are few.
pub(crate) const METRICS_CONNECTIONS: usize = 32;

impl From<&ServerSettings> for Settings {
    fn from(ours: &ServerSettings) -> Self {
        let mut settings = Self::new(ours.bind);
        settings.shutdown_timeout = ours.shutdown_timeout;
        settings.workers = ours.workers;
        settings.connections = ours.connections;
        settings
    }
}

impl Answer for AppState {
    async fn answer(&self, request: &HttpRequest, payload: &mut web::Payload) -> HttpResponse {
        route::answer(request, payload, self, ROUTES).await
    }
}

/// Has an application answer everything as the service does, without a socket of its own.
pub fn routes(state: web::Data<AppState>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |app| {
        app.app_data(state)
            // the route table is ours, so that its checks come in the order of the contract
            .default_service(web::to(exchange::<AppState>));
    }
}

/// Binds the socket of the API, and gives the server that serves it, with its address. Must be
/// called within a tokio runtime.
///
/// # Errors
/// When the address is in use or not of this machine.
pub fn bind(settings: &ServerSettings, state: AppState) -> io::Result<(Server, SocketAddr)> {
    let observer = ObservedListener::new("api", &state.metrics, state.log.clone());
    serve(&settings.into(), state, observer)
}

/// Binds the socket of `/metrics`; its connections are held to the same rules.
///
/// # Errors
/// When the address is in use or not of this machine.
pub fn bind_metrics(
    address: SocketAddr,
    metrics: Metrics,
    log: Logger,
) -> io::Result<(Server, SocketAddr)> {
    let mut settings = Settings::new(address);
    // a scrape is answered at once
    settings.shutdown_timeout = Duration::from_secs(1);
    settings.connections = METRICS_CONNECTIONS;
    let observer = ObservedListener::new("metrics", &metrics, log);
    let answers = Answers::default();
    serve(&settings, MetricsPage { metrics, answers }, observer)
}

/// A listener as metrics and log know it.
struct ObservedListener {
    metrics: OfListener,
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

    /// Nobody has to have a token to send such a head, so it is no line that operators see by
    /// default.
    fn unreadable(&self, status: u16, error: &str) {
        self.metrics.unreadable(status);
        slog::debug!(self.log, "request head rejected";
            "listener" => self.metrics.listener(), "status" => status, "error" => error);
    }
}

//! The sockets: of the API, and of its metrics.

mod exchange;
mod metrics_page;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_gated_stream::{Connection, ConnectionObserver, GatedStream, OpenConnections};
use actix_http::{
    HttpService, KeepAlive,
    error::{DispatchError, ParseError},
};
use actix_service::{IntoServiceFactory, Service, apply_fn_factory, map_config};
use actix_web::{
    App, HttpRequest, HttpResponse,
    dev::{AppConfig, Server},
    web,
};
use slog::Logger;
use tokio::net::{TcpSocket, TcpStream};

use self::{
    exchange::{Answering, answer},
    metrics_page::MetricsPage,
};
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

/// Who is told of the connections of a listener.
#[derive(Clone)]
struct Listener {
    metrics: OfListener,
    log: Logger,
}

/// How many connections the listener of metrics holds open: those who scrape are few.
pub(crate) const METRICS_CONNECTIONS: usize = 32;

/// How many connections wait in the system's queue; the system may allow fewer.
const BACKLOG: u32 = 2048;

/// How long a caller may go on with a body that was refused.
const LINGER: Duration = Duration::from_secs(1);

impl Answering for AppState {
    async fn answer(&self, request: &HttpRequest, payload: &mut web::Payload) -> HttpResponse {
        route::answer(request, payload, self, ROUTES).await
    }
}

/// Has an application answer everything as the service does, without a socket of its own.
pub fn routes(state: web::Data<AppState>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |app| {
        app.app_data(state)
            // the route table is ours, so that its checks come in the order of the contract
            .default_service(web::to(answer::<AppState>));
    }
}

/// Binds the socket of the API, and gives the server that serves it, with its address. Must be
/// called within a tokio runtime.
///
/// # Errors
/// When the address is in use or not of this machine.
pub fn bind(settings: &ServerSettings, state: AppState) -> io::Result<(Server, SocketAddr)> {
    let listener = Listener {
        metrics: state.metrics.listener("api"),
        log: state.log.clone(),
    };
    serve(settings, state, &listener)
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
    let settings = ServerSettings {
        bind: address,
        // a scrape is answered at once
        shutdown_timeout: Duration::from_secs(1),
        workers: 1,
        connections: METRICS_CONNECTIONS,
    };
    let listener = Listener {
        metrics: metrics.listener("metrics"),
        log,
    };
    let page = MetricsPage {
        metrics,
        answers: Answers::default(),
    };
    serve(&settings, page, &listener)
}

/// How many connections may be open before idle ones are closed: less than all, so that there is
/// room for new ones while these end.
fn most_idle(settings: &ServerSettings) -> usize {
    let room = (settings.connections / 16).max(settings.workers);
    settings.connections.saturating_sub(room).max(1)
}

fn serve<A: Answering>(
    settings: &ServerSettings,
    answering: A,
    told: &Listener,
) -> io::Result<(Server, SocketAddr)> {
    let open = OpenConnections::new(most_idle(settings), told.clone());
    let listener = listen(settings.bind)?;
    let address = listener.local_addr()?;
    let server = Server::build()
        .workers(settings.workers)
        // the rest waits in the system's queue, which it does only while no idle one can be closed
        .max_concurrent_connections((settings.connections / settings.workers).max(1))
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let told = told.clone();
    // what `HttpServer` of the library does, but for the stream between it and the socket
    let server = server.listen("http", listener, move || {
        let app = App::new()
            .app_data(web::Data::new(answering.clone()))
            .default_service(web::to(answer::<A>));
        let app = map_config(app.into_factory(), |()| AppConfig::default());
        let stopping = stopping.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            // the stream has its own deadlines, for each head and for disuse
            .client_request_timeout(Duration::ZERO)
            .keep_alive(KeepAlive::Os)
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|stream: &GatedStream, data| {
                data.insert(stream.connection().clone());
            })
            .h1(app);
        let (open, told) = (Arc::clone(&open), told.clone());
        apply_fn_factory(http, move |socket: TcpStream, http| {
            let peer = socket.peer_addr().ok();
            // answers are late without it, and right
            let _ = socket.set_nodelay(true);
            let (stream, closed) = GatedStream::new(socket, &open);
            let (connection, told) = (stream.connection().clone(), told.clone());
            let serving = http.call((stream, peer));
            async move {
                tokio::select! {
                    ended = serving => {
                        told.unreadable(&connection, ended.as_ref().err());
                        ended
                    }
                    // its room is another's; the socket goes with what is dropped here
                    Ok(()) = closed => Ok(()),
                }
            }
        })
    })?;
    Ok((server.run(), address))
}

impl ConnectionObserver for Listener {
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
        slog::warn!(self.log, "idle connections were closed to make room for new ones";
            "listener" => self.metrics.listener(), "closed" => closed, "most_connections" => most);
    }
}

impl Listener {
    /// Counts a head that could not be read. Nobody has to have a token to send one, so it is no
    /// line that operators see by default.
    fn unreadable(&self, connection: &Connection, ended: Option<&DispatchError>) {
        let (status, error) = match ended {
            _ if connection.was_too_slow() => (408, "it did not come whole in time".to_owned()),
            Some(DispatchError::Parse(error)) if connection.is_before_a_request() => {
                let status = match error {
                    ParseError::TooLarge => 431,
                    _ => 400,
                };
                (status, error.to_string())
            }
            _ => return,
        };
        self.metrics.unreadable(status);
        slog::debug!(self.log, "a request head could not be read";
            "listener" => self.metrics.listener(), "status" => status, "error" => error);
    }
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // a server that was just ended may be started again
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

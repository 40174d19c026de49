use std::{io, net::SocketAddr, time::Duration};

use actix_web::{App, HttpServer, dev::Server, web};

use super::{AppState, serve::answer};

/// How the service listens.
#[derive(Debug, Clone, Copy)]
pub struct ServerSettings {
    /// Where.
    pub bind: SocketAddr,
    /// How long running requests have to end once the service stops.
    pub shutdown_timeout: Duration,
    /// How many threads serve.
    pub workers: usize,
}

/// How many connections one thread holds open; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 10_000;

/// How long a connection may take for its first head, and stay open unused.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Has an application answer everything as the service does, without a socket of its own.
pub fn routes(state: web::Data<AppState>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |app| {
        app.app_data(state)
            // the route table is ours, so that its checks come in the order of the contract
            .default_service(web::to(answer));
    }
}

/// Binds the socket, and gives the server that serves it, with its address.
///
/// # Errors
/// When the address is in use or not of this machine.
pub fn bind(settings: &ServerSettings, state: AppState) -> io::Result<(Server, SocketAddr)> {
    let state = web::Data::new(state);
    let app = move || App::new().configure(routes(state.clone()));
    let server = HttpServer::new(app)
        .workers(settings.workers)
        .max_connections(MAX_CONNECTIONS)
        .client_request_timeout(HEAD_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .tcp_nodelay(true)
        .disable_signals()
        .bind(settings.bind)?;
    let address = server.addrs().first().copied().unwrap_or(settings.bind);
    Ok((server.run(), address))
}

use std::{future::ready, io, net::SocketAddr, time::Duration};

use actix_http::{HttpService, KeepAlive};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{
    App,
    dev::{AppConfig, Server},
    web,
};
use tokio::net::{TcpSocket, TcpStream};

use super::{
    Answers, AppState,
    connection::GatedStream,
    exchange::{Answering, answer},
    metrics_page::MetricsPage,
};
use crate::metrics::Metrics;

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

/// How many connections wait in the system's queue; the system may allow fewer.
const BACKLOG: u32 = 2048;

/// How long a caller may go on with a body that was refused.
const LINGER: Duration = Duration::from_secs(1);

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
    serve(settings, state)
}

/// Binds the socket of `/metrics`; its connections are held to the same rules.
///
/// # Errors
/// When the address is in use or not of this machine.
pub fn bind_metrics(address: SocketAddr, metrics: Metrics) -> io::Result<(Server, SocketAddr)> {
    let settings = ServerSettings {
        bind: address,
        // a scrape is answered at once
        shutdown_timeout: Duration::from_secs(1),
        workers: 1,
    };
    let page = MetricsPage {
        metrics,
        answers: Answers::default(),
    };
    serve(&settings, page)
}

fn serve<A: Answering>(
    settings: &ServerSettings,
    answering: A,
) -> io::Result<(Server, SocketAddr)> {
    let listener = listen(settings.bind)?;
    let address = listener.local_addr()?;
    let server = Server::build()
        .workers(settings.workers)
        .max_concurrent_connections(MAX_CONNECTIONS)
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
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
        fn_service(|socket: TcpStream| {
            let peer = socket.peer_addr().ok();
            // answers are late without it, and right
            let _ = socket.set_nodelay(true);
            ready(Ok((GatedStream::new(socket), peer)))
        })
        .and_then(http)
    })?;
    Ok((server.run(), address))
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

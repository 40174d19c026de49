use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_http::{
    HttpService, KeepAlive,
    error::{DispatchError, ParseError},
};
use actix_service::{IntoServiceFactory, Service, apply_fn_factory, map_config};
use actix_web::{
    App,
    dev::{AppConfig, Server},
    web,
};
use tokio::net::{TcpSocket, TcpStream};

use super::{
    connection::Connection,
    deadlines::Deadlines,
    exchange::{Answer, exchange},
    observer::ConnectionObserver,
    open::OpenConnections,
    stream::GatedStream,
};

/// The maximum number of connections in the system's queue; the system may allow fewer.
const BACKLOG: u32 = 2048;

/// Settings of a listener.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Settings {
    /// The address.
    pub bind: SocketAddr,
    /// The number of threads. Default 1.
    pub workers: usize,
    /// The maximum number of open connections, on all threads together. Default 1024.
    pub connections: usize,
    /// The time for running requests to finish once the listener stops. Default 30 s.
    pub shutdown_timeout: Duration,
    /// The timeouts of each connection.
    pub deadlines: Deadlines,
}

impl Settings {
    /// Returns the defaults, at this address.
    #[must_use]
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            workers: 1,
            connections: 1024,
            shutdown_timeout: Duration::from_secs(30),
            deadlines: Deadlines::default(),
        }
    }

    /// Returns the number of connections above which idle ones are closed: below the maximum, so
    /// that there is room for new ones while these close.
    fn most_idle(&self) -> usize {
        let room = (self.connections / 16).max(self.workers);
        self.connections.saturating_sub(room).max(1)
    }
}

/// Binds a socket and serves `service` on it. Returns the server, which runs once it is polled, and
/// its address. Must be called within a tokio runtime.
///
/// # Errors
/// When the address is in use or unavailable.
pub fn serve<A: Answer>(
    settings: &Settings,
    service: A,
    observer: impl ConnectionObserver + 'static,
) -> io::Result<(Server, SocketAddr)> {
    let deadlines = settings.deadlines;
    let listener = listen(settings.bind)?;
    let address = listener.local_addr()?;
    let open = OpenConnections::new(settings.most_idle(), observer);
    let server = Server::build()
        .workers(settings.workers)
        // others wait in the system's queue, only while no idle connection can be closed
        .max_concurrent_connections((settings.connections / settings.workers.max(1)).max(1))
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
    // as the library's `HttpServer`, but with the gated stream on the socket
    let server = server.listen("http", listener, move || {
        let app = App::new()
            .app_data(web::Data::new(service.clone()))
            .default_service(web::to(exchange::<A>));
        let app = map_config(app.into_factory(), |()| AppConfig::default());
        let stopping = stopping.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            // the stream has its own timeouts, for heads and idle connections
            .client_request_timeout(Duration::ZERO)
            .keep_alive(KeepAlive::Os)
            .client_disconnect_timeout(deadlines.linger)
            .on_connect_ext(|stream: &GatedStream, data| {
                data.insert(stream.connection().clone());
            })
            .h1(app);
        let open = Arc::clone(&open);
        apply_fn_factory(http, move |socket: TcpStream, http| {
            let peer = socket.peer_addr().ok();
            // without it, responses are delayed
            let _ = socket.set_nodelay(true);
            let (stream, closed) = GatedStream::new(socket, deadlines, &open);
            let (connection, open) = (stream.connection().clone(), Arc::clone(&open));
            let serving = http.call((stream, peer));
            async move {
                tokio::select! {
                    ended = serving => {
                        report_unreadable(&connection, open.observer(), ended.as_ref().err());
                        ended
                    }
                    // closed for another connection; the socket closes with this drop
                    Ok(()) = closed => Ok(()),
                }
            }
        })
    })?;
    Ok((server.run(), address))
}

/// Reports an invalid head, which the library has answered.
fn report_unreadable(
    connection: &Connection,
    observer: &dyn ConnectionObserver,
    ended: Option<&DispatchError>,
) {
    if connection.was_too_slow() {
        return observer.unreadable(408, "not complete in time");
    }
    if let Some(DispatchError::Parse(error)) = ended
        && connection.is_before_a_request()
    {
        let status = match error {
            ParseError::TooLarge => 431,
            _ => 400,
        };
        observer.unreadable(status, &error.to_string());
    }
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // a server that just ended may be started again
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

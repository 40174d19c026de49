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
    connection::{Connection, LINGER},
    exchange::{Answer, exchange},
    observer::ConnectionObserver,
    open::OpenConnections,
    stream::GatedStream,
};

/// How many connections wait in the system's queue; the system may allow fewer.
const BACKLOG: u32 = 2048;

/// How a listener serves.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Settings {
    /// Where it listens.
    pub bind: SocketAddr,
    /// How many threads serve. Default 1.
    pub workers: usize,
    /// How many connections may be open, on all threads together. Default 1024.
    pub connections: usize,
    /// How long running requests have to end once the listener stops. Default 30 s.
    pub shutdown_timeout: Duration,
}

impl Settings {
    /// The defaults, at this address.
    #[must_use]
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            workers: 1,
            connections: 1024,
            shutdown_timeout: Duration::from_secs(30),
        }
    }

    /// How many connections may be open before idle ones are closed: fewer than all, so that there
    /// is room for new ones while these end.
    fn most_idle(&self) -> usize {
        let room = (self.connections / 16).max(self.workers);
        self.connections.saturating_sub(room).max(1)
    }
}

/// Binds a socket and has `service` answer every request that comes there. Gives the server, which
/// runs once it is polled, and its address. Must be called within a tokio runtime.
///
/// # Errors
/// When the address is in use or not of this machine.
pub fn serve<A: Answer>(
    settings: &Settings,
    service: A,
    observer: impl ConnectionObserver + 'static,
) -> io::Result<(Server, SocketAddr)> {
    let listener = listen(settings.bind)?;
    let address = listener.local_addr()?;
    let open = OpenConnections::new(settings.most_idle(), observer);
    let server = Server::build()
        .workers(settings.workers)
        // the rest waits in the system's queue, which it does only while no idle one can be closed
        .max_concurrent_connections((settings.connections / settings.workers.max(1)).max(1))
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
    // what `HttpServer` of the library does, but for the stream between it and the socket
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
            // the stream has its own deadlines, for each head and for disuse
            .client_request_timeout(Duration::ZERO)
            .keep_alive(KeepAlive::Os)
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|stream: &GatedStream, data| {
                data.insert(stream.connection().clone());
            })
            .h1(app);
        let open = Arc::clone(&open);
        apply_fn_factory(http, move |socket: TcpStream, http| {
            let peer = socket.peer_addr().ok();
            // answers are late without it, and right
            let _ = socket.set_nodelay(true);
            let (stream, closed) = GatedStream::new(socket, &open);
            let (connection, open) = (stream.connection().clone(), Arc::clone(&open));
            let serving = http.call((stream, peer));
            async move {
                tokio::select! {
                    ended = serving => {
                        report_unreadable(&connection, open.observer(), ended.as_ref().err());
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

/// Reports a head that could not be read, which the library has answered.
fn report_unreadable(
    connection: &Connection,
    observer: &dyn ConnectionObserver,
    ended: Option<&DispatchError>,
) {
    if connection.was_too_slow() {
        return observer.unreadable(408, "it did not come whole in time");
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
    // a server that was just ended may be started again
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

//! Accepting connections, with limits on their number, the size of heads and time.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use s3s::HttpError;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::connections::{AnswerBody, Connection, Connections};
use crate::front::Front;

/// From the first byte of a head, or the end of the previous response, to its last byte.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
const MAX_HEADERS: usize = 96;
const MAX_HEAD_BYTES: usize = 128 * 1024;
/// The delay after a failed accept: without descriptors, an immediate retry would spin.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(50);

/// Serves until `stop` fires or is dropped, then waits for running requests.
/// Returns whether all finished within `shutdown_timeout`.
pub(crate) async fn serve(
    listener: TcpListener,
    front: Arc<Front>,
    mut stop: oneshot::Receiver<()>,
    shutdown_timeout: Duration,
) -> bool {
    let connections = Arc::new(Connections::default());
    let running = GracefulShutdown::new();
    loop {
        let next = tokio::select! {
            _ = &mut stop => break,
            next = accept(&listener, &connections) => next,
        };
        if let Some((stream, place)) = next {
            let place = Arc::new(place);
            let serving = connection(stream, Arc::clone(&front), Arc::clone(&place), &running);
            tokio::spawn(async move {
                tokio::select! {
                    // a broken connection concerns only its client
                    _ = serving => {}
                    () = place.made_room() => {}
                }
            });
        }
    }
    drop(listener);
    timeout(shutdown_timeout, running.shutdown()).await.is_ok()
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Connections>,
) -> Option<(TcpStream, Connection)> {
    match listener.accept().await {
        Ok((stream, _)) => {
            // a small response must not wait for more data
            stream.set_nodelay(true).ok()?;
            Some((stream, connections.enter().await))
        }
        Err(error) => {
            tracing::warn!(%error, "embedded S3 server failed to accept a connection");
            sleep(PAUSE_AFTER_FAILURE).await;
            None
        }
    }
}

fn connection(
    stream: TcpStream,
    front: Arc<Front>,
    place: Arc<Connection>,
    running: &GracefulShutdown,
) -> impl Future<Output = hyper::Result<()>> + use<> {
    let service = service_fn(move |request| {
        let front = Arc::clone(&front);
        let busy = place.begin();
        async move {
            let answer = front.answer(request).await?;
            // only an authorised request gets information about an object
            let status = answer.status();
            if status.is_success() || status == StatusCode::NOT_FOUND {
                busy.granted();
            }
            Ok::<_, HttpError>(answer.map(|body| AnswerBody { body, _busy: busy }))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    running.watch(connection)
}

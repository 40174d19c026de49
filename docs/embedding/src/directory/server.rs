//! The HTTP server that uploads go to and downloads come from.

use std::{convert::Infallible, io, sync::Arc};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use nexus_raw::{asset::Sha256Digest, ports::Clock};
use tokio::{
    net::TcpListener,
    task::{JoinSet, spawn_blocking},
};

use super::{
    objects::{Head, Objects, Outcome},
    signature::{Signer, answered},
};

#[derive(Clone)]
pub(super) struct Server {
    pub(super) objects: Arc<Objects>,
    pub(super) signer: Arc<Signer>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Server {
    /// Serves until it is dropped, connections included.
    pub(super) async fn run(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let server = self.clone();
            let respond = service_fn(move |request| server.clone().respond(request));
            connections
                .spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), respond));
            while connections.try_join_next().is_some() {}
        }
    }

    async fn respond(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        if !self.signer.admits(&request, self.clock.now()) {
            return Ok(bare(StatusCode::FORBIDDEN));
        }
        let response = match *request.method() {
            Method::PUT => self.store(request).await.map(bare),
            Method::GET => self.load(request).await,
            _ => Ok(bare(StatusCode::METHOD_NOT_ALLOWED)),
        };
        Ok(response.unwrap_or_else(|_| bare(StatusCode::INTERNAL_SERVER_ERROR)))
    }

    async fn load(self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let path = request.uri().path().to_owned();
        let content = spawn_blocking(move || self.objects.read(&path)).await??;
        let Some(content) = content else {
            return Ok(bare(StatusCode::NOT_FOUND));
        };
        let mut response = Response::builder();
        for (name, value) in answered(request.uri().query().unwrap_or_default()) {
            response = response.header(name, value);
        }
        let response = response.body(Full::new(Bytes::from(content)));
        response.map_err(io::Error::other)
    }

    async fn store(self, request: Request<Incoming>) -> io::Result<StatusCode> {
        let path = request.uri().path().to_owned();
        let Some(head) = head_of(&request) else {
            return Ok(StatusCode::BAD_REQUEST);
        };
        let objects = self.objects.clone();
        let mut staged = spawn_blocking(move || objects.stage(head)).await??;
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                return Ok(StatusCode::BAD_REQUEST);
            };
            if let Ok(piece) = frame.into_data() {
                staged = spawn_blocking(move || staged.write(&piece).map(|()| staged)).await??;
            }
        }
        let stored = spawn_blocking(move || self.objects.store(&path, staged)).await??;
        Ok(match stored {
            Outcome::Stored => StatusCode::OK,
            Outcome::WrongContent => StatusCode::BAD_REQUEST,
            Outcome::Exists => StatusCode::PRECONDITION_FAILED,
        })
    }
}

fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// What the request promises; all of these headers are signed.
fn head_of(request: &Request<Incoming>) -> Option<Head> {
    let text = |name: &str| request.headers().get(name)?.to_str().ok();
    let metadata = request.headers().iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("x-amz-meta-")?;
        Some((name.to_owned(), value.to_str().ok()?.to_owned()))
    });
    Some(Head {
        size: text("content-length")?.parse().ok()?,
        sha256: Sha256Digest::parse_base64(text("x-amz-checksum-sha256")?).ok()?,
        content_type: text("content-type").map(str::to_owned),
        metadata: metadata.collect(),
    })
}

//! An HTTP server that answers by a script and records its requests.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, future, stream};
use http_body_util::{BodyExt as _, Collected, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::oneshot};

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// None where it broke off.
    pub(crate) body: Option<Bytes>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.body.as_ref().unwrap()).unwrap()
    }
}

/// What to answer.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    is_cut: bool,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self::empty(status)
            .with("content-type", "application/json")
            .body(body)
    }

    pub(crate) fn problem(status: u16, body: &serde_json::Value) -> Self {
        Self::empty(status)
            .with("content-type", "application/problem+json")
            .body(body.to_string())
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: vec![],
            body: String::new(),
            is_cut: false,
        }
    }

    /// The connection is cut once the body so far was sent.
    pub(crate) fn cut(mut self) -> Self {
        self.is_cut = true;
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }
}

type Script = dyn Fn(&Received, usize) -> Answer + Send + Sync;

/// The server, on a free port of loopback until it is dropped.
pub(crate) struct Stub {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Received>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Stub {
    /// Answers each request by `script`, which is given the number of requests before it.
    pub(crate) fn start(
        script: impl Fn(&Received, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let script: Arc<Script> = Arc::new(script);
        let requests = Arc::new(Mutex::new(vec![]));
        let (stop, stopped) = oneshot::channel();
        let (sender, port) = mpsc::channel();
        let remember = requests.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap().port()).unwrap();
                let serving = std::pin::pin!(serve(listener, script, remember));
                future::select(serving, stopped).await;
            });
        });
        Self {
            url: format!("http://127.0.0.1:{}", port.recv().unwrap()),
            requests,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Returns the requests so far, in order.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }

    /// The request lines so far, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(Received::line).collect()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: TcpListener, script: Arc<Script>, requests: Arc<Mutex<Vec<Received>>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (script, requests) = (script.clone(), requests.clone());
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(request, &*script, &requests));
            // a client that breaks off is one of the things under test
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    script: &Script,
    requests: &Mutex<Vec<Received>>,
) -> Result<Response<UnsyncBoxBody<Bytes, io::Error>>, Infallible> {
    let (head, body) = request.into_parts();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let request = Received {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        headers: headers.collect(),
        body: body.collect().await.ok().map(Collected::to_bytes),
    };
    let before = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    let answer = script(&request, before);
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = if answer.is_cut {
        let sent = stream::iter([Ok(Frame::data(Bytes::from(answer.body)))]);
        let cut = stream::once(async {
            // what was sent leaves first
            tokio::task::yield_now().await;
            Err(io::Error::other("cut"))
        });
        StreamBody::new(sent.chain(cut)).boxed_unsync()
    } else {
        Full::from(answer.body)
            .map_err(|never| match never {})
            .boxed_unsync()
    };
    Ok(response.body(body).unwrap())
}

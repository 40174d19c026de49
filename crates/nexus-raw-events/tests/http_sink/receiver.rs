//! A receiver of events that answers by a script and remembers what it was sent.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::{net::TcpListener, task::JoinHandle};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Bytes,
}

/// What to answer: a status and headers, or nothing at all.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Status(u16, Vec<(&'static str, String)>),
    /// The connection ends without an answer; the event counts as not received.
    Cut,
    /// No answer ever comes.
    Silence,
}

pub(crate) fn status(status: u16) -> Answer {
    Answer::Status(status, vec![])
}

type Script = dyn Fn(usize) -> Answer + Send + Sync;

/// A receiver on a free port of loopback until it is dropped.
pub(crate) struct Receiver {
    pub(crate) url: Url,
    got: Arc<Mutex<Vec<Got>>>,
    connections: Arc<Mutex<usize>>,
    serving: JoinHandle<()>,
}

impl Receiver {
    /// Answers each request by `script`, which is given the number of requests before it.
    pub(crate) async fn open(script: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (got, connections) = <(Arc<Mutex<Vec<Got>>>, Arc<Mutex<usize>>)>::default();
        let serving = tokio::spawn(serve(
            listener,
            Arc::new(script),
            Arc::clone(&got),
            Arc::clone(&connections),
        ));
        Self {
            url: format!("http://{address}/hook?key=hush").parse().unwrap(),
            got,
            connections,
            serving,
        }
    }

    /// What came so far, in order, accepted or refused.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    listener: TcpListener,
    script: Arc<Script>,
    got: Arc<Mutex<Vec<Got>>>,
    connections: Arc<Mutex<usize>>,
) {
    let mut open = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        *connections.lock().unwrap() += 1;
        let (script, got) = (Arc::clone(&script), Arc::clone(&got));
        let answer = service_fn(move |request: Request<Incoming>| {
            let (script, got) = (Arc::clone(&script), Arc::clone(&got));
            async move { answer(request, &*script, &got).await }
        });
        // a connection that broke off is the sender's to notice
        open.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

async fn answer(
    request: Request<Incoming>,
    script: &Script,
    got: &Mutex<Vec<Got>>,
) -> Result<Response<Empty<Bytes>>, String> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?;
    let headers = head.headers.iter().map(|(name, value)| {
        let value = value.to_str().unwrap_or_default();
        (name.as_str().to_owned(), value.to_owned())
    });
    let before = {
        let mut got = got.lock().unwrap();
        got.push(Got {
            method: head.method.to_string(),
            target: head.uri.to_string(),
            headers: headers.collect(),
            body: body.to_bytes(),
        });
        got.len() - 1
    };
    match script(before) {
        Answer::Cut => Err("cut".to_owned()),
        Answer::Silence => {
            let never: Infallible = std::future::pending().await;
            match never {}
        }
        Answer::Status(status, headers) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok(response.body(Empty::new()).unwrap())
        }
    }
}

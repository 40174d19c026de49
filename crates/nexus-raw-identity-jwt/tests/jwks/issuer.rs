//! An issuer on loopback with a scripted response, which counts its requests.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use nexus_raw_identity_jwt::{JwksAlgorithm, JwtIdentityVerifier, KeySettings};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::forge::verifier;

/// What the issuer does with a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// 200 with this body.
    Body(String),
    /// This status line and these headers, over a good set: it must not be taken.
    Status(&'static str, String),
    /// 200 and a body without end.
    Endless,
    /// Nothing, ever.
    Silence,
    /// The connection is cut before the end of the body.
    Cut(String),
}

pub(crate) struct Issuer {
    url: ::url::Url,
    answer: Arc<Mutex<Answer>>,
    requests: Arc<AtomicUsize>,
}

impl Issuer {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new(answer));
        let requests = Arc::new(AtomicUsize::new(0));
        let (scripted, counter) = (Arc::clone(&answer), Arc::clone(&requests));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = scripted.lock().unwrap().clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await?);
                    }
                    let text = match answer {
                        Answer::Body(body) => text("200 OK", "", &body),
                        Answer::Status(status, body) => {
                            text(status, "Location: /elsewhere\r\n", &body)
                        }
                        Answer::Cut(body) => text("200 OK", "", &body)[..90].to_owned(),
                        Answer::Silence => std::future::pending().await,
                        Answer::Endless => {
                            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                            loop {
                                // until the other end has had enough
                                stream.write_all(&[b' '; 8192]).await?;
                            }
                        }
                    };
                    stream.write_all(text.as_bytes()).await
                });
            }
        });
        Self {
            url: format!("http://{address}/jwks.json").parse().unwrap(),
            answer,
            requests,
        }
    }

    pub(crate) fn answer_with(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// How many connections came.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self) -> &::url::Url {
        &self.url
    }

    pub(crate) fn verifier(&self) -> JwtIdentityVerifier {
        verifier(KeySettings::JwksUrl {
            url: self.url.as_str().parse().unwrap(),
            algorithm: JwksAlgorithm::Es256,
        })
        .unwrap()
    }
}

fn text(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

use std::net::SocketAddr;

use nexus_raw::asset::Sha256Digest;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{evidence::Evidence, http::Request, tokens::Tokens};

/// A caller may put anything into it.
const KEY: &str = "kI\"5\\/+=<&%~canary-of-the-idempotency-key";
const ASSET: &str = "/nexus/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";
pub(crate) const CONTENT: &[u8] = b"certainly a photograph";

/// Someone with tokens, before a server.
pub(crate) struct Caller<'a> {
    pub(crate) server: SocketAddr,
    pub(crate) tokens: &'a Tokens,
}

/// A presigned upload.
pub(crate) struct Upload {
    pub(crate) asset_id: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Caller<'_> {
    fn request(&self, method: &str, target: &str) -> Request {
        Request::new(self.server, method, target)
            .header("authorization", &format!("Bearer {}", self.tokens.owner))
            .header("x-tenant-id", "t_demo")
            .header("x-env", "dev")
    }

    fn post(&self, target: &str, body: &Value) -> Request {
        let request = self.request("POST", target);
        request
            .header("content-type", "application/json")
            .json(body)
    }

    pub(crate) fn get(&self, target: &str) -> Request {
        self.request("GET", target)
    }

    /// The one answer that must hold a secret: all of it but the URL is evidence. It is requested
    /// under a key, of which only a digest may be kept.
    pub(crate) async fn presign(&self, evidence: &mut Evidence) -> Upload {
        evidence.canaries.add("idempotency key", KEY);
        let request = self.post("/nexus/raw/presign-upload", &promise());
        let answer = request.header("idempotency-key", KEY).send().await;
        let (status, mut body) = answer.whole();
        assert_eq!(status, 200, "{body}");
        let url = body["upload"]["url"].take().as_str().unwrap().to_owned();
        evidence.know_signed_url(&url);
        evidence.take("presign", format!("{:?} {body}", answer.headers));
        let headers = body["upload"]["headers"].as_object().unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        Upload {
            asset_id: body["asset_id"].as_str().unwrap().to_owned(),
            headers: headers.collect(),
            url,
        }
    }

    /// The same key with another body.
    pub(crate) fn reuse_key(&self) -> Request {
        let mut other = promise();
        other["size_bytes"] = 1.into();
        let request = self.post("/nexus/raw/presign-upload", &other);
        request.header("idempotency-key", KEY)
    }

    pub(crate) fn register(&self, body: &Value) -> Request {
        self.post("/nexus/raw/register", body)
    }

    /// Everything that can be wrong with a token, or with its place.
    pub(crate) async fn misuse(&self, evidence: &mut Evidence) {
        let good = &self.tokens.owner;
        let mut requests = Vec::new();
        for (name, token) in &self.tokens.bad {
            let by = format!("Bearer {token}");
            for request in [
                self.get(ASSET),
                self.post("/nexus/raw/register", &json!({})),
            ] {
                requests.push((*name, 401, request.with("authorization", &by)));
            }
        }
        for by in [
            format!("Basic {good}"),
            format!("Token {good}"),
            good.clone(),
            format!("Bearer {good} {good}"),
            format!("Bearer {good},"),
        ] {
            requests.push(("scheme", 401, self.get(ASSET).with("authorization", &by)));
        }
        let viewer = format!("Bearer {}", self.tokens.viewer);
        let presign = self.post("/nexus/raw/presign-upload", &promise());
        requests.push((
            "viewer",
            403,
            presign.clone().with("authorization", &viewer),
        ));
        let twice = self.get(ASSET).header("authorization", &viewer);
        requests.push(("two tokens", 400, twice));
        let queried = self.get(&format!("{ASSET}?access_token={good}"));
        requests.push(("query", 401, queried.clone().without("authorization")));
        requests.push(("query too", 404, queried));
        for (name, status) in [
            ("cookie", 404),
            ("proxy-authorization", 404),
            ("x-forwarded-authorization", 404),
            ("x-request-id", 404),
            ("traceparent", 404),
            ("tracestate", 404),
            ("user-agent", 404),
            ("referer", 404),
            ("if-none-match", 404),
            ("origin", 404),
            ("x-tenant-id", 400),
            ("x-env", 400),
        ] {
            requests.push((name, status, self.get(ASSET).with(name, good)));
        }
        let odd = format!("{good}\u{e9}");
        requests.push((
            "odd idempotency-key",
            400,
            presign.clone().with("idempotency-key", &odd),
        ));
        requests.push((
            "content-type",
            415,
            presign.clone().with("content-type", good),
        ));
        requests.push((
            "content-encoding",
            415,
            presign.clone().with("content-encoding", good),
        ));
        requests.push(("a body of it", 400, presign.clone().body(good)));
        let cut = format!("{{\"filename\": \"{good}");
        requests.push(("a cut body", 400, presign.clone().body(cut)));
        let misplaced = json!({"filename": 1, "size_bytes": good, "sha256": good, "token": good});
        requests.push(("a wrong field", 422, presign.json(&misplaced)));
        let lineage = json!({"derived_from": [good], "source_uri": format!("https://a:{good}@b/")});
        let register = json!({"asset_id": good, "lineage": lineage, "pii_flags": [good]});
        requests.push(("a wrong field too", 422, self.register(&register)));
        for (name, status, request) in requests {
            let answer = request.send().await;
            assert_eq!(answer.status, status, "{name}: {answer:?}");
            evidence.take_answer(name, &answer);
        }
        for head in [
            format!("GET {ASSET} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {good}\u{1}\r\n\r\n"),
            format!(
                "GET {ASSET} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {good}\r\n x: {good}\r\n\r\n"
            ),
            format!("GET {ASSET} HTTP/1.1\r\nauthorization Bearer {good}\r\n\r\n"),
            format!("{good} {good} {good}\r\n\r\n"),
        ] {
            evidence.take("a bad head", self.send_raw(&head).await);
        }
        // a path is returned to its caller only, as the problem's instance
        for target in [format!("/nexus/raw/{good}"), format!("/nexus/{good}")] {
            assert_eq!(self.get(&target).send().await.status, 404);
        }
    }

    /// What is open to all.
    pub(crate) async fn open_routes(&self, evidence: &mut Evidence) {
        for target in [
            "/healthz",
            "/readyz",
            "/openapi.json",
            "/docs",
            "/metrics",
            "/",
        ] {
            let answer = self.get(target).send().await;
            evidence.take_answer(target, &answer);
        }
    }

    async fn send_raw(&self, head: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.server).await.unwrap();
        // the server may refuse before it has read all
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    }
}

impl Upload {
    /// Returns the request of the upload.
    pub(crate) fn upload(&self) -> Request {
        let (_, address) = self.url.split_once("://").unwrap();
        let (host, _) = address.split_once('/').unwrap();
        let target = &address[host.len()..];
        let request = Request::new(host.parse().unwrap(), "PUT", target).with("host", host);
        let headers = self.headers.iter();
        let request = headers.fold(request, |it, (name, value)| it.header(name, value));
        request.body(CONTENT)
    }
}

fn promise() -> Value {
    json!({
        "filename": "DSCN0010.jpg",
        "content_type": "image/jpeg",
        "size_bytes": CONTENT.len(),
        "sha256": Sha256Digest::of(CONTENT),
    })
}

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use nexus_raw::asset::Sha256Digest;

use super::evidence::Evidence;

/// A store that returns all it was sent in each of its responses, as S3 does in parts of
/// `SignatureDoesNotMatch`: in headers, in each element of its error documents, in a redirect.
pub(crate) struct EchoingStore {
    pub(crate) endpoint: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    fault: Option<(Kind, Fault)>,
    heads: Vec<String>,
}

/// Requests that a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Those for the bucket.
    Bucket,
    /// Uploads.
    Put,
    /// HEAD of an object.
    Head,
}

/// How a store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It answers this status.
    Status(u16),
    /// What it answers is no HTTP.
    Malformed,
    /// Its answer breaks off.
    Cut,
}

impl EchoingStore {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let of_server = Arc::downgrade(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                // the test is over
                let Some(state) = of_server.upgrade() else {
                    break;
                };
                thread::spawn(move || answer(stream.unwrap(), &state));
            }
        });
        Self { endpoint, state }
    }

    pub(crate) fn fail(&self, kind: Kind, fault: Fault) {
        self.state.lock().unwrap().fault = Some((kind, fault));
    }

    /// Makes known what signed the requests that came.
    pub(crate) fn know_signatures(&self, evidence: &mut Evidence) {
        let heads = self.state.lock().unwrap().heads.clone();
        assert!(!heads.is_empty());
        for head in heads {
            let (_, signed) = head.split_once("Signature=").unwrap();
            let digits = signed.find(|it: char| !it.is_ascii_hexdigit());
            let signature = &signed[..digits.unwrap_or(signed.len())];
            assert_eq!(signature.len(), 64, "{head}");
            evidence.canaries.add("a signature to the store", signature);
        }
    }
}

impl Drop for EchoingStore {
    fn drop(&mut self) {
        // so that its thread looks whether the test is over
        self.state = Arc::default();
        let _ = TcpStream::connect(self.endpoint.trim_start_matches("http://"));
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(head) = read(&mut stream) else {
        return;
    };
    let fault = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.heads.push(head.clone());
        state.fault
    };
    let (line, _) = head.split_once("\r\n").unwrap();
    let (method, target) = line.split_once(' ').unwrap();
    let key = target.split_once("nexus-raw-probe/v1/");
    let kind = match (
        method,
        target.contains("/nexus-raw-probe/") || target.contains("/tenants/"),
    ) {
        (_, false) => Kind::Bucket,
        ("PUT", true) => Kind::Put,
        (_, true) => Kind::Head,
    };
    let echo = head.replace(['\r', '\n'], " ");
    let said = match fault.filter(|(of, _)| *of == kind) {
        Some((_, Fault::Status(status))) => error(status, &echo, method),
        Some((_, Fault::Malformed)) => format!("NONSENSE/9 {echo}\r\n{echo}\r\n\r\n{echo}"),
        Some((_, Fault::Cut)) => format!("HTTP/1.1 403 {echo}\r\nx-amz-request-id: {echo}"),
        None => fit(kind, key.map_or("", |(_, key)| key), &echo, method),
    };
    // the client may have given up
    let _ = stream.write_all(said.as_bytes());
}

/// What a fit store says to the probe at any start but the first.
fn fit(kind: Kind, key: &str, echo: &str, method: &str) -> String {
    const PROBE: &str = "Written once by Nexus raw storage to try this bucket.\n";
    match kind {
        Kind::Bucket => format!("HTTP/1.1 200 OK\r\nconnection: close\r\nx-echo: {echo}\r\n\r\n"),
        Kind::Put if key.starts_with("create-once") => error(412, echo, method),
        Kind::Put if key.starts_with("other-bytes") => error(400, echo, method),
        Kind::Put => error(403, echo, method),
        Kind::Head if key.starts_with("create-once") => format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\
             content-type: application/octet-stream\r\netag: \"e\"\r\n\
             x-amz-checksum-sha256: {}\r\nx-amz-meta-tenant-id: t_nexus-raw-probe\r\n\
             x-amz-meta-env: probe\r\n\
             x-amz-meta-asset-id: 00000000-0000-7000-8000-000000000000\r\nx-echo: {echo}\r\n\r\n",
            PROBE.len(),
            Sha256Digest::of(PROBE.as_bytes()).to_base64(),
        ),
        Kind::Head => error(404, echo, method),
    }
}

fn error(status: u16, echo: &str, method: &str) -> String {
    let document = format!(
        "<Error><Code>{echo}</Code><Message>{echo}</Message><StringToSign>{echo}</StringToSign>\
         <AWSAccessKeyId>{echo}</AWSAccessKeyId><RequestId>{echo}</RequestId></Error>"
    );
    let body = if method == "HEAD" { "" } else { &document };
    format!(
        "HTTP/1.1 {status} {echo}\r\nconnection: close\r\ncontent-length: {}\r\n\
         x-amz-request-id: {echo}\r\nx-amz-id-2: {echo}\r\nretry-after: {echo}\r\n\
         location: http://127.0.0.1:1/?{}\r\ncontent-type: {echo}\r\netag: {echo}\r\n\
         x-amz-meta-echo: {echo}\r\n\r\n{body}",
        body.len(),
        echo.replace(' ', "+"),
    )
}

/// The head of a request; its body is read and forgotten.
fn read(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).ok()?;
    Some(head)
}

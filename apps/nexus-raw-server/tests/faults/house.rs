//! The program before a store that is reached by a proxy.

use std::{net::SocketAddr, process::Command, sync::Arc, time::Duration};

use nexus_raw::{
    asset::Sha256Digest,
    system::SystemClock,
    tenancy::{Role, TenantId, UserId},
};
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, EmbeddedS3Handle, Settings};
use nexus_raw_identity_jwt::{JwtSettings, KeySettings, TokenIssuer, TokenRequest};
use nexus_raw_testkit::s3::Endpoint;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    caller::Caller,
    http::{Answer, Request},
    machine::{Machine, Server},
};

const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
const SECRET_ACCESS_KEY: &str = "a-store-behind-a-proxy";
const HS256_SECRET: &str = "a-secret-of-this-test-and-of-no-other";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "nexus-raw";
pub(crate) const TENANT: &str = "t_faults";

/// A store that works.
pub(crate) struct Store {
    server: EmbeddedS3Handle,
    _directory: TempDir,
}

impl Store {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let credentials = Credentials {
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SECRET_ACCESS_KEY.into(),
        };
        let settings = Settings::new(directory.path(), credentials)
            .with_region("eu-central-1")
            .with_bucket("nexus-raw");
        Self {
            server: EmbeddedS3::start(&settings).unwrap(),
            _directory: directory,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// For a client with its keys.
    pub(crate) fn s3(&self) -> Endpoint {
        at(&self.endpoint())
    }
}

/// The program, before the store at `endpoint`.
pub(crate) fn program(machine: &Machine, endpoint: &str) -> Command {
    let mut command = machine.program();
    command.envs([
        ("NEXUS_RAW_STORAGE__BUCKET", "nexus-raw"),
        ("NEXUS_RAW_STORAGE__REGION", "eu-central-1"),
        ("NEXUS_RAW_STORAGE__ENDPOINT", endpoint),
        ("NEXUS_RAW_STORAGE__FORCE_PATH_STYLE", "true"),
        ("NEXUS_RAW_STORAGE__ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("NEXUS_RAW_STORAGE__SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ("NEXUS_RAW_STORAGE__STARTUP_TIMEOUT_SECONDS", "1"),
        ("NEXUS_RAW_CATALOG__URL", "sqlite:catalog.sqlite"),
        ("NEXUS_RAW_IDENTITY__ISSUER", ISSUER),
        ("NEXUS_RAW_IDENTITY__AUDIENCE", AUDIENCE),
        ("NEXUS_RAW_IDENTITY__HS256_SECRET", HS256_SECRET),
        // after a completion without an answer
        ("NEXUS_RAW_FAIL_POINT_LEASE_MILLIS", "1000"),
    ]);
    command
}

/// The program in embedded mode, with keys that a test knows.
pub(crate) fn embedded(machine: &Machine) -> Command {
    let mut command = machine.embedded();
    command.envs([
        ("NEXUS_RAW_STORAGE__BUCKET", "nexus-raw"),
        ("NEXUS_RAW_STORAGE__REGION", "eu-central-1"),
        ("NEXUS_RAW_STORAGE__ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("NEXUS_RAW_STORAGE__SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ("NEXUS_RAW_IDENTITY__ISSUER", ISSUER),
        ("NEXUS_RAW_IDENTITY__AUDIENCE", AUDIENCE),
        ("NEXUS_RAW_IDENTITY__HS256_SECRET", HS256_SECRET),
    ]);
    command
}

/// The store of a program in embedded mode, for a client with its keys.
pub(crate) fn store_of(server: &Server) -> Endpoint {
    at(server.s3_endpoint.as_deref().unwrap())
}

fn at(url: &str) -> Endpoint {
    Endpoint::at(url, "eu-central-1", ACCESS_KEY_ID, SECRET_ACCESS_KEY)
}

/// An owner who calls a running server.
#[derive(Clone)]
pub(crate) struct Owner {
    server: SocketAddr,
    token: Arc<str>,
}

impl Owner {
    pub(crate) fn of(server: SocketAddr) -> Self {
        let keys = KeySettings::Hs256 {
            secret: HS256_SECRET.into(),
            previous: None,
        };
        let settings = JwtSettings::new(ISSUER, AUDIENCE, keys);
        let issuer = TokenIssuer::new(settings, Arc::new(SystemClock)).unwrap();
        let request = TokenRequest {
            user: UserId::parse("u_faults").unwrap(),
            memberships: vec![(TenantId::parse(TENANT).unwrap(), Some(Role::Owner))],
            ttl: Duration::from_hours(1),
        };
        Self {
            server,
            token: issuer.issue(&request).unwrap().into(),
        }
    }

    /// The same, for calls that are answered.
    pub(crate) fn caller(&self) -> Caller {
        Caller::with_token(TENANT, self.token.to_string(), self.server)
    }

    fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.server, method, path)
            .header("authorization", &format!("Bearer {}", self.token))
            .header("x-tenant-id", TENANT)
            .header("x-env", "dev")
    }

    /// `None` when the server is gone.
    pub(crate) async fn get(&self, path: &str) -> Option<Answer> {
        self.request("GET", path).send_to_the_end().await
    }

    /// `None` when the server is gone.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Option<Answer> {
        let request = self.request("POST", path);
        let request = request.header("content-type", "application/json");
        request.json(body).send_to_the_end().await
    }

    pub(crate) async fn presign(&self, content: &[u8]) -> Option<Answer> {
        let body = json!({
            "filename": "fault.bin",
            "size_bytes": content.len(),
            "sha256": Sha256Digest::of(content),
        });
        self.post("/nexus/raw/presign-upload", &body).await
    }

    pub(crate) async fn register(&self, asset_id: &str) -> Option<Answer> {
        let body = json!({"asset_id": asset_id});
        self.post("/nexus/raw/register", &body).await
    }

    /// Presigns and uploads; the asset's id.
    pub(crate) async fn uploaded(&self, content: &[u8]) -> String {
        let presigned = self.presign(content).await.unwrap();
        self.upload(&presigned, content).await;
        presigned.json()["asset_id"].as_str().unwrap().to_owned()
    }

    /// Does the upload that was presigned.
    pub(crate) async fn upload(&self, presigned: &Answer, content: &[u8]) {
        assert_eq!(self.put(presigned, content).await, Some(200));
    }

    /// The same, with any response of the store; `None` when it is gone.
    pub(crate) async fn put(&self, presigned: &Answer, content: &[u8]) -> Option<u16> {
        let (status, presigned) = presigned.whole();
        assert_eq!(status, 200, "{presigned}");
        let upload = &presigned["upload"];
        let url = upload["url"].as_str().unwrap();
        let (host, path) = url
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let request = Request::new(host.parse().unwrap(), "PUT", &format!("/{path}"));
        let headers = upload["headers"].as_object().unwrap();
        let request = headers
            .iter()
            .fold(request.with("host", host), |request, (name, value)| {
                request.header(name, value.as_str().unwrap())
            });
        let answer = request.body(content).send_to_the_end().await?;
        Some(answer.status)
    }

    /// The types of the events of an asset.
    pub(crate) async fn events_of(&self, asset_id: &str) -> Vec<String> {
        let path = format!("/nexus/raw/{asset_id}/events");
        let (status, body) = self.get(&path).await.unwrap().whole();
        assert_eq!(status, 200, "{body}");
        let events = body["events"].as_array().unwrap().iter();
        events
            .map(|event| event["event_type"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) async fn readiness(&self) -> Answer {
        Request::new(self.server, "GET", "/readyz").send().await
    }
}

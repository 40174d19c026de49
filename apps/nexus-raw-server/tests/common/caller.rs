use std::net::SocketAddr;

use nexus_raw::{asset::Sha256Digest, tenancy::Role};
use serde_json::{Value, json};

use super::{
    http::{Answer, Request},
    machine::{Machine, Server},
};

/// Someone who owns a tenant.
pub(crate) struct Caller {
    server: SocketAddr,
    tenant: &'static str,
    token: String,
}

/// A presigned upload, as the service returned it.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) asset_id: String,
    pub(crate) uri: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Caller {
    pub(crate) fn owner_of(tenant: &'static str, machine: &Machine, server: &Server) -> Self {
        Self::with_role(tenant, Role::Owner, machine, server)
    }

    /// Someone with another role in a tenant.
    pub(crate) fn with_role(
        tenant: &'static str,
        role: Role,
        machine: &Machine,
        server: &Server,
    ) -> Self {
        Self::with_token(tenant, machine.token(tenant, role), server.address)
    }

    /// The bearer of a token.
    pub(crate) fn with_token(tenant: &'static str, token: String, server: SocketAddr) -> Self {
        Self {
            server,
            tenant,
            token,
        }
    }

    /// The same caller, with the same token, of another start of the server.
    pub(crate) fn at(self, server: &Server) -> Self {
        Self {
            server: server.address,
            ..self
        }
    }

    pub(crate) fn request(&self, method: &str, target: &str) -> Request {
        Request::new(self.server, method, target)
            .header("authorization", &format!("Bearer {}", self.token))
            .header("x-tenant-id", self.tenant)
            .header("x-env", "dev")
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.request("GET", target).send().await
    }

    pub(crate) async fn post(&self, target: &str, body: &Value) -> Answer {
        self.posting(target).json(body).send().await
    }

    /// A request to post JSON, which a test may spoil before it is sent.
    pub(crate) fn posting(&self, target: &str) -> Request {
        let request = self.request("POST", target);
        request.header("content-type", "application/json")
    }

    /// Promises a JPEG.
    pub(crate) async fn presign(&self, filename: &str, content: &[u8]) -> Upload {
        self.presign_as(filename, "image/jpeg", content).await
    }

    /// Promises a content of any type.
    pub(crate) async fn presign_as(
        &self,
        filename: &str,
        content_type: &str,
        content: &[u8],
    ) -> Upload {
        let body = promise(filename, content_type, content);
        Upload::of(&self.post("/nexus/raw/presign-upload", &body).await)
    }

    /// Promises a JPEG under a key.
    pub(crate) async fn presign_keyed(&self, key: &str, filename: &str, content: &[u8]) -> Answer {
        let request = self.posting("/nexus/raw/presign-upload");
        let request = request.header("idempotency-key", key);
        let body = promise(filename, "image/jpeg", content);
        request.json(&body).send().await
    }

    pub(crate) async fn register(&self, body: &Value) -> Answer {
        self.post("/nexus/raw/register", body).await
    }

    /// Presigns, uploads and registers; the record.
    pub(crate) async fn put(&self, filename: &str, content: &[u8]) -> Answer {
        let upload = self.presign(filename, content).await;
        assert_eq!(upload.put(content).await, 200);
        let answer = self.register(&json!({"asset_id": upload.asset_id})).await;
        assert_eq!(answer.status, 201);
        answer
    }
}

/// A request of a presigned URL, without any further header.
pub(crate) fn at_store(method: &str, url: &str) -> Request {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, target) = rest.split_at(rest.find('/').unwrap());
    Request::new(host.parse().unwrap(), method, target).with("host", host)
}

fn promise(filename: &str, content_type: &str, content: &[u8]) -> Value {
    json!({
        "filename": filename,
        "content_type": content_type,
        "size_bytes": content.len(),
        "sha256": Sha256Digest::of(content),
    })
}

impl Upload {
    /// What a presign answered.
    pub(crate) fn of(presigned: &Answer) -> Self {
        let (status, body) = presigned.whole();
        assert_eq!(status, 200, "{body}");
        let headers = body["upload"]["headers"].as_object().unwrap();
        Self {
            asset_id: body["asset_id"].as_str().unwrap().to_owned(),
            uri: body["uri"].as_str().unwrap().to_owned(),
            url: body["upload"]["url"].as_str().unwrap().to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect(),
        }
    }

    /// Sends the upload; returns the store's status.
    pub(crate) async fn put(&self, content: &[u8]) -> u16 {
        self.send("PUT", content).await.status
    }

    /// The same by any method; the store's answer.
    pub(crate) async fn send(&self, method: &str, content: &[u8]) -> Answer {
        self.request(method).body(content).send().await
    }

    /// The upload, before its content is set.
    pub(crate) fn request(&self, method: &str) -> Request {
        let request = at_store(method, &self.url);
        let headers = self.headers.iter();
        headers.fold(request, |it, (name, value)| it.header(name, value))
    }

    /// Bucket and key in the path, as in a request to the store.
    pub(crate) fn path(&self) -> &str {
        let target = &self.url["http://".len()..];
        let target = &target[target.find('/').unwrap()..];
        target.split('?').next().unwrap()
    }

    /// The same with another value of a header; without it where that is `None`.
    pub(crate) fn with(&self, name: &str, value: Option<&str>) -> Self {
        let mut other = self.clone();
        other.headers.retain(|(it, _)| it != name);
        other
            .headers
            .extend(value.map(|value| (name.to_owned(), value.to_owned())));
        other
    }
}

use std::net::SocketAddr;

use nexus_raw::{asset::Sha256Digest, tenancy::Role};
use serde_json::{Value, json};

use crate::{
    http::{Answer, Request},
    machine::{Machine, Server},
};

/// Someone who owns a tenant.
pub(crate) struct Caller {
    server: SocketAddr,
    tenant: &'static str,
    token: String,
}

/// Leave to upload, as the service gave it.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) asset_id: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Caller {
    pub(crate) fn owner_of(tenant: &'static str, machine: &Machine, server: &Server) -> Self {
        Self {
            server: server.address,
            tenant,
            token: machine.token(tenant, Role::Owner),
        }
    }

    /// The same caller, with the same token, of another start of the server.
    pub(crate) fn at(self, server: &Server) -> Self {
        Self {
            server: server.address,
            ..self
        }
    }

    fn request(&self, method: &str, target: &str) -> Request {
        Request::new(self.server, method, target)
            .header("authorization", &format!("Bearer {}", self.token))
            .header("x-tenant-id", self.tenant)
            .header("x-env", "dev")
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.request("GET", target).send().await
    }

    async fn post(&self, target: &str, body: &Value) -> Answer {
        let request = self.request("POST", target);
        let request = request.header("content-type", "application/json");
        request.json(body).send().await
    }

    /// Promises a JPEG.
    pub(crate) async fn presign(&self, filename: &str, content: &[u8]) -> Upload {
        let body = json!({
            "filename": filename,
            "content_type": "image/jpeg",
            "size_bytes": content.len(),
            "sha256": Sha256Digest::of(content),
        });
        let answer = self.post("/nexus/raw/presign-upload", &body).await;
        let (status, body) = answer.whole();
        assert_eq!(status, 200, "{body}");
        let headers = body["upload"]["headers"].as_object().unwrap();
        Upload {
            asset_id: body["asset_id"].as_str().unwrap().to_owned(),
            url: body["upload"]["url"].as_str().unwrap().to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect(),
        }
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

impl Upload {
    /// Does what it is leave for; the store's status.
    pub(crate) async fn put(&self, content: &[u8]) -> u16 {
        let (host, target) = self
            .url
            .strip_prefix("http://")
            .unwrap()
            .split_at(self.url["http://".len()..].find('/').unwrap());
        let request = Request::new(host.parse().unwrap(), "PUT", target).with("host", host);
        let headers = self.headers.iter();
        let request = headers.fold(request, |it, (name, value)| it.header(name, value));
        request.body(content).send().await.status
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

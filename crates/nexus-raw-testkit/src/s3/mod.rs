//! S3 on the wire: an endpoint, and requests that are signed by the documented algorithm and sent
//! unchanged. For tests that call a store as its administrator or as an attacker, such as the suite
//! of [`contract::s3`](crate::contract::s3).

pub mod http;
mod multipart;
mod sign;
mod xml;

pub use self::{
    http::Answer,
    multipart::{MultipartClient, PartName, composite_sha256},
    sign::{Presign, Signer, base64_sha256, encode_path},
    xml::xml_document,
};

/// A store that is addressed by path over plain HTTP, and one of its key pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Host and port, as in the `Host` header.
    pub host: String,
    /// The region of signatures.
    pub region: String,
    /// The id of a key pair with all permissions.
    pub access_key_id: String,
    /// The pair's secret.
    pub secret_access_key: String,
}

impl Endpoint {
    /// Creates the endpoint of a URL such as `http://127.0.0.1:9000`.
    ///
    /// # Panics
    /// If the URL is not plain HTTP.
    #[must_use]
    pub fn at(url: &str, region: &str, access_key_id: &str, secret_access_key: &str) -> Self {
        let Some(host) = url.strip_prefix("http://") else {
            panic!("{url} does not begin with http://");
        };
        Self {
            host: host.trim_end_matches('/').to_owned(),
            region: region.to_owned(),
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
        }
    }

    /// Returns a signer with the current time.
    #[must_use]
    pub fn signer(&self) -> Signer {
        Signer::new(self)
    }

    /// Sends a request signed in its header, with the payload's digest.
    ///
    /// # Panics
    /// If the connection breaks before the response is complete.
    #[must_use]
    pub fn signed(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let headers = self.signer().sign_header(method, target, headers, body);
        self.send(method, target, &headers, body)
    }

    /// Sends a request unchanged, with only `host` and `content-length` added.
    ///
    /// # Panics
    /// If the connection breaks before the response is complete.
    #[must_use]
    pub fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Answer {
        let sent = http::send(&self.host, method, target, headers, body);
        sent.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }
}

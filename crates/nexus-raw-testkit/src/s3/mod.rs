//! S3 as it is on the wire: an endpoint, requests signed by the documented algorithm and sent byte
//! for byte. For tests that speak to a store as its administrator, or as an attacker; the suite of
//! [`contract::s3`](crate::contract::s3) is made with it.

pub mod http;
mod sign;

pub use self::{
    http::Answer,
    sign::{Presign, Signer, base64_sha256, encode_path},
};

/// A store that is addressed by path over plain HTTP, and a key pair that it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Host and port, as the `Host` header has them.
    pub host: String,
    /// The region that signatures name.
    pub region: String,
    /// The id of a key pair with every right.
    pub access_key_id: String,
    /// The pair's secret.
    pub secret_access_key: String,
}

impl Endpoint {
    /// One at a URL such as `http://127.0.0.1:9000`.
    ///
    /// # Panics
    /// Where the URL is not of plain HTTP.
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

    /// What signs a request of this moment.
    #[must_use]
    pub fn signer(&self) -> Signer {
        Signer::new(self)
    }

    /// Sends a request signed in its header, with the payload's digest.
    ///
    /// # Panics
    /// Where the connection breaks before the answer is whole.
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

    /// Sends a request as it is, adding `host` and `content-length` alone.
    ///
    /// # Panics
    /// Where the connection breaks before the answer is whole.
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

//! Signature version 4, as AWS documents it:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::{KEY_ID, REGION, SECRET};

pub(crate) struct Signer {
    pub(crate) host: String,
    pub(crate) key_id: String,
    pub(crate) secret: String,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) date: DateTime<Utc>,
}

/// What a presigned URL binds.
pub(crate) struct Presign<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) headers: &'a [(String, String)],
    pub(crate) expires: u32,
}

impl Signer {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            host: addr.to_string(),
            key_id: KEY_ID.to_owned(),
            secret: SECRET.to_owned(),
            region: REGION.to_owned(),
            service: "s3".to_owned(),
            date: now(),
        }
    }

    #[must_use]
    pub(crate) fn signed_at(mut self, seconds_from_now: i64) -> Self {
        self.date += TimeDelta::seconds(seconds_from_now);
        self
    }

    /// The target of a presigned URL.
    pub(crate) fn presign(&self, presign: &Presign<'_>) -> String {
        let mut headers = presign.headers.to_vec();
        headers.push(("host".to_owned(), self.host.clone()));
        headers.sort();
        let mut query = vec![
            ("X-Amz-Algorithm".to_owned(), "AWS4-HMAC-SHA256".to_owned()),
            ("X-Amz-Credential".to_owned(), self.credential()),
            ("X-Amz-Date".to_owned(), self.timestamp()),
            ("X-Amz-Expires".to_owned(), presign.expires.to_string()),
            ("X-Amz-SignedHeaders".to_owned(), names(&headers)),
        ];
        query.extend(
            presign
                .query
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
        );
        let query = canonical_query(query);
        let signature = self.signature(
            presign.method,
            presign.path,
            &query,
            &headers,
            "UNSIGNED-PAYLOAD",
        );
        format!("{}?{query}&X-Amz-Signature={signature}", presign.path)
    }

    /// `headers` and those that sign them, over the body's digest unless they name another.
    pub(crate) fn sign_header(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Vec<(String, String)> {
        let mut signed: Vec<_> = headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        if !signed
            .iter()
            .any(|(name, _)| name == "x-amz-content-sha256")
        {
            signed.push((
                "x-amz-content-sha256".to_owned(),
                hex::encode(Sha256::digest(body)),
            ));
        }
        signed.push(("x-amz-date".to_owned(), self.timestamp()));
        signed.push(("host".to_owned(), self.host.clone()));
        signed.sort();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (name.to_owned(), value.to_owned())
            });
        let payload = &signed
            .iter()
            .find(|(name, _)| name == "x-amz-content-sha256")
            .unwrap()
            .1;
        let signature = self.signature(
            method,
            path,
            &canonical_query(query.collect()),
            &signed,
            payload,
        );
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}, SignedHeaders={}, Signature={signature}",
            self.credential(),
            names(&signed),
        );
        signed.retain(|(name, _)| name != "host");
        signed.push(("authorization".to_owned(), authorization));
        signed
    }

    pub(crate) fn timestamp(&self) -> String {
        self.date.format("%Y%m%dT%H%M%SZ").to_string()
    }

    pub(crate) fn scope(&self) -> String {
        format!(
            "{}/{}/{}/aws4_request",
            self.date.format("%Y%m%d"),
            self.region,
            self.service
        )
    }

    fn credential(&self) -> String {
        format!("{}/{}", self.key_id, self.scope())
    }

    fn signature(
        &self,
        method: &str,
        path: &str,
        query: &str,
        headers: &[(String, String)],
        payload: &str,
    ) -> String {
        let lines: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let lines = lines.concat();
        let request = format!(
            "{method}\n{path}\n{query}\n{lines}\n{}\n{payload}",
            names(headers)
        );
        self.sign(&format!(
            "AWS4-HMAC-SHA256\n{}\n{}\n{}",
            self.timestamp(),
            self.scope(),
            hex::encode(Sha256::digest(request)),
        ))
    }

    /// The signature of any string to sign, a chunk's too.
    pub(crate) fn sign(&self, text: &str) -> String {
        let key = ["aws4_request", &self.service, &self.region]
            .iter()
            .rev()
            .fold(
                hmac(
                    format!("AWS4{}", self.secret).as_bytes(),
                    &self.date.format("%Y%m%d").to_string(),
                ),
                |key, part| hmac(&key, part),
            );
        hex::encode(hmac(&key, text))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server compares signatures with the machine's clock"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

pub(crate) fn base64_sha256(content: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(content))
}

/// Percent-encodes all but the unreserved characters and `/`.
pub(crate) fn encode_path(path: &str) -> String {
    encode(path, b"/")
}

fn encode(text: &str, keep: &[u8]) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn canonical_query(mut pairs: Vec<(String, String)>) -> String {
    pairs.sort();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name, b""), encode(value, b"")))
        .collect();
    pairs.join("&")
}

fn names(headers: &[(String, String)]) -> String {
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    names.join(";")
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

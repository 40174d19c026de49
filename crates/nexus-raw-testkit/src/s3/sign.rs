//! Signature version 4 as AWS documents it, so that a test can sign what no SDK would:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::Endpoint;

/// A signer of requests: a key, a scope and a time. A test may set wrong values.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The signed `Host`.
    pub host: String,
    /// The access key's id.
    pub key_id: String,
    /// The access key's secret.
    pub secret: String,
    /// The scope's region.
    pub region: String,
    /// The scope's service.
    pub service: String,
    /// The time of signing.
    pub date: DateTime<Utc>,
}

/// The signed parts of a presigned URL.
#[derive(Debug)]
pub struct Presign<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path on the wire, percent-encoded, with the bucket.
    pub path: &'a str,
    /// More parameters, not yet encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// The signed headers except `host`, with names in lower case.
    pub headers: &'a [(String, String)],
    /// The lifetime of the URL in seconds.
    pub expires: u32,
}

impl Signer {
    /// Creates a signer with the current time.
    #[must_use]
    pub fn new(endpoint: &Endpoint) -> Self {
        Self {
            host: endpoint.host.clone(),
            key_id: endpoint.access_key_id.clone(),
            secret: endpoint.secret_access_key.clone(),
            region: endpoint.region.clone(),
            service: "s3".to_owned(),
            date: now(),
        }
    }

    /// Returns the same with another time.
    #[must_use]
    pub fn signed_at(mut self, seconds_from_now: i64) -> Self {
        self.date += TimeDelta::seconds(seconds_from_now);
        self
    }

    /// Returns the target of a presigned URL.
    #[must_use]
    pub fn presign(&self, presign: &Presign<'_>) -> String {
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

    /// Returns `headers` with those of the signature, which covers the body's digest unless
    /// `headers` have another.
    #[must_use]
    pub fn sign_header(
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
        let payload = signed
            .iter()
            .find(|(name, _)| name == "x-amz-content-sha256")
            .map_or("", |(_, value)| value);
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

    /// Returns the time in the format of signatures.
    #[must_use]
    pub fn timestamp(&self) -> String {
        self.date.format("%Y%m%dT%H%M%SZ").to_string()
    }

    /// Returns the scope of the credential.
    #[must_use]
    pub fn scope(&self) -> String {
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

    /// Returns the signature of a string to sign, such as that of a chunk.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
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
    reason = "stores compare signatures with the machine's clock"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Returns a digest in the format of `x-amz-checksum-sha256`.
#[must_use]
pub fn base64_sha256(content: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(content))
}

/// Percent-encodes everything except the unreserved characters and `/`.
#[must_use]
pub fn encode_path(path: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>.
    #[test]
    fn the_presigned_url_of_the_documentation_comes_out() {
        let signer = Signer {
            host: "examplebucket.s3.amazonaws.com".to_owned(),
            key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            region: "us-east-1".to_owned(),
            service: "s3".to_owned(),
            date: DateTime::parse_from_rfc3339("2013-05-24T00:00:00Z")
                .unwrap()
                .to_utc(),
        };
        let target = signer.presign(&Presign {
            method: "GET",
            path: "/test.txt",
            query: &[],
            headers: &[],
            expires: 86_400,
        });
        let signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        assert!(
            target.ends_with(&format!("&X-Amz-Signature={signature}")),
            "{target}"
        );
    }
}

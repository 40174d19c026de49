use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use nexus_raw::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::HttpSinkError;

/// RFC 2104, section 3: a key shorter than the digest is weaker than the digest.
const MIN_SECRET_BYTES: usize = 32;

/// A signer of requests by the Standard Webhooks specification: HMAC-SHA256 over
/// `<id>.<timestamp>.<body>`. The time is signed too, so that a receiver can refuse a replay.
pub(super) struct Signer(Hmac<Sha256>);

impl Signer {
    /// Creates a signer whose key is the secret's bytes.
    pub(super) fn new(secret: &SecretString) -> Result<Self, HttpSinkError> {
        let secret = secret.expose_secret().as_bytes();
        if secret.len() < MIN_SECRET_BYTES {
            return Err(HttpSinkError::ShortSecret);
        }
        // HMAC accepts keys of any length
        let mac =
            Hmac::new_from_slice(secret).map_err(|error| HttpSinkError::Client(error.into()))?;
        Ok(Self(mac))
    }

    /// Returns the signature headers of one request.
    pub(super) fn sign(
        &self,
        id: &str,
        now: Timestamp,
        body: &[u8],
    ) -> [(&'static str, String); 3] {
        let timestamp = now.as_unix_seconds().to_string();
        let mut mac = self.0.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", format!("v1,{signature}")),
        ]
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Signer(redacted)")
    }
}

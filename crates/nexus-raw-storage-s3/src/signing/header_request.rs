//! A request with a signature in a header (Amazon S3 API Reference, "Authenticating Requests: Using
//! the Authorization Header").

use aws_credential_types::Credentials;

use super::{
    canonical::{SigningFailure, push_names, push_value},
    day_key::DayKey,
};
use crate::endpoint::{BucketUrl, push_key};

/// The SHA-256 of no bytes.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A HEAD of an object, ready to be sent.
pub(crate) struct SignedHead {
    pub(crate) url: String,
    /// All headers but `host`.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// The parts of the signature of a HEAD.
pub(super) struct HeadRequest<'a> {
    pub(super) bucket: &'a BucketUrl,
    pub(super) key: &'a str,
    pub(super) owner: Option<&'a str>,
    pub(super) credentials: &'a Credentials,
    /// In seconds since 1970.
    pub(super) at: u64,
}

impl HeadRequest<'_> {
    /// Signs the request, which asks for the object's digest too.
    pub(super) fn signed(&self, day_key: &DayKey) -> Result<SignedHead, SigningFailure> {
        let date_time = day_key.date_time(self.at);
        let token = self.credentials.session_token();
        let mut signed = Vec::with_capacity(6);
        // by name
        signed.extend([
            ("host", self.bucket.host.as_str()),
            ("x-amz-checksum-mode", "ENABLED"),
            ("x-amz-content-sha256", EMPTY_SHA256),
            ("x-amz-date", date_time.as_str()),
        ]);
        signed.extend(
            self.owner
                .map(|owner| ("x-amz-expected-bucket-owner", owner)),
        );
        signed.extend(token.map(|token| ("x-amz-security-token", token)));

        let mut path = self.bucket.path.clone();
        path.push('/');
        push_key(&mut path, self.key);
        let mut canonical = String::with_capacity(768);
        canonical.push_str("HEAD\n");
        canonical.push_str(&path);
        // no query
        canonical.push_str("\n\n");
        for (name, value) in &signed {
            canonical.push_str(name);
            canonical.push(':');
            push_value(&mut canonical, value)?;
            canonical.push('\n');
        }
        canonical.push('\n');
        push_names(&mut canonical, &signed, ";");
        canonical.push('\n');
        canonical.push_str(EMPTY_SHA256);

        let signature = day_key.signature(&date_time, &canonical)?;
        let mut names = String::with_capacity(128);
        push_names(&mut names, &signed, ";");
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={names}, Signature={}",
            self.credentials.access_key_id(),
            day_key.scope,
            signature.as_str(),
        );
        let mut headers: Vec<_> = signed
            .iter()
            .skip(1)
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        headers.push(("authorization", authorization));
        Ok(SignedHead {
            url: format!("{}{path}", self.bucket.origin),
            headers,
        })
    }
}

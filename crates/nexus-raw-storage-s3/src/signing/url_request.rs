//! A URL with a signature in its query (Amazon S3 API Reference, "Authenticating Requests: Using
//! Query Parameters").

use std::ops::Range;

use nexus_raw::ports::SignedUrl;
use secrecy::ExposeSecret;

use super::{
    Lifetime,
    canonical::{SigningFailure, push_names, push_value},
    day_key::DayKey,
};
use crate::endpoint::{BucketUrl, push_encoded, push_key};

/// Room for the canonical request of an upload, and for its URL.
const CANONICAL_BYTES: usize = 1536;
const URL_BYTES: usize = 1024;

/// A request that anyone may send who has its URL.
#[derive(Debug, Clone, Copy)]
pub(super) struct UrlRequest<'a> {
    pub(super) method: &'static str,
    pub(super) key: &'a str,
    /// The operation, which the SDK names in `x-id`.
    pub(super) operation: &'static str,
    /// The other parameters by name, which are after `X-` and before `x-id`.
    pub(super) parameters: &'a [(&'static str, &'a str)],
    /// All signed headers, by name.
    pub(super) headers: &'a [(&'a str, &'a str)],
}

/// The canonical request, and where in it the parts of the URL are.
struct Canonical {
    text: String,
    path: Range<usize>,
    /// From `X-Amz-Algorithm` to `X-Amz-Expires`.
    validity: Range<usize>,
    /// `X-Amz-SignedHeaders`.
    names: Range<usize>,
    parameters: Range<usize>,
}

impl UrlRequest<'_> {
    /// Returns the URL, with its parameters in the order of the SDK.
    pub(super) fn signed_url(
        &self,
        bucket: &BucketUrl,
        lifetime: Lifetime,
        key: &DayKey,
    ) -> Result<SignedUrl, SigningFailure> {
        let date_time = key.date_time(lifetime.signed_at_seconds());
        let canonical = self.canonical(bucket, lifetime, key, &date_time)?;
        let signature = key.signature(&date_time, &canonical.text)?;
        let part = |range: &Range<usize>| canonical.text.get(range.clone()).unwrap_or_default();
        let mut url = String::with_capacity(URL_BYTES);
        url.push_str(&bucket.origin);
        url.push_str(part(&canonical.path));
        url.push_str("?x-id=");
        url.push_str(self.operation);
        url.push_str(part(&canonical.parameters));
        url.push('&');
        url.push_str(part(&canonical.validity));
        url.push('&');
        url.push_str(part(&canonical.names));
        url.push_str("&X-Amz-Signature=");
        url.push_str(signature.as_str());
        push_session_token(&mut url, key);
        Ok(SignedUrl::new(url))
    }

    fn canonical(
        &self,
        bucket: &BucketUrl,
        lifetime: Lifetime,
        key: &DayKey,
        date_time: &str,
    ) -> Result<Canonical, SigningFailure> {
        let mut text = String::with_capacity(CANONICAL_BYTES);
        text.push_str(self.method);
        text.push('\n');
        let path = pushed(&mut text, |text| {
            text.push_str(&bucket.path);
            text.push('/');
            push_key(text, self.key);
        });
        text.push('\n');
        let validity = pushed(&mut text, |text| {
            text.push_str("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=");
            text.push_str(key.credential.expose_secret());
            text.push_str("&X-Amz-Date=");
            text.push_str(date_time);
            text.push_str("&X-Amz-Expires=");
            text.push_str(&lifetime.duration().as_secs().to_string());
        });
        push_session_token(&mut text, key);
        text.push('&');
        let names = pushed(&mut text, |text| {
            text.push_str("X-Amz-SignedHeaders=");
            push_names(text, self.headers, "%3B");
        });
        let parameters = pushed(&mut text, |text| {
            for (name, value) in self.parameters {
                text.push('&');
                text.push_str(name);
                text.push('=');
                push_encoded(text, value);
            }
        });
        text.push_str("&x-id=");
        text.push_str(self.operation);
        text.push('\n');
        for (name, value) in self.headers {
            text.push_str(name);
            text.push(':');
            push_value(&mut text, value)?;
            text.push('\n');
        }
        text.push('\n');
        push_names(&mut text, self.headers, ";");
        // of an upload the digest is a signed header
        text.push_str("\nUNSIGNED-PAYLOAD");
        Ok(Canonical {
            text,
            path,
            validity,
            names,
            parameters,
        })
    }
}

/// Returns where in the text it is what `push` appends.
fn pushed(text: &mut String, push: impl FnOnce(&mut String)) -> Range<usize> {
    let start = text.len();
    push(text);
    start..text.len()
}

fn push_session_token(text: &mut String, key: &DayKey) {
    if let Some(token) = &key.session_token {
        text.push_str("&X-Amz-Security-Token=");
        text.push_str(token.expose_secret());
    }
}

//! Signed URLs: an HMAC over everything that an upload must be, or a download is answered with.

use std::{io, net::SocketAddr, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use nexus_raw::{
    asset::ObjectAddress,
    ports::{DownloadTerms, UploadTerms},
    time::Timestamp,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::Sha256;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const IN_PATH: &AsciiSet = &UNRESERVED.remove(b'/');

pub(super) struct Signer(Hmac<Sha256>);

pub(super) struct Signed {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) expires_at: Timestamp,
}

/// The path of an object in URLs.
pub(super) fn path(address: &ObjectAddress) -> String {
    let key = utf8_percent_encode(address.key.as_str(), IN_PATH);
    format!("/{}/{key}", address.bucket)
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Signer(redacted)")
    }
}

impl Signer {
    pub(super) fn new(secret: &[u8]) -> io::Result<Self> {
        let mac = Hmac::new_from_slice(secret).map_err(io::Error::other)?;
        Ok(Self(mac))
    }

    pub(super) fn sign(&self, server: SocketAddr, terms: &UploadTerms<'_>) -> Signed {
        let intent = terms.intent;
        let life = terms.ttl.min(intent.ends_at.since(terms.now)).as_secs();
        let mut headers = vec![
            (
                "content-type".to_owned(),
                intent.facts.content_type.to_string(),
            ),
            ("if-none-match".to_owned(), "*".to_owned()),
            ("x-amz-checksum-sha256".to_owned(), terms.sha256.to_base64()),
        ];
        let metadata = intent.object_metadata();
        headers.extend(metadata.map(|(name, value)| (format!("x-amz-meta-{name}"), value)));
        headers.sort();

        let mut all = headers.clone();
        all.push((
            "content-length".to_owned(),
            intent.facts.size_bytes.get().to_string(),
        ));
        all.push(("host".to_owned(), server.to_string()));
        all.sort();
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let signed_at = terms.now.as_unix_seconds();
        let target = format!(
            "{}?signed-at={signed_at}&X-Amz-Expires={life}&X-Amz-SignedHeaders={}",
            path(&intent.address),
            names.join("%3B")
        );
        let values = all.iter().map(|(_, value)| value.as_bytes());
        let signature = hex::encode(self.mac("PUT", &target, values).finalize().into_bytes());
        Signed {
            url: format!("http://{server}{target}&X-Amz-Signature={signature}"),
            headers,
            expires_at: end(terms.now, life),
        }
    }

    /// The URL of a download, and its end.
    pub(super) fn sign_download(
        &self,
        server: SocketAddr,
        terms: &DownloadTerms<'_>,
    ) -> (String, Timestamp) {
        let whole_second = end(terms.now, 0);
        let latest = terms.not_after.map(|latest| latest.since(whole_second));
        let life = latest.map_or(terms.ttl, |latest| terms.ttl.min(latest));
        let life = life.as_secs();
        let facts = terms.asset.facts();
        let answer = [
            ("cache-control", "private, no-store".to_owned()),
            (
                "content-disposition",
                terms.disposition.header(&facts.filename),
            ),
            ("content-type", facts.content_type.to_string()),
        ];
        let answer = answer.map(|(name, value)| {
            let value = utf8_percent_encode(&value, UNRESERVED);
            format!("{RESPONSE}{name}={value}&")
        });
        let target = format!(
            "{}?{}signed-at={}&X-Amz-Expires={life}&X-Amz-SignedHeaders=host",
            path(terms.asset.address()),
            answer.concat(),
            terms.now.as_unix_seconds(),
        );
        let host = server.to_string();
        let mac = self.mac("GET", &target, [host.as_bytes()].into_iter());
        let signature = hex::encode(mac.finalize().into_bytes());
        let url = format!("http://{server}{target}&X-Amz-Signature={signature}");
        (url, end(terms.now, life))
    }

    /// Whether this is a request, as it came, that was signed and has not ended.
    pub(super) fn admits<B>(&self, request: &hyper::Request<B>, now: Timestamp) -> bool {
        self.check(request, now).is_some()
    }

    fn check<B>(&self, request: &hyper::Request<B>, now: Timestamp) -> Option<()> {
        let target = request.uri().path_and_query()?.as_str();
        let (target, signature) = target.split_once("&X-Amz-Signature=")?;
        let signature = hex::decode(signature).ok()?;
        // only what we signed has this form, once the signature is seen to be right
        let (_, query) = target.split_once("signed-at=")?;
        let (signed_at, query) = query.split_once("&X-Amz-Expires=")?;
        let (life, names) = query.split_once("&X-Amz-SignedHeaders=")?;
        let names: Vec<&str> = names.split("%3B").collect();

        let mut values = Vec::new();
        for name in &names {
            let mut found = request.headers().get_all(*name).iter();
            values.push(found.next()?.as_bytes());
            if found.next().is_some() {
                return None;
            }
        }
        self.mac(request.method().as_str(), target, values.into_iter())
            .verify_slice(&signature)
            .ok()?;

        let ends_at = signed_at.parse::<i64>().ok()? + life.parse::<i64>().ok()?;
        let unsigned = |name: &str| !names.contains(&name);
        let acted_upon = |name: &str| name.starts_with("x-amz-") || FOREIGN.contains(&name);
        let mut added = request
            .headers()
            .keys()
            .map(hyper::header::HeaderName::as_str);
        (now.as_unix_seconds() < ends_at && !added.any(|it| unsigned(it) && acted_upon(it)))
            .then_some(())
    }

    /// Of method, target and header values, each with its length before it, so that none can move
    /// into another.
    fn mac<'a>(
        &self,
        method: &'a str,
        target: &'a str,
        values: impl Iterator<Item = &'a [u8]>,
    ) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in [method.as_bytes(), target.as_bytes()]
            .into_iter()
            .chain(values)
        {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

const RESPONSE: &str = "response-";

/// The response headers that a signed target sets.
pub(super) fn answered(query: &str) -> Vec<(String, String)> {
    let parameters = query.split('&').filter_map(|it| {
        let (name, value) = it.strip_prefix(RESPONSE)?.split_once('=')?;
        let value = percent_decode_str(value).decode_utf8().ok()?;
        Some((name.to_owned(), value.into_owned()))
    });
    parameters.collect()
}

/// So many seconds after the whole second that a URL is signed at.
fn end(now: Timestamp, life: u64) -> Timestamp {
    let whole_second = Timestamp::from_micros(now.as_unix_seconds() * 1_000_000);
    whole_second
        .unwrap_or(now)
        .saturating_add(Duration::from_secs(life))
}

/// What a store would keep with the object and serve again. It is refused here, so no object has
/// `foreign_headers`.
const FOREIGN: [&str; 3] = [
    "content-disposition",
    "content-encoding",
    "content-language",
];

use std::{collections::BTreeMap, fmt::Write};

use nexus_raw::{
    asset::{ContentType, ObjectAddress, Sha256Digest},
    ports::{PresignedUpload, SignedUrl, StoreCapabilities, StoredObject, UploadTerms},
    time::Timestamp,
};

use super::PutOutcome;
use crate::HttpRequest;

/// Headers that S3 accepts unsigned and keeps with the object, except those that browsers add by
/// themselves.
const FOREIGN_HEADERS: [&str; 3] = [
    "content-disposition",
    "content-encoding",
    "content-language",
];

/// The request that a signature permits.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) address: ObjectAddress,
    size_bytes: u64,
    sha256: Sha256Digest,
    headers: BTreeMap<String, String>,
    signed_at: Timestamp,
    expires_at: Timestamp,
}

impl Grant {
    pub(super) fn of(terms: &UploadTerms<'_>, credentials_end: Option<Timestamp>) -> Self {
        let facts = &terms.intent.facts;
        let mut headers = BTreeMap::from([
            ("content-type".to_owned(), facts.content_type.to_string()),
            ("if-none-match".to_owned(), "*".to_owned()),
            ("x-amz-checksum-sha256".to_owned(), terms.sha256.to_base64()),
        ]);
        for (name, value) in terms.intent.object_metadata() {
            headers.insert(format!("x-amz-meta-{name}"), value);
        }
        let ends = [
            Some(terms.now.saturating_add(terms.ttl)),
            Some(terms.intent.ends_at),
            credentials_end,
        ];
        Self {
            address: terms.intent.address.clone(),
            size_bytes: facts.size_bytes.get(),
            sha256: terms.sha256,
            headers,
            signed_at: terms.now,
            expires_at: ends.into_iter().flatten().min().unwrap_or(terms.now),
        }
    }

    pub(super) fn presigned(&self) -> PresignedUpload {
        PresignedUpload {
            method: "PUT",
            url: SignedUrl::new(self.url()),
            headers: self.headers.clone().into_iter().collect(),
            expires_at: self.expires_at,
        }
    }

    fn url(&self) -> String {
        let mut names: Vec<&str> = self.headers.keys().map(String::as_str).collect();
        names.extend(["content-length", "host"]);
        names.sort_unstable();
        let signed = format!("{:?}\n{}", self.headers, self.size_bytes);
        let signed = Sha256Digest::of(signed.as_bytes());
        url(
            &self.address,
            self.signed_at,
            self.expires_at,
            &names.join("%3B"),
            &signed,
        )
    }

    /// Returns whether this request is the signed one, and in time.
    pub(super) fn check(&self, request: &HttpRequest, now: Timestamp) -> Result<(), PutOutcome> {
        if now >= self.expires_at {
            return Err(PutOutcome::RequestExpired);
        }
        let sent = sent_headers(request);
        let signed_as_sent = self
            .headers
            .iter()
            .all(|(name, value)| sent.get(name) == Some(value));
        let length = u64::try_from(request.body.len()).unwrap();
        if request.method != "PUT" || length != self.size_bytes || !signed_as_sent {
            return Err(PutOutcome::SignatureDoesNotMatch);
        }
        let unsigned =
            |name: &String| name.starts_with("x-amz-") && !self.headers.contains_key(name);
        if sent.keys().any(unsigned) {
            return Err(PutOutcome::HeaderNotSigned);
        }
        Ok(())
    }

    /// Returns the object of a checked request.
    pub(super) fn object(
        &self,
        request: &HttpRequest,
        store: StoreCapabilities,
    ) -> Result<StoredObject, PutOutcome> {
        let sha256 = Sha256Digest::of(&request.body);
        if store.enforces_sha256 && sha256 != self.sha256 {
            return Err(PutOutcome::BadDigest);
        }
        let sent = sent_headers(request);
        let guesses = !store.keeps_octet_stream;
        let content_type = sent.get("content-type").cloned();
        Ok(StoredObject {
            size_bytes: self.size_bytes,
            content_type: content_type.map(|kept| {
                if guesses && kept == ContentType::OCTET_STREAM {
                    "application/x-guessed".to_owned()
                } else {
                    kept
                }
            }),
            sha256: store.enforces_sha256.then_some(sha256),
            composite: None,
            etag: sha256.to_string().split_off(32),
            version_id: None,
            user_metadata: sent
                .iter()
                .filter_map(|(name, value)| {
                    let name = name.strip_prefix("x-amz-meta-")?;
                    Some((name.to_owned(), value.clone()))
                })
                .collect(),
            foreign_headers: FOREIGN_HEADERS
                .into_iter()
                .filter(|name| sent.contains_key(*name))
                .collect(),
        })
    }
}

/// Returns a URL in the format of Signature Version 4. The signature is unique for these arguments,
/// of which `signed` is the digest of everything that the others do not contain.
pub(super) fn url(
    address: &ObjectAddress,
    signed_at: Timestamp,
    expires_at: Timestamp,
    signed_headers: &str,
    signed: &Sha256Digest,
) -> String {
    let date = signed_at.to_string().replace(['-', ':'], "");
    let unsigned = format!(
        "https://s3.fake.invalid/{}/{}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}\
         &X-Amz-Expires={}&X-Amz-SignedHeaders={signed_headers}",
        address.bucket,
        escaped(address.key.as_str()),
        expires_at.since(signed_at).as_secs(),
    );
    let signature = Sha256Digest::of(format!("{unsigned}\n{signed}").as_bytes());
    format!("{unsigned}&X-Amz-Signature={signature}")
}

/// Returns the headers by name in lower case, with repeated ones joined, in the canonical form of
/// Signature Version 4.
pub(super) fn sent_headers(request: &HttpRequest) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &request.headers {
        headers
            .entry(name.to_ascii_lowercase())
            .and_modify(|joined| {
                joined.push(',');
                joined.push_str(value.trim());
            })
            .or_insert_with(|| value.trim().to_owned());
    }
    headers
}

/// Returns a key as a path of a URL, with every byte escaped except the unreserved ones and `/`.
fn escaped(key: &str) -> String {
    let mut path = String::new();
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // writing to a string cannot fail
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

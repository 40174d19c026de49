use std::collections::BTreeMap;

use aws_sdk_s3::{operation::head_object::HeadObjectOutput, types::ChecksumType};
use nexus_raw::{
    asset::{PartNumber, Sha256Digest},
    ports::{CompositeDigest, StoredObject},
};

use crate::failure::{FailureKind, RequestFailure};

/// Converts a HEAD response. Missing facts are not guessed.
pub(crate) fn stored_object(head: &HeadObjectOutput) -> Result<StoredObject, RequestFailure> {
    let malformed = |what| RequestFailure::new("HeadObject", FailureKind::Malformed(what));
    if head.delete_marker() == Some(true) {
        // S3 returns 404 for one (Amazon S3 User Guide, "Working with delete markers")
        return Err(malformed("object is a delete marker"));
    }
    let size_bytes = head
        .content_length()
        .and_then(|length| u64::try_from(length).ok())
        .ok_or_else(|| malformed("no content length"))?;
    let etag = head.e_tag().map_or("", |etag| etag.trim_matches('"'));
    if etag.is_empty() {
        return Err(malformed("no entity tag"));
    }
    Ok(StoredObject {
        size_bytes,
        content_type: head.content_type().map(str::to_owned),
        sha256: full_object_sha256(head),
        composite: composite_digest(head),
        etag: etag.to_owned(),
        version_id: version_id(head.version_id()),
        user_metadata: user_metadata(head),
        foreign_headers: foreign_headers(head),
    })
}

/// Returns the digest of the whole object, not the composite digest of its parts' digests, which S3
/// writes with the number of parts, `...=-2`.
fn full_object_sha256(head: &HeadObjectOutput) -> Option<Sha256Digest> {
    let full = matches!(head.checksum_type(), None | Some(ChecksumType::FullObject));
    head.checksum_sha256()
        .filter(|_| full)
        .and_then(|digest| Sha256Digest::parse_base64(digest).ok())
}

/// Returns the composite digest of an object that was uploaded in parts. Some stores do not name the
/// type of a digest; the number of parts tells it too.
fn composite_digest(head: &HeadObjectOutput) -> Option<CompositeDigest> {
    if !matches!(head.checksum_type(), None | Some(ChecksumType::Composite)) {
        return None;
    }
    let (digest, parts) = head.checksum_sha256()?.split_once('-')?;
    // neither a sign nor a leading zero
    let is_number = !parts.starts_with('0') && parts.bytes().all(|it| it.is_ascii_digit());
    let parts = parts.parse().ok().filter(|_| is_number)?;
    Some(CompositeDigest {
        sha256: Sha256Digest::parse_base64(digest).ok()?,
        parts: PartNumber::parse(parts).ok()?.get(),
    })
}

/// Returns the version id. `null` is the only version of an object that was never versioned (Amazon
/// S3 User Guide, "Using versioning in S3 buckets").
pub(crate) fn version_id(reported: Option<&str>) -> Option<String> {
    reported
        .filter(|id| !id.is_empty() && *id != "null")
        .map(str::to_owned)
}

fn user_metadata(head: &HeadObjectOutput) -> BTreeMap<String, String> {
    let entries = head.metadata().into_iter().flatten();
    entries
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect()
}

/// Returns the headers that change the meaning of the object and that a store may accept unsigned.
///
/// `Cache-Control` and `Expires` are ignored, and no known store keeps `Pragma`: a browser adds
/// `Cache-Control` and `Pragma` to a request with `If-None-Match`
/// (<https://fetch.spec.whatwg.org/#http-network-or-cache-fetch>).
fn foreign_headers(head: &HeadObjectOutput) -> Vec<&'static str> {
    [
        ("content-encoding", head.content_encoding().is_some()),
        ("content-disposition", head.content_disposition().is_some()),
        ("content-language", head.content_language().is_some()),
        (
            "x-amz-website-redirect-location",
            head.website_redirect_location().is_some(),
        ),
        // the number of metadata entries that cannot be HTTP headers
        (
            "x-amz-missing-meta",
            head.missing_meta().is_some_and(|entries| entries != 0),
        ),
    ]
    .into_iter()
    .filter_map(|(name, present)| present.then_some(name))
    .collect()
}

use std::collections::BTreeMap;

use aws_sdk_s3::{operation::head_object::HeadObjectOutput, types::ChecksumType};
use nexus_raw::{asset::Sha256Digest, ports::StoredObject};

use crate::failure::{FailureKind, RequestFailure};

/// Reads what HEAD answered of an object; nothing that it leaves out is guessed at.
pub(crate) fn stored_object(head: &HeadObjectOutput) -> Result<StoredObject, RequestFailure> {
    let unreadable = |what| RequestFailure::new("HeadObject", FailureKind::Unreadable(what));
    if head.delete_marker() == Some(true) {
        // S3 answers 404 for one (Amazon S3 User Guide, "Working with delete markers")
        return Err(unreadable("an object that is a delete marker"));
    }
    let size_bytes = head
        .content_length()
        .and_then(|length| u64::try_from(length).ok())
        .ok_or_else(|| unreadable("an object without a length"))?;
    let etag = head.e_tag().map_or("", |etag| etag.trim_matches('"'));
    if etag.is_empty() {
        return Err(unreadable("an object without an entity tag"));
    }
    Ok(StoredObject {
        size_bytes,
        content_type: head.content_type().map(str::to_owned),
        sha256: full_object_sha256(head),
        etag: etag.to_owned(),
        version_id: version_id(head.version_id()),
        user_metadata: user_metadata(head),
        foreign_headers: foreign_headers(head),
    })
}

/// The digest of the whole object: not the digest of its parts' digests, which S3 calls composite
/// and spells with the number of parts behind it, `...=-2`.
fn full_object_sha256(head: &HeadObjectOutput) -> Option<Sha256Digest> {
    let full = matches!(head.checksum_type(), None | Some(ChecksumType::FullObject));
    head.checksum_sha256()
        .filter(|_| full)
        .and_then(|digest| Sha256Digest::parse_base64(digest).ok())
}

/// `null` is how S3 names the one version of an object that was never versioned (Amazon S3 User
/// Guide, "Using versioning in S3 buckets").
pub(crate) fn version_id(told: Option<&str>) -> Option<String> {
    told.filter(|id| !id.is_empty() && *id != "null")
        .map(str::to_owned)
}

fn user_metadata(head: &HeadObjectOutput) -> BTreeMap<String, String> {
    let entries = head.metadata().into_iter().flatten();
    entries
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect()
}

/// What a store can be made to keep by headers that it takes without their being signed, and that
/// changes what the object is.
///
/// `Cache-Control` and `Expires` are not looked at, and `Pragma` is kept by no store that we know: to
/// a request with `If-None-Match` a browser adds `Cache-Control` and `Pragma` by itself
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
        // how many entries of metadata there are that HTTP cannot spell
        (
            "x-amz-missing-meta",
            head.missing_meta().is_some_and(|entries| entries != 0),
        ),
    ]
    .into_iter()
    .filter_map(|(name, present)| present.then_some(name))
    .collect()
}

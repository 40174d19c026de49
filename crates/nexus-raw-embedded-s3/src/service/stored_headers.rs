//! The headers of a PUT that are stored with the object.

use hyper::header::HeaderMap;
use s3s::{S3Result, s3_error};

use crate::access::{METADATA_PREFIX, is_metadata, is_stored};

/// The limit on names and values of user metadata:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>.
const MAX_METADATA_BYTES: usize = 2048;

/// The type that S3 stores for a PUT without `Content-Type`.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// Returns the headers to store, unchanged.
pub(super) fn stored_headers(headers: &HeaderMap) -> S3Result<Vec<(String, String)>> {
    let mut stored = Vec::new();
    let mut metadata_bytes = 0;
    for (name, value) in headers {
        let name = name.as_str();
        let is_metadata = is_metadata(name);
        if !is_metadata && !is_stored(name) {
            continue;
        }
        let Ok(value) = value.to_str() else {
            return Err(s3_error!(
                InvalidArgument,
                "The value of the header {name} is not ASCII"
            ));
        };
        if is_metadata {
            metadata_bytes += name.len() - METADATA_PREFIX.len() + value.len();
        }
        match name {
            "content-encoding" => stored.extend(
                content_encoding(value, is_stream(headers)).map(|value| (name.to_owned(), value)),
            ),
            _ => stored.push((name.to_owned(), value.to_owned())),
        }
    }
    if metadata_bytes > MAX_METADATA_BYTES {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    if !headers.contains_key("content-type") {
        stored.push(("content-type".to_owned(), DEFAULT_CONTENT_TYPE.to_owned()));
    }
    stored.sort();
    Ok(stored)
}

/// Returns the coding of the object, without the framing of the request.
fn content_encoding(value: &str, is_stream: bool) -> Option<String> {
    if !is_stream {
        return Some(value.to_owned());
    }
    let codings: Vec<_> = value
        .split(',')
        .map(str::trim)
        .filter(|coding| *coding != "aws-chunked")
        .collect();
    (!codings.is_empty()).then(|| codings.join(","))
}

/// Returns whether the body is framed and signed chunk by chunk.
pub(super) fn is_stream(headers: &HeaderMap) -> bool {
    headers
        .get("x-amz-content-sha256")
        .is_some_and(|payload| payload.as_bytes().starts_with(b"STREAMING-"))
}

use actix_gated_stream::FREE_BYTES;
use actix_web::{
    HttpRequest,
    error::PayloadError,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, UPGRADE},
    mime::Mime,
    web::Payload,
};
use bytes::BytesMut;
use futures_util::StreamExt;
use strict_json::Json;

use crate::http::respond::ApiError;

/// How long the response to a batch may become: what ends the beginning of items, and what those
/// that have begun may add.
const MOST_OF_A_BATCH: usize = 6 * 1024 * 1024;

/// Which bodies a route takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyRule {
    max_bytes: usize,
    /// Whether no body is as `{}`.
    pub(crate) is_optional: bool,
    /// Whether it has many items, each with a response of its own.
    is_batch: bool,
}

impl BodyRule {
    /// A body for one asset.
    pub(crate) const SMALL: Self = Self {
        max_bytes: 64 * 1024,
        is_optional: false,
        is_batch: false,
    };
    /// The same, or none.
    pub(crate) const SMALL_OR_NONE: Self = Self {
        is_optional: true,
        ..Self::SMALL
    };

    /// A body for many assets.
    pub(crate) const BATCH: Self = Self {
        max_bytes: 2 * 1024 * 1024,
        is_optional: false,
        is_batch: true,
    };
    /// A body for many parts of one upload, each of which gets a URL.
    pub(crate) const PARTS: Self = Self {
        max_bytes: 256 * 1024,
        ..Self::BATCH
    };

    /// Returns how long the response to a body of so many bytes may be.
    pub(crate) fn most_of_a_response(self, bytes: usize) -> usize {
        /// What an item says in as few bytes as it may have: its id, and a record or a URL.
        const MOST_OF_AN_ITEM: usize = 32;
        if self.is_batch {
            (bytes * MOST_OF_AN_ITEM).min(MOST_OF_A_BATCH)
        } else {
            // ids, digests, times
            bytes + FREE_BYTES / 2
        }
    }

    fn too_large(self) -> ApiError {
        ApiError::PayloadTooLarge {
            limit: self.max_bytes,
        }
    }
}

/// Reads a request body as strict JSON: checks the media type, then the length, then the content.
/// Returns also the length.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    rule: BodyRule,
) -> Result<(Json, usize), ApiError> {
    if is_framed_by_nothing(request) {
        let detail = "a request with a body must not ask for a WebSocket";
        return Err(ApiError::Malformed(detail.to_owned()));
    }
    if rule.is_optional && has_no_body(request) {
        return Ok((Json::Object(Vec::new()), 0));
    }
    if !is_plain_json(request) {
        return Err(ApiError::UnsupportedMediaType);
    }
    let bytes = collect(request, payload, rule).await?;
    let body = strict_json::read(&bytes);
    let body = body.map_err(|error| ApiError::Malformed(format!("the body {error}")))?;
    Ok((body, bytes.len()))
}

/// Returns whether the request says that it has no body (RFC 9112, section 6.3).
fn has_no_body(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let length = headers.get(CONTENT_LENGTH);
    !headers.contains_key(TRANSFER_ENCODING) && length.is_none_or(|length| length == "0")
}

/// Returns whether the library would read the body until the connection closes, without a length.
/// Behind a proxy, requests of others could then be read as this body.
fn is_framed_by_nothing(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let websocket = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"websocket");
    let mut upgrades = headers.get_all(UPGRADE);
    !headers.contains_key(TRANSFER_ENCODING) && upgrades.any(|value| websocket(value.as_bytes()))
}

/// Returns whether there is one `Content-Type` of `application/json`, with no charset but UTF-8
/// (RFC 8259, section 8.1), and no content coding.
fn is_plain_json(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let coded = headers
        .get_all(CONTENT_ENCODING)
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if coded || headers.get_all(CONTENT_TYPE).count() != 1 {
        return false;
    }
    let text = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    text.is_some_and(is_json_in_utf8)
}

fn is_json_in_utf8(content_type: &str) -> bool {
    // as most callers spell it
    if content_type == "application/json" {
        return true;
    }
    let (essence, parameters) = match content_type.split_once(';') {
        // the library refuses white space before the semicolon (RFC 9110, section 5.6.6)
        Some((essence, _)) => (
            essence.trim_end_matches([' ', '\t']),
            &content_type[essence.len()..],
        ),
        None => (content_type, ""),
    };
    let Ok(media_type) = format!("{essence}{parameters}").parse::<Mime>() else {
        return false;
    };
    media_type.essence_str() == "application/json"
        && media_type
            .params()
            .filter(|(name, _)| *name == "charset")
            .all(|(_, charset)| charset.as_str().eq_ignore_ascii_case("utf-8"))
}

async fn collect(
    request: &HttpRequest,
    payload: &mut Payload,
    rule: BodyRule,
) -> Result<BytesMut, ApiError> {
    let declared = request.headers().get(CONTENT_LENGTH);
    let declared = declared
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<u64>().ok());
    if declared.is_some_and(|length| length > rule.max_bytes as u64) {
        return Err(rule.too_large());
    }
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| broken(&error, rule))?;
        if bytes.len() + chunk.len() > rule.max_bytes {
            return Err(rule.too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn broken(error: &PayloadError, rule: BodyRule) -> ApiError {
    match error {
        PayloadError::Overflow => rule.too_large(),
        _ => ApiError::Malformed("the body is not complete".to_owned()),
    }
}

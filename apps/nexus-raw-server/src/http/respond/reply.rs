use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::header::{
        CACHE_CONTROL, CONTENT_TYPE, ETAG, EntityTag, Header, HeaderValue, IfNoneMatch,
    },
};
use bytes::Bytes;
use serde::Serialize;

use super::ApiError;
use crate::records::entity_tag;

/// Returns a response with a JSON body.
pub(crate) fn json(
    response: HttpResponseBuilder,
    body: &impl Serialize,
) -> Result<HttpResponse, ApiError> {
    Ok(json_bytes(response, serde_json::to_vec(body)?))
}

/// Returns a response with serialized JSON.
pub(crate) fn json_bytes(
    mut response: HttpResponseBuilder,
    body: impl Into<Bytes>,
) -> HttpResponse {
    response
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(body.into())
}

/// Appends an array of the first items, as many as `page` has room for until it is `most` bytes long,
/// and at least one. Returns their number.
pub(crate) fn write_items<T>(
    page: &mut Vec<u8>,
    items: &[T],
    most: usize,
    write: impl Fn(&mut Vec<u8>, &T) -> Result<(), serde_json::Error>,
) -> Result<usize, serde_json::Error> {
    page.push(b'[');
    let mut count = 0;
    for item in items {
        let before = page.len();
        if count > 0 {
            page.push(b',');
        }
        write(page, item)?;
        if count > 0 && page.len() > most {
            page.truncate(before);
            break;
        }
        count += 1;
    }
    page.push(b']');
    Ok(count)
}

/// Returns a response with a strong entity tag, or 304 if the caller has it.
pub(crate) fn tagged(
    request: &HttpRequest,
    media_type: &'static str,
    cache_control: &'static str,
    body: impl Into<Bytes>,
) -> HttpResponse {
    let body = body.into();
    let tag = entity_tag(&body);
    tagged_as(request, media_type, cache_control, body, tag)
}

/// The same, of a body whose entity tag is known.
pub(crate) fn tagged_as(
    request: &HttpRequest,
    media_type: &'static str,
    cache_control: &'static str,
    body: Bytes,
    tag: HeaderValue,
) -> HttpResponse {
    let is_ours = |known: &EntityTag| {
        let quoted = tag.as_bytes();
        quoted.get(1..quoted.len() - 1) == Some(known.tag().as_bytes())
    };
    let is_known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        // weakly compared (RFC 9110, section 13.1.2)
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(is_ours),
        Err(_) => false,
    };
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static(cache_control)));
    if is_known {
        return response.finish();
    }
    response
        .insert_header((CONTENT_TYPE, HeaderValue::from_static(media_type)))
        .body(body)
}

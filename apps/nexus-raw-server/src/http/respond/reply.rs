use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, EntityTag, Header, IfNoneMatch},
};
use bytes::Bytes;
use nexus_raw::asset::Sha256Digest;
use serde::Serialize;

use super::ApiError;

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
        .insert_header((CONTENT_TYPE, "application/json"))
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
    let is_known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((ETAG, tag.to_string()))
        .insert_header((CACHE_CONTROL, cache_control));
    if is_known {
        return response.finish();
    }
    response
        .insert_header((CONTENT_TYPE, media_type))
        .body(body)
}

/// Returns the tag of a body: half a SHA-256 of its bytes, so that it also changes with the
/// serialization of another version. Costs 2 µs for a record.
fn entity_tag(body: &[u8]) -> EntityTag {
    let digest = Sha256Digest::of(body).to_string();
    EntityTag::new_strong(digest[..32].to_owned())
}

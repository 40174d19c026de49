use actix_web::{HttpResponse, HttpResponseBuilder, http::header::CONTENT_TYPE};
use bytes::Bytes;
use serde::Serialize;

use super::error::ApiError;

/// An answer with a JSON body.
pub(super) fn json(
    response: HttpResponseBuilder,
    body: &impl Serialize,
) -> Result<HttpResponse, ApiError> {
    Ok(json_bytes(response, serde_json::to_vec(body)?))
}

/// An answer whose body is the bytes of a JSON text.
pub(super) fn json_bytes(
    mut response: HttpResponseBuilder,
    body: impl Into<Bytes>,
) -> HttpResponse {
    response
        .insert_header((CONTENT_TYPE, "application/json"))
        .body(body.into())
}

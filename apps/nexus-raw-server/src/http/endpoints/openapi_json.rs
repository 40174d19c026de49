use std::sync::OnceLock;

use actix_web::HttpResponse;
use bytes::Bytes;

use crate::http::{error::ApiError, openapi, reply};

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenApi",
    tag = "operations",
    responses((status = 200, description = "The routes, as OpenAPI 3.1 describes them.", body = serde_json::Value)),
)]
pub(crate) fn openapi_json() -> Result<HttpResponse, ApiError> {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document = if let Some(document) = DOCUMENT.get() {
        document
    } else {
        let document = serde_json::to_vec(&openapi::document())?;
        DOCUMENT.get_or_init(|| document.into())
    };
    Ok(reply::json_bytes(HttpResponse::Ok(), document.clone()))
}

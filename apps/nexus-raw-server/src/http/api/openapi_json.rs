use std::sync::OnceLock;

use actix_web::{HttpResponse, http::Method};
use bytes::Bytes;
use futures_util::future::ready;

use crate::http::{
    respond::{self, ApiError, ProblemCode},
    route::{Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/openapi.json",
    method: Method::GET,
    handler: Handler::Open(|_| Box::pin(ready(openapi_json()))),
    problems: &[ProblemCode::RateLimited],
    takes_idempotency_key: false,
    described: described!(openapi_json),
};

/// Returns this document.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "getOpenApi",
    tag = "operations",
    responses((status = 200, description = "The OpenAPI 3.1 document.", body = serde_json::Value)),
)]
fn openapi_json() -> Result<HttpResponse, ApiError> {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document = if let Some(document) = DOCUMENT.get() {
        document
    } else {
        let document = serde_json::to_vec(&super::openapi_document())?;
        DOCUMENT.get_or_init(|| document.into())
    };
    Ok(respond::json_bytes(HttpResponse::Ok(), document.clone()))
}

use actix_web::{HttpResponse, http::Method};
use futures_util::future::ready;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{
    respond::{self, ApiError},
    route::{Handler, Route, described},
};

/// The status of the service.
#[derive(Serialize, ToSchema)]
pub(super) struct StatusReply {
    #[schema(value_type = String, examples("ok"))]
    pub(super) status: &'static str,
}

pub(super) const ROUTE: Route = Route {
    pattern: "/healthz",
    method: Method::GET,
    handler: Handler::Open(|_| Box::pin(ready(healthz()))),
    problems: &[],
    takes_idempotency_key: false,
    described: described!(healthz),
};

/// Returns 200 while the process is alive.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "getHealth",
    tag = "operations",
    responses((status = 200, description = "The process is running.", body = StatusReply)),
)]
fn healthz() -> Result<HttpResponse, ApiError> {
    respond::json(HttpResponse::Ok(), &StatusReply { status: "ok" })
}

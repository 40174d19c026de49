use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{error::ApiError, reply};

/// How the service is.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatusReply {
    #[schema(value_type = String, examples("ok"))]
    pub(super) status: &'static str,
}

/// Whether the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "getHealth",
    tag = "operations",
    responses((status = 200, description = "It lives.", body = StatusReply)),
)]
pub(crate) fn healthz() -> Result<HttpResponse, ApiError> {
    reply::json(HttpResponse::Ok(), &StatusReply { status: "ok" })
}

use actix_web::{HttpResponse, http::Method};
use nexus_raw::tenancy::WriteAccess;

use super::text;
use crate::http::{
    respond::{ApiError, ProblemCode},
    route::{Call, Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/{asset_id}/upload",
    method: Method::DELETE,
    handler: Handler::Remove(|call, access| Box::pin(abort_upload(call, access))),
    problems: &[
        ProblemCode::AssetNotFound,
        ProblemCode::AssetConflict,
        ProblemCode::VerificationPending,
    ],
    takes_idempotency_key: false,
    described: described!(abort_upload),
};

/// Aborts an upload in parts.
///
/// Nothing is left of it in the store, and its asset is never registered. A repeat changes nothing.
#[utoipa::path(
    delete,
    path = ROUTE.pattern,
    operation_id = "abortUpload",
    tag = "assets",
    params(("asset_id" = text::AssetId, Path, description = "The asset.")),
    responses((status = 204, description = "The upload is aborted.")),
)]
async fn abort_upload(call: Call<'_>, access: WriteAccess) -> Result<HttpResponse, ApiError> {
    let asset_id = call.asset_id()?;
    let service = &call.core.service;
    service
        .abort_upload(&access, call.context, asset_id)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

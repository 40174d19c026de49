use actix_web::{HttpResponse, http::Method};
use nexus_raw::tenancy::ReadAccess;

use super::{record, text};
use crate::http::{
    respond::{self, ApiError, ProblemCode},
    route::{Call, Handler, Route, described},
};

/// A private cache may store a record, and must revalidate before each use that the caller still
/// has access.
const KEPT_AND_CHECKED: &str = "private, max-age=0, must-revalidate";

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/{asset_id}",
    method: Method::GET,
    handler: Handler::Read(|call, access| Box::pin(asset(call, access))),
    problems: &[ProblemCode::AssetNotFound],
    takes_idempotency_key: false,
    described: described!(asset),
};

/// The record of a registered asset.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "getAsset",
    tag = "assets",
    params(
        ("asset_id" = text::AssetId, Path, description = "The asset."),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags of cached copies."),
    ),
    responses(
        (status = 200, description = "The record. It never changes.", body = record::RawAsset,
            headers(("ETag" = String, description = "A strong entity tag of the record."))),
        (status = 304, description = "The cached record is current.",
            headers(("ETag" = String, description = "The matching entity tag."))),
    ),
)]
async fn asset(call: Call<'_>, access: ReadAccess) -> Result<HttpResponse, ApiError> {
    let asset = call
        .core
        .service
        .asset(&access, call.asset_id()?)
        .await?;
    let body = serde_json::to_vec(&asset.asset)?;
    let media_type = "application/json";
    Ok(respond::tagged(
        call.request,
        media_type,
        KEPT_AND_CHECKED,
        body,
    ))
}

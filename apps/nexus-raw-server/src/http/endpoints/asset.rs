use actix_web::HttpResponse;
use nexus_raw::tenancy::ReadAccess;

use crate::http::{call::Call, error::ApiError, reply};

/// A cache may keep a record for its one caller, and must ask before each use whether that
/// caller may still see it.
const KEPT_AND_CHECKED: &str = "private, max-age=0, must-revalidate";

/// The record of a registered asset.
#[utoipa::path(
    get,
    path = "/nexus/raw/{asset_id}",
    operation_id = "getAsset",
    tag = "assets",
    params(
        ("asset_id" = crate::http::openapi::AssetId, Path, description = "The asset."),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the caller has."),
    ),
    responses(
        (status = 200, description = "The record. It never changes.", body = crate::http::openapi::RawAsset,
            headers(("ETag" = String, description = "A strong entity tag of the record."))),
        (status = 304, description = "The caller has the record.",
            headers(("ETag" = String, description = "The tag that the caller has."))),
    ),
)]
pub(crate) async fn asset(call: Call<'_>, access: ReadAccess) -> Result<HttpResponse, ApiError> {
    let asset = call
        .core
        .service
        .metadata(&access, call.asset_id()?)
        .await?;
    let body = serde_json::to_vec(&asset)?;
    let media_type = "application/json";
    Ok(reply::tagged(
        call.request,
        media_type,
        KEPT_AND_CHECKED,
        body,
    ))
}

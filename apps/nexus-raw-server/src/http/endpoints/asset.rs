use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, ETAG, EntityTag, Header, IfNoneMatch},
};
use nexus_raw::{asset::Sha256Digest, tenancy::ReadAccess};

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
        ("asset_id" = String, Path, description = "The asset.", format = "uuid"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the caller has."),
    ),
    responses(
        (status = 200, description = "The record. It never changes.", body = crate::http::openapi::RawAsset,
            headers(("ETag" = String, description = "A strong entity tag of the record."))),
        (status = 304, description = "The caller has the record."),
    ),
)]
pub(crate) async fn asset(call: Call<'_>, access: ReadAccess) -> Result<HttpResponse, ApiError> {
    let asset = call
        .core
        .service
        .metadata(&access, call.asset_id()?)
        .await?;
    let body = serde_json::to_vec(&asset)?;
    let tag = entity_tag(&body);
    let known = match IfNoneMatch::parse(call.request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((ETAG, tag.to_string()))
        .insert_header((CACHE_CONTROL, KEPT_AND_CHECKED));
    Ok(if known {
        response.finish()
    } else {
        reply::json_bytes(response, body)
    })
}

/// A tag of the bytes themselves, so that it also tells how another version of the service would
/// write the same record: half a SHA-256, 2 microseconds.
fn entity_tag(body: &[u8]) -> EntityTag {
    let digest = Sha256Digest::of(body).to_string();
    EntityTag::new_strong(digest[..32].to_owned())
}

use actix_web::{
    HttpResponse,
    http::{
        Method,
        header::{HeaderName, HeaderValue},
    },
};
use nexus_raw::tenancy::ReadAccess;

use super::{record, text};
use crate::http::{
    respond::{self, ApiError, ProblemCode},
    route::{Call, Handler, Route, described},
};

/// A private cache may store a record, and must revalidate before each use that the caller still
/// has access.
const KEPT_AND_CHECKED: &str = "private, max-age=0, must-revalidate";

/// Whether models may be trained on the asset by now, for callers that read only the record. It may
/// change, also from one 304 to the next.
const TRAIN_OK_EFFECTIVE: HeaderName = HeaderName::from_static("nexus-train-ok-effective");

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
            headers(
                ("ETag" = String, description = "A strong entity tag of the record."),
                ("Nexus-Train-Ok-Effective" = bool,
                    description = "Whether its own statement in force and those of all ancestors allow training."),
            )),
        (status = 304, description = "The cached record is current.",
            headers(
                ("ETag" = String, description = "The matching entity tag."),
                ("Nexus-Train-Ok-Effective" = bool,
                    description = "Whether its own statement in force and those of all ancestors allow training."),
            )),
    ),
)]
async fn asset(call: Call<'_>, access: ReadAccess) -> Result<HttpResponse, ApiError> {
    let core = &call.core;
    let found = core.records.find(&core.service, &access, call.asset_id()?);
    let (record, train_ok_effective) = found.await?;
    let (body, tag) = (record.body.clone(), record.tag());
    let media_type = "application/json";
    let mut response = respond::tagged_as(call.request, media_type, KEPT_AND_CHECKED, body, tag);
    let train_ok = if train_ok_effective {
        "true"
    } else {
        "false"
    };
    let headers = response.headers_mut();
    headers.insert(TRAIN_OK_EFFECTIVE, HeaderValue::from_static(train_ok));
    Ok(response)
}

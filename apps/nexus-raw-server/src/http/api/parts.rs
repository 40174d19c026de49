use actix_web::{HttpResponse, http::Method};
use nexus_raw::{
    asset::{ByteSize, DeclaredPart, PartNumber, Sha256Digest},
    service::RawStorageService,
    tenancy::ReadAccess,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::text;
use crate::http::{
    request::Query,
    respond::{self, ApiError, ProblemCode},
    route::{Call, Handler, Route, described},
};

const MOST: u16 = RawStorageService::MAX_PARTS;

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/{asset_id}/parts",
    method: Method::GET,
    handler: Handler::Read(|call, access| Box::pin(parts(call, access))),
    problems: &[
        ProblemCode::AssetNotFound,
        ProblemCode::AssetConflict,
        ProblemCode::UploadExpired,
        ProblemCode::ValidationFailed,
    ],
    takes_idempotency_key: false,
    described: described!(parts),
};

/// Lists the parts of an upload that the store holds.
///
/// To read them all, repeat with `after` set to the `part_number` of the last part, until there is
/// none.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "getParts",
    tag = "assets",
    params(
        ("asset_id" = text::AssetId, Path, description = "The asset."),
        ("after" = Option<u16>, Query, minimum = 0, maximum = 10_000, example = 0,
            description = "Returns parts with a higher number (default 0)."),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, example = 1000,
            description = "Maximum number of parts (default 1000)."),
    ),
    responses((status = 200, description = "Its parts in order of their numbers.", body = HeldParts)),
)]
async fn parts(call: Call<'_>, access: ReadAccess) -> Result<HttpResponse, ApiError> {
    let mut query = Query::of(call.request.query_string());
    let after = query.integer("after", 0, 0, PartNumber::MAX.into());
    let limit = query.integer("limit", MOST.into(), 1, MOST.into());
    let (after, limit) = query
        .finish(|| Some((u16::try_from(after?).ok()?, u16::try_from(limit?).ok()?)))
        .map_err(ApiError::InvalidQuery)?;
    let asset_id = call.asset_id()?;
    // held until the response is serialized
    let _permit = call.app.answers.page_permit(&access.scope().tenant).await?;
    let service = &call.core.service;
    let held = service.parts(&access, asset_id, after, limit).await?;
    let reply = HeldParts {
        parts: held.iter().map(HeldPart::of).collect(),
    };
    respond::json(HttpResponse::Ok(), &reply)
}

/// The parts of an upload.
#[derive(Serialize, ToSchema)]
struct HeldParts {
    /// In order of their numbers.
    #[schema(max_items = 1000)]
    parts: Vec<HeldPart>,
}

/// A part that the store holds, as it was declared.
#[derive(Serialize, ToSchema)]
struct HeldPart {
    #[schema(value_type = u16, minimum = 1, maximum = 10_000)]
    part_number: PartNumber,
    #[schema(value_type = u64, minimum = 1)]
    size_bytes: ByteSize,
    #[schema(value_type = text::PartSha256)]
    sha256: Sha256Digest,
}

impl HeldPart {
    fn of(part: &DeclaredPart) -> Self {
        Self {
            part_number: part.number,
            size_bytes: part.size_bytes,
            sha256: part.sha256,
        }
    }
}

use actix_web::{HttpResponse, http::Method};
use nexus_raw::{asset, tenancy::ReadAccess};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text;
use crate::http::{
    respond::{self, ApiError, ProblemCode},
    route::{Call, Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/{asset_id}/verification",
    method: Method::GET,
    handler: Handler::Read(|call, access| Box::pin(verification(call, access))),
    problems: &[ProblemCode::AssetNotFound],
    takes_idempotency_key: false,
    described: described!(verification),
};

/// Returns the latest verification of a registered asset.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "getVerification",
    tag = "assets",
    params(("asset_id" = text::AssetId, Path, description = "The asset.")),
    responses((status = 200, description = "The latest verification.", body = LatestVerification)),
)]
async fn verification(call: Call<'_>, access: ReadAccess) -> Result<HttpResponse, ApiError> {
    let service = &call.core.service;
    let latest = service.latest_verification(&access, call.asset_id()?).await?;
    let reply = LatestVerification {
        verification: latest,
    };
    respond::json(HttpResponse::Ok(), &reply)
}

/// The latest verification of an asset.
#[derive(Serialize, ToSchema)]
struct LatestVerification {
    /// `null` if there was none.
    #[schema(value_type = Option<Verification>, required = true)]
    verification: Option<asset::Verification>,
}

/// What reading an object again has shown.
#[expect(dead_code, reason = "a description: the domain writes its own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Verification {
    verdict: VerdictName,
    /// The SHA-256 of what was found; `null` if nothing was.
    #[schema(required = true)]
    sha256: Option<text::Sha256>,
    /// The length of what was found; `null` if nothing was.
    #[schema(required = true, minimum = 0)]
    size_bytes: Option<u64>,
    verified_at: text::Time,
}

/// `intact`: what the record says, byte for byte. `corrupt`: something else. `missing`: nothing is
/// there any more.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum VerdictName {
    Intact,
    Corrupt,
    Missing,
}

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode},
};
use nexus_raw::tenancy::WriteAccess;
use serde::Deserialize;
use strict_json::Json;
use utoipa::ToSchema;

use super::{batch::Reply, text, verification};
use crate::http::{
    request::{BodyRule, Node},
    respond::{ApiError, Faults, ProblemCode},
    route::{Call, Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/{asset_id}/verification",
    method: Method::POST,
    handler: Handler::Write(BodyRule::SMALL_OR_NONE, |call, access, body| {
        Box::pin(verify(call, access, body))
    }),
    problems: &[
        ProblemCode::AssetNotFound,
        ProblemCode::VerificationPending,
    ],
    takes_idempotency_key: false,
    described: described!(verify),
};

/// Reads the object of a registered asset again, and compares it with the record.
///
/// The object is read once, however many ask. A verdict that is younger than a minute is returned
/// again, without a reading or an event. The record does not change.
#[utoipa::path(
    post,
    path = ROUTE.pattern,
    operation_id = "verify",
    tag = "assets",
    params(("asset_id" = text::AssetId, Path, description = "The asset.")),
    request_body = Verify,
    responses((status = 200, description = "The verdict.", body = verification::Verification)),
)]
async fn verify(
    call: Call<'_>,
    access: WriteAccess,
    body: Json,
) -> Result<HttpResponse, ApiError> {
    let body = Node::root(&body);
    let fields = body.fields()?;
    let nothing: Result<(), Faults> = fields.finish(|| Some(()));
    nothing?;
    let service = &call.core.service;
    let asset_id = call.asset_id()?;
    let verification = service.verify(&access, call.context, asset_id).await?;
    Ok(Reply::new(StatusCode::OK, &verification)?.respond())
}

/// Nothing is to be said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Verify {}

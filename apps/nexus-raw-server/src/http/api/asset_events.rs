use actix_web::{HttpResponse, http::Method};
use nexus_raw::{ports::EventQuery, tenancy::ReadAccess};

use super::{
    events::{Events, MOST, events_reply},
    text,
};
use crate::http::{
    request::Query,
    respond::{ApiError, ProblemCode},
    route::{Call, Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/{asset_id}/events",
    method: Method::GET,
    handler: Handler::Read(|call, access| Box::pin(asset_events(call, access))),
    problems: &[ProblemCode::AssetNotFound, ProblemCode::ValidationFailed],
    takes_idempotency_key: false,
    described: described!(asset_events),
};

/// Lists the events of an asset, from its presign on.
///
/// To read them all, repeat with `after` set to the `sequence` of the last event, until there is
/// none.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "getAssetEvents",
    tag = "assets",
    params(
        ("asset_id" = text::AssetId, Path, description = "The asset."),
        ("after" = Option<u64>, Query, minimum = 0, maximum = 9_223_372_036_854_775_807_u64, example = 0,
            description = "Returns events with a higher `sequence` (default 0)."),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000, example = 1000,
            description = "Maximum number of events (default 1000)."),
    ),
    responses((status = 200, description = "Its events in order of sequence.", body = Events)),
)]
async fn asset_events(
    call: Call<'_>,
    access: ReadAccess,
) -> Result<HttpResponse, ApiError> {
    let mut query = Query::of(call.request.query_string());
    let after = query.integer("after", 0, 0, i64::MAX.unsigned_abs());
    let limit = query.integer("limit", MOST, 1, MOST);
    let query = query
        .finish(|| Some(EventQuery::first(u32::try_from(limit?).ok()?).after(after?)))
        .map_err(ApiError::InvalidQuery)?;
    let query = query.of_asset(call.asset_id()?);
    // held until the response is serialized
    let _permit = call.app.answers.page_permit(&access.scope().tenant).await?;
    let service = &call.core.service;
    events_reply(&service.events(&access, &query).await?)
}

use std::time::Duration;

use actix_web::{HttpResponse, http::Method};
use nexus_raw::{service::RegisterError, tenancy::WriteAccess};
use strict_json::Json;

use super::{batch, register};
use crate::http::{
    request::BodyRule,
    respond::ApiError,
    route::{Call, Handler, Route, described},
};

/// When to retry an item that did not end in time.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/register/batch",
    method: Method::POST,
    handler: Handler::Write(BodyRule::BATCH, |call, access, body| {
        Box::pin(register_all(call, access, body))
    }),
    problems: &[],
    takes_idempotency_key: false,
    described: described!(register_all),
};

/// Registers many uploaded objects.
///
/// Each item is answered as the route for one answers, and no fault of one touches another. An item
/// sees the state before the batch: one that is registered in it is no parent of another.
#[utoipa::path(
    post,
    path = ROUTE.pattern,
    operation_id = "registerAssets",
    tag = "assets",
    request_body = RegisterAssets,
    responses((status = 200, description = "A response to each item.", body = batch::BatchReply)),
)]
async fn register_all(
    call: Call<'_>,
    access: WriteAccess,
    body: Json,
) -> Result<HttpResponse, ApiError> {
    let service = &call.core.service;
    let now = call.app.clock.now();
    let items = batch::items(&call, &body, (&access.scope().tenant, access.user()))?;
    let requests = items.iter().map(|it| register::parse(it, now));
    let requests: Vec<_> = requests.map(|it| it.map_err(ApiError::from)).collect();
    let parsed = requests.iter().filter_map(|it| it.as_ref().ok());
    let parents = service.batch_parents(&access, parsed).await?;
    let unfinished = || {
        let retry_after = AGAIN_AFTER;
        ApiError::from(RegisterError::VerificationPending { retry_after })
    };
    batch::answer(&call, requests, batch::AT_ONCE_IN_STORE, unfinished, async |_, request| {
        let request = request.in_batch(&parents);
        let registered = service.register(&access, call.context, request).await?;
        register::reply(&registered)
    })
    .await
}

batch::described_batch!(RegisterAssets, register::Register, "The metadata of uploaded files.");

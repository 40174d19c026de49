use actix_web::{HttpResponse, http::Method};

use super::healthz::StatusReply;
use crate::{
    http::{
        request::AppState,
        respond::{self, ApiError, ProblemCode},
        route::{Handler, Probe, Route, described},
    },
    life_cycle::Core,
};

pub(super) const ROUTE: Route = Route {
    pattern: "/readyz",
    method: Method::GET,
    handler: Handler::Open(|probe| Box::pin(readyz(probe))),
    problems: &[ProblemCode::StorageUnavailable, ProblemCode::CatalogUnavailable, ProblemCode::SinkUnavailable, ProblemCode::IdentityUnavailable],
    takes_idempotency_key: false,
    described: described!(readyz),
};

/// Returns 200 if the service is ready: store and catalogue respond, there are keys to verify
/// tokens, and events are delivered in time.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "getReadiness",
    tag = "operations",
    responses((status = 200, description = "The service is ready.", body = StatusReply)),
)]
async fn readyz(probe: Probe<'_>) -> Result<HttpResponse, ApiError> {
    let core = probe.app.core()?;
    if probe.app.is_draining() {
        return Err(ApiError::Draining);
    }
    core.readiness.check().await?;
    probe.app.identity.ready().await?;
    sinks_keep_up(probe.app, &core)?;
    respond::json(HttpResponse::Ok(), &StatusReply { status: "ready" })
}

/// Checks the lag of the sinks by the last sample for metrics, without a call of the catalogue.
fn sinks_keep_up(app: &AppState, core: &Core) -> Result<(), ApiError> {
    let Some((sink, oldest)) = core.readiness.backlogs().oldest() else {
        return Ok(());
    };
    let lag = app.clock.now().since(oldest);
    if lag < app.max_lag {
        return Ok(());
    }
    Err(ApiError::SinkLags {
        sink: sink.to_string(),
        lag_seconds: lag.as_secs(),
    })
}

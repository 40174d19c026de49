use actix_web::HttpResponse;

use super::healthz::StatusReply;
use crate::{
    http::{call::Probe, error::ApiError, reply, state::AppState},
    life_cycle::Core,
};

/// Whether the service can do its work: store and catalogue answer, there are keys to verify tokens
/// with, events are delivered.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "operations",
    responses((status = 200, description = "It can.", body = StatusReply)),
)]
pub(crate) async fn readyz(probe: Probe<'_>) -> Result<HttpResponse, ApiError> {
    let core = probe.app.core()?;
    if probe.app.is_draining() {
        return Err(ApiError::Draining);
    }
    core.readiness.look().await?;
    probe.app.identity.ready().await?;
    sinks_keep_up(probe.app, &core)?;
    reply::json(HttpResponse::Ok(), &StatusReply { status: "ready" })
}

/// By what was last looked up for metrics: who asks here costs the catalogue nothing.
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

use actix_web::HttpResponse;
use futures_util::future::join;

use super::healthz::StatusReply;
use crate::http::{
    call::Probe,
    error::ApiError,
    reply,
    state::{AppState, Core},
};

/// Whether the service can do its work: store and catalogue answer, events are delivered.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "operations",
    responses((status = 200, description = "It can.", body = StatusReply)),
)]
pub(crate) async fn readyz(probe: Probe<'_>) -> Result<HttpResponse, ApiError> {
    let core = probe.app.core()?;
    let (storage, catalog) = join(core.storage.ready(), core.catalog.ready()).await;
    storage?;
    catalog?;
    sinks_keep_up(probe.app, &core).await?;
    reply::json(HttpResponse::Ok(), &StatusReply { status: "ready" })
}

async fn sinks_keep_up(app: &AppState, core: &Core) -> Result<(), ApiError> {
    for sink in &core.sinks {
        let oldest = core.outbox.oldest_undelivered(sink).await?;
        let lag = oldest.map(|oldest| app.clock.now().since(oldest));
        if let Some(lag) = lag.filter(|lag| *lag >= app.max_lag) {
            return Err(ApiError::SinkLags {
                sink: sink.to_string(),
                lag_seconds: lag.as_secs(),
            });
        }
    }
    Ok(())
}

use actix_web::HttpResponse;
use nexus_raw::{event::DatasetEvent, tenancy::ReadAccess};
use serde::Serialize;

use crate::http::{call::Call, error::ApiError, reply};

/// What happened to an asset, from its presign on.
#[utoipa::path(
    get,
    path = "/nexus/raw/{asset_id}/events",
    operation_id = "getAssetEvents",
    tag = "assets",
    params(("asset_id" = crate::http::openapi::AssetId, Path, description = "The asset.")),
    responses((status = 200, description = "Its events in order of sequence.", body = crate::http::openapi::Events)),
)]
pub(crate) async fn asset_events(
    call: Call<'_>,
    access: ReadAccess,
) -> Result<HttpResponse, ApiError> {
    let events = call.core.service.events(&access, call.asset_id()?, 0, 1000);
    let events = events.await?;
    reply::json(HttpResponse::Ok(), &EventsReply { events })
}

/// Events in order of sequence.
#[derive(Serialize)]
pub(crate) struct EventsReply {
    pub(crate) events: Vec<DatasetEvent>,
}

use std::time::Duration;

use actix_web::{HttpResponse, http::Method};
use nexus_raw::{asset::AssetId, service::DownloadRequest, tenancy::DownloadAccess};
use serde::Deserialize;
use strict_json::Json;
use utoipa::ToSchema;

use super::{batch, events, presign_download, text};
use crate::http::{
    request::{BodyRule, Node},
    respond::ApiError,
    route::{Call, Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/presign-download/batch",
    method: Method::POST,
    handler: Handler::Download(BodyRule::BATCH, |call, access, body| {
        Box::pin(presign_downloads(call, access, body))
    }),
    problems: &[],
    takes_idempotency_key: false,
    described: described!(presign_downloads),
};

/// Returns presigned downloads of many registered assets.
///
/// Each item is answered as the route for one answers, and no fault of one touches another.
#[utoipa::path(
    post,
    path = ROUTE.pattern,
    operation_id = "presignDownloads",
    tag = "assets",
    request_body = PresignDownloads,
    responses((status = 200, description = "A response to each item.", body = batch::BatchReply)),
)]
async fn presign_downloads(
    call: Call<'_>,
    access: DownloadAccess,
    body: Json,
) -> Result<HttpResponse, ApiError> {
    let service = &call.core.service;
    let longest = service.policy().presign_ttl;
    let items = batch::items(&call, &body, (&access.scope().tenant, access.user()))?;
    let requests = items.iter().map(|it| parse(it, longest)).collect();
    batch::answer(&call, requests, batch::AT_ONCE, || ApiError::Unfinished, async |_, request| {
        let presigned = service
            .presign_download(&access, call.context, request)
            .await?;
        presign_download::reply(&presigned)
    })
    .await
}

batch::described_batch!(PresignDownloads, DownloadItem, "The assets to download.");

/// An asset to download, and how.
#[expect(dead_code, reason = "a description: `parse` reads the domain's own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DownloadItem {
    asset_id: text::AssetId,
    /// How long the URL lives, in seconds.
    #[serde(default)]
    #[schema(required = false, nullable = false, minimum = 1, maximum = 604_800_u64)]
    ttl_seconds: Option<u64>,
    /// Whether a browser saves the content (default) or shows it.
    #[serde(default)]
    #[schema(required = false, nullable = false)]
    disposition: Option<events::DispositionName>,
}

/// Reads an item. An id that is none is an unknown asset, as in the path of the route for one.
fn parse(item: &Json, longest: Duration) -> Result<DownloadRequest, ApiError> {
    let body = Node::root(item);
    let mut fields = body.fields()?;
    let asset_id = fields.required("asset_id", |it| {
        it.text(|text| Ok::<_, &str>(AssetId::parse(text).ok()))
    });
    let requested = presign_download::parse(fields, longest)?;
    // without faults it was read
    let asset_id = asset_id.flatten().ok_or(ApiError::AssetNotFound)?;
    Ok(requested.of(asset_id))
}

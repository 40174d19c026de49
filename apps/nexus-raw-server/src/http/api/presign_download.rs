use std::{collections::BTreeMap, time::Duration};

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode},
};
use nexus_raw::{
    asset::{AssetId, Disposition, InForce},
    service::{DownloadRequest, PresignedContent},
    tenancy::DownloadAccess,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use strict_json::Json;
use utoipa::ToSchema;

use super::{assets, batch::Reply, events, text};
use crate::http::{
    request::{BodyRule, Fields, Node},
    respond::{ApiError, Faults, ProblemCode},
    route::{Call, Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/{asset_id}/presign-download",
    method: Method::POST,
    handler: Handler::Download(BodyRule::SMALL_OR_NONE, |call, access, body| {
        Box::pin(presign_download(call, access, body))
    }),
    problems: &[ProblemCode::AssetNotFound],
    takes_idempotency_key: false,
    described: described!(presign_download),
};

/// Returns a presigned download of a registered asset.
///
/// Each URL is an event, unless the same user was given one before that is good for at least half
/// the requested time: then the new one ends no later than that.
#[utoipa::path(
    post,
    path = ROUTE.pattern,
    operation_id = "presignDownload",
    tag = "assets",
    params(("asset_id" = text::AssetId, Path, description = "The asset.")),
    request_body = PresignDownload,
    responses((status = 200, description = "Permission to download.", body = DownloadReply)),
)]
async fn presign_download(
    call: Call<'_>,
    access: DownloadAccess,
    body: Json,
) -> Result<HttpResponse, ApiError> {
    let service = &call.core.service;
    let longest = service.policy().presign_ttl;
    let body = Node::root(&body);
    let fields = body.fields()?;
    let requested = parse(fields, longest)?;
    let request = requested.of(call.asset_id()?);
    let presigned = service
        .presign_download(&access, call.context, request)
        .await?;
    // the response has a secret; without a `Cache-Control` of its own it gets `no-store`
    Ok(reply(&presigned)?.respond())
}

pub(super) fn reply(presigned: &PresignedContent) -> Result<Reply, ApiError> {
    Reply::new(StatusCode::OK, &DownloadReply::of(presigned))
}

/// How to download.
#[expect(dead_code, reason = "a description: `parse` reads the domain's own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PresignDownload {
    /// How long the URL lives, in seconds (default, and longest, as long as an upload URL). The
    /// service may be configured with a lower maximum.
    #[serde(default)]
    #[schema(required = false, nullable = false, minimum = 1, maximum = 604_800_u64)]
    ttl_seconds: Option<u64>,
    /// Whether a browser saves the content (default) or shows it. What browsers run is not shown.
    #[serde(default)]
    #[schema(required = false, nullable = false)]
    disposition: Option<events::DispositionName>,
}

/// What a body says of a download.
pub(super) struct RequestedDownload {
    ttl: Option<Duration>,
    disposition: Disposition,
}

impl RequestedDownload {
    pub(super) fn of(self, asset_id: AssetId) -> DownloadRequest {
        DownloadRequest::new(asset_id)
            .with_ttl(self.ttl)
            .with_disposition(self.disposition)
    }
}

/// Reads what is left of a body.
pub(super) fn parse(
    mut fields: Fields<'_, '_>,
    longest: Duration,
) -> Result<RequestedDownload, Faults> {
    let longest = longest.as_secs();
    let ttl = fields.optional("ttl_seconds", |it| {
        it.integer(|seconds| match seconds {
            1.. if seconds <= longest => Ok(Duration::from_secs(seconds)),
            _ => Err(format!("must be an integer from 1 to {longest}")),
        })
    });
    let disposition = fields.optional("disposition", |it| it.text(Disposition::parse));
    fields.finish(|| {
        Some(RequestedDownload {
            ttl,
            disposition: disposition.unwrap_or_default(),
        })
    })
}

/// A presigned download.
#[derive(Serialize, ToSchema)]
struct DownloadReply<'a> {
    /// The HTTP method to use.
    #[schema(value_type = String, pattern = "^GET$")]
    method: &'static str,
    /// The presigned URL. It is a secret: its holder may download this content.
    #[schema(format = "uri")]
    url: &'a str,
    /// The headers to send: none.
    headers: BTreeMap<&'a str, &'a str>,
    /// When the URL expires.
    #[schema(value_type = text::Time)]
    expires_at: Timestamp,
    #[schema(value_type = assets::InForce)]
    in_force: &'a InForce,
}

impl<'a> DownloadReply<'a> {
    fn of(presigned: &'a PresignedContent) -> Self {
        let download = &presigned.download;
        Self {
            method: download.method,
            url: download.url.expose(),
            headers: BTreeMap::new(),
            expires_at: download.expires_at,
            in_force: &presigned.in_force,
        }
    }
}

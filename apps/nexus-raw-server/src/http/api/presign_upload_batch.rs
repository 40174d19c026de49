use actix_web::{HttpResponse, http::Method};
use nexus_raw::tenancy::WriteAccess;
use strict_json::Json;

use super::{batch, presign_upload};
use crate::http::{
    request::BodyRule,
    respond::{ApiError, ProblemCode},
    route::{Call, Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/presign-upload/batch",
    method: Method::POST,
    handler: Handler::Write(BodyRule::BATCH, |call, access, body| {
        Box::pin(presign_uploads(call, access, body))
    }),
    problems: &[ProblemCode::IdempotencyKeyReused],
    takes_idempotency_key: true,
    described: described!(presign_uploads),
};

/// Returns presigned uploads of many files.
///
/// Each item is answered as the route for one answers, and no fault of one touches another.
#[utoipa::path(
    post,
    path = ROUTE.pattern,
    operation_id = "presignUploads",
    tag = "assets",
    request_body = PresignUploads,
    responses((status = 200, description = "A response to each item.", body = batch::BatchReply)),
)]
async fn presign_uploads(
    call: Call<'_>,
    access: WriteAccess,
    body: Json,
) -> Result<HttpResponse, ApiError> {
    let service = &call.core.service;
    let limit = service.policy().max_object_bytes;
    let items = batch::items(&call, &body, (&access.scope().tenant, access.user()))?;
    let requests = items.iter().map(|it| presign_upload::parse(it, limit));
    let requests: Vec<_> = requests.map(|it| it.map_err(ApiError::from)).collect();
    let key = match call.idempotency_key {
        Some(key) => {
            let parsed: Vec<_> = requests.iter().map(|it| it.as_ref().ok()).collect();
            Some(service.claim_batch(&access, key, &parsed).await?)
        }
        None => None,
    };
    batch::answer(&call, requests, batch::AT_ONCE, || ApiError::Unfinished, async |place, request| {
        let presigned = match &key {
            Some(key) => {
                let item = (key, place);
                service.presign_item(&access, call.context, item, &request).await
            }
            None => service.presign_upload(&access, call.context, request).await,
        };
        presign_upload::reply(&presigned?)
    })
    .await
}

batch::described_batch!(PresignUploads, presign_upload::PresignUpload, "The files to upload.");

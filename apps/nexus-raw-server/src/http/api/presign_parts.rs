use std::collections::BTreeMap;

use actix_web::{HttpResponse, http::Method};
use nexus_raw::{
    asset::{PartNumber, Sha256Digest},
    service::{PresignedPart, RawStorageService},
    tenancy::WriteAccess,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use strict_json::Json;
use utoipa::ToSchema;

use super::text;
use crate::http::{
    request::{BodyRule, Node},
    respond::{self, ApiError, Faults, ProblemCode},
    route::{Call, Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/{asset_id}/parts",
    method: Method::POST,
    handler: Handler::Write(BodyRule::PARTS, |call, access, body| {
        Box::pin(presign_parts(call, access, body))
    }),
    problems: &[
        ProblemCode::AssetNotFound,
        ProblemCode::AssetConflict,
        ProblemCode::UploadExpired,
    ],
    takes_idempotency_key: false,
    described: described!(presign_parts),
};

/// Declares parts of an upload and returns a presigned upload for each.
///
/// A part that is declared again with the same digest gets a fresh URL. Another digest needs another
/// upload.
#[utoipa::path(
    post,
    path = ROUTE.pattern,
    operation_id = "presignParts",
    tag = "assets",
    params(("asset_id" = text::AssetId, Path, description = "The asset.")),
    request_body = PresignParts,
    responses((status = 200, description = "Permission to upload these parts, in their order.", body = PartUploads)),
)]
async fn presign_parts(
    call: Call<'_>,
    access: WriteAccess,
    body: Json,
) -> Result<HttpResponse, ApiError> {
    let parts = parse(&body)?;
    let asset_id = call.asset_id()?;
    let service = &call.core.service;
    let uploads = service.presign_parts(&access, asset_id, &parts).await?;
    let reply = PartUploads {
        parts: uploads.iter().map(PartUpload::of).collect(),
    };
    // the response has secrets; without a `Cache-Control` of its own it gets `no-store`
    respond::json(HttpResponse::Ok(), &reply)
}

/// The parts to upload.
#[expect(
    dead_code,
    reason = "a description: `parse` reads the domain's own types"
)]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PresignParts {
    /// Each with a number of its own.
    #[schema(min_items = 1, max_items = 1000)]
    parts: Vec<DeclaredPart>,
}

/// A part with its digest.
#[expect(
    dead_code,
    reason = "a description: `parse` reads the domain's own types"
)]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeclaredPart {
    /// From 1 to the upload's `part_count`.
    #[schema(minimum = 1, maximum = 10_000)]
    part_number: u16,
    sha256: text::PartSha256,
}

fn parse(body: &Json) -> Result<Vec<(PartNumber, Sha256Digest)>, Faults> {
    let most = usize::from(RawStorageService::MAX_PARTS);
    let body = Node::root(body);
    let mut fields = body.fields()?;
    let parts = fields.required("parts", |it| it.keyed(most, "part_number", part));
    fields.finish(|| parts)
}

fn part(it: &Node<'_>) -> Result<(PartNumber, Sha256Digest), Faults> {
    let mut fields = it.fields()?;
    let number = fields.required("part_number", |it| it.integer(PartNumber::parse));
    let sha256 = fields.required("sha256", |it| it.text(Sha256Digest::parse));
    fields.finish(|| Some((number?, sha256?)))
}

/// The presigned uploads of parts.
#[derive(Serialize, ToSchema)]
struct PartUploads<'a> {
    /// In the order of the request.
    #[schema(min_items = 1, max_items = 1000)]
    parts: Vec<PartUpload<'a>>,
}

/// The presigned upload of a part.
#[derive(Serialize, ToSchema)]
struct PartUpload<'a> {
    #[schema(value_type = u16, minimum = 1, maximum = 10_000)]
    part_number: PartNumber,
    /// The HTTP method to use.
    #[schema(value_type = String, pattern = "^PUT$")]
    method: &'static str,
    /// The presigned URL. It is a secret: its holder may upload this part.
    #[schema(format = "uri")]
    url: &'a str,
    /// The headers to send, all of which are signed.
    headers: BTreeMap<&'a str, &'a str>,
    /// When the URL expires.
    #[schema(value_type = text::Time)]
    expires_at: Timestamp,
}

impl<'a> PartUpload<'a> {
    fn of(part: &'a PresignedPart) -> Self {
        let upload = &part.upload;
        let headers = upload.headers.iter();
        Self {
            part_number: part.part_number,
            method: upload.method,
            url: upload.url.expose(),
            headers: headers.map(|(name, value)| (&**name, &**value)).collect(),
            expires_at: upload.expires_at,
        }
    }
}

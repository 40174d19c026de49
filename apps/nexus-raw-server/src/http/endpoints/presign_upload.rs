use std::collections::BTreeMap;

use actix_web::HttpResponse;
use nexus_raw::{
    asset::{AssetId, ByteSize, ContentFacts, ContentType, Filename, ObjectAddress, Sha256Digest},
    json::Json,
    service::{PresignRequest, PresignedAsset},
    tenancy::WriteAccess,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{
    body::{Faults, Node},
    call::Call,
    error::ApiError,
    reply,
};

/// Promises one content, and gets leave to upload it.
#[utoipa::path(
    post,
    path = "/nexus/raw/presign-upload",
    operation_id = "presignUpload",
    tag = "assets",
    request_body = crate::http::openapi::PresignUpload,
    responses((status = 200, description = "Leave to upload.", body = PresignReply)),
)]
pub(crate) async fn presign_upload(
    call: Call<'_>,
    access: WriteAccess,
    body: Json,
) -> Result<HttpResponse, ApiError> {
    let service = &call.core.service;
    let request = parse(&body, service.policy().max_object_bytes)?;
    let presigned = match call.idempotency_key {
        None => service.presign_upload(&access, call.context, request).await,
        Some(key) => {
            service
                .presign_upload_keyed(&access, call.context, key, request)
                .await
        }
    }?;
    // the answer holds a secret: no cache may keep it, which is the rule unless said otherwise
    reply::json(HttpResponse::Ok(), &PresignReply::of(&presigned))
}

fn parse(body: &Json, limit: ByteSize) -> Result<PresignRequest, Faults> {
    let body = Node::root(body);
    let mut fields = body.fields()?;
    let filename = fields.required("filename", |it| it.text(Filename::parse));
    let content_type = fields.optional("content_type", |it| it.text(ContentType::parse));
    let size_bytes = fields.required("size_bytes", |it| {
        it.integer(|bytes| match ByteSize::parse(bytes) {
            Ok(size) if size <= limit => Ok(size),
            _ => Err(format!("must be an integer from 1 to {limit}")),
        })
    });
    let sha256 = fields.required("sha256", |it| it.text(Sha256Digest::parse));
    fields.finish(|| {
        Some(PresignRequest {
            facts: ContentFacts {
                filename: filename?,
                content_type: content_type.unwrap_or_else(ContentType::octet_stream),
                size_bytes: size_bytes?,
                sha256: sha256?,
            },
        })
    })
}

/// Leave to upload an asset-to-be.
#[derive(Serialize, ToSchema)]
pub(crate) struct PresignReply<'a> {
    /// The asset to be: a UUID version 7.
    #[schema(value_type = crate::http::openapi::AssetId)]
    asset_id: AssetId,
    /// Where its object will be: `s3://`, the bucket, `/`, the key.
    #[schema(value_type = String)]
    uri: &'a ObjectAddress,
    upload: UploadReply<'a>,
}

/// How to upload it.
#[derive(Serialize, ToSchema)]
pub(crate) struct UploadReply<'a> {
    /// How the content goes up: whole, by one request.
    #[schema(value_type = String, pattern = "^single$")]
    kind: &'static str,
    /// The HTTP method to use.
    #[schema(value_type = String, pattern = "^PUT$")]
    method: &'static str,
    /// Where to. Whoever has it may upload this content, once.
    #[schema(format = "uri")]
    url: &'a str,
    /// Exactly the headers to add; all are signed.
    headers: BTreeMap<&'a str, &'a str>,
    /// When the URL ends.
    #[schema(value_type = crate::http::openapi::Time)]
    expires_at: Timestamp,
}

impl<'a> PresignReply<'a> {
    fn of(presigned: &'a PresignedAsset) -> Self {
        let upload = &presigned.upload;
        let headers = upload.headers.iter();
        Self {
            asset_id: presigned.asset_id,
            uri: &presigned.address,
            upload: UploadReply {
                kind: "single",
                method: upload.method,
                url: upload.url.expose(),
                headers: headers.map(|(name, value)| (&**name, &**value)).collect(),
                expires_at: upload.expires_at,
            },
        }
    }
}


use actix_web::{
    HttpResponse,
    http::{Method, StatusCode},
};
use nexus_raw::{
    asset::{
        AssetId, ByteSize, ContentFacts, ContentType, Filename, ObjectAddress, PartLayout, RawAsset,
        Sha256Digest,
    },
    ports::PresignedUpload,
    service::{IfRegistered, PresignRequest, Presigned, PresignedAsset, UploadSteps},
    tenancy::WriteAccess,
    time::Timestamp,
};
use strict_json::Json;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, Schema, Type},
};

use super::{batch::Reply, record, text};
use crate::http::{
    request::{BodyRule, Node},
    respond::{ApiError, Fault, Faults, ProblemCode},
    route::{Call, Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/presign-upload",
    method: Method::POST,
    handler: Handler::Write(BodyRule::SMALL, |call, access, body| Box::pin(presign_upload(call, access, body))),
    problems: &[ProblemCode::AssetConflict, ProblemCode::IdempotencyKeyReused],
    takes_idempotency_key: true,
    described: described!(presign_upload),
};

/// Declares the content of one file and returns a presigned upload for it.
#[utoipa::path(
    post,
    path = ROUTE.pattern,
    operation_id = "presignUpload",
    tag = "assets",
    request_body = PresignUpload,
    responses((status = 200, description = "Permission to upload, or what is there.", body = PresignReply)),
)]
async fn presign_upload(
    call: Call<'_>,
    access: WriteAccess,
    body: Json,
) -> Result<HttpResponse, ApiError> {
    let service = &call.core.service;
    let mut request = parse(&body, service.policy().max_object_bytes)?;
    request.idempotency_key = call.idempotency_key;
    let presigned = service
        .presign_upload(&access, call.context, request)
        .await?;
    // the response has a secret; without a `Cache-Control` of its own it gets `no-store`
    Ok(reply(&presigned)?.respond())
}

pub(super) fn reply(presigned: &Presigned) -> Result<Reply, ApiError> {
    Reply::new(StatusCode::OK, &PresignReply::of(presigned))
}

/// The file to upload: by one request, or in parts. An upload in parts may state its digest later.
#[expect(
    dead_code,
    reason = "a description: `parse` reads the domain's own types"
)]
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum PresignUpload {
    Single(PresignSingle),
    Parts(PresignInParts),
    PartsOfDigest(PresignInPartsOfDigest),
}

/// Defines what a promise of one kind says.
macro_rules! promise {
    ($(#[$doc:meta])* $promise:ident, $least:tt..=$most:tt, { $($rest:tt)+ }) => {
        $(#[$doc])*
        #[expect(dead_code, reason = "a description: `parse` reads the domain's own types")]
        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $promise {
            /// The name of the file, the last segment of its object's key.
            filename: text::Filename,
            /// The media type (default `application/octet-stream`).
            #[serde(default)]
            #[schema(required = false, nullable = false)]
            content_type: Option<text::ContentType>,
            /// The length in bytes, without fraction and exponent. The service may be configured with
            /// another maximum.
            #[schema(minimum = $least, maximum = $most, examples(161_713))]
            size_bytes: u64,
            $($rest)+
        }
    };
}

promise!(
    /// A file to upload by one request.
    PresignSingle, 0..=5_368_709_120_u64, {
        sha256: text::Sha256,
        /// Whether it is uploaded in parts (default false).
        #[serde(default)]
        #[schema(required = false, schema_with = single)]
        multipart: Option<bool>,
        /// What to do where the same content is registered already in the same tenant and environment
        /// (default `create`).
        #[serde(default)]
        #[schema(required = false, nullable = false)]
        if_registered: Option<IfRegisteredName>,
    }
);

promise!(
    /// A file to upload in parts, whose digest is stated at registration.
    PresignInParts, 1..=5_497_558_138_880_u64, {
        /// That it is uploaded in parts.
        #[schema(schema_with = in_parts)]
        multipart: bool,
        /// Another asset, whatever is registered already.
        #[serde(default)]
        #[schema(required = false, nullable = false, value_type = String, pattern = "^create$")]
        if_registered: Option<IfRegisteredName>,
    }
);

promise!(
    /// A file to upload in parts.
    PresignInPartsOfDigest, 1..=5_497_558_138_880_u64, {
        sha256: text::Sha256,
        /// That it is uploaded in parts.
        #[schema(schema_with = in_parts)]
        multipart: bool,
        /// What to do where the same content is registered already in the same tenant and environment
        /// (default `create`).
        #[serde(default)]
        #[schema(required = false, nullable = false)]
        if_registered: Option<IfRegisteredName>,
    }
);

fn single() -> Schema {
    only(false, "Whether it is uploaded in parts (default false).")
}

fn in_parts() -> Schema {
    only(true, "That it is uploaded in parts.")
}

/// Returns the schema of one value.
fn only(value: bool, description: &str) -> Schema {
    let only = ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .description(Some(description))
        .enum_values(Some([value]));
    Schema::from(only)
}

/// Whether another asset is made of content that is there, or the oldest one of it is returned.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum IfRegisteredName {
    Create,
    Return,
}

pub(super) fn parse(body: &Json, limit: ByteSize) -> Result<PresignRequest, Faults> {
    let body = Node::root(body);
    let mut fields = body.fields()?;
    let filename = fields.required("filename", |it| it.text(Filename::parse));
    let content_type = fields.optional("content_type", |it| it.text(ContentType::parse));
    let size_bytes = fields.required("size_bytes", |it| {
        it.integer(|bytes| match ByteSize::parse(bytes) {
            Ok(size) if size <= limit => Ok(size),
            _ => Err(format!("must be an integer from 0 to {limit}")),
        })
    });
    let sha256 = fields.optional("sha256", |it| it.text(Sha256Digest::parse));
    let multipart = fields.or_default("multipart", Node::boolean);
    let if_registered = fields.optional("if_registered", |it| it.text(IfRegistered::parse));
    if multipart == Some(false) || if_registered == Some(IfRegistered::Return) {
        fields.missing("sha256");
    }
    match (multipart, size_bytes.map(ByteSize::get)) {
        (Some(true), Some(0)) => fields.fault("size_bytes", Fault::NO_PARTS),
        (Some(false), Some(size)) if size > ByteSize::MAX_SINGLE_PUT.get() => {
            fields.fault("multipart", Fault::PARTS_NEEDED);
        }
        _ => {}
    }
    fields.finish(|| {
        let facts = ContentFacts {
            filename: filename?,
            content_type: content_type.unwrap_or_else(ContentType::octet_stream),
            size_bytes: size_bytes?,
            sha256,
        };
        let request = PresignRequest::new(facts);
        let request = if multipart? { request.in_parts() } else { request };
        Some(request.with_if_registered(if_registered.unwrap_or_default()))
    })
}

/// A presigned upload, or the registered asset that was requested instead.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum PresignReply<'a> {
    Upload(NewUpload<'a>),
    Registered(RegisteredReply<'a>),
}

/// The registered asset of the same content.
#[derive(Serialize, ToSchema)]
struct RegisteredReply<'a> {
    #[schema(value_type = record::RawAsset)]
    registered: &'a RawAsset,
}

/// A presigned upload.
#[derive(Serialize, ToSchema)]
struct NewUpload<'a> {
    /// The id of the future asset, a UUID version 7.
    #[schema(value_type = text::AssetId)]
    asset_id: AssetId,
    /// The address of its object: `s3://`, the bucket, `/`, the key.
    #[schema(value_type = String)]
    uri: &'a ObjectAddress,
    upload: UploadReply<'a>,
}

/// How to upload it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum UploadReply<'a> {
    Single(SingleUpload<'a>),
    Multipart(MultipartUpload),
}

/// The whole content by one request.
#[derive(Serialize, ToSchema)]
struct SingleUpload<'a> {
    #[schema(value_type = String, pattern = "^single$")]
    kind: &'static str,
    /// The HTTP method to use.
    #[schema(value_type = String, pattern = "^PUT$")]
    method: &'static str,
    /// The presigned URL. It is a secret: its holder may upload this content, once.
    #[schema(format = "uri")]
    url: &'a str,
    /// The headers to send, all of which are signed.
    #[schema(value_type = BTreeMap<String, String>)]
    #[serde(serialize_with = "by_name")]
    headers: &'a [(String, String)],
    /// When the URL expires.
    #[schema(value_type = text::Time)]
    expires_at: Timestamp,
}

/// The content in parts, whose URLs another route returns.
#[derive(Serialize, ToSchema)]
struct MultipartUpload {
    #[schema(value_type = String, pattern = "^multipart$")]
    kind: &'static str,
    /// The length of each part but the last, which has the rest.
    #[schema(value_type = u64, minimum = 1)]
    part_size_bytes: ByteSize,
    /// The number of parts.
    #[schema(minimum = 1, maximum = 10_000)]
    part_count: u16,
    /// When the time to upload is over.
    #[schema(value_type = text::Time)]
    expires_at: Timestamp,
}

impl<'a> PresignReply<'a> {
    fn of(presigned: &'a Presigned) -> Self {
        match presigned {
            Presigned::Upload(upload) => Self::Upload(NewUpload::of(upload)),
            Presigned::Registered(asset) => Self::Registered(RegisteredReply { registered: asset }),
        }
    }
}

impl<'a> NewUpload<'a> {
    fn of(presigned: &'a PresignedAsset) -> Self {
        Self {
            asset_id: presigned.asset_id,
            uri: &presigned.address,
            upload: match &presigned.upload {
                UploadSteps::Single(upload) => UploadReply::Single(SingleUpload::of(upload)),
                UploadSteps::Multipart { layout, expires_at } => {
                    UploadReply::Multipart(MultipartUpload::of(*layout, *expires_at))
                }
            },
        }
    }
}

impl<'a> SingleUpload<'a> {
    fn of(upload: &'a PresignedUpload) -> Self {
        Self {
            kind: "single",
            method: upload.method,
            url: upload.url.expose(),
            headers: &upload.headers,
            expires_at: upload.expires_at,
        }
    }
}

/// Writes headers as an object; they are in alphabetical order already, each once.
fn by_name<S: Serializer>(headers: &[(String, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(headers.iter().map(|(name, value)| (name, value)))
}

impl MultipartUpload {
    fn of(layout: PartLayout, expires_at: Timestamp) -> Self {
        Self {
            kind: "multipart",
            part_size_bytes: layout.part_size_bytes(),
            part_count: layout.count(),
            expires_at,
        }
    }
}

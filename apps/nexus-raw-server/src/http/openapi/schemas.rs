//! What the domain reads and writes, as the document describes it. Tests hold these shapes
//! against what the service really takes and gives.
#![expect(
    dead_code,
    reason = "these types are descriptions: the domain's own types are what is read and written"
)]

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

/// What a caller wants to upload.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PresignUpload {
    /// The file's name: NFC, one path segment, 1 to 255 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 255, examples("DSCN0010.jpg"))]
    filename: String,
    /// The media type, kept byte for byte.
    #[serde(default)]
    #[schema(
        required = false,
        nullable = false,
        max_length = 127,
        default = "application/octet-stream"
    )]
    content_type: Option<String>,
    /// The length in bytes.
    #[schema(minimum = 1)]
    size_bytes: u64,
    /// SHA-256 of the whole content.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
}

/// What a caller says of what it uploaded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Register {
    /// The asset, as presign named it.
    #[schema(format = "uuid")]
    asset_id: String,
    /// The promised name, said again.
    #[schema(nullable = false)]
    filename: Option<String>,
    /// The promised media type, said again.
    #[schema(nullable = false)]
    content_type: Option<String>,
    /// The promised length, said again.
    #[schema(nullable = false, minimum = 1)]
    size_bytes: Option<u64>,
    /// The promised digest, said again.
    #[schema(nullable = false, pattern = "^[0-9a-f]{64}$")]
    sha256: Option<String>,
    /// When the content came to be: RFC 3339 with an offset, at most six digits of fraction, not
    /// more than 5 minutes ahead of now.
    #[schema(format = DateTime)]
    captured_at: Option<String>,
    /// Where it came to be.
    capture_location: Option<CaptureLocation>,
    /// What it was made of, and from.
    #[schema(nullable = false)]
    lineage: Option<LineageStatement>,
    /// Which personal data it holds.
    #[schema(nullable = false)]
    pii_flags: Option<Vec<PiiFlag>>,
    /// Whether models may be trained on it.
    #[schema(nullable = false, default = false)]
    train_ok: Option<bool>,
    /// The caller's own labels: up to 32, keys `^[a-z0-9][a-z0-9._-]{0,62}$`, values up to 256
    /// bytes.
    #[schema(nullable = false)]
    labels: Option<BTreeMap<String, String>>,
}

/// A place, in degrees and metres (WGS 84).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaptureLocation {
    /// Degrees north of the equator.
    #[schema(minimum = -90, maximum = 90)]
    latitude: f64,
    /// Degrees east of Greenwich.
    #[schema(minimum = -180, maximum = 180)]
    longitude: f64,
    /// Metres above sea level.
    altitude_m: Option<f64>,
    /// Metres of uncertainty around the place.
    #[schema(minimum = 0)]
    accuracy_m: Option<f64>,
}

/// Where an asset came from, as a caller states it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineageStatement {
    /// Registered assets of the same tenant and environment.
    #[schema(nullable = false, max_items = 64)]
    derived_from: Option<Vec<String>>,
    /// Where the content was before: a URI without password or signature.
    #[schema(max_length = 2048, format = "uri")]
    source_uri: Option<String>,
    /// What made the asset, up to 128 bytes.
    activity: Option<String>,
}

/// A kind of personal data.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PiiFlag {
    Email,
    Phone,
    Card,
    Postal,
    Name,
    Face,
    Location,
    Health,
    Biometric,
    Other,
}

/// A registered asset.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAsset {
    #[schema(format = "uuid")]
    asset_id: String,
    tenant_id: String,
    env: String,
    /// Where its object is: `s3://`, the bucket, `/`, the key.
    uri: String,
    filename: String,
    sha256: String,
    size_bytes: u64,
    content_type: String,
    /// When the content came to be, in UTC.
    #[schema(required = true, format = DateTime)]
    captured_at: Option<String>,
    /// When it was registered, by the service's clock.
    #[schema(format = DateTime)]
    imported_at: String,
    #[schema(required = true)]
    capture_location: Option<CaptureLocation>,
    lineage: Lineage,
    pii_flags: Vec<PiiFlag>,
    train_ok: bool,
    labels: BTreeMap<String, String>,
    /// Who registered it.
    registered_by: String,
    integrity: Integrity,
}

/// Where an asset came from.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lineage {
    derived_from: Vec<String>,
    #[schema(required = true)]
    source_uri: Option<String>,
    #[schema(required = true)]
    activity: Option<String>,
}

/// How the content was proved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Integrity {
    level: IntegrityLevel,
    /// The version of the object, where the bucket is versioned.
    #[schema(required = true)]
    version_id: Option<String>,
    etag: String,
}

/// Who proved it: the store at upload, or the service by reading the object.
#[derive(Deserialize, ToSchema)]
pub(crate) enum IntegrityLevel {
    #[serde(rename = "s3_sha256")]
    S3Sha256,
    #[serde(rename = "stream_sha256")]
    StreamSha256,
}

/// The events of an asset.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssetEvents {
    /// In order of sequence.
    events: Vec<DatasetEvent>,
}

/// What happened to an asset, told once and delivered at least once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatasetEvent {
    /// The same for every delivery.
    #[schema(format = "uuid")]
    event_id: String,
    schema_version: String,
    event_type: EventType,
    /// From 1 on, per tenant and environment, without a gap.
    #[schema(minimum = 1)]
    sequence: u64,
    #[schema(format = DateTime)]
    occurred_at: String,
    tenant_id: String,
    env: String,
    user_id: String,
    trace_id: String,
    request_id: String,
    #[schema(format = "uuid")]
    asset_id: String,
    uri: String,
    sha256: String,
    size_bytes: u64,
    content_type: String,
    lineage: Lineage,
    /// `null` before registration: not yet stated.
    #[schema(required = true)]
    pii_flags: Option<Vec<PiiFlag>>,
    /// `null` before registration: not yet stated.
    #[schema(required = true)]
    train_ok: Option<bool>,
}

/// What happened.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventType {
    RawAssetPresigned,
    RawAssetRegistered,
}

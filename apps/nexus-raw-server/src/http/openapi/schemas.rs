//! What the domain reads and writes, as the document describes it. Tests hold these shapes
//! against what the service really takes and gives.
#![expect(
    dead_code,
    reason = "these types are descriptions: the domain's own types are what is read and written"
)]

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use utoipa::ToSchema;

use super::text::{
    Activity, AssetId, CapturedAt, ContentType, Filename, Sha256, SourceUri, Time, labels,
};

/// What a caller wants to upload.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PresignUpload {
    /// The name of the file, which ends the key of its object.
    filename: Filename,
    /// The media type; `application/octet-stream` unless given.
    #[serde(default)]
    #[schema(required = false, nullable = false)]
    content_type: Option<ContentType>,
    /// The length in bytes, written without fraction and exponent. The service may be configured
    /// to take less.
    #[schema(minimum = 1, maximum = 5_368_709_120_u64, examples(161_713))]
    size_bytes: u64,
    sha256: Sha256,
}

/// What a caller says of what it uploaded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Register {
    /// The asset, as presign named it.
    asset_id: AssetId,
    /// The promised name, said again.
    #[schema(nullable = false)]
    filename: Option<Filename>,
    /// The promised media type, said again.
    #[schema(nullable = false)]
    content_type: Option<ContentType>,
    /// The promised length, said again.
    #[schema(nullable = false, minimum = 1, maximum = 5_368_709_120_u64)]
    size_bytes: Option<u64>,
    /// The promised digest, said again.
    #[schema(nullable = false)]
    sha256: Option<Sha256>,
    /// When the content came to be.
    captured_at: Option<CapturedAt>,
    /// Where it came to be.
    capture_location: Option<CaptureLocation>,
    /// What it was made of, and from.
    #[schema(nullable = false)]
    lineage: Option<LineageStatement>,
    /// Which personal data it holds.
    #[schema(nullable = false)]
    pii_flags: Option<BTreeSet<PiiFlag>>,
    /// Whether models may be trained on it.
    #[schema(nullable = false, default = false)]
    train_ok: Option<bool>,
    /// The caller's own labels.
    #[schema(schema_with = labels)]
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
    derived_from: Option<BTreeSet<AssetId>>,
    source_uri: Option<SourceUri>,
    activity: Option<Activity>,
}

/// A kind of personal data.
#[derive(Deserialize, ToSchema, PartialEq, Eq, PartialOrd, Ord)]
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
    asset_id: AssetId,
    tenant_id: String,
    env: String,
    /// Where its object is: `s3://`, the bucket, `/`, the key.
    uri: String,
    /// As it was promised. Records from before a rule was made stricter may have what it refuses now;
    /// so may other texts of callers here.
    filename: String,
    sha256: Sha256,
    #[schema(minimum = 1)]
    size_bytes: u64,
    content_type: String,
    /// When the content came to be, in UTC.
    #[schema(required = true)]
    captured_at: Option<Time>,
    /// When it was registered, by the service's clock.
    imported_at: Time,
    #[schema(required = true)]
    capture_location: Option<CaptureLocation>,
    lineage: Lineage,
    pii_flags: BTreeSet<PiiFlag>,
    train_ok: bool,
    #[schema(schema_with = labels)]
    labels: BTreeMap<String, String>,
    /// Who registered it.
    registered_by: String,
    integrity: Integrity,
}

/// Where an asset came from.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lineage {
    #[schema(max_items = 64)]
    derived_from: BTreeSet<AssetId>,
    #[schema(required = true)]
    source_uri: Option<String>,
    #[schema(required = true)]
    activity: Option<Activity>,
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

/// Some of what happened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Events {
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
    #[schema(pattern = "^1$")]
    schema_version: String,
    event_type: EventType,
    /// From 1 on, per tenant and environment, without a gap.
    #[schema(minimum = 1)]
    sequence: u64,
    occurred_at: Time,
    tenant_id: String,
    env: String,
    user_id: String,
    #[schema(pattern = "^[0-9a-f]{32}$")]
    trace_id: String,
    #[schema(pattern = "^[A-Za-z0-9._-]{1,128}$")]
    request_id: String,
    asset_id: AssetId,
    uri: String,
    sha256: Sha256,
    #[schema(minimum = 1)]
    size_bytes: u64,
    content_type: String,
    lineage: Lineage,
    /// `null` before registration: not yet stated.
    #[schema(required = true)]
    pii_flags: Option<BTreeSet<PiiFlag>>,
    /// `null` before registration: not yet stated.
    #[schema(required = true)]
    train_ok: Option<bool>,
    /// Of `raw_asset_registered` alone.
    #[schema(nullable = false)]
    integrity: Option<EventIntegrity>,
}

/// How the content was proved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventIntegrity {
    level: IntegrityLevel,
}

/// What happened.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventType {
    RawAssetPresigned,
    RawAssetRegistered,
}

//! The schema of a record in responses and events. Tests compare it with real responses.
#![expect(
    dead_code,
    reason = "these types are descriptions: the domain's own types are what is read and written"
)]

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use utoipa::ToSchema;

use super::text::{Activity, AssetId, Sha256, Time, labels};

/// A registered asset.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAsset {
    asset_id: AssetId,
    tenant_id: String,
    env: String,
    /// The address of its object: `s3://`, the bucket, `/`, the key.
    uri: String,
    /// The name as declared at presign. Like other texts of callers here, an old record may have a
    /// value that a newer, stricter rule refuses.
    filename: String,
    sha256: Sha256,
    #[schema(minimum = 0)]
    size_bytes: u64,
    content_type: String,
    /// When the content was captured, in UTC.
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

/// A location, in degrees and metres (WGS 84).
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
    /// The radius of uncertainty in metres.
    #[schema(minimum = 0)]
    accuracy_m: Option<f64>,
}

/// The lineage of an asset.
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

/// How the content was verified.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Integrity {
    level: IntegrityLevel,
    /// The version of the object, if the bucket is versioned.
    #[schema(required = true)]
    version_id: Option<String>,
    etag: String,
    /// The number of parts; only of an upload in parts.
    #[schema(nullable = false, minimum = 1, maximum = 10_000)]
    parts: Option<u16>,
}

/// Who verified it: the store at upload, or the service by reading the object. Of an upload in parts
/// the store verified each part (`s3_composite_sha256`); the digest of the whole is then as the caller
/// stated it.
#[derive(Deserialize, ToSchema)]
pub(crate) enum IntegrityLevel {
    #[serde(rename = "s3_sha256")]
    S3Sha256,
    #[serde(rename = "stream_sha256")]
    StreamSha256,
    #[serde(rename = "s3_composite_sha256")]
    S3CompositeSha256,
}

//! Bodies of requests, and of the one response that is interpreted. docs/API.md has the rule of each
//! field; the service checks them.

use std::collections::BTreeMap;

use nexus_raw::asset::{AssetId, CaptureLocation, Labels, Lineage, PiiFlags, Sha256Digest};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A request for an upload URL.
#[derive(Serialize)]
pub(crate) struct PresignRequest {
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) size_bytes: u64,
    pub(crate) sha256: Sha256Digest,
}

/// The response with the upload URL.
#[derive(Deserialize)]
pub(crate) struct Presigned {
    pub(crate) asset_id: AssetId,
    pub(crate) upload: Upload,
}

/// The upload request. Its URL is a secret, since it authorises the upload.
#[derive(Deserialize)]
pub(crate) struct Upload {
    pub(crate) kind: String,
    pub(crate) method: String,
    #[serde(deserialize_with = "secret")]
    pub(crate) url: SecretString,
    pub(crate) headers: BTreeMap<String, String>,
}

/// The download request. Its URL is a secret, since it authorises the download.
#[derive(Deserialize)]
pub(crate) struct Download {
    pub(crate) method: String,
    #[serde(deserialize_with = "secret")]
    pub(crate) url: SecretString,
    pub(crate) headers: BTreeMap<String, String>,
}

/// A request to register an uploaded asset.
#[derive(Serialize)]
pub(crate) struct RegisterRequest {
    pub(crate) asset_id: AssetId,
    #[serde(flatten)]
    pub(crate) provenance: Provenance,
}

/// The caller's metadata of an asset. Absent fields are omitted.
#[derive(Serialize)]
pub(crate) struct Provenance {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) captured_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capture_location: Option<CaptureLocation>,
    pub(crate) lineage: Lineage,
    pub(crate) pii_flags: PiiFlags,
    pub(crate) train_ok: bool,
    pub(crate) labels: Labels,
}

fn secret<'de, D: serde::Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

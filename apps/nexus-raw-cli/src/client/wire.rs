//! Bodies of requests, and of the responses that are interpreted. docs/API.md has the rule of each
//! field; the service checks them.

use std::collections::BTreeMap;

use bytes::Bytes;
use nexus_raw::asset::{AssetId, Sha256Digest};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::provenance::Provenance;

/// A request for an upload.
#[derive(Clone, Serialize)]
pub(crate) struct PresignRequest {
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Sha256Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) if_registered: Option<IfRegistered>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) multipart: bool,
}

/// What to do with content that is registered already.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum IfRegistered {
    /// Its oldest record is returned.
    Return,
}

/// The response to a request for an upload.
pub(crate) enum PresignAnswer {
    /// The record of the same content.
    Registered(Bytes),
    /// An upload of a new asset.
    Presigned(Presigned),
}

/// A new asset, and how its content is uploaded.
#[derive(Deserialize)]
pub(crate) struct Presigned {
    pub(crate) asset_id: AssetId,
    pub(crate) upload: Upload,
}

/// How content is uploaded.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Upload {
    /// In one request.
    Single(SignedPut),
    /// In parts of this size, but for the last.
    Multipart {
        part_size_bytes: u64,
        part_count: u16,
    },
}

/// An upload request. Its URL is a secret, since it authorises the upload.
#[derive(Deserialize)]
pub(crate) struct SignedPut {
    pub(crate) method: String,
    #[serde(deserialize_with = "secret")]
    pub(crate) url: SecretString,
    pub(crate) headers: BTreeMap<String, String>,
}

/// A part and its digest: declared, or held by the store.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct PartDigest {
    pub(crate) part_number: u16,
    pub(crate) sha256: Sha256Digest,
}

/// The upload request of a part.
#[derive(Deserialize)]
pub(crate) struct SignedPart {
    pub(crate) part_number: u16,
    #[serde(flatten)]
    pub(crate) put: SignedPut,
}

/// Parts of an upload, in a request or a response.
#[derive(Serialize, Deserialize)]
pub(crate) struct Parts<P> {
    pub(crate) parts: Vec<P>,
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
    /// Of an upload in parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Sha256Digest>,
    #[serde(flatten)]
    pub(crate) provenance: Provenance,
}

fn secret<'de, D: serde::Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

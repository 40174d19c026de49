use nexus_raw::{
    asset::{AssetId, ByteSize, ContentType, Fact, Lineage, PiiFlags, Sha256Digest, Verification},
    event::{DatasetEvent, EventBody, EventType, RequestId, TraceId},
    tenancy::{Environment, TenantId, UserId},
    time::Timestamp,
};
use serde::Serialize;
use uuid::Uuid;

use super::{EncodedEvent, EncodingError, payload};

/// The `producer` of each event: this crate and its version.
pub(super) const PRODUCER: &str = concat!("urn:nexus-raw:producer:", env!("CARGO_PKG_VERSION"));

const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent";
const VERSION: &str = "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet";
const LIFECYCLE: &str = "https://openlineage.io/spec/facets/1-0-1/LifecycleStateChangeDatasetFacet.json#/$defs/LifecycleStateChangeDatasetFacet";
const STORAGE: &str =
    "https://openlineage.io/spec/facets/1-0-1/StorageDatasetFacet.json#/$defs/StorageDatasetFacet";
const OWNERSHIP: &str = "https://openlineage.io/spec/facets/1-0-1/OwnershipDatasetFacet.json#/$defs/OwnershipDatasetFacet";
/// This project's own schema, in docs/schemas/.
const RAW_ASSET: &str = "urn:nexus-raw:schema:RawAssetDatasetFacet:1#/$defs/RawAssetDatasetFacet";

/// Encodes an `OpenLineage` 2-0-2 `DatasetEvent`: the dataset is the object, named by its bucket
/// (`s3://BUCKET`) and key.
///
/// Facets: `version` (the SHA-256, where it is stated), `lifecycleStateChange` (`CREATE`, only at registration:
/// before it the object is not known to exist), `storage`, `ownership` (tenant and user) and
/// `nexusRaw_rawAsset`, with what `OpenLineage` has no name for: lineage references, `pii_flags`,
/// `train_ok`, the fact that was stated, and the event's id and sequence.
///
/// # Errors
/// See [`EncodingError`].
pub fn open_lineage(event: &DatasetEvent) -> Result<EncodedEvent, EncodingError> {
    let body = &event.body;
    let message = Message {
        event_time: body.occurred_at,
        producer: PRODUCER,
        schema_url: EVENT,
        dataset: Dataset {
            namespace: bucket_namespace(body),
            name: body.uri.key.as_str(),
            facets: AssetFacets::of(event),
        },
    };
    payload("application/json", &message)
}

/// Returns the namespace of datasets in the bucket of the event's object, by `OpenLineage`'s naming of
/// S3.
pub(super) fn bucket_namespace(body: &EventBody) -> String {
    format!("s3://{}", body.uri.bucket)
}

/// The tenant, and the user by what made the asset the user's: who downloads it, states a fact,
/// aborts an upload or has it verified does not own it.
fn owners(body: &EventBody) -> Vec<Owner> {
    let tenant = Owner {
        name: format!("tenant:{}", body.tenant_id),
        r#type: "TENANT",
    };
    let user = match body.event_type {
        EventType::RawAssetPresigned => Some("PRESIGNED_BY"),
        EventType::RawAssetRegistered => Some("REGISTERED_BY"),
        EventType::RawAssetDownloadPresigned
        | EventType::RawAssetFactStated
        | EventType::RawAssetUploadAborted
        | EventType::RawAssetVerified
        | EventType::RawAssetCorrupt => None,
    };
    let user = user.map(|r#type| Owner {
        name: format!("user:{}", body.user_id),
        r#type,
    });
    [tenant].into_iter().chain(user).collect()
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "eventTime")]
    event_time: Timestamp,
    producer: &'static str,
    #[serde(rename = "schemaURL")]
    schema_url: &'static str,
    dataset: Dataset<'a>,
}

#[derive(Serialize)]
struct Dataset<'a> {
    namespace: String,
    name: &'a str,
    facets: AssetFacets<'a>,
}

/// What is known of an asset, as facets of its dataset.
#[derive(Serialize)]
pub(super) struct AssetFacets<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Facet<Version>>,
    #[serde(
        rename = "lifecycleStateChange",
        skip_serializing_if = "Option::is_none"
    )]
    lifecycle_state_change: Option<Facet<Lifecycle>>,
    storage: Facet<Storage>,
    ownership: Facet<Ownership>,
    /// A custom facet has its owner's prefix (`OpenLineage`, "Custom Facet Naming").
    #[serde(rename = "nexusRaw_rawAsset")]
    raw_asset: Facet<RawAsset<'a>>,
}

impl<'a> AssetFacets<'a> {
    pub(super) fn of(event: &'a DatasetEvent) -> Self {
        let body = &event.body;
        let created = body.event_type == EventType::RawAssetRegistered;
        Self {
            version: body
                .sha256
                .map(|dataset_version| facet(VERSION, Version { dataset_version })),
            lifecycle_state_change: created.then(|| {
                facet(
                    LIFECYCLE,
                    Lifecycle {
                        lifecycle_state_change: "CREATE",
                    },
                )
            }),
            storage: facet(
                STORAGE,
                Storage {
                    storage_layer: "s3",
                },
            ),
            ownership: facet(
                OWNERSHIP,
                Ownership {
                    owners: owners(body),
                },
            ),
            raw_asset: facet(
                RAW_ASSET,
                RawAsset {
                    event_id: event.event_id,
                    event_type: body.event_type,
                    sequence: event.sequence,
                    tenant_id: &body.tenant_id,
                    env: &body.env,
                    user_id: &body.user_id,
                    trace_id: body.trace_id,
                    request_id: &body.request_id,
                    asset_id: body.asset_id,
                    sha256: body.sha256,
                    size_bytes: body.size_bytes,
                    content_type: &body.content_type,
                    lineage: &body.lineage,
                    pii_flags: body.pii_flags.as_ref(),
                    train_ok: body.train_ok,
                    fact: body.fact.as_ref(),
                    verification: body.verification.as_ref(),
                },
            ),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Facet<F> {
    #[serde(rename = "_producer")]
    producer: &'static str,
    #[serde(rename = "_schemaURL")]
    schema_url: &'static str,
    #[serde(flatten)]
    fields: F,
}

pub(super) fn facet<F>(schema_url: &'static str, fields: F) -> Facet<F> {
    Facet {
        producer: PRODUCER,
        schema_url,
        fields,
    }
}

#[derive(Serialize)]
struct Version {
    #[serde(rename = "datasetVersion")]
    dataset_version: Sha256Digest,
}

#[derive(Serialize)]
struct Lifecycle {
    #[serde(rename = "lifecycleStateChange")]
    lifecycle_state_change: &'static str,
}

#[derive(Serialize)]
struct Storage {
    #[serde(rename = "storageLayer")]
    storage_layer: &'static str,
}

#[derive(Serialize)]
struct Ownership {
    owners: Vec<Owner>,
}

#[derive(Serialize)]
struct Owner {
    name: String,
    r#type: &'static str,
}

#[derive(Serialize)]
struct RawAsset<'a> {
    event_id: Uuid,
    event_type: EventType,
    sequence: u64,
    tenant_id: &'a TenantId,
    env: &'a Environment,
    user_id: &'a UserId,
    trace_id: TraceId,
    request_id: &'a RequestId,
    asset_id: AssetId,
    sha256: Option<Sha256Digest>,
    size_bytes: ByteSize,
    content_type: &'a ContentType,
    lineage: &'a Lineage,
    pii_flags: Option<&'a PiiFlags>,
    train_ok: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fact: Option<&'a Fact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<&'a Verification>,
}

use nexus_raw::{
    asset::{Activity, AssetId, ObjectKey},
    event::{DatasetEvent, EventBody, EventType},
    time::Timestamp,
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    EncodedEvent, EncodingError, attributes,
    open_lineage::{AssetFacets, Facet, PRODUCER, bucket_namespace, facet},
    payload,
};

const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const ENGINE: &str = "https://openlineage.io/spec/facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet";
const SYMLINKS: &str = "https://openlineage.io/spec/facets/1-0-1/SymlinksDatasetFacet.json#/$defs/SymlinksDatasetFacet";

/// The job of an asset whose activity is not stated.
const DEFAULT_JOB: &str = "nexus-raw.register";

/// Returns whether there is a run of this event.
pub(super) fn covers(event_type: EventType) -> bool {
    event_type == EventType::RawAssetRegistered
}

/// Encodes a registration as an `OpenLineage` 2-0-2 `RunEvent`: a run of the asset's activity has
/// ended (`COMPLETE`), with the asset as its output and the asset's parents as its inputs. Returns
/// `None` for any other event: nothing was made.
///
/// The run's id is the event's, so each delivery is about the same run. The job is the stated
/// activity, or `nexus-raw.register`, in the namespace of the tenant and environment, which is the
/// `source` of a [`cloud_events`](super::cloud_events).
///
/// A dataset is an asset, named by its bucket (`s3://BUCKET`) and its key without the file name
/// ([`ObjectKey::prefix_of`]): of a parent only the id is known, and the same asset must have the
/// same name as input and as output. The facet `symlinks` of the output has the whole key; its other
/// facets are those of [`open_lineage`](super::open_lineage).
///
/// The run has the facet `processing_engine`, without which `DataHub` refuses events of a producer
/// that it does not know.
///
/// # Errors
/// See [`EncodingError`].
pub fn open_lineage_run(event: &DatasetEvent) -> Result<Option<EncodedEvent>, EncodingError> {
    let body = &event.body;
    if !covers(body.event_type) {
        return Ok(None);
    }
    let message = RunMessage {
        event_time: body.occurred_at,
        producer: PRODUCER,
        schema_url: EVENT,
        event_type: "COMPLETE",
        run: Run {
            run_id: event.event_id,
            facets: RunFacets {
                processing_engine: facet(
                    ENGINE,
                    ProcessingEngine {
                        name: "nexus-raw",
                        version: env!("CARGO_PKG_VERSION"),
                    },
                ),
            },
        },
        job: Job {
            namespace: attributes::source(body),
            name: job_name(body),
        },
        inputs: body
            .lineage
            .derived_from
            .as_slice()
            .iter()
            .map(|parent| AssetDataset::of(*parent, body, None))
            .collect(),
        outputs: [AssetDataset::of(
            body.asset_id,
            body,
            Some(OutputFacets::of(event)),
        )],
    };
    payload("application/json", &message).map(Some)
}

/// Returns the activity, unless it is blank: a job must have a name.
fn job_name(body: &EventBody) -> &str {
    let stated = body.lineage.activity.as_ref();
    stated
        .map(Activity::as_str)
        .filter(|name| !name.trim().is_empty())
        .unwrap_or(DEFAULT_JOB)
}

#[derive(Serialize)]
struct RunMessage<'a> {
    #[serde(rename = "eventTime")]
    event_time: Timestamp,
    producer: &'static str,
    #[serde(rename = "schemaURL")]
    schema_url: &'static str,
    #[serde(rename = "eventType")]
    event_type: &'static str,
    run: Run,
    job: Job<'a>,
    /// Present even if empty: consumers require it.
    inputs: Vec<AssetDataset<'a>>,
    outputs: [AssetDataset<'a>; 1],
}

#[derive(Serialize)]
struct Run {
    #[serde(rename = "runId")]
    run_id: Uuid,
    facets: RunFacets,
}

#[derive(Serialize)]
struct RunFacets {
    processing_engine: Facet<ProcessingEngine>,
}

#[derive(Serialize)]
struct ProcessingEngine {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Job<'a> {
    namespace: String,
    name: &'a str,
}

/// An asset as the input or the output of a run.
#[derive(Serialize)]
struct AssetDataset<'a> {
    namespace: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<OutputFacets<'a>>,
}

impl<'a> AssetDataset<'a> {
    /// Names an asset of the event's scope. This is the one place that does, for inputs and outputs
    /// alike, so that they join.
    fn of(asset: AssetId, body: &EventBody, facets: Option<OutputFacets<'a>>) -> Self {
        Self {
            namespace: bucket_namespace(body),
            name: ObjectKey::prefix_of(&body.scope(), asset),
            facets,
        }
    }
}

#[derive(Serialize)]
struct OutputFacets<'a> {
    #[serde(flatten)]
    asset: AssetFacets<'a>,
    symlinks: Facet<Symlinks<'a>>,
}

impl<'a> OutputFacets<'a> {
    fn of(event: &'a DatasetEvent) -> Self {
        let object = Symlink {
            namespace: bucket_namespace(&event.body),
            name: event.body.uri.key.as_str(),
            r#type: "LOCATION",
        };
        Self {
            asset: AssetFacets::of(event),
            symlinks: facet(
                SYMLINKS,
                Symlinks {
                    identifiers: [object],
                },
            ),
        }
    }
}

#[derive(Serialize)]
struct Symlinks<'a> {
    identifiers: [Symlink<'a>; 1],
}

/// Another name of a dataset.
#[derive(Serialize)]
struct Symlink<'a> {
    namespace: String,
    name: &'a str,
    r#type: &'static str,
}

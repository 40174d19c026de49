//! The published schemas, and our own facet's, as validators. Nothing is fetched.

use std::slice;

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

const CLOUD_EVENTS: &str = include_str!("schemas/cloudevents/cloudevents.json");
const OPEN_LINEAGE: &str = include_str!("schemas/openlineage/OpenLineage.json");
const RUN_FACET: &str = include_str!("schemas/openlineage/ProcessingEngineRunFacet.json");
const DATASET_FACETS: [&str; 6] = [
    include_str!("schemas/openlineage/DatasetVersionDatasetFacet.json"),
    include_str!("schemas/openlineage/LifecycleStateChangeDatasetFacet.json"),
    include_str!("schemas/openlineage/StorageDatasetFacet.json"),
    include_str!("schemas/openlineage/OwnershipDatasetFacet.json"),
    include_str!("schemas/openlineage/SymlinksDatasetFacet.json"),
    include_str!("../../../../docs/schemas/RawAssetDatasetFacet.json"),
];

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(crate) fn cloud_event_schema() -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(&parse(CLOUD_EVENTS))
        .unwrap()
}

/// The schema of dataset events, with every facet held to its own.
pub(crate) fn open_lineage_schema() -> Validator {
    with_facets(
        "DatasetEvent",
        |dataset, _| json!({"properties": {"dataset": dataset}}),
    )
}

/// The schema of run events, with every facet held to its own. What consumers need is required,
/// though the specification leaves it open.
pub(crate) fn open_lineage_run_schema() -> Validator {
    with_facets("RunEvent", |dataset, run| {
        json!({
            "properties": {
                "run": run,
                "inputs": {"items": dataset},
                "outputs": {"items": dataset},
            },
            "required": ["eventType", "inputs", "outputs"],
        })
    })
}

/// A kind of event of the core schema, and `rest` of what has facets of datasets and what has those of
/// runs.
fn with_facets(kind: &str, rest: impl FnOnce(Value, Value) -> Value) -> Validator {
    let core = parse(OPEN_LINEAGE);
    let run_facet = parse(RUN_FACET);
    let dataset_facets = DATASET_FACETS.map(parse);
    let mut registry = Registry::new();
    for schema in dataset_facets.iter().chain([&run_facet, &core]) {
        registry = registry.add(id(schema), schema).unwrap();
    }
    let held = |schemas: &[Value]| {
        let references = schemas.iter().map(|schema| json!({"$ref": id(schema)}));
        json!({"properties": {"facets": {"allOf": references.collect::<Vec<_>>()}}})
    };
    let rest = rest(held(&dataset_facets), held(slice::from_ref(&run_facet)));
    let event = format!("{}#/$defs/{kind}", id(&core));
    let whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [{"$ref": id(&core)}, {"$ref": event}, rest],
    });
    let registry = registry.prepare().unwrap();
    jsonschema::options()
        .with_registry(&registry)
        .should_validate_formats(true)
        .build(&whole)
        .unwrap()
}

fn id(schema: &Value) -> &str {
    schema["$id"].as_str().unwrap()
}

/// What is wrong with a message, each fault with its place.
pub(crate) fn faults(schema: &Validator, message: &Value) -> Vec<String> {
    schema
        .iter_errors(message)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

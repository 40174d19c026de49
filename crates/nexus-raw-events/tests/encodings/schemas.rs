//! The published schemas, and our own facet's, as validators. Nothing is fetched.

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

const CLOUD_EVENTS: &str = include_str!("schemas/cloudevents/cloudevents.json");
const OPEN_LINEAGE: &str = include_str!("schemas/openlineage/OpenLineage.json");
const FACETS: [&str; 5] = [
    include_str!("schemas/openlineage/DatasetVersionDatasetFacet.json"),
    include_str!("schemas/openlineage/LifecycleStateChangeDatasetFacet.json"),
    include_str!("schemas/openlineage/StorageDatasetFacet.json"),
    include_str!("schemas/openlineage/OwnershipDatasetFacet.json"),
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

/// The core schema, with every facet held to its own.
pub(crate) fn open_lineage_schema() -> Validator {
    let facets: Vec<Value> = FACETS.iter().copied().map(parse).collect();
    let core = parse(OPEN_LINEAGE);
    let mut registry = Registry::new();
    let mut references = Vec::new();
    for schema in facets.iter().chain([&core]) {
        let id = schema["$id"].as_str().unwrap();
        registry = registry.add(id, schema).unwrap();
        references.push(json!({"$ref": id}));
    }
    let core = references.pop().unwrap();
    let whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [core, {"properties": {"dataset": {"properties": {"facets": {"allOf": references}}}}}],
    });
    let registry = registry.prepare().unwrap();
    jsonschema::options()
        .with_registry(&registry)
        .should_validate_formats(true)
        .build(&whole)
        .unwrap()
}

/// What is wrong with a message, each fault with its place.
pub(crate) fn faults(schema: &Validator, message: &Value) -> Vec<String> {
    schema
        .iter_errors(message)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

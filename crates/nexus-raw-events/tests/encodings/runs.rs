//! Registrations as `OpenLineage` run events.

use std::sync::LazyLock;

use jsonschema::Validator;
use nexus_raw::{
    asset::{Activity, AssetId, ContentFacts, DerivedFrom, Filename, Lineage, Provenance},
    event::{DatasetEvent, EventBody},
};
use nexus_raw_events::encoding;
use nexus_raw_testkit::sample::{self, asset_id, intent_of, new_asset, scope};
use proptest::{collection::vec, prelude::*, string::string_regex};
use serde_json::{Value, json};

use super::{
    downloaded,
    example::derived,
    json_of, odd, presigned, registered,
    schemas::{faults, open_lineage_run_schema},
};

static SCHEMA: LazyLock<Validator> = LazyLock::new(open_lineage_run_schema);

fn run_of(event: &DatasetEvent) -> Value {
    json_of(&encoding::open_lineage_run(event).unwrap().unwrap())
}

/// A registration of the asset by this name, made from these parents by this activity.
fn registration(
    asset: AssetId,
    filename: &str,
    parents: &[AssetId],
    activity: Option<&str>,
) -> DatasetEvent {
    let facts = ContentFacts {
        filename: Filename::parse(filename).unwrap(),
        ..sample::facts()
    };
    let intent = intent_of(&scope("t_demo", "dev"), asset, facts);
    let provenance = Provenance {
        lineage: Lineage {
            derived_from: DerivedFrom::parse(parents.to_vec()).unwrap(),
            activity: activity.map(|it| Activity::parse(it).unwrap()),
            ..Lineage::default()
        },
        ..sample::provenance()
    };
    let asset = new_asset(&intent, provenance).asset;
    DatasetEvent {
        body: EventBody::registered(&asset, &sample::context()),
        ..sample::event(&intent.scope, 7)
    }
}

/// What identifies a dataset.
fn name(dataset: &Value) -> (&str, &str) {
    let part = |name: &str| dataset[name].as_str().unwrap();
    (part("namespace"), part("name"))
}

#[test]
fn a_registration_is_a_complete_run_of_its_activity_from_its_parents_to_the_asset() {
    let event = registration(
        asset_id(2),
        "DSCN0010.jpg",
        &[asset_id(4), asset_id(3)],
        Some("blur"),
    );
    let encoded = encoding::open_lineage_run(&event).unwrap().unwrap();
    assert_eq!(
        (encoded.media_type, encoded.headers.len()),
        ("application/json", 0)
    );
    let run = json_of(&encoded);
    let producer = format!("urn:nexus-raw:producer:{}", env!("CARGO_PKG_VERSION"));
    // the facets of the asset are those of `openlineage`, with the object's whole key
    let dataset = json_of(&encoding::open_lineage(&event).unwrap())["dataset"].take();
    let mut facets = dataset["facets"].clone();
    facets["symlinks"] = json!({
        "_producer": producer,
        "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/SymlinksDatasetFacet.json#/$defs/SymlinksDatasetFacet",
        "identifiers": [
            {"namespace": dataset["namespace"], "name": dataset["name"], "type": "LOCATION"},
        ],
    });
    assert_eq!(
        facets["lifecycleStateChange"]["lifecycleStateChange"],
        "CREATE"
    );
    assert_eq!(facets["ownership"]["owners"][1]["type"], "REGISTERED_BY");
    assert_eq!(
        run,
        json!({
            "eventTime": "2026-11-24T01:01:00Z",
            "eventType": "COMPLETE",
            "producer": producer,
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {
                "runId": event.event_id,
                "facets": {
                    "processing_engine": {
                        "_producer": producer,
                        "_schemaURL": "https://openlineage.io/spec/facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet",
                        "name": "nexus-raw",
                        "version": env!("CARGO_PKG_VERSION"),
                    },
                },
            },
            "job": {"namespace": "urn:nexus-raw:t_demo:dev", "name": "blur"},
            "inputs": [
                {
                    "namespace": "s3://nexus-raw-test",
                    "name": "tenants/t_demo/dev/raw/01a20b11-1a80-7000-8000-000000000004",
                },
                {
                    "namespace": "s3://nexus-raw-test",
                    "name": "tenants/t_demo/dev/raw/01a20b11-1a80-7000-8000-000000000003",
                },
            ],
            "outputs": [{
                "namespace": "s3://nexus-raw-test",
                "name": "tenants/t_demo/dev/raw/01a20b11-1a80-7000-8000-000000000002",
                "facets": facets,
            }],
        })
    );
}

#[test]
fn there_is_no_run_of_an_event_that_made_nothing() {
    for event in [presigned(), downloaded()] {
        assert_eq!(encoding::open_lineage_run(&event).unwrap(), None);
    }
}

/// The namespace of jobs is the source of cloud events.
#[test]
fn jobs_of_scopes_are_apart_by_their_namespace() {
    let event = registered();
    let source = json_of(&encoding::cloud_events(&event).unwrap())["source"].take();
    assert_eq!(run_of(&event)["job"]["namespace"], source);
}

/// Consumers refuse a job without a name.
#[test]
fn the_job_of_an_activity_that_is_not_stated_or_blank_is_the_registration() {
    for (activity, job) in [
        (None, "nexus-raw.register"),
        (Some(""), "nexus-raw.register"),
        (Some(" \t\u{a0}"), "nexus-raw.register"),
        (Some(" a"), " a"),
        (Some("transcode.v2"), "transcode.v2"),
    ] {
        let event = registration(asset_id(1), "a", &[], activity);
        assert_eq!(run_of(&event)["job"]["name"], job, "{activity:?}");
    }
}

/// `inputs` is there even so: consumers require it.
#[test]
fn an_asset_without_parents_has_no_inputs() {
    let run = run_of(&registration(asset_id(1), "a", &[], None));
    assert_eq!(run["inputs"], json!([]));
    assert_eq!(run["outputs"].as_array().unwrap().len(), 1);
}

#[test]
fn every_run_holds_against_the_published_schemas() {
    for event in [registered(), derived(), odd::event()] {
        let message = run_of(&event);
        assert_eq!(faults(&SCHEMA, &message), [""; 0], "{message}");
    }
}

/// Otherwise the test above could pass with schemas that hold nothing.
#[test]
fn the_schemas_of_runs_refuse_what_is_wrong() {
    let message = run_of(&odd::event());
    for pointer in [
        "/eventTime",
        "/eventType",
        "/producer",
        "/schemaURL",
        "/run/runId",
        "/run/facets/processing_engine/version",
        "/run/facets/processing_engine/_schemaURL",
        "/job/namespace",
        "/job/name",
        "/inputs",
        "/inputs/0/name",
        "/inputs/63/namespace",
        "/outputs",
        "/outputs/0/name",
        "/outputs/0/facets/version/datasetVersion",
        "/outputs/0/facets/symlinks/identifiers/0/type",
        "/outputs/0/facets/nexusRaw_rawAsset/sequence",
    ] {
        let mut wrong = message.clone();
        *wrong.pointer_mut(pointer).unwrap() = json!({"wrong": 0});
        assert_ne!(faults(&SCHEMA, &wrong), [""; 0], "{pointer}");
    }
    let dataset_event = json_of(&encoding::open_lineage(&registered()).unwrap());
    assert_ne!(faults(&SCHEMA, &dataset_event), [""; 0]);
}

fn filename() -> impl Strategy<Value = String> {
    string_regex("[a-z]([a-zA-Z0-9 ä%#?]{0,20}[a-z0-9])?").unwrap()
}

proptest! {
    /// Of a parent the event has only the id; its own registration may have any file name.
    #[test]
    fn an_input_has_the_name_under_which_its_own_registration_was_an_output(
        names in vec(filename(), 1..8),
        child in filename(),
        activity in proptest::option::of(string_regex("\\PC{0,30}").unwrap()),
    ) {
        let parents: Vec<_> = (1..).zip(&names).map(|(n, name)| (asset_id(n), name)).collect();
        let ids: Vec<_> = parents.iter().map(|(id, _)| *id).collect();
        let event = registration(asset_id(99), &child, &ids, activity.as_deref());
        let run = run_of(&event);
        prop_assert_eq!(faults(&SCHEMA, &run), [""; 0]);
        prop_assert_eq!(&run, &run_of(&event));
        let inputs: Vec<_> = run["inputs"].as_array().unwrap().iter().map(name).collect();
        prop_assert_eq!(inputs.len(), parents.len());
        for (input, (id, filename)) in inputs.iter().zip(&parents) {
            let own = run_of(&registration(*id, filename, &[], None));
            prop_assert_eq!(*input, name(&own["outputs"][0]));
        }
        let output = name(&run["outputs"][0]);
        prop_assert!(!inputs.contains(&output));
        // a path of a URI without an escape, which some consumers make of the two
        let (namespace, path) = output;
        let uri = format!("{namespace}/{path}");
        prop_assert!(uri.bytes().all(|it| it.is_ascii_alphanumeric() || b":/._-".contains(&it)), "{}", uri);
    }
}

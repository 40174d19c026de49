//! The encodings: to the byte, and held against the schemas that their projects publish.

#![expect(
    clippy::unwrap_used,
    reason = "where an expectation of the test's own support breaks, the test must end"
)]

#[path = "../example/mod.rs"]
mod example;
mod odd;
mod runs;
mod schemas;

use nexus_raw::event::{DatasetEvent, EventType};
use nexus_raw_events::encoding::{self, EncodedEvent, Encoding};
use nexus_raw_testkit::sample::{self, scope};
use serde_json::{Value, json};

use self::{
    example::{downloaded, fact_stated, registered, stated},
    schemas::{cloud_event_schema, faults, open_lineage_schema},
};

fn presigned() -> DatasetEvent {
    sample::event(&scope("t_demo", "dev"), 1)
}

fn json_of(encoded: &EncodedEvent) -> Value {
    serde_json::from_slice(&encoded.payload).unwrap()
}

#[test]
fn a_cloud_event_has_the_attributes_of_the_specification_and_the_event_as_data() {
    let event = registered();
    let encoded = encoding::cloud_events(&event).unwrap();
    assert_eq!(
        (encoded.media_type, encoded.headers.len()),
        ("application/cloudevents+json; charset=utf-8", 0)
    );
    assert_eq!(
        json_of(&encoded),
        json!({
            "specversion": "1.0",
            "id": event.event_id,
            "source": "urn:nexus-raw:t_demo:dev",
            "type": "nexus.raw.raw_asset_registered",
            "subject": "01a20b11-1a80-7000-8000-000000000002",
            "time": "2026-11-24T01:01:00Z",
            "sequence": "00000000000000000002",
            "partitionkey": "t_demo/dev",
            "datacontenttype": "application/json",
            "data": event,
        })
    );
}

#[test]
fn a_binary_cloud_event_is_the_native_one_with_its_attributes_as_headers() {
    let event = registered();
    let encoded = encoding::cloud_events_binary(&event).unwrap();
    let native = encoding::native(&event).unwrap();
    assert_eq!(encoded.media_type, native.media_type);
    assert_eq!(encoded.payload, native.payload);
    let envelope = json_of(&encoding::cloud_events(&event).unwrap());
    for (name, value) in &encoded.headers {
        let attribute = name.strip_prefix("ce-").unwrap();
        assert_eq!(&envelope[attribute], &**value, "{name}");
        // a value needs no escape in a header (HTTP protocol binding, 3.1.3.2)
        assert!(
            value
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'%'),
            "{name}: {value}"
        );
    }
    // all but the media type, which is `content-type`, and the data, which is the body
    assert_eq!(
        encoded.headers.len() + 2,
        envelope.as_object().unwrap().len()
    );
}

#[test]
fn names_of_attributes_are_lower_case_letters_and_digits_of_at_most_twenty() {
    let envelope = json_of(&encoding::cloud_events(&presigned()).unwrap());
    for name in envelope.as_object().unwrap().keys() {
        assert!(
            name.len() <= 20
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()),
            "{name}"
        );
    }
}

#[test]
fn sequences_sort_by_their_bytes() {
    let sequence = |sequence| {
        let event = DatasetEvent {
            sequence,
            ..presigned()
        };
        json_of(&encoding::cloud_events(&event).unwrap())["sequence"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let sequences = [1, 2, 9, 10, 11, 99, 100, u64::MAX].map(sequence);
    assert!(sequences.is_sorted(), "{sequences:?}");
}

#[test]
fn an_open_lineage_event_names_the_object_and_what_is_known_of_it() {
    let event = registered();
    let encoded = encoding::open_lineage(&event).unwrap();
    assert_eq!(
        (encoded.media_type, encoded.headers.len()),
        ("application/json", 0)
    );
    let producer = format!("urn:nexus-raw:producer:{}", env!("CARGO_PKG_VERSION"));
    let facet = |schema: &str, fields: Value| {
        let mut facet = json!({"_producer": producer, "_schemaURL": schema});
        let whole = facet.as_object_mut().unwrap();
        whole.extend(fields.as_object().unwrap().clone());
        facet
    };
    let published =
        |name: &str| format!("https://openlineage.io/spec/facets/1-0-1/{name}.json#/$defs/{name}");
    assert_eq!(
        json_of(&encoded),
        json!({
            "eventTime": "2026-11-24T01:01:00Z",
            "producer": producer,
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
            "dataset": {
                "namespace": "s3://nexus-raw-test",
                "name": "tenants/t_demo/dev/raw/01a20b11-1a80-7000-8000-000000000002/DSCN0010.jpg",
                "facets": {
                    "version": facet(&published("DatasetVersionDatasetFacet"), json!({
                        "datasetVersion": "dbef254508d970eb9ff21cb5947d17c64bc0e8f0b10d2968ccc2609f772919ad",
                    })),
                    "lifecycleStateChange": facet(
                        &published("LifecycleStateChangeDatasetFacet"),
                        json!({"lifecycleStateChange": "CREATE"}),
                    ),
                    "storage": facet(&published("StorageDatasetFacet"), json!({"storageLayer": "s3"})),
                    "ownership": facet(&published("OwnershipDatasetFacet"), json!({"owners": [
                        {"name": "tenant:t_demo", "type": "TENANT"},
                        {"name": "user:u_demo", "type": "REGISTERED_BY"},
                    ]})),
                    "nexusRaw_rawAsset": facet(
                        "urn:nexus-raw:schema:RawAssetDatasetFacet:1#/$defs/RawAssetDatasetFacet",
                        json!({
                            "event_id": event.event_id,
                            "event_type": "raw_asset_registered",
                            "sequence": 2,
                            "tenant_id": "t_demo",
                            "env": "dev",
                            "user_id": "u_demo",
                            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                            "request_id": "req-1",
                            "asset_id": "01a20b11-1a80-7000-8000-000000000002",
                            "sha256": "dbef254508d970eb9ff21cb5947d17c64bc0e8f0b10d2968ccc2609f772919ad",
                            "size_bytes": 22,
                            "content_type": "image/jpeg",
                            "lineage": {
                                "derived_from": [],
                                "source_uri": "https://photos.example/DSCN0010.jpg",
                                "activity": "import",
                            },
                            "pii_flags": ["location", "face"],
                            "train_ok": true,
                        }),
                    ),
                },
            },
        })
    );
}

#[test]
fn an_upload_that_is_only_promised_is_not_reported_as_created() {
    let facets = &json_of(&encoding::open_lineage(&presigned()).unwrap())["dataset"]["facets"];
    assert_eq!(facets.get("lifecycleStateChange"), None);
    assert_eq!(facets["nexusRaw_rawAsset"]["train_ok"], Value::Null);
    assert_eq!(facets["nexusRaw_rawAsset"]["pii_flags"], Value::Null);
    assert_eq!(facets["ownership"]["owners"][1]["type"], "PRESIGNED_BY");
}

/// Who downloads an asset does not own it.
#[test]
fn an_open_lineage_event_of_a_download_has_no_user_among_the_owners() {
    let message = json_of(&encoding::open_lineage(&downloaded()).unwrap());
    let facets = &message["dataset"]["facets"];
    assert_eq!(facets["lifecycleStateChange"], Value::Null);
    assert_eq!(
        facets["ownership"]["owners"],
        json!([{"name": "tenant:t_demo", "type": "TENANT"}])
    );
    let facet = &facets["nexusRaw_rawAsset"];
    assert_eq!(
        (&facet["event_type"], &facet["user_id"], &facet["train_ok"]),
        (
            &json!("raw_asset_download_presigned"),
            &json!("u_demo"),
            &json!(true)
        )
    );
}

#[test]
fn a_stated_fact_names_no_user_as_owner_and_has_the_fact() {
    let message = json_of(&encoding::open_lineage(&stated()).unwrap());
    let facets = &message["dataset"]["facets"];
    assert_eq!(facets["lifecycleStateChange"], Value::Null);
    assert_eq!(
        facets["ownership"]["owners"],
        json!([{"name": "tenant:t_demo", "type": "TENANT"}])
    );
    let told = &facets["nexusRaw_rawAsset"];
    let fact = json!({
        "kind": "license",
        "value": "CC-BY-4.0",
        "reason": "contract of 2026-11-20",
        "evidence_sha256": null,
    });
    assert_eq!(told["event_type"], json!("raw_asset_fact_stated"));
    assert_eq!(told["fact"], fact);
}

/// What was found is told in the facet, and by the native event.
#[test]
fn a_verification_is_told_with_what_was_found() {
    let schema = open_lineage_schema();
    let mut event = registered();
    event.body.integrity = None;
    for (event_type, verification) in [
        (
            EventType::RawAssetVerified,
            json!({
                "verdict": "intact",
                "sha256": event.body.sha256,
                "size_bytes": event.body.size_bytes,
                "verified_at": "2026-11-24T01:00:07Z",
            }),
        ),
        (
            EventType::RawAssetCorrupt,
            json!({
                "verdict": "missing",
                "sha256": null,
                "size_bytes": null,
                "verified_at": "2026-11-24T01:00:07Z",
            }),
        ),
    ] {
        event.body.event_type = event_type;
        event.body.verification = serde_json::from_value(verification.clone()).unwrap();
        let native = json_of(&encoding::native(&event).unwrap());
        assert_eq!(native["event_type"], event_type.as_str());
        assert_eq!(native["verification"], verification);
        let message = json_of(&encoding::open_lineage(&event).unwrap());
        assert_eq!(faults(&schema, &message), [""; 0], "{message}");
        let facets = &message["dataset"]["facets"];
        assert_eq!(facets["nexusRaw_rawAsset"]["verification"], verification);
        assert_eq!(facets.get("lifecycleStateChange"), None);
        // who has it verified does not own it
        let owners = facets["ownership"]["owners"].as_array().unwrap();
        assert_eq!(owners.len(), 1, "{message}");
        assert_eq!(encoding::open_lineage_run(&event).unwrap(), None);
    }
}

/// An upload in parts may begin before its digest is known.
#[test]
fn an_upload_whose_digest_is_not_stated_has_no_version() {
    let mut event = presigned();
    event.body.sha256 = None;
    let schema = open_lineage_schema();
    for (event_type, owners) in [
        (EventType::RawAssetPresigned, 2),
        (EventType::RawAssetUploadAborted, 1),
    ] {
        event.body.event_type = event_type;
        let native = json_of(&encoding::native(&event).unwrap());
        assert_eq!(native["event_type"], event_type.as_str());
        assert_eq!(native.get("sha256"), Some(&Value::Null));
        let envelope = json_of(&encoding::cloud_events(&event).unwrap());
        assert_eq!(envelope["data"], native);
        assert_eq!(
            envelope["type"],
            format!("nexus.raw.{}", event_type.as_str())
        );
        assert_eq!(faults(&cloud_event_schema(), &envelope), [""; 0]);

        let message = json_of(&encoding::open_lineage(&event).unwrap());
        assert_eq!(faults(&schema, &message), [""; 0], "{message}");
        let facets = &message["dataset"]["facets"];
        assert_eq!(facets.get("version"), None);
        assert_eq!(facets.get("lifecycleStateChange"), None);
        let told = &facets["nexusRaw_rawAsset"];
        assert_eq!(told.get("sha256"), Some(&Value::Null));
        let named = facets["ownership"]["owners"].as_array().unwrap();
        assert_eq!(named.len(), owners, "{message}");
        assert_eq!(encoding::open_lineage_run(&event).unwrap(), None);
    }
}

#[test]
fn a_fact_of_each_kind_holds_against_the_schema_of_the_facet() {
    let schema = open_lineage_schema();
    let scan = json!({"scanner": "x", "verdict": "unknown", "scanned_at": "2026-11-24T01:00:00Z"});
    for (kind, value) in [
        ("train_ok", json!(false)),
        ("pii_flags", json!(["face"])),
        ("labels", json!({"a": ""})),
        ("license", json!(null)),
        ("rights_holder", json!("A")),
        ("scan", scan),
        ("scan", json!(null)),
        ("c2pa", json!({"state": "valid"})),
        ("c2pa", json!(null)),
    ] {
        let fact = json!({"kind": kind, "value": value, "reason": null, "evidence_sha256": null});
        let event = fact_stated(serde_json::from_value(fact).unwrap());
        let mut message = json_of(&encoding::open_lineage(&event).unwrap());
        assert_eq!(faults(&schema, &message), [""; 0], "{message}");
        let fact = &mut message["dataset"]["facets"]["nexusRaw_rawAsset"]["fact"];
        // a value of no kind
        fact["value"] = json!(7);
        assert_ne!(faults(&schema, &message), [""; 0], "{message}");
    }
}

#[test]
fn every_event_holds_against_the_published_schemas() {
    let (cloud_events, open_lineage) = (cloud_event_schema(), open_lineage_schema());
    for event in [
        presigned(),
        registered(),
        downloaded(),
        stated(),
        odd::event(),
    ] {
        let message = json_of(&encoding::cloud_events(&event).unwrap());
        assert_eq!(faults(&cloud_events, &message), [""; 0], "{message}");
        let message = json_of(&encoding::open_lineage(&event).unwrap());
        assert_eq!(faults(&open_lineage, &message), [""; 0], "{message}");
    }
}

/// Otherwise the test above could pass with schemas that hold nothing.
#[test]
fn the_schemas_refuse_what_is_wrong() {
    let message = json_of(&encoding::open_lineage(&registered()).unwrap());
    for pointer in [
        "/eventTime",
        "/producer",
        "/schemaURL",
        "/dataset/namespace",
        "/dataset/name",
        "/dataset/facets/version/datasetVersion",
        "/dataset/facets/version/_schemaURL",
        "/dataset/facets/lifecycleStateChange/lifecycleStateChange",
        "/dataset/facets/storage/storageLayer",
        "/dataset/facets/ownership/owners/0/name",
        "/dataset/facets/nexusRaw_rawAsset/_producer",
        "/dataset/facets/nexusRaw_rawAsset/sequence",
        "/dataset/facets/nexusRaw_rawAsset/lineage/derived_from",
        "/dataset/facets/nexusRaw_rawAsset/train_ok",
    ] {
        let mut wrong = message.clone();
        *wrong.pointer_mut(pointer).unwrap() = json!({"wrong": 0});
        assert_ne!(faults(&open_lineage_schema(), &wrong), [""; 0], "{pointer}");
    }
    let message = json_of(&encoding::cloud_events(&registered()).unwrap());
    for name in ["id", "source", "specversion", "type", "time", "subject"] {
        let mut wrong = message.clone();
        wrong[name] = json!(7);
        assert_ne!(faults(&cloud_event_schema(), &wrong), [""; 0], "{name}");
    }
}

#[test]
fn an_encoding_gives_what_its_function_gives() {
    for event in [presigned(), odd::event(), downloaded()] {
        for (encoding, expected) in [
            (Encoding::Native, encoding::native(&event).map(Some)),
            (
                Encoding::CloudEvents,
                encoding::cloud_events(&event).map(Some),
            ),
            (
                Encoding::CloudEventsBinary,
                encoding::cloud_events_binary(&event).map(Some),
            ),
            (
                Encoding::OpenLineage,
                encoding::open_lineage(&event).map(Some),
            ),
            (Encoding::OpenLineageRun, encoding::open_lineage_run(&event)),
        ] {
            let encoded = encoding.encode(&event).unwrap();
            assert_eq!(encoded, expected.unwrap());
            // sinks ask this before they connect
            let is_covered = encoding.covers(event.body.event_type);
            assert_eq!(encoded.is_some(), is_covered, "{encoding:?}");
        }
    }
}

//! What the service writes of records and events is read back as the same, so that clients in Rust
//! need no types of their own.

use nexus_raw::{
    asset::{Provenance, RawAsset},
    event::{DatasetEvent, EventBody},
};
use nexus_raw_testkit::sample;
use serde_json::{Value, json};

fn records() -> [RawAsset; 3] {
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let (older, registration) = sample::of_older_rules(&scope, sample::asset_id(2));
    assert_eq!(older.asset_id, registration.asset.asset_id());
    [
        sample::new_asset(&intent, sample::provenance()).asset,
        sample::new_asset(&intent, Provenance::default()).asset,
        registration.asset,
    ]
}

fn read(document: &Value) -> Option<RawAsset> {
    serde_json::from_str(&document.to_string()).ok()
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    for record in records() {
        let text = serde_json::to_vec(&record).unwrap();
        let read: RawAsset = serde_json::from_slice(&text).unwrap();
        assert_eq!(read, record);
        assert_eq!(read.record_sha256(), record.record_sha256());
    }
}

#[test]
fn a_record_of_a_later_version_is_read_and_a_faulty_one_is_not() {
    let [record, ..] = records();
    let mut document = serde_json::to_value(&record).unwrap();
    document["of_a_later_version"] = json!({"a": 1});
    assert_eq!(read(&document), Some(record));
    for (member, faulty) in [
        ("asset_id", json!("no-id")),
        ("tenant_id", json!("T/../x")),
        ("uri", json!("s3://bucket/../elsewhere")),
        ("filename", json!("a/b")),
        ("sha256", json!("00")),
        ("size_bytes", json!(-1)),
        ("captured_at", json!("yesterday")),
        ("capture_location", json!({"latitude": 91, "longitude": 0})),
        ("pii_flags", json!(["face", "face"])),
        ("labels", json!({"Upper": "case"})),
        (
            "integrity",
            json!({"level": "trust_me", "version_id": null, "etag": "e"}),
        ),
    ] {
        let mut document = document.clone();
        document[member] = faulty;
        assert_eq!(read(&document), None, "{member}");
        document.as_object_mut().unwrap().remove(member);
        // what may be null may be absent, and nothing else
        let optional = matches!(member, "captured_at" | "capture_location");
        assert_eq!(read(&document).is_some(), optional, "{member}");
    }
}

#[test]
fn an_event_reads_back_as_it_was_delivered() {
    let scope = sample::scope("t_a", "dev");
    let [record, ..] = records();
    let presigned = sample::event(&scope, 7);
    let registered = DatasetEvent {
        body: EventBody {
            record_sha256: None,
            ..EventBody::registered(&record, &sample::context())
        },
        ..sample::event(&scope, 8)
    };
    for event in [presigned, registered] {
        let mut document = serde_json::to_value(&event).unwrap();
        document["of_a_later_version"] = json!(1);
        let text = document.to_string();
        assert_eq!(serde_json::from_str::<DatasetEvent>(&text).unwrap(), event);
    }
}

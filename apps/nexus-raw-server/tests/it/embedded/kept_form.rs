//! What is kept of an event is read by a program that knows the documented form alone.

use std::process::Command;

use serde_json::json;

use crate::{caller::Caller, machine::Machine};

/// Digests, ids and the record's digest from the rows, by Python's own libraries; and each text as
/// its writer of JSON would have it.
const CHECK: &str = r#"
import hashlib, json, sqlite3, sys, uuid
catalog, record, listed = sys.argv[1:]
rows = sqlite3.connect(catalog)
log = uuid.UUID(bytes=rows.execute("SELECT log_id FROM scope_log").fetchone()[0])
ids = []
for sequence, kept_id, *texts in rows.execute("""SELECT sequence, event_id,
        facts_salt, facts, facts_digest, personal_salt, personal, personal_digest
        FROM event ORDER BY sequence"""):
    event_id = uuid.uuid5(log, str(sequence))
    assert event_id.bytes == kept_id
    ids.append(str(event_id))
    for salt, text, digest in texts[:3], texts[3:]:
        assert len(salt) == 32
        assert hashlib.sha256(salt + text.encode()).digest() == digest
        again = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
        assert again == text, (again, text)
    personal = json.loads(texts[4])
    if "record_sha256" in personal:
        assert personal["record_sha256"] == hashlib.sha256(record.encode()).hexdigest()
        print("the record is proved")
assert ids == json.loads(listed), (ids, listed)
"#;

#[tokio::test]
async fn the_rows_of_events_are_verified_by_a_program_that_knows_the_form_alone() {
    let machine = Machine::new();
    let server = machine.start();
    let owner = Caller::owner_of("t_demo", &machine, &server);
    let upload = owner.presign("Grüße \"1\" \u{1f4f7}.txt", b"hello").await;
    assert_eq!(upload.put(b"hello").await, 200);
    let statement = json!({
        "asset_id": upload.asset_id,
        "capture_location": {"latitude": 43.467_448, "longitude": -0.0, "accuracy_m": 1e-7},
        "lineage": {"activity": "crop \\ \"q\" \u{e9}"},
        "pii_flags": ["location", "face"],
    });
    let registered = owner.register(&statement).await;
    assert_eq!(registered.status, 201);
    let record = String::from_utf8(registered.body.clone()).unwrap();
    let events = owner.get("/nexus/raw/events").await.json();
    let events = events["events"].as_array().unwrap();
    let ids: Vec<_> = events
        .iter()
        .map(|event| event["event_id"].clone())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(server.stop().0.code(), Some(0));
    let output = Command::new("python3")
        .args(["-c", CHECK])
        .arg(machine.data_dir().join("catalog.sqlite"))
        .args([&record, &json!(ids).to_string()])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(output.stdout, b"the record is proved\n");
}

//! The JSON texts of the API, as the model writes them.

use serde_json::{Map, Value, json};

use crate::{
    words::{File, PEOPLE, Place, Restated, Said},
    world::{Meaning, id},
};

pub(crate) const BUCKET: &str = "nexus-raw-test";
pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The placeholder of a part that the model cannot know: the store's or the catalogue's own.
pub(crate) const UNKNOWN: &str = "<unknown>";

/// The time so many seconds after 2026-11-24T01:00:00Z.
pub(crate) fn time(seconds: u64) -> String {
    let of_day = seconds + 3600;
    let (day, hour) = (24 + of_day / 86_400, of_day / 3600 % 24);
    let (minute, second) = (of_day / 60 % 60, of_day % 60);
    let (month, day) = if day <= 30 { (11, day) } else { (12, day - 30) };
    assert!(day <= 31, "the model knows two months");
    format!("2026-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The request id of a step.
pub(crate) fn request_id(step: u32) -> String {
    format!("step-{step}")
}

pub(crate) fn uri(asset: usize, place: Place, file: File) -> String {
    format!(
        "s3://{BUCKET}/tenants/{}/{}/raw/{}/{}",
        place.tenant,
        place.env,
        id(asset),
        file.name()
    )
}

/// The body of a presign.
pub(crate) fn promise(file: File) -> Value {
    let mut body = json!({
        "filename": file.name(),
        "size_bytes": file.content().bytes.len(),
        "sha256": file.content().hex,
    });
    if let Some(content_type) = crate::words::TYPES[file.content_type] {
        body["content_type"] = json!(content_type);
    }
    body
}

/// What a presign is answered with.
pub(crate) fn presigned(asset: usize, place: Place, file: File, ends: u64) -> Value {
    json!({
        "asset_id": id(asset),
        "uri": uri(asset, place, file),
        "upload": {
            "kind": "single",
            "method": "PUT",
            "url": UNKNOWN,
            "headers": {
                "content-type": file.content_type(),
                "if-none-match": "*",
                "x-amz-checksum-sha256": file.content().base64,
                "x-amz-meta-asset-id": id(asset),
                "x-amz-meta-env": place.env,
                "x-amz-meta-tenant-id": place.tenant,
            },
            "expires_at": time(ends),
        },
    })
}

/// What is said at registration: the body's members, the record's, and what they mean.
pub(crate) struct Statement {
    pub(crate) body: Map<String, Value>,
    record: Map<String, Value>,
    pub(crate) meaning: Meaning,
}

pub(crate) fn statement(said: Said, parents: Vec<String>, now: u64) -> Statement {
    let nothing = json!({
        "captured_at": null, "capture_location": null, "pii_flags": [], "train_ok": false,
        "labels": {},
    });
    let place = json!({
        "latitude": 43.467_448, "longitude": 11.0, "altitude_m": null, "accuracy_m": 0.5,
    });
    let much = |flags: Value| {
        json!({
            "captured_at": "2008-10-22T16:28:39Z", "capture_location": place,
            "pii_flags": flags, "train_ok": true, "labels": {"camera": "P6000", "b": ""},
        })
    };
    let captured = |at: u64| {
        let mut stated = nothing.clone();
        stated["captured_at"] = json!(time(at));
        (json!({"captured_at": time(at)}), stated)
    };
    let mut meant = (None, "nothing");
    let (mut body, mut record) = match said {
        Said::Nothing => (json!({}), nothing),
        Said::Defaults => (nothing.clone(), nothing),
        Said::Much => {
            meant.1 = "much";
            let stated = much(json!(["location", "face"]));
            (stated.clone(), stated)
        }
        Said::MuchOtherwise => {
            meant.1 = "much";
            let body = json!({
                "labels": {"b": "", "camera": "P6000"}, "train_ok": true,
                "pii_flags": ["face", "location"], "captured_at": "2008-10-22T18:28:39.000+02:00",
                "capture_location": {"longitude": 11, "latitude": 43.467_448, "accuracy_m": 5e-1},
            });
            (body, much(json!(["face", "location"])))
        }
        Said::Trainable => {
            meant.1 = "trainable";
            let mut stated = nothing;
            stated["train_ok"] = json!(true);
            (json!({"train_ok": true}), stated)
        }
        Said::JustAhead => {
            meant = (Some(now + 300), "captured");
            captured(now + 300)
        }
        Said::Ahead => captured(now + 301),
    };
    let (captured, said) = meant;
    let activity = (said == "much").then_some("import");
    let lineage = json!({
        "derived_from": parents,
        "source_uri": activity.map(|_| "https://photos.example/DSCN0010.jpg"),
        "activity": activity,
    });
    if activity.is_some() || !parents.is_empty() {
        body["lineage"] = lineage.clone();
    }
    record["lineage"] = lineage;
    Statement {
        body: members(body),
        record: members(record),
        meaning: Meaning {
            said,
            captured,
            parents,
        },
    }
}

/// Facts of the intent, said again.
pub(crate) fn restated(restated: Restated, file: File) -> Map<String, Value> {
    let mut facts = json!({
        "filename": file.name(),
        "content_type": file.content_type(),
        "size_bytes": file.content().bytes.len(),
        "sha256": file.content().hex,
    });
    match restated {
        Restated::AsPromised => {}
        Restated::OtherName => facts["filename"] = json!("other.jpg"),
        Restated::OtherType => facts["content_type"] = json!("IMAGE/jpeg"),
        Restated::OtherSize => facts["size_bytes"] = json!(23),
        Restated::OtherDigest => facts["sha256"] = json!(file.other_bytes().hex),
    }
    members(facts)
}

/// The record that a registration makes.
pub(crate) fn record(
    asset: usize,
    (place, file): (Place, File),
    by: usize,
    now: u64,
    statement: &Statement,
    level: &str,
) -> Value {
    let mut record = json!({
        "asset_id": id(asset), "tenant_id": place.tenant, "env": place.env,
        "uri": uri(asset, place, file), "filename": file.name(), "sha256": file.content().hex,
        "size_bytes": file.content().bytes.len(), "content_type": file.content_type(),
        "imported_at": time(now), "registered_by": PEOPLE[by],
        "integrity": {"level": level, "version_id": null, "etag": UNKNOWN},
    });
    for (name, value) in &statement.record {
        record[name] = value.clone();
    }
    record
}

/// What an event is made from.
pub(crate) struct EventParts<'a> {
    pub(crate) asset: usize,
    pub(crate) place: Place,
    pub(crate) file: File,
    pub(crate) by: usize,
    pub(crate) step: u32,
    pub(crate) now: u64,
    pub(crate) sequence: usize,
    /// Of a registration and of a fact.
    pub(crate) record: Option<&'a Value>,
    pub(crate) fact: Option<&'a Value>,
}

/// A fact about training, as it is answered.
pub(crate) fn fact(sequence: usize, by: usize, now: u64, allowed: bool) -> Value {
    json!({
        "sequence": sequence, "stated_at": time(now), "stated_by": PEOPLE[by],
        "kind": "train_ok", "value": allowed, "reason": null, "evidence_sha256": null,
    })
}

pub(crate) fn event(parts: &EventParts<'_>) -> Value {
    let (asset, place, file) = (parts.asset, parts.place, parts.file);
    let nobody_said = json!({
        "lineage": {"derived_from": [], "source_uri": null, "activity": null},
        "pii_flags": null, "train_ok": null,
    });
    let said = parts.record.unwrap_or(&nobody_said);
    let event_type = match parts.record {
        None => "raw_asset_presigned",
        Some(_) => "raw_asset_registered",
    };
    let mut event = json!({
        "event_id": UNKNOWN, "schema_version": "1", "event_type": event_type,
        "sequence": parts.sequence, "occurred_at": time(parts.now),
        "tenant_id": place.tenant, "env": place.env, "user_id": PEOPLE[parts.by],
        "trace_id": TRACE_ID, "request_id": request_id(parts.step),
        "asset_id": id(asset), "uri": uri(asset, place, file), "sha256": file.content().hex,
        "size_bytes": file.content().bytes.len(), "content_type": file.content_type(),
        "lineage": said["lineage"], "pii_flags": said["pii_flags"], "train_ok": said["train_ok"],
    });
    if let Some(fact) = parts.fact {
        let fact = json!({
            "kind": fact["kind"], "value": fact["value"], "reason": fact["reason"],
            "evidence_sha256": fact["evidence_sha256"],
        });
        event["event_type"] = json!("raw_asset_fact_stated");
        event["lineage"] = nobody_said["lineage"].clone();
        event["train_ok"] = fact["value"].clone();
        event["fact"] = fact;
    } else if let Some(record) = parts.record {
        event["integrity"] = json!({"level": record["integrity"]["level"]});
    }
    event
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

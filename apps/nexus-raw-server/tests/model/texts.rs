//! The JSON texts of the API, as the model writes them.

use serde_json::{Map, Value, json};

use crate::{
    words::{Declaration, File, PART_BYTES, PARTS, PEOPLE, Place, Restated, Said},
    world::{Cut, Meaning, id},
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
    });
    if let Some(sha256) = file.stated() {
        body["sha256"] = json!(sha256);
    }
    if file.is_in_parts() {
        body["multipart"] = json!(true);
    }
    if let Some(content_type) = crate::words::TYPES[file.content_type] {
        body["content_type"] = json!(content_type);
    }
    body
}

/// What a presign is answered with.
pub(crate) fn presigned(asset: usize, place: Place, file: File, ends: u64) -> Value {
    let upload = if file.is_in_parts() {
        json!({
            "kind": "multipart",
            "part_size_bytes": PART_BYTES,
            "part_count": PARTS,
            "expires_at": time(ends),
        })
    } else {
        json!({
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
        })
    };
    json!({"asset_id": id(asset), "uri": uri(asset, place, file), "upload": upload})
}

/// The digests of a declared part, in hexadecimal and in base64.
fn part_digests(declaration: Declaration, file: File) -> (&'static str, &'static str) {
    let content = if declaration.other {
        file.other_bytes()
    } else {
        file.content()
    };
    // a number that is out of range has a digest too
    content.parts[(declaration.number - 1).min(PARTS - 1)]
}

/// The body of a declaration. An asset that is not known has no file.
pub(crate) fn declaration(parts: &[Declaration], file: Option<File>) -> Value {
    let digest = |it: Declaration| match file.filter(|file| file.is_in_parts()) {
        Some(file) => part_digests(it, file).0,
        None => crate::words::CONTENTS[0].hex,
    };
    let parts = parts.iter();
    let parts = parts.map(|it| json!({"part_number": it.number, "sha256": digest(*it)}));
    json!({"parts": parts.collect::<Vec<_>>()})
}

/// What a declaration is answered with.
pub(crate) fn part_uploads(parts: &[Declaration], file: File, ends: u64) -> Value {
    let upload = |it: &Declaration| {
        json!({
            "part_number": it.number,
            "method": "PUT",
            "url": UNKNOWN,
            "headers": {"x-amz-checksum-sha256": part_digests(*it, file).1},
            "expires_at": time(ends),
        })
    };
    json!({"parts": parts.iter().map(upload).collect::<Vec<_>>()})
}

/// What the store holds of what was declared.
pub(crate) fn held(declared: Cut, held: Cut) -> Value {
    let parts = (0..PARTS).filter_map(|at| {
        let content = &crate::words::CONTENTS[held[at].and(declared[at])?];
        Some(json!({
            "part_number": at + 1,
            "size_bytes": content.part(at).len(),
            "sha256": content.parts[at].0,
        }))
    });
    json!({"parts": parts.collect::<Vec<_>>()})
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
    (place, file, sha256): (Place, File, &str),
    by: usize,
    now: u64,
    statement: &Statement,
    level: &str,
) -> Value {
    let mut record = json!({
        "asset_id": id(asset), "tenant_id": place.tenant, "env": place.env,
        "uri": uri(asset, place, file), "filename": file.name(), "sha256": sha256,
        "size_bytes": file.content().bytes.len(), "content_type": file.content_type(),
        "imported_at": time(now), "registered_by": PEOPLE[by],
        "integrity": {"level": level, "version_id": null, "etag": UNKNOWN},
    });
    if file.is_in_parts() {
        record["integrity"]["parts"] = json!(PARTS);
    }
    for (name, value) in &statement.record {
        record[name] = value.clone();
    }
    record
}

/// What an event tells of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Happening<'a> {
    Presigned,
    Aborted,
    /// With the record.
    Registered(&'a Value),
    /// With the record and the fact.
    Stated(&'a Value, &'a Value),
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
    pub(crate) what: Happening<'a>,
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
    let stated = json!(file.stated());
    let (event_type, said, sha256) = match parts.what {
        Happening::Presigned => ("raw_asset_presigned", &nobody_said, &stated),
        Happening::Aborted => ("raw_asset_upload_aborted", &nobody_said, &stated),
        Happening::Registered(record) => ("raw_asset_registered", record, &record["sha256"]),
        Happening::Stated(record, _) => ("raw_asset_fact_stated", record, &record["sha256"]),
    };
    let mut event = json!({
        "event_id": UNKNOWN, "schema_version": "1", "event_type": event_type,
        "sequence": parts.sequence, "occurred_at": time(parts.now),
        "tenant_id": place.tenant, "env": place.env, "user_id": PEOPLE[parts.by],
        "trace_id": TRACE_ID, "request_id": request_id(parts.step),
        "asset_id": id(asset), "uri": uri(asset, place, file), "sha256": sha256,
        "size_bytes": file.content().bytes.len(), "content_type": file.content_type(),
        "lineage": said["lineage"], "pii_flags": said["pii_flags"], "train_ok": said["train_ok"],
    });
    if let Happening::Stated(_, fact) = parts.what {
        let fact = json!({
            "kind": fact["kind"], "value": fact["value"], "reason": fact["reason"],
            "evidence_sha256": fact["evidence_sha256"],
        });
        event["lineage"] = nobody_said["lineage"].clone();
        event["train_ok"] = fact["value"].clone();
        event["fact"] = fact;
    } else if let Happening::Registered(record) = parts.what {
        event["integrity"] = json!({"level": record["integrity"]["level"]});
        if file.is_in_parts() {
            event["integrity"]["parts"] = json!(PARTS);
        }
    }
    event
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

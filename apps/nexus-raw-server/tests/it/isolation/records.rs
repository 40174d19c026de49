//! The JSON texts of the API, written out.

use serde_json::{Value, json};

/// The bytes of the record of a registered asset.
pub(crate) fn record(tenant: &str, env: &str, id: &str, version_id: Option<&str>) -> String {
    let version_id = version_id.map_or("null".to_owned(), |it| format!("\"{it}\""));
    [
        &format!(r#"{{"asset_id":"{id}","tenant_id":"{tenant}","env":"{env}","#),
        &format!(r#""uri":"s3://nexus-raw-test/tenants/{tenant}/{env}/raw/{id}/DSCN0010.jpg","#),
        r#""filename":"DSCN0010.jpg","#,
        &format!(r#""sha256":"{SHA256}","size_bytes":22,"content_type":"image/jpeg","#),
        r#""captured_at":null,"imported_at":"2026-11-24T01:00:00Z","capture_location":null,"#,
        r#""lineage":{"derived_from":[],"source_uri":null,"activity":null},"#,
        r#""pii_flags":[],"train_ok":false,"labels":{},"registered_by":"u_demo","#,
        &format!(r#""integrity":{{"level":"s3_sha256","version_id":{version_id},"#),
        r#""etag":"5d41402abc4b2a76b9719d911017c592"}}"#,
    ]
    .concat()
}

/// An event of an asset.
pub(crate) fn event(
    (tenant, env, id): (&str, &str, &str),
    event_type: &str,
    event_id: &str,
    sequence: u64,
) -> Value {
    let (pii_flags, train_ok) = match event_type {
        "raw_asset_presigned" => (json!(null), json!(null)),
        _ => (json!([]), json!(false)),
    };
    let mut event = json!({
        "event_id": event_id,
        "schema_version": "1",
        "event_type": event_type,
        "sequence": sequence,
        "occurred_at": "2026-11-24T01:00:00Z",
        "tenant_id": tenant,
        "env": env,
        "user_id": "u_demo",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "request_id": "req-1",
        "asset_id": id,
        "uri": format!("s3://nexus-raw-test/tenants/{tenant}/{env}/raw/{id}/DSCN0010.jpg"),
        "sha256": SHA256,
        "size_bytes": 22,
        "content_type": "image/jpeg",
        "lineage": {"derived_from": [], "source_uri": null, "activity": null},
        "pii_flags": pii_flags,
        "train_ok": train_ok,
    });
    if event_type == "raw_asset_registered" {
        event["integrity"] = json!({"level": "s3_sha256"});
    }
    if event_type == "raw_asset_fact_stated" {
        event["fact"] = fact();
    }
    if event_type == "raw_asset_verified" {
        event["verification"] = verification();
    }
    if event_type == "raw_asset_download_presigned" {
        event["download"] =
            json!({"disposition": "attachment", "expires_at": "2026-11-24T01:15:00Z"});
    }
    event
}

/// What reading an object of the matrix again shows.
pub(crate) fn verification() -> Value {
    json!({
        "verdict": "intact",
        "sha256": SHA256,
        "size_bytes": 22,
        "verified_at": "2026-11-24T01:00:00Z",
    })
}

/// What the matrix states.
pub(crate) fn fact() -> Value {
    json!({"kind": "license", "value": "CC-BY-4.0", "reason": null, "evidence_sha256": null})
}

/// The answer to a promise, but for the URL.
pub(crate) fn presigned(tenant: &str, env: &str, id: &str) -> Value {
    json!({
        "asset_id": id,
        "uri": format!("s3://nexus-raw-test/tenants/{tenant}/{env}/raw/{id}/DSCN0010.jpg"),
        "upload": {
            "kind": "single",
            "method": "PUT",
            "url": null,
            "headers": {
                "content-type": "image/jpeg",
                "if-none-match": "*",
                "x-amz-checksum-sha256": SHA256_IN_BASE64,
                "x-amz-meta-asset-id": id,
                "x-amz-meta-env": env,
                "x-amz-meta-tenant-id": tenant,
            },
            "expires_at": "2026-11-24T01:15:00Z",
        },
    })
}

/// The answer to a download, but for the URL.
pub(crate) fn download() -> Value {
    json!({
        "method": "GET",
        "url": null,
        "headers": {},
        "expires_at": "2026-11-24T01:15:00Z",
        "in_force": {"train_ok": false, "train_ok_effective": false, "pii_flags": []},
    })
}

/// Of `not quite a photograph`, by `sha256sum`.
const SHA256: &str = "dbef254508d970eb9ff21cb5947d17c64bc0e8f0b10d2968ccc2609f772919ad";
const SHA256_IN_BASE64: &str = "2+8lRQjZcOuf8hy1lH0XxkvA6PCxDSlozMJgn3cpGa0=";

use serde_json::{Value, json};

use nexus_raw_testkit::sample;

use super::support::{House, Parts, presign_body};

#[actix_web::test]
async fn a_promise_gets_leave_to_upload_exactly_that() {
    let house = House::open();
    let answer = house.presign(&presign_body()).send().await;
    let (status, mut body) = answer.whole();
    let url = body["upload"]["url"].take();
    assert!(
        url.as_str().unwrap().contains("/tenants/t_demo/dev/raw/"),
        "{url}"
    );
    let asset_id = "01a20b11-1a80-7000-8000-000700000000";
    assert_eq!(
        (status, body),
        (
            200,
            json!({
                "asset_id": asset_id,
                "uri": format!("s3://nexus-raw-test/tenants/t_demo/dev/raw/{asset_id}/DSCN0010.jpg"),
                "upload": {
                    "kind": "single",
                    "method": "PUT",
                    "url": null,
                    "headers": {
                        "content-type": "image/jpeg",
                        "if-none-match": "*",
                        "x-amz-checksum-sha256": sample::facts().sha256.to_base64(),
                        "x-amz-meta-asset-id": asset_id,
                        "x-amz-meta-env": "dev",
                        "x-amz-meta-tenant-id": "t_demo",
                    },
                    "expires_at": "2026-11-24T01:15:00Z",
                },
            })
        )
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[actix_web::test]
async fn the_media_type_is_octet_stream_where_none_is_said() {
    let house = House::open();
    let mut body = presign_body();
    body.as_object_mut().unwrap().remove("content_type");
    let answer = house.presign(&body).send().await.json();
    assert_eq!(
        answer["upload"]["headers"]["content-type"],
        "application/octet-stream"
    );
}

#[actix_web::test]
async fn every_fault_of_a_promise_is_named_at_once() {
    let house = House::open();
    let body = json!({
        "filename": "../a",
        "content_type": null,
        "size_bytes": 5_368_709_121_u64,
        "sha256": "ABC",
        "key": "tenants/t_other/dev/raw/x",
        "a/b": 1,
    });
    let (status, body) = house.presign(&body).send().await.whole();
    assert_eq!(status, 422);
    assert_eq!(
        body["errors"],
        json!([
            {"pointer": "/filename", "detail": "must not contain `/` or `\\`"},
            {"pointer": "/content_type", "detail": "must be a string"},
            {"pointer": "/size_bytes", "detail": "must be an integer from 0 to 5368709120"},
            {"pointer": "/sha256", "detail": "must be 64 lower-case hexadecimal digits"},
            {"pointer": "/a~1b", "detail": "is not a known field"},
            {"pointer": "/key", "detail": "is not a known field"},
        ])
    );
    let (_, _, pointers) = house.presign(&json!({})).send().await.problem();
    assert_eq!(pointers, ["/filename", "/size_bytes", "/sha256"]);
    assert_eq!(house.events(), 0);
}

#[actix_web::test]
async fn each_field_takes_only_what_its_type_takes() {
    let house = House::open();
    for (field, bad) in [
        ("filename", json!("a\u{0}b")),
        ("filename", json!("a\u{202e}b")),
        ("filename", json!("e\u{301}")),
        ("filename", json!("a\u{ff0f}b")),
        ("filename", json!("a".repeat(256))),
        ("filename", json!(1)),
        ("content_type", json!("image/*")),
        ("content_type", json!("a/b; c=\u{e9}")),
        ("size_bytes", json!("1")),
        ("size_bytes", json!(1.5)),
        ("size_bytes", json!(-1)),
        ("size_bytes", json!(5_368_709_121_u64)),
        ("size_bytes", json!(u64::MAX)),
        ("size_bytes", Value::Null),
        ("sha256", json!(["a"])),
        ("sha256", json!("a".repeat(63))),
    ] {
        let mut body = presign_body();
        body[field] = bad.clone();
        let problem = house.presign(&body).send().await.problem();
        let pointers = vec![format!("/{field}")];
        assert_eq!(
            problem,
            (422, "validation-failed".to_owned(), pointers),
            "{field}: {bad}"
        );
    }
    for size in ["1e3", "1.0", "1E0", "-0", "18446744073709551616", "1e400"] {
        let text = presign_body()
            .to_string()
            .replace(":22}", &format!(":{size}}}"));
        let (status, _, pointers) = house
            .presign(&presign_body())
            .body(text)
            .send()
            .await
            .problem();
        assert_eq!(
            (status, &*pointers),
            (422, &["/size_bytes".to_owned()][..]),
            "{size}"
        );
    }
    assert_eq!(house.events(), 0);
}

#[actix_web::test]
async fn an_asset_is_no_larger_than_the_installation_allows() {
    let mut parts = Parts::default();
    parts.policy.max_object_bytes = sample::facts().size_bytes;
    let house = House::open_with(parts);
    assert_eq!(house.presign(&presign_body()).send().await.status, 200);
    let mut body = presign_body();
    body["size_bytes"] = json!(23);
    let answer = house.presign(&body).send().await.json();
    let detail = "must be an integer from 0 to 22";
    assert_eq!(
        answer["errors"],
        json!([{"pointer": "/size_bytes", "detail": detail}])
    );
}

#[actix_web::test]
async fn no_url_leaves_unless_its_event_is_durable() {
    let house = House::open();
    house.catalog.set_available(false);
    let answer = house.presign(&presign_body()).send().await;
    assert_eq!(
        answer.problem(),
        (503, "catalog-unavailable".to_owned(), vec![])
    );
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert!(!String::from_utf8_lossy(&answer.body).contains("tenants/"));
    assert_eq!(house.events(), 0);
    house.catalog.set_available(true);
    house.store.set_credentials_end(sample::seconds_after(59));
    let answer = house.presign(&presign_body()).send().await;
    assert_eq!(
        answer.problem(),
        (503, "storage-unavailable".to_owned(), vec![])
    );
    assert_eq!(house.events(), 0);
}

//! Contents, names and types of every kind go in and come out as they were.

use nexus_raw::asset::Sha256Digest;
use serde_json::json;

use crate::house::House;

const OCTET_STREAM: &str = "application/octet-stream";

/// Bytes of every value, that no two positions of a page share.
fn content(bytes: usize) -> Vec<u8> {
    let page = u8::MAX as usize;
    (0..bytes)
        .map(|at| u8::try_from((at + at / page) % 256).unwrap())
        .collect()
}

pub(crate) async fn contents_names_and_types_come_back_as_they_were(house: impl House) {
    let server = house.start();
    let store = house.store(&server);
    let caller = house.owner_of("t_demo", &server);
    let longest = format!("{}.bin", "x".repeat(251));
    let longest_wide = format!("{}.b", "猫".repeat(84));
    for (filename, content_type, bytes) in [
        ("empty.bin", OCTET_STREAM, 0),
        ("one byte.bin", OCTET_STREAM, 1),
        ("mega.bin", OCTET_STREAM, 6 * 1024 * 1024 + 1),
        ("Grüße aus Köln – 日本語 🦀.jpg", "image/jpeg", 100),
        ("a+b=c&d?e#f%2F%zz;g:h@i,j$k.jpg", "image/jpeg", 10),
        ("it's (1) [x] {y} ~!*|^`\"<>.jpg", "image/jpeg", 10),
        ("....a..b", OCTET_STREAM, 10),
        (&longest, OCTET_STREAM, 10),
        (&longest_wide, OCTET_STREAM, 10),
        ("drawing.svg", "image/svg+xml; charset=\"utf-8\"", 10),
        ("page.html", "text/plain", 10),
        ("table.csv", "text/csv;header=present", 10),
    ] {
        let content = content(bytes);
        let upload = caller.presign_as(filename, content_type, &content).await;
        let put = upload.send("PUT", &content).await;
        assert_eq!(put.status, 200, "{filename}: {put:?}");
        let record = caller.register(&json!({"asset_id": upload.asset_id})).await;
        let (status, record) = record.whole();
        assert_eq!(status, 201, "{filename}: {record}");
        let id = &upload.asset_id;
        let uri = format!(
            "s3://{}/tenants/t_demo/dev/raw/{id}/{filename}",
            house.bucket()
        );
        let found = ["uri", "filename", "content_type", "size_bytes", "sha256"]
            .map(|name| record[name].clone());
        let expected = [
            json!(uri),
            json!(filename),
            json!(content_type),
            json!(bytes),
            json!(Sha256Digest::of(&content)),
        ];
        assert_eq!(found, expected);
        assert_eq!(upload.uri, uri);

        // the store has them at the key that the address names
        let path = format!("/{}", uri.strip_prefix("s3://").unwrap());
        let path = nexus_raw_testkit::s3::encode_path(&path);
        let there = store.signed("GET", &path, &[], b"");
        assert_eq!(there.status, 200, "{path}");
        assert!(there.body == content, "{path} has other bytes");
        if content_type != OCTET_STREAM {
            assert_eq!(there.header("content-type"), Some(content_type), "{path}");
        }
    }
}

pub(crate) async fn sql_in_any_text_is_stored_and_returned_as_that_text(house: impl House) {
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let bystander = caller.put("bystander.jpg", b"bystander").await;
    for sql in [
        "'; DROP TABLE asset; --",
        "x') ON CONFLICT DO UPDATE SET tenant_id='t_other' --",
        "\" OR 1=1; ATTACH 'a' AS b --",
        "%_?1:name@p$q",
    ] {
        let upload = caller.presign(sql, sql.as_bytes()).await;
        assert_eq!(upload.put(sql.as_bytes()).await, 200, "{sql}");
        let statement = json!({
            "asset_id": upload.asset_id,
            "lineage": {"activity": sql},
            "labels": {"note": sql},
        });
        let written = caller.register(&statement).await;
        assert_eq!(written.status, 201, "{sql}");
        let path = format!("/nexus/raw/{}", upload.asset_id);
        let read = caller.get(&path).await;
        assert_eq!((read.status, &read.body), (200, &written.body), "{sql}");
        let record = read.json();
        let (lineage, labels) = (&record["lineage"], &record["labels"]);
        assert_eq!(record["filename"], sql);
        assert_eq!(lineage["activity"], sql);
        assert_eq!(*labels, json!({"note": sql}));
        assert_eq!(caller.get(&format!("{path}/events")).await.status, 200);
    }
    let id = bystander.json()["asset_id"].clone();
    let path = format!("/nexus/raw/{}", id.as_str().unwrap());
    let still = caller.get(&path).await;
    assert_eq!((still.status, still.body), (200, bystander.body));
}

pub(crate) async fn a_content_has_at_most_what_is_configured(house: impl House) {
    let server = house.start_with(&[("STORAGE__MAX_OBJECT_BYTES", "100")]);
    let caller = house.owner_of("t_demo", &server);
    let promise = |bytes: usize| json!({"filename": "a", "size_bytes": bytes, "sha256": Sha256Digest::of(&content(bytes))});
    let answer = caller
        .post("/nexus/raw/presign-upload", &promise(101))
        .await;
    let pointers = vec!["/size_bytes".to_owned()];
    assert_eq!(
        answer.problem(),
        (422, "validation-failed".to_owned(), pointers)
    );
    let upload = caller.presign_as("a", OCTET_STREAM, &content(100)).await;
    assert_eq!(upload.put(&content(100)).await, 200);
}

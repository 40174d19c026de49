//! Presigned downloads: the body, the URL, the event, and what is refused.

use nexus_raw::{
    asset::{ObjectAddress, ObjectKey},
    ports::StoreCapabilities,
};
use nexus_raw_testkit::{StoreCalls, sample};
use serde_json::{Value, json};

use super::support::{House, Parts, Request, TRACE_ID, presign_body, uploaded};

fn path(asset_id: &str) -> String {
    format!("/nexus/raw/{asset_id}/presign-download")
}

/// A request of a member, without a body.
fn bare(house: &House, asset_id: &str) -> Request {
    house
        .request("POST", &path(asset_id))
        .with("authorization", "Bearer member")
}

fn download(house: &House, asset_id: &str, body: &Value) -> Request {
    house
        .post(&path(asset_id), body)
        .with("authorization", "Bearer member")
}

/// Registers content of a media type.
async fn registered(house: &House, content_type: &str) -> String {
    let mut body = presign_body();
    body["content_type"] = json!(content_type);
    let answer = house.presign(&body).send().await;
    let asset_id = answer.json()["asset_id"].as_str().unwrap().to_owned();
    let mut object = uploaded(&asset_id);
    object.content_type = Some(content_type.to_owned());
    house.place(&asset_id, object);
    let statement = json!({
        "asset_id": asset_id,
        "pii_flags": ["location", "face"],
        "train_ok": true,
    });
    assert_eq!(house.register(&statement).send().await.status, 201);
    asset_id
}

/// The whole answer to a download, but for the URL.
fn granted(expires_at: &str) -> (u16, Value) {
    let body = json!({
        "method": "GET",
        "url": null,
        "headers": {},
        "expires_at": expires_at,
        "in_force": {
            "train_ok": true,
            "train_ok_effective": true,
            "pii_flags": ["location", "face"],
        },
    });
    (200, body)
}

/// Sends a request that must be granted; returns the answer without the URL, and the URL.
async fn sent(request: Request) -> ((u16, Value), String) {
    let answer = request.send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let (status, mut body) = answer.whole();
    let url = body["url"].take();
    let url = url.as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    ((status, body), url)
}

fn problem(asset_id: &str, facts: (u16, &str, &str, &str)) -> (u16, Value) {
    let (status, code, title, detail) = facts;
    let body = json!({
        "type": format!("urn:nexus-raw:problem:{code}"),
        "title": title,
        "status": status,
        "detail": detail,
        "instance": path(asset_id),
        "code": code,
        "trace_id": TRACE_ID,
    });
    (status, body)
}

fn faulty(asset_id: &str, errors: &[(&str, &str)]) -> (u16, Value) {
    let text = "the body breaks the rules named in errors";
    let facts = (422, "validation-failed", "Validation failed", text);
    let (status, mut body) = problem(asset_id, facts);
    let errors = errors
        .iter()
        .map(|(pointer, detail)| json!({"pointer": pointer, "detail": detail}));
    body["errors"] = errors.collect();
    (status, body)
}

/// The events of downloads, as the route of the asset answers them.
async fn events(house: &House, asset_id: &str) -> Vec<Value> {
    let target = format!("/nexus/raw/{asset_id}/events?after=2");
    let answer = house.get(&target).send().await;
    let (status, mut body) = answer.whole();
    assert_eq!(status, 200);
    serde_json::from_value(body["events"].take()).unwrap()
}

#[actix_web::test]
async fn a_missing_body_is_an_empty_object() {
    let house = House::open();
    let id = registered(&house, "image/jpeg").await;
    let empty = [
        bare(&house, &id),
        bare(&house, &id).header("content-length", "0"),
        bare(&house, &id).header("content-type", "text/plain"),
        download(&house, &id, &json!({})),
    ];
    for request in empty {
        let (answer, url) = sent(request).await;
        assert_eq!(answer, granted("2026-11-24T01:15:00Z"));
        let key = format!("/tenants/t_demo/dev/raw/{id}/DSCN0010.jpg");
        assert!(url.contains(&key), "{url}");
    }
}

#[actix_web::test]
async fn a_body_is_json_and_has_at_most_64_kib() {
    let house = House::open();
    let id = registered(&house, "image/jpeg").await;
    let unsupported = problem(
        &id,
        (
            415,
            "unsupported-media-type",
            "Unsupported media type",
            "the body must be application/json in UTF-8, without content coding",
        ),
    );
    let untyped = bare(&house, &id).body("{}");
    assert_eq!(untyped.send().await.whole(), unsupported);
    // a chunked body is a body, even if empty
    let chunked = bare(&house, &id).header("transfer-encoding", "chunked");
    let empty = chunked.clone().raw_body(b"0\r\n\r\n".to_vec());
    assert_eq!(empty.clone().send().await.whole(), unsupported);
    let empty = empty.header("content-type", "application/json");
    assert_eq!(
        empty.send().await.problem(),
        (400, "malformed-request".to_owned(), vec![])
    );
    let whole = chunked
        .header("content-type", "application/json")
        .raw_body(b"2\r\n{}\r\n0\r\n\r\n".to_vec());
    assert_eq!(whole.send().await.status, 200);
    let long = |length: usize| {
        let text = format!("{{}}{}", " ".repeat(length - 2));
        download(&house, &id, &json!({})).body(text)
    };
    assert_eq!(long(65_536).send().await.status, 200);
    let text = "the body must have at most 65536 bytes";
    let facts = (413, "payload-too-large", "Payload too large", text);
    assert_eq!(long(65_537).send().await.whole(), problem(&id, facts));
    let twice = download(&house, &id, &json!({})).body("{\"ttl_seconds\":1,\"ttl_seconds\":1}");
    assert_eq!(
        twice.send().await.problem(),
        (400, "malformed-request".to_owned(), vec![])
    );
}

#[actix_web::test]
async fn a_url_expires_as_requested_and_sets_the_headers_of_its_response() {
    let house = House::open();
    let id = registered(&house, "image/jpeg").await;
    let address = ObjectAddress {
        bucket: sample::bucket(),
        key: ObjectKey::for_asset(
            &sample::scope("t_demo", "dev"),
            id.parse().unwrap(),
            &sample::facts().filename,
        ),
    };
    house.store.replace(&address, sample::CONTENT);
    for disposition in ["inline", "attachment"] {
        let body = json!({"ttl_seconds": 60, "disposition": disposition});
        let (answer, url) = sent(download(&house, &id, &body)).await;
        assert_eq!(answer, granted("2026-11-24T01:01:00Z"));
        let got = house.store.get(&url);
        let named =
            format!("{disposition}; filename=\"DSCN0010.jpg\"; filename*=UTF-8''DSCN0010.jpg");
        let headers = [
            ("cache-control", "private, no-store"),
            ("content-disposition", &*named),
            ("content-type", "image/jpeg"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            (got.status, got.headers, got.body),
            (200, headers.to_vec(), sample::CONTENT.to_vec())
        );
    }
    for ttl in [1, 900] {
        let body = json!({ "ttl_seconds": ttl });
        let answer = download(&house, &id, &body).send().await;
        assert_eq!(answer.status, 200, "{ttl}");
    }
}

#[actix_web::test]
async fn every_fault_of_a_download_is_reported_at_once() {
    let house = House::open();
    let id = registered(&house, "image/jpeg").await;
    let calls = house.store.calls();
    let body = json!({
        "version_id": "null",
        "ttl_seconds": 0,
        "disposition": "form-data",
        "a/b": 1,
    });
    let ttl = "must be an integer from 1 to 900";
    let disposition = "must be `attachment` or `inline`";
    let unknown = "is not a known field";
    let expected = faulty(
        &id,
        &[
            ("/ttl_seconds", ttl),
            ("/disposition", disposition),
            ("/a~1b", unknown),
            ("/version_id", unknown),
        ],
    );
    assert_eq!(download(&house, &id, &body).send().await.whole(), expected);
    for bad in [0, 901, u64::MAX] {
        let answer = download(&house, &id, &json!({ "ttl_seconds": bad }));
        let expected = faulty(&id, &[("/ttl_seconds", ttl)]);
        assert_eq!(answer.send().await.whole(), expected, "{bad}");
    }
    for (field, bad) in [
        ("ttl_seconds", json!(-1)),
        ("ttl_seconds", json!(1.5)),
        ("ttl_seconds", json!("60")),
        ("ttl_seconds", Value::Null),
        ("ttl_seconds", json!([1])),
        ("disposition", json!("Inline")),
        ("disposition", json!("")),
        ("disposition", Value::Null),
        ("disposition", json!(1)),
    ] {
        let answer = download(&house, &id, &json!({ field: bad })).send().await;
        let pointers = vec![format!("/{field}")];
        assert_eq!(
            answer.problem(),
            (422, "validation-failed".to_owned(), pointers),
            "{field}: {bad}"
        );
    }
    for other in ["null", "[]", "\"a\""] {
        let answer = download(&house, &id, &json!({})).body(other).send().await;
        let pointers = vec![String::new()];
        assert_eq!(
            answer.problem(),
            (422, "validation-failed".to_owned(), pointers),
            "{other}"
        );
    }
    assert_eq!((house.events(), house.store.calls()), (2, calls));
}

#[actix_web::test]
async fn ttl_seconds_is_at_most_what_is_configured() {
    let mut parts = Parts::default();
    parts.policy = parts
        .policy
        .with_presign_ttl(std::time::Duration::from_mins(1));
    let house = House::open_with(parts);
    let id = registered(&house, "image/jpeg").await;
    let long = download(&house, &id, &json!({"ttl_seconds": 61}));
    let detail = "must be an integer from 1 to 60";
    let expected = faulty(&id, &[("/ttl_seconds", detail)]);
    assert_eq!(long.send().await.whole(), expected);
    let (answer, _) = sent(bare(&house, &id)).await;
    assert_eq!(answer, granted("2026-11-24T01:01:00Z"));
}

#[actix_web::test]
async fn content_that_browsers_run_is_never_inline() {
    let house = House::open();
    let inline = json!({"disposition": "inline"});
    let page = registered(&house, "text/html").await;
    let detail = "must be `attachment` for content that browsers run";
    let expected = faulty(&page, &[("/disposition", detail)]);
    let answer = download(&house, &page, &inline).send().await;
    assert_eq!(answer.whole(), expected);
    assert_eq!(events(&house, &page).await, Vec::<Value>::new());
    let (answer, _) = sent(bare(&house, &page)).await;
    assert_eq!(answer, granted("2026-11-24T01:15:00Z"));
    let photo = registered(&house, "image/jpeg").await;
    let (answer, _) = sent(download(&house, &photo, &inline)).await;
    assert_eq!(answer, granted("2026-11-24T01:15:00Z"));
}

/// Such a store would show the page despite `attachment`.
#[actix_web::test]
async fn a_store_that_ignores_response_headers_serves_no_content_that_browsers_run() {
    let house = House::open();
    let page = registered(&house, "text/html").await;
    let photo = registered(&house, "image/jpeg").await;
    house.store.set_capabilities(StoreCapabilities {
        enforces_sha256: true,
        keeps_octet_stream: true,
        honours_response_headers: false,
        proves_parts: true,
    });
    let answer = bare(&house, &page).send().await;
    let text = "the object store gives no answer; try again later";
    let facts = (503, "storage-unavailable", "Storage unavailable", text);
    assert_eq!(answer.whole(), problem(&page, facts));
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(events(&house, &page).await, Vec::<Value>::new());
    let (answer, _) = sent(bare(&house, &photo)).await;
    assert_eq!(answer, granted("2026-11-24T01:15:00Z"));
}

#[actix_web::test]
async fn an_asset_that_is_not_registered_in_the_scope_is_not_found() {
    let house = House::open();
    let id = registered(&house, "image/jpeg").await;
    let pending = house.presigned().await;
    let absent = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";
    let upper = id.to_uppercase();
    let calls = house.store.calls();
    let mut names = None;
    for (asset_id, tenant, env) in [
        (absent, "t_demo", "dev"),
        (&*pending, "t_demo", "dev"),
        (&*upper, "t_demo", "dev"),
        ("x", "t_demo", "dev"),
        (&*id, "t_demo", "prod"),
        (&*id, "t_other", "dev"),
    ] {
        let request = bare(&house, asset_id)
            .with("authorization", "Bearer both")
            .with("x-tenant-id", tenant)
            .with("x-env", env);
        let answer = request.send().await;
        let text = "there is no such asset in this tenant and environment";
        let facts = (404, "asset-not-found", "Asset not found", text);
        assert_eq!(answer.whole(), problem(asset_id, facts));
        let these = answer.header_names().join(" ");
        assert_eq!(*names.get_or_insert(these.clone()), these, "{asset_id}");
    }
    assert_eq!((house.events(), house.store.calls()), (3, calls));
}

#[actix_web::test]
async fn members_download_and_viewers_do_not() {
    let house = House::open();
    let id = registered(&house, "image/jpeg").await;
    let calls = house.store.calls();
    for lesser in ["viewer", "roleless", "stranger"] {
        let request = bare(&house, &id).with("authorization", &format!("Bearer {lesser}"));
        let text = "the caller has no right to do this in this tenant";
        let facts = (403, "forbidden", "Forbidden", text);
        assert_eq!(
            request.send().await.whole(),
            problem(&id, facts),
            "{lesser}"
        );
    }
    assert_eq!((house.events(), house.store.calls()), (2, calls));
    for role in ["member", "admin", "owner"] {
        let request = bare(&house, &id).with("authorization", &format!("Bearer {role}"));
        let (answer, _) = sent(request).await;
        assert_eq!(answer, granted("2026-11-24T01:15:00Z"), "{role}");
    }
}

#[actix_web::test]
async fn another_method_is_refused_and_the_body_is_checked_last() {
    let house = House::open();
    let id = registered(&house, "image/jpeg").await;
    let calls = house.store.calls();
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let request = house.request(method, &path(&id));
        let answer = request.send().await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("POST")),
            "{method}"
        );
        let text = "the route does not have this method";
        let facts = (405, "method-not-allowed", "Method not allowed", text);
        if method != "HEAD" {
            assert_eq!(answer.whole(), problem(&id, facts), "{method}");
        }
    }
    let faulty = bare(&house, "x").body("{");
    let code = |request: Request| async { request.send().await.problem().1 };
    assert_eq!(
        code(faulty.clone().with("authorization", "Bearer viewer")).await,
        "forbidden"
    );
    assert_eq!(code(faulty.clone()).await, "unsupported-media-type");
    let faulty = faulty.header("content-type", "application/json");
    assert_eq!(code(faulty.clone()).await, "malformed-request");
    assert_eq!(
        code(faulty.clone().body("{\"a\":1}")).await,
        "validation-failed"
    );
    assert_eq!(code(faulty.body("{}")).await, "asset-not-found");
    assert_eq!((house.events(), house.store.calls()), (2, calls));
}

#[actix_web::test]
async fn the_event_has_disposition_and_expiry_and_not_the_url() {
    let house = House::open();
    let id = registered(&house, "image/jpeg").await;
    let body = json!({"ttl_seconds": 60, "disposition": "inline"});
    let (_, url) = sent(download(&house, &id, &body)).await;
    let mut found = events(&house, &id).await;
    let event_id = found[0]["event_id"].take();
    assert!(event_id.is_string(), "{event_id}");
    let uri = format!("s3://nexus-raw-test/tenants/t_demo/dev/raw/{id}/DSCN0010.jpg");
    assert_eq!(
        found,
        [json!({
            "event_id": null,
            "schema_version": "1",
            "event_type": "raw_asset_download_presigned",
            "sequence": 3,
            "occurred_at": "2026-11-24T01:00:00Z",
            "tenant_id": "t_demo",
            "env": "dev",
            "user_id": "u_demo",
            "trace_id": TRACE_ID,
            "request_id": "req-1",
            "asset_id": id,
            "uri": uri,
            "sha256": sample::facts().sha256,
            "size_bytes": 22,
            "content_type": "image/jpeg",
            "lineage": {"derived_from": [], "source_uri": null, "activity": null},
            "pii_flags": ["location", "face"],
            "train_ok": true,
            "download": {"disposition": "inline", "expires_at": "2026-11-24T01:01:00Z"},
        })]
    );
    let feed = house.get("/nexus/raw/events?after=2").send().await;
    let text = String::from_utf8(feed.body).unwrap();
    let last = "\"train_ok\":true,\"download\":{\"disposition\":\"inline\",\
                \"expires_at\":\"2026-11-24T01:01:00Z\"}}]}";
    assert!(text.ends_with(last), "{text}");
    let (_, signature) = url.rsplit_once('=').unwrap();
    assert!(!text.contains(signature), "{text}");
}

#[actix_web::test]
async fn a_repeat_is_an_event_only_after_half_the_life_of_the_url() {
    let house = House::open();
    let id = registered(&house, "image/jpeg").await;
    for (at, ends, count) in [
        (0, "2026-11-24T01:15:00Z", 1),
        (1, "2026-11-24T01:15:00Z", 1),
        (450, "2026-11-24T01:15:00Z", 1),
        (451, "2026-11-24T01:22:31Z", 2),
        (452, "2026-11-24T01:22:31Z", 2),
    ] {
        house.clock.set(sample::seconds_after(at));
        let (answer, _) = sent(bare(&house, &id)).await;
        assert_eq!(answer, granted(ends), "{at}");
        assert_eq!(events(&house, &id).await.len(), count, "{at}");
    }
    // each disposition has its own URLs and events
    let inline = json!({"disposition": "inline"});
    sent(download(&house, &id, &inline)).await;
    assert_eq!(events(&house, &id).await.len(), 3);
}

#[actix_web::test]
async fn no_url_is_returned_unless_its_event_is_durable() {
    let house = House::open();
    let id = registered(&house, "image/jpeg").await;
    house.catalog.set_available(false);
    let answer = bare(&house, &id).send().await;
    let text = "the catalogue gives no answer; try again later";
    let facts = (503, "catalog-unavailable", "Catalogue unavailable", text);
    assert_eq!(answer.whole(), problem(&id, facts));
    assert_eq!(answer.header("retry-after"), Some("2"));
    house.catalog.set_available(true);
    assert_eq!(house.events(), 2);
    let before = house.store.calls();
    // found, signed and committed, but the catalogue's response is lost
    house.catalog.lose_next_answer();
    let answer = bare(&house, &id).send().await;
    assert_eq!(answer.whole(), problem(&id, facts));
    assert_eq!(
        house.store.calls(),
        StoreCalls {
            presign_download: before.presign_download + 1,
            ..before
        }
    );
    house.store.set_credentials_end(sample::seconds_after(59));
    let inline = json!({"disposition": "inline"});
    let answer = download(&house, &id, &inline).send().await;
    let text = "the object store gives no answer; try again later";
    let facts = (503, "storage-unavailable", "Storage unavailable", text);
    assert_eq!(answer.whole(), problem(&id, facts));
    assert_eq!(house.events(), 3);
}

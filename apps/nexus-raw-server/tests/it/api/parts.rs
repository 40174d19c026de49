//! Uploads in parts: presign, declare, upload, register, abort.

use std::time::Duration;

use nexus_raw::{
    asset::{ByteSize, Sha256Digest},
    service::UploadPolicy,
};
use nexus_raw_testkit::{HttpRequest, sample};
use serde_json::{Value, json};

use super::support::{Answer, House, Parts, Request, TRACE_ID, presign_body};

/// The length of a part in these tests.
const PART: usize = 8;

pub(super) fn in_parts() -> Parts {
    let part = ByteSize::parse(PART.try_into().unwrap()).unwrap();
    Parts {
        policy: UploadPolicy::default().with_part_size_bytes(part),
        ..Parts::default()
    }
}

/// The body that promises [`sample::CONTENT`] in parts, without its digest.
pub(super) fn body_in_parts() -> Value {
    let mut body = presign_body();
    body["multipart"] = json!(true);
    body.as_object_mut().unwrap().remove("sha256");
    body
}

pub(super) async fn promised(house: &House, body: &Value) -> String {
    let (status, body) = house.presign(body).send().await.whole();
    assert_eq!(status, 200, "{body}");
    body["asset_id"].as_str().unwrap().to_owned()
}

/// Part `number` of [`sample::CONTENT`].
fn content(number: usize) -> &'static [u8] {
    sample::CONTENT.chunks(PART).nth(number - 1).unwrap()
}

pub(super) fn declared(number: usize) -> Value {
    json!({"part_number": number, "sha256": Sha256Digest::of(content(number))})
}

pub(super) fn declare(house: &House, id: &str, parts: &[Value]) -> Request {
    let body = json!({"parts": parts});
    house.post(&format!("/nexus/raw/{id}/parts"), &body)
}

fn held(house: &House, id: &str, query: &str) -> Request {
    house.get(&format!("/nexus/raw/{id}/parts{query}"))
}

pub(super) fn abort(house: &House, id: &str) -> Request {
    house.request("DELETE", &format!("/nexus/raw/{id}/upload"))
}

/// Uploads what a declaration was answered with, and says with what status.
fn put(house: &House, part: &Value, body: &[u8]) -> u16 {
    let headers = part["headers"].as_object().unwrap().iter();
    house.store.send(&HttpRequest {
        method: part["method"].as_str().unwrap().to_owned(),
        url: part["url"].as_str().unwrap().to_owned(),
        headers: headers
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
        body: body.to_vec(),
    })
}

/// Declares and uploads these parts.
pub(super) async fn upload(house: &House, id: &str, numbers: &[usize]) {
    let parts: Vec<_> = numbers.iter().map(|it| declared(*it)).collect();
    let (status, body) = declare(house, id, &parts).send().await.whole();
    assert_eq!(status, 200, "{body}");
    for (number, part) in numbers.iter().zip(body["parts"].as_array().unwrap()) {
        assert_eq!(part["part_number"], *number);
        assert_eq!(put(house, part, content(*number)), 200);
    }
}

pub(super) fn problem(
    instance: &str,
    (status, code, title, detail): (u16, &str, &str, &str),
) -> (u16, Value) {
    let body = json!({
        "type": format!("urn:nexus-raw:problem:{code}"),
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        "trace_id": TRACE_ID,
    });
    (status, body)
}

async fn register(house: &House, body: &Value) -> Answer {
    house.register(body).send().await
}

async fn event_types(house: &House, id: &str) -> Vec<Value> {
    let events = house.get(&format!("/nexus/raw/{id}/events")).send().await;
    let mut events = events.json()["events"].take();
    let events = events.as_array_mut().unwrap().iter_mut();
    events.map(|event| event["event_type"].take()).collect()
}

#[actix_web::test]
async fn a_promise_in_parts_says_how_the_content_is_cut() {
    let house = House::open_with(in_parts());
    for stated in [false, true] {
        let mut body = body_in_parts();
        if stated {
            body["sha256"] = json!(sample::facts().sha256);
        }
        let answer = house.presign(&body).send().await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let (status, answer) = answer.whole();
        let id = answer["asset_id"].as_str().unwrap().to_owned();
        assert_eq!(
            (status, answer),
            (
                200,
                json!({
                    "asset_id": id,
                    "uri": format!("s3://nexus-raw-test/tenants/t_demo/dev/raw/{id}/DSCN0010.jpg"),
                    "upload": {
                        "kind": "multipart",
                        "part_size_bytes": 8,
                        "part_count": 3,
                        "expires_at": "2026-11-25T01:00:00Z",
                    },
                })
            )
        );
        let events = house.get(&format!("/nexus/raw/{id}/events")).send().await;
        let event = events.json()["events"][0].take();
        assert_eq!(event["event_type"], "raw_asset_presigned");
        let digest = stated.then(|| sample::facts().sha256);
        assert_eq!(event.get("sha256"), Some(&json!(digest)));
    }
    assert_eq!(house.store.calls().presign, 0);
}

#[actix_web::test]
async fn a_promise_in_parts_that_is_repeated_under_its_key_is_the_same_and_writes_nothing() {
    let house = House::open_with(in_parts());
    let request = |body: &Value| house.presign(body).header("idempotency-key", "k");
    let first = request(&body_in_parts()).send().await.whole();
    assert_eq!(first.0, 200);
    // more often than a single upload may be presigned
    for _ in 0..101 {
        house.clock.advance(Duration::from_secs(1));
        assert_eq!(request(&body_in_parts()).send().await.whole(), first);
    }
    assert_eq!(house.events(), 1);
    let mut single = presign_body();
    let reused = request(&single).send().await.problem();
    assert_eq!((reused.0, &*reused.1), (422, "idempotency-key-reused"));
    single["multipart"] = json!(false);
    let other = |body: &Value| house.presign(body).header("idempotency-key", "single");
    let asset = other(&single).send().await.json()["asset_id"].take();
    let left_out = other(&presign_body()).send().await.json();
    assert_eq!(left_out["asset_id"], asset);
}

#[actix_web::test]
async fn a_batch_takes_uploads_in_parts() {
    let house = House::open_with(in_parts());
    let mut wrong = body_in_parts();
    wrong["size_bytes"] = json!(0);
    let body = json!({"items": [body_in_parts(), presign_body(), wrong]});
    let answer = house.post("/nexus/raw/presign-upload/batch", &body);
    let results = answer.send().await.json()["results"].take();
    let statuses = [0, 1, 2].map(|at| results[at]["status"].as_u64().unwrap());
    assert_eq!(statuses, [200, 200, 422]);
    assert_eq!(results[0]["body"]["upload"]["kind"], "multipart");
    assert_eq!(results[1]["body"]["upload"]["kind"], "single");
    assert_eq!(results[2]["body"]["errors"][0]["pointer"], "/size_bytes");
}

#[actix_web::test]
async fn parts_that_are_declared_get_a_url_each_and_are_listed_once_they_are_there() {
    let house = House::open_with(in_parts());
    let id = promised(&house, &body_in_parts()).await;
    let parts = [3, 1].map(declared);
    let answer = declare(&house, &id, &parts).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let (status, mut body) = answer.whole();
    let mut urls = Vec::new();
    for (at, number) in [(0, 3), (1, 1)] {
        assert_eq!(
            held(&house, &id, "").send().await.json()["parts"],
            json!([])
        );
        let part = &mut body["parts"][at];
        urls.push(part["url"].take());
        let digest = Sha256Digest::of(content(number));
        let expected = json!({
            "part_number": number,
            "method": "PUT",
            "url": null,
            "headers": {"x-amz-checksum-sha256": digest.to_base64()},
            "expires_at": "2026-11-24T01:15:00Z",
        });
        assert_eq!((status, &*part), (200, &expected));
    }
    assert_ne!(urls[0], urls[1]);
    // a fresh URL
    house.clock.advance(Duration::from_mins(1));
    upload(&house, &id, &[1, 3]).await;
    let listed = |number: usize| {
        let (size_bytes, sha256) = (content(number).len(), Sha256Digest::of(content(number)));
        json!({"part_number": number, "size_bytes": size_bytes, "sha256": sha256})
    };
    for (query, numbers) in [
        ("", vec![1, 3]),
        ("?after=0&limit=1", vec![1]),
        ("?after=1", vec![3]),
        ("?limit=1&after=1", vec![3]),
        ("?after=3", vec![]),
        ("?after=10000&limit=1000", vec![]),
    ] {
        let parts: Vec<_> = numbers.into_iter().map(listed).collect();
        let viewer = held(&house, &id, query).with("authorization", "Bearer viewer");
        let answer = viewer.send().await.whole();
        assert_eq!(answer, (200, json!({"parts": parts})), "{query}");
    }
    assert_eq!(house.events(), 1);
}

#[actix_web::test]
async fn register_completes_the_upload_once() {
    let house = House::open_with(in_parts());
    let id = promised(&house, &body_in_parts()).await;
    upload(&house, &id, &[2]).await;
    let body = json!({"asset_id": id, "sha256": sample::facts().sha256});
    let missing = |numbers: &[usize]| {
        let text = format!(
            "missing parts: {}; upload them and try again",
            numbers.len()
        );
        let facts = (409, "object-not-uploaded", "Object not uploaded", &*text);
        let (status, mut body) = problem("/nexus/raw/register", facts);
        let errors = numbers.iter().map(|number| {
            let detail = "was not uploaded as declared";
            json!({"pointer": format!("/parts/{number}"), "detail": detail})
        });
        body["errors"] = errors.collect();
        (status, body)
    };
    assert_eq!(register(&house, &body).await.whole(), missing(&[1, 3]));
    // declared, and not uploaded
    let parts = [1, 3].map(declared);
    assert_eq!(declare(&house, &id, &parts).send().await.status, 200);
    assert_eq!(register(&house, &body).await.whole(), missing(&[1, 3]));
    upload(&house, &id, &[3, 1]).await;
    assert_eq!(event_types(&house, &id).await, ["raw_asset_presigned"]);

    let first = register(&house, &body).await;
    let location = format!("/nexus/raw/{id}");
    assert_eq!(first.header("location"), Some(&*location));
    let (status, record) = first.whole();
    assert_eq!(status, 201);
    assert_eq!(record["sha256"], json!(sample::facts().sha256));
    assert_eq!(record["size_bytes"], 22);
    let integrity = &record["integrity"];
    let etag = integrity["etag"].as_str().unwrap();
    assert!(etag.ends_with("-3"), "{etag}");
    let expected = json!({
        "level": "s3_composite_sha256",
        "version_id": null,
        "etag": etag,
        "parts": 3,
    });
    assert_eq!(*integrity, expected);
    let again = register(&house, &body).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    let without = register(&house, &json!({"asset_id": id})).await;
    let facts = (
        422,
        "validation-failed".to_owned(),
        vec!["/sha256".to_owned()],
    );
    assert_eq!(without.problem(), facts);
    let read = house.get(&location).send().await;
    assert_eq!((read.status, &read.body), (200, &first.body));
    let events = house.get(&format!("{location}/events")).send().await;
    let events = events.json()["events"].take();
    assert_eq!(
        events[1]["integrity"],
        json!({"level": "s3_composite_sha256", "parts": 3})
    );
    assert_eq!(events[1]["sha256"], json!(sample::facts().sha256));
    assert_eq!((house.events(), house.store.calls().complete), (2, 2));
}

#[actix_web::test]
async fn an_upload_of_one_part_of_a_single_request_has_no_parts_in_its_record() {
    let house = House::open_with(in_parts());
    let (_, answer) = house.registered().await;
    assert_eq!(answer.json()["integrity"].get("parts"), None);
}

#[actix_web::test]
async fn the_digest_of_the_whole_is_stated_once_at_least_and_never_differs() {
    let house = House::open_with(in_parts());
    let id = promised(&house, &body_in_parts()).await;
    upload(&house, &id, &[1, 2, 3]).await;
    let (status, body) = register(&house, &json!({"asset_id": id})).await.whole();
    assert_eq!((status, &body["code"]), (422, &json!("validation-failed")));
    assert_eq!(
        body["errors"],
        json!([{"pointer": "/sha256", "detail": "is required"}])
    );
    // an unknown asset comes first
    let unknown = sample::asset_id(77);
    let (status, code, _) = register(&house, &json!({"asset_id": unknown}))
        .await
        .problem();
    assert_eq!((status, &*code), (404, "asset-not-found"));

    let mut stated = body_in_parts();
    stated["sha256"] = json!(sample::facts().sha256);
    let id = promised(&house, &stated).await;
    upload(&house, &id, &[1, 2, 3]).await;
    let other = json!({"asset_id": id, "sha256": "0".repeat(64)});
    let answer = register(&house, &other).await;
    let text = "the restated sha256 differ from what was promised";
    let facts = (409, "asset-conflict", "Asset conflict", text);
    assert_eq!(answer.whole(), problem("/nexus/raw/register", facts));
    let registered = register(&house, &json!({"asset_id": id})).await;
    assert_eq!(registered.status, 201);
    // also what only register has stated stays
    assert_eq!(register(&house, &other).await.problem().0, 409);
}

#[actix_web::test]
async fn an_upload_that_is_aborted_is_gone_for_good() {
    let house = House::open_with(in_parts());
    let mut body = body_in_parts();
    body["sha256"] = json!(sample::facts().sha256);
    let keyed = house.presign(&body).header("idempotency-key", "k");
    let id = keyed.clone().send().await.json()["asset_id"].take();
    let id = id.as_str().unwrap();
    upload(&house, id, &[1, 2, 3]).await;
    assert_eq!(house.store.open_uploads(), 1);
    for _ in 0..2 {
        let answer = abort(&house, id).send().await;
        assert_eq!((answer.status, &*answer.body), (204, &b""[..]));
        assert_eq!(answer.header("content-type"), None);
        assert_eq!(answer.header("x-request-id"), Some("req-1"));
        let types = ["raw_asset_presigned", "raw_asset_upload_aborted"];
        assert_eq!(event_types(&house, id).await, types);
    }
    assert_eq!(house.store.open_uploads(), 0);
    let text = "the upload was aborted; presign again";
    let facts = (410, "upload-expired", "Upload expired", text);
    assert_eq!(
        register(&house, &json!({"asset_id": id})).await.whole(),
        problem("/nexus/raw/register", facts)
    );
    let path = format!("/nexus/raw/{id}/parts");
    let text = "the time to upload is over, or the upload was aborted; presign again";
    let gone = problem(&path, (410, "upload-expired", "Upload expired", text));
    let again = declare(&house, id, &[declared(1)]).send().await;
    assert_eq!(again.whole(), gone);
    assert_eq!(held(&house, id, "").send().await.whole(), gone);
    let next = keyed.send().await.json()["asset_id"].take();
    assert_ne!(next, id);
}

#[actix_web::test]
async fn only_a_pending_upload_in_parts_is_aborted() {
    let house = House::open_with(in_parts());
    let single = house.presigned().await;
    let done = promised(&house, &body_in_parts()).await;
    upload(&house, &done, &[1, 2, 3]).await;
    let body = json!({"asset_id": done, "sha256": sample::facts().sha256});
    assert_eq!(register(&house, &body).await.status, 201);
    let events = house.events();
    for (id, text) in [
        (
            &single,
            "the upload is one by one request, whose URL cannot be taken back",
        ),
        (&done, "the asset is already registered"),
    ] {
        let path = format!("/nexus/raw/{id}/upload");
        let facts = (409, "asset-conflict", "Asset conflict", text);
        let answer = abort(&house, id).send().await;
        assert_eq!(answer.whole(), problem(&path, facts));
    }
    assert_eq!(house.events(), events);
    assert_eq!(
        house.get(&format!("/nexus/raw/{done}")).send().await.status,
        200
    );
}

/// Until its end.
#[actix_web::test]
async fn parts_are_taken_until_the_intent_ends() {
    let house = House::open_with(in_parts());
    let id = promised(&house, &body_in_parts()).await;
    house.clock.advance(Duration::from_secs(24 * 3600 - 1));
    let answer = declare(&house, &id, &[declared(1)]).send().await.json();
    assert_eq!(answer["parts"][0]["expires_at"], "2026-11-25T01:00:00Z");
    house.clock.advance(Duration::from_secs(1));
    for request in [declare(&house, &id, &[declared(1)]), held(&house, &id, "")] {
        let (status, code, _) = request.send().await.problem();
        assert_eq!((status, &*code), (410, "upload-expired"));
    }
}

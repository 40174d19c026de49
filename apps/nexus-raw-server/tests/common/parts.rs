//! Uploads in parts, as callers make them.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use nexus_raw::asset::Sha256Digest;
use nexus_raw_testkit::s3::Endpoint;
use serde_json::{Value, json};

use super::{
    caller::{Caller, at_store},
    http::{Answer, Request},
};

/// What the service cuts a content into parts of.
pub(crate) const PART: usize = 8 * 1024 * 1024;

/// How long a completion may be under way, or claimed by a process that no longer works on it.
const PATIENCE: Duration = Duration::from_mins(1);

/// A content of so many whole parts, and another one of five bytes.
pub(crate) fn content(whole: usize) -> Vec<u8> {
    (0..=250).cycle().take(whole * PART + 5).collect()
}

/// The body that declares all parts of a content.
pub(crate) fn declaration(content: &[u8]) -> Value {
    let parts = content.chunks(PART).zip(1..);
    let parts: Vec<_> = parts
        .map(|(part, number)| json!({"part_number": number, "sha256": Sha256Digest::of(part)}))
        .collect();
    json!({"parts": parts})
}

/// The upload of a part as its declaration was answered, before its bytes are set.
pub(crate) fn upload(part: &Value) -> Request {
    let request = at_store("PUT", part["url"].as_str().unwrap());
    let headers = part["headers"].as_object().unwrap().iter();
    headers.fold(request, |it, (name, value)| {
        it.header(name, value.as_str().unwrap())
    })
}

/// The bytes of the part of this number.
pub(crate) fn bytes_of<'a>(part: &Value, content: &'a [u8]) -> &'a [u8] {
    let number = usize::try_from(part["part_number"].as_u64().unwrap()).unwrap();
    content.chunks(PART).nth(number - 1).unwrap()
}

/// Promises a film, without its digest.
pub(crate) async fn promised(caller: &Caller, content: &[u8]) -> String {
    let body = json!({
        "filename": "film.mp4",
        "content_type": "video/mp4",
        "size_bytes": content.len(),
        "multipart": true,
    });
    let answer = caller.post("/nexus/raw/presign-upload", &body).await;
    let (status, body) = answer.whole();
    assert_eq!(status, 200, "{body}");
    let upload = &body["upload"];
    assert_eq!(upload["kind"], "multipart");
    assert_eq!(upload["part_size_bytes"], PART);
    assert_eq!(upload["part_count"], content.chunks(PART).count());
    body["asset_id"].as_str().unwrap().to_owned()
}

/// The answer to a declaration of all parts.
pub(crate) async fn declared(caller: &Caller, id: &str, content: &[u8]) -> Vec<Value> {
    let path = format!("/nexus/raw/{id}/parts");
    let answer = caller.post(&path, &declaration(content)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["parts"].as_array().unwrap().clone()
}

/// Has fifty registrations of one upload sent at once, by these callers in turn, of which one
/// writes; the asset's id and its record.
pub(crate) async fn registered_by_fifty(callers: &[Caller]) -> (String, Vec<u8>) {
    let film = content(2);
    let id = promised(&callers[0], &film).await;
    // each of them would begin the upload
    let declared = join_all(callers.iter().map(|it| declared(it, &id, &film))).await;
    for place in 0..3 {
        let part = &declared[place % callers.len()][place];
        let put = upload(part).body(bytes_of(part, &film)).send().await;
        assert_eq!(put.status, 200, "{part}");
    }
    let statement = json!({"asset_id": id, "sha256": Sha256Digest::of(&film)});
    let calls = (0..50).map(|call| registered(&callers[call % callers.len()], &statement));
    let answers = join_all(calls).await;
    let count = |status: u16| answers.iter().filter(|it| it.status == status).count();
    assert_eq!((count(201), count(200)), (1, 49));
    let record = answers[0].json();
    assert!(answers.iter().all(|it| it.body == answers[0].body));
    assert_eq!(
        record["integrity"]["level"], "s3_composite_sha256",
        "{record}"
    );
    assert_eq!(record["integrity"]["parts"], 3);

    let path = format!("/nexus/raw/{id}");
    for caller in callers {
        assert_eq!(caller.get(&path).await.body, answers[0].body);
    }
    let events = callers[0].get(&format!("{path}/events")).await.json();
    let events = events["events"].as_array().unwrap().iter();
    let types: Vec<_> = events.map(|it| it["event_type"].clone()).collect();
    assert_eq!(types, ["raw_asset_presigned", "raw_asset_registered"]);
    let download = format!("{path}/presign-download");
    let download = callers[0].post(&download, &json!({})).await.json();
    let read = at_store("GET", download["url"].as_str().unwrap())
        .send()
        .await;
    assert_eq!(read.status, 200);
    assert!(read.body == film, "another content came back");
    (id, answers[0].body.clone())
}

/// The answer to a registration, which is sent again while the upload is being completed.
pub(crate) async fn registered(caller: &Caller, statement: &Value) -> Answer {
    let began = Instant::now();
    loop {
        let answer = caller.register(statement).await;
        if answer.status != 409 || answer.problem().1 != "verification-pending" {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "not completed");
        let seconds = answer.header("retry-after").unwrap().parse().unwrap();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

/// The keys of assets that have an upload open in the store, each as often as it has one.
pub(crate) fn open_uploads(store: &Endpoint, bucket: &str) -> Vec<String> {
    let listed = store.signed("GET", &format!("/{bucket}?uploads"), &[], b"");
    assert_eq!(listed.error(), (200, String::new()));
    let keys = listed.texts("Key").into_iter();
    // a probe that is killed leaves its own
    keys.filter(|key| key.starts_with("tenants/")).collect()
}

/// Waits until no assets but those of these keys have an upload open, as the server removes the others
/// after a start.
pub(crate) async fn wait_until_open(store: &Endpoint, bucket: &str, keys: &[&str]) {
    let began = Instant::now();
    loop {
        let open = open_uploads(store, bucket);
        if open == keys {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "open uploads: {open:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

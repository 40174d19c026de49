//! Verifications: an object is read again, and the verdict is told.

use std::{sync::Arc, time::Duration};

use nexus_raw::{
    asset::{AssetId, ObjectAddress, ObjectKey, Sha256Digest},
    ports::{HashOutcome, MockObjectWorker, WorkProgress},
};
use nexus_raw_testkit::sample;
use serde_json::{Value, json};

use super::{
    parts,
    support::{House, Parts, Request},
};

/// As long as what was promised.
const ROTTEN: [u8; sample::CONTENT.len()] = [7; sample::CONTENT.len()];

fn path(asset_id: &str) -> String {
    format!("/nexus/raw/{asset_id}/verification")
}

fn verify(house: &House, asset_id: &str) -> Request {
    house.post(&path(asset_id), &json!({}))
}

/// A request of a viewer.
fn latest(house: &House, asset_id: &str) -> Request {
    house
        .get(&path(asset_id))
        .with("authorization", "Bearer viewer")
}

fn verification(verdict: &str, found: Option<&[u8]>, verified_at: &str) -> Value {
    json!({
        "verdict": verdict,
        "sha256": found.map(Sha256Digest::of),
        "size_bytes": found.map(<[u8]>::len),
        "verified_at": verified_at,
    })
}

fn problem(asset_id: &str, facts: (u16, &str, &str, &str)) -> (u16, Value) {
    parts::problem(&path(asset_id), facts)
}

fn address(asset_id: &str) -> ObjectAddress {
    let (scope, facts) = (sample::scope("t_demo", "dev"), sample::facts());
    let asset_id = AssetId::parse(asset_id).unwrap();
    ObjectAddress {
        bucket: sample::bucket(),
        key: ObjectKey::for_asset(&scope, asset_id, &facts.filename),
    }
}

async fn events(house: &House, asset_id: &str) -> Vec<Value> {
    let path = format!("/nexus/raw/{asset_id}/events");
    let mut events = house.get(&path).send().await.json()["events"].take();
    let events = events.as_array_mut().unwrap();
    events.drain(2..).collect()
}

#[actix_web::test]
async fn a_verdict_is_told_with_what_was_found_and_is_an_event() {
    let house = House::open();
    let (id, record) = house.registered().await;
    let none = latest(&house, &id).send().await.whole();
    assert_eq!(none, (200, json!({"verification": null})));

    let intact = verification("intact", Some(sample::CONTENT), "2026-11-24T01:00:00Z");
    let answer = verify(&house, &id).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.whole(), (200, intact.clone()));
    // a minute long, and whoever asks
    house.store.rot(&address(&id), &ROTTEN);
    house.clock.advance(Duration::from_secs(59));
    let again = verify(&house, &id).with("authorization", "Bearer admin");
    assert_eq!(again.send().await.whole(), (200, intact.clone()));
    assert_eq!(house.store.calls().hash, 1);

    house.clock.advance(Duration::from_secs(1));
    let corrupt = verification("corrupt", Some(&ROTTEN), "2026-11-24T01:01:00Z");
    let answer = verify(&house, &id).send().await.whole();
    assert_eq!(answer, (200, corrupt.clone()));
    house.clock.advance(Duration::from_mins(1));
    house.store.remove(&address(&id));
    let missing = verification("missing", None, "2026-11-24T01:02:00Z");
    // no body is needed, and then no media type
    let bare = house.request("POST", &path(&id));
    assert_eq!(bare.send().await.whole(), (200, missing.clone()));
    let stands = latest(&house, &id).send().await.whole();
    assert_eq!(stands, (200, json!({"verification": missing})));

    let told: Vec<_> = events(&house, &id)
        .await
        .into_iter()
        .map(|mut event| {
            let (pii_flags, train_ok) = (event["pii_flags"].take(), event["train_ok"].take());
            assert_eq!((pii_flags, train_ok), (json!([]), json!(false)));
            assert_eq!(event["occurred_at"], event["verification"]["verified_at"]);
            (event["event_type"].take(), event["verification"].take())
        })
        .collect();
    assert_eq!(
        told,
        [
            (json!("raw_asset_verified"), intact),
            (json!("raw_asset_corrupt"), corrupt),
            (json!("raw_asset_corrupt"), missing),
        ]
    );
    let after = house.get(&format!("/nexus/raw/{id}")).send().await;
    assert_eq!((after.status, &after.body), (200, &record.body));
}

#[actix_web::test]
async fn what_cannot_be_verified_is_said_so() {
    let house = House::open();
    let (id, _) = house.registered().await;
    let text = "the body breaks the rules named in errors";
    let mut refused = problem(&id, (422, "validation-failed", "Validation failed", text));
    refused.1["errors"] = json!([{"pointer": "/deep", "detail": "is not a known field"}]);
    let unknown = house.post(&path(&id), &json!({"deep": true})).send().await;
    assert_eq!(unknown.whole(), refused);

    for role in ["member", "viewer"] {
        let text = "the caller has no right to do this in this tenant";
        let refused = problem(&id, (403, "forbidden", "Forbidden", text));
        let caller = format!("Bearer {role}");
        let answer = verify(&house, &id).with("authorization", &caller);
        assert_eq!(answer.send().await.whole(), refused, "{role}");
    }

    house.store.set_available(false);
    let text = "the object store gives no answer; try again later";
    let away = (503, "storage-unavailable", "Storage unavailable", text);
    let answer = verify(&house, &id).send().await;
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(answer.whole(), problem(&id, away));
    house.store.set_available(true);
    assert_eq!(events(&house, &id).await, [Value::Null; 0]);

    house.catalog.set_available(false);
    for request in [verify(&house, &id), latest(&house, &id)] {
        let (status, body) = request.send().await.whole();
        assert_eq!(
            (status, &body["code"]),
            (503, &json!("catalog-unavailable"))
        );
    }
}

#[actix_web::test]
async fn whoever_asks_for_what_is_still_read_is_told_when_to_ask_again() {
    let mut worker = MockObjectWorker::new();
    worker.expect_digest().returning(|_, _| {
        let digest = sample::facts().sha256;
        Ok(WorkProgress::Done(HashOutcome::Hashed(digest)))
    });
    worker
        .expect_verify()
        .returning(|_, _| Ok(WorkProgress::Pending));
    let house = House::open_with(Parts {
        worker: Some(Arc::new(worker)),
        ..Parts::default()
    });
    let (id, _) = house.registered().await;
    let answer = verify(&house, &id).send().await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    let text = "the service still reads the object; ask again later";
    let pending = (409, "verification-pending", "Verification pending", text);
    assert_eq!(answer.whole(), problem(&id, pending));
    let none = latest(&house, &id).send().await.whole();
    assert_eq!(none, (200, json!({"verification": null})));
}

/// `if_registered` hands out what is proved: a digest that was only stated, once it was read; what is
/// denied, never.
#[actix_web::test]
async fn what_is_corrupt_is_not_handed_out_for_its_content() {
    let house = House::open();
    let (id, _) = house.registered().await;
    let mut body = super::support::presign_body();
    body["if_registered"] = json!("return");
    let (status, answer) = house.presign(&body).send().await.whole();
    assert_eq!(
        (status, &answer["registered"]["asset_id"]),
        (200, &json!(id))
    );
    house.store.rot(&address(&id), &ROTTEN);
    verify(&house, &id).send().await;
    let (status, answer) = house.presign(&body).send().await.whole();
    assert_eq!(status, 200);
    assert_ne!(answer["asset_id"], json!(id));
    assert!(answer.get("registered").is_none(), "{answer}");
}

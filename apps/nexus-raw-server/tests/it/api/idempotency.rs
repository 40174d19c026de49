//! `Idempotency-Key`: the response to a repeated request.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use nexus_raw::{
    asset::{BucketName, ObjectAddress, UploadIntent},
    ports::{AssetCatalog, KeyedOutcome},
    tenancy::{Principal, Role, TenantId, UserId},
};
use nexus_raw_testkit::{FakeIdentity, StoreCalls, sample};
use serde_json::{Value, json};

use super::support::{House, Parts, Request, TRACE_ID, presign_body, uploaded};

const PATH: &str = "/nexus/raw/presign-upload";

/// The intent's life in these tests: the default.
const DAY: Duration = Duration::from_hours(24);

fn keyed(house: &House, key: &str, body: &Value) -> Request {
    house.presign(body).header("idempotency-key", key)
}

/// The asset that a presign under this key is about.
async fn asset_of(request: Request) -> String {
    let (status, body) = request.send().await.whole();
    assert_eq!(status, 200, "{body}");
    body["asset_id"].as_str().unwrap().to_owned()
}

fn signed(house: &House) -> u32 {
    house.store.calls().presign
}

#[actix_web::test]
async fn the_same_key_and_body_are_the_same_asset_with_a_fresh_url_and_an_event_each() {
    let house = House::open();
    let first = keyed(&house, "k", &presign_body()).send().await;
    house.clock.advance(Duration::from_mins(1));
    let again = keyed(&house, "k", &presign_body());
    let again = again.with("x-request-id", "req-2").send().await;
    let (status, mut first) = first.whole();
    assert_eq!(status, 200);
    let (status, mut body) = again.whole();
    let urls = [&mut first, &mut body].map(|it| it["upload"]["url"].take());
    assert!(urls.iter().all(Value::is_string) && urls[0] != urls[1]);
    assert_eq!(first["upload"]["expires_at"], "2026-11-24T01:15:00Z");
    first["upload"]["expires_at"] = json!("2026-11-24T01:16:00Z");
    assert_eq!((status, body), (200, first.clone()));
    assert_eq!(again.header("cache-control"), Some("no-store"));

    let asset_id = first["asset_id"].as_str().unwrap();
    let events = house.get(&format!("/nexus/raw/{asset_id}/events"));
    let mut events = events.send().await.json()["events"].take();
    let ids = [0, 1].map(|at| events[at]["event_id"].take());
    assert_ne!(ids[0], ids[1]);
    let event = |sequence, at: &str, request: &str| {
        json!({
            "event_id": null,
            "schema_version": "1",
            "event_type": "raw_asset_presigned",
            "sequence": sequence,
            "occurred_at": at,
            "tenant_id": "t_demo",
            "env": "dev",
            "user_id": "u_demo",
            "trace_id": TRACE_ID,
            "request_id": request,
            "asset_id": asset_id,
            "uri": first["uri"],
            "sha256": sample::facts().sha256,
            "size_bytes": 22,
            "content_type": "image/jpeg",
            "lineage": {"derived_from": [], "source_uri": null, "activity": null},
            "pii_flags": null,
            "train_ok": null,
        })
    };
    assert_eq!(
        events,
        json!([
            event(1, "2026-11-24T01:00:00Z", "req-1"),
            event(2, "2026-11-24T01:01:00Z", "req-2"),
        ])
    );
}

#[actix_web::test]
async fn a_body_is_the_same_by_its_meaning_and_not_by_its_bytes() {
    let house = House::open();
    let mut body = presign_body();
    let asset_id = asset_of(keyed(&house, "k", &body)).await;
    let digest = sample::facts().sha256;
    let spelt = format!(
        "{{\n \"sha256\": \"{digest}\", \"size_bytes\": 22,\t\"content_type\": \"image\\/jpeg\", \
         \"filename\": \"\\u0044SCN0010.jpg\" }}"
    );
    let request = keyed(&house, "k", &body).body(spelt);
    assert_eq!(asset_of(request).await, asset_id);

    body.as_object_mut().unwrap().remove("content_type");
    let default = asset_of(keyed(&house, "default", &body)).await;
    body["content_type"] = json!("application/octet-stream");
    let said = asset_of(keyed(&house, "default", &body)).await;
    assert_eq!(default, said);
}

#[actix_web::test]
async fn a_key_with_another_body_is_refused_and_leaves_nothing() {
    let house = House::open();
    let asset_id = asset_of(keyed(&house, "k", &presign_body())).await;
    for (field, other) in [
        ("filename", json!("DSCN0011.jpg")),
        ("content_type", json!("IMAGE/JPEG")),
        ("content_type", json!("application/octet-stream")),
        ("size_bytes", json!(23)),
        ("sha256", json!("0".repeat(64))),
    ] {
        let mut body = presign_body();
        body[field] = other;
        let answer = keyed(&house, "k", &body).send().await;
        assert_eq!(
            answer.whole(),
            (
                422,
                json!({
                    "type": "urn:nexus-raw:problem:idempotency-key-reused",
                    "title": "Idempotency key reused",
                    "status": 422,
                    "detail": "the idempotency key was used for another request",
                    "instance": PATH,
                    "code": "idempotency-key-reused",
                    "trace_id": TRACE_ID,
                    "errors": [{
                        "pointer": "",
                        "detail": "differs from the body that the key was first sent with",
                    }],
                })
            ),
            "{body}"
        );
    }
    assert_eq!((house.events(), signed(&house)), (1, 1));
    // and the key still has its asset
    assert_eq!(
        asset_of(keyed(&house, "k", &presign_body())).await,
        asset_id
    );
}

#[actix_web::test]
async fn a_key_whose_asset_is_registered_leads_to_it_and_gives_no_more_urls() {
    let house = House::open();
    let asset_id = asset_of(keyed(&house, "k", &presign_body())).await;
    house.place(&asset_id, uploaded(&asset_id));
    let registered = house.register(&json!({"asset_id": asset_id})).send().await;
    assert_eq!(registered.status, 201);
    let answer = keyed(&house, "k", &presign_body()).send().await;
    assert_eq!(
        answer.whole(),
        (
            409,
            json!({
                "type": "urn:nexus-raw:problem:asset-conflict",
                "title": "Asset conflict",
                "status": 409,
                "detail": "the asset of the idempotency key is already registered",
                "instance": PATH,
                "code": "asset-conflict",
                "trace_id": TRACE_ID,
            })
        )
    );
    let location = format!("/nexus/raw/{asset_id}");
    assert_eq!(answer.header("location"), Some(&*location));
    let mut other = presign_body();
    other["size_bytes"] = json!(23);
    let answer = keyed(&house, "k", &other).send().await;
    let reused = (
        422,
        "idempotency-key-reused".to_owned(),
        vec![String::new()],
    );
    assert_eq!(
        (answer.problem(), answer.header("location")),
        (reused, None)
    );
    assert_eq!((house.events(), signed(&house)), (2, 1));

    house.clock.advance(DAY);
    let next = asset_of(keyed(&house, "k", &presign_body())).await;
    assert_ne!(next, asset_id);
}

#[actix_web::test]
async fn a_key_is_free_once_its_intent_has_ended_and_until_then_no_url_outlives_it() {
    let house = House::open();
    let asset_id = asset_of(keyed(&house, "k", &presign_body())).await;
    house.clock.advance(Duration::from_secs(24 * 3600 - 10));
    let last = keyed(&house, "k", &presign_body()).send().await.json();
    assert_eq!(last["asset_id"], *asset_id);
    assert_eq!(last["upload"]["expires_at"], "2026-11-25T01:00:00Z");
    house.clock.advance(Duration::from_secs(10));
    // free for any body
    let mut other = presign_body();
    other["filename"] = json!("other.jpg");
    let next = asset_of(keyed(&house, "k", &other)).await;
    assert_ne!(next, asset_id);
    let reused = keyed(&house, "k", &presign_body()).send().await;
    assert_eq!(reused.status, 422);
    assert_eq!(asset_of(keyed(&house, "k", &other)).await, next);
    assert_eq!(house.events(), 4);
}

#[actix_web::test]
async fn keys_of_other_users_tenants_and_environments_do_not_meet() {
    let owner_of = |user: &str| {
        let tenants = ["t_demo", "t_demo2"].map(|it| TenantId::parse(it).unwrap());
        let roles: BTreeMap<_, _> = tenants.map(|it| (it, Some(Role::Owner))).into();
        Principal::from_verified(UserId::parse(user).unwrap(), roles)
    };
    let identity = FakeIdentity::new()
        .with("owner", owner_of("u_demo"))
        .with("colleague", owner_of("u_demo2"));
    let house = House::open_with(Parts {
        identity: Arc::new(identity),
        ..Parts::default()
    });
    let own = keyed(&house, "k", &presign_body());
    let others = [
        own.clone().with("authorization", "Bearer colleague"),
        own.clone().with("x-tenant-id", "t_demo2"),
        own.clone().with("x-env", "prod"),
        own.clone().with("idempotency-key", "K"),
        own.clone().without("idempotency-key"),
    ];
    let mut assets = vec![asset_of(own.clone()).await];
    for other in &others {
        assets.push(asset_of(other.clone()).await);
    }
    let mut distinct = assets.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), assets.len());
    for (request, asset_id) in [own].iter().chain(&others[..4]).zip(&assets) {
        assert_eq!(asset_of(request.clone()).await, *asset_id);
    }
    // another body meets nobody's key either
    let mut body = presign_body();
    body["size_bytes"] = json!(23);
    let stranger = keyed(&house, "k", &body).with("x-env", "staging");
    asset_of(stranger).await;
}

#[actix_web::test]
async fn of_a_hundred_callers_with_one_key_all_get_one_asset_and_a_url_each() {
    let house = House::open();
    let calls = (0..100).map(|_| keyed(&house, "k", &presign_body()).send());
    let answers = join_all(calls).await;
    // within one second, which signatures count, their URLs are the same text
    let first = answers[0].whole();
    assert_eq!(first.0, 200);
    assert!(answers.iter().all(|answer| answer.whole() == first));
    let events = house.catalog.events_in(&sample::scope("t_demo", "dev"));
    let sequences = events.iter().map(|event| event.sequence);
    assert!(sequences.eq(1..=100), "{} events", events.len());
    let assets = events.iter().map(|event| json!(event.body.asset_id));
    assert!(assets.eq(std::iter::repeat_n(first.1["asset_id"].clone(), 100)));
}

#[actix_web::test]
async fn the_hundredth_presign_of_an_intent_passes_and_the_next_waits_for_its_end() {
    let house = House::open();
    let asset_id = asset_of(keyed(&house, "k", &presign_body())).await;
    for _ in 2..=100 {
        assert_eq!(
            asset_of(keyed(&house, "k", &presign_body())).await,
            asset_id
        );
    }
    house.clock.advance(Duration::from_millis(1_500));
    let refused = keyed(&house, "k", &presign_body()).send().await;
    assert_eq!(
        refused.whole(),
        (
            429,
            json!({
                "type": "urn:nexus-raw:problem:rate-limited",
                "title": "Rate limited",
                "status": 429,
                "detail": "the upload was presigned as often as allowed; the key can be used again later",
                "instance": PATH,
                "code": "rate-limited",
                "trace_id": TRACE_ID,
            })
        )
    );
    // to the intent's end, rounded up
    assert_eq!(refused.header("retry-after"), Some("86399"));
    assert_eq!(house.events(), 100);
    // another key is another intent, and so is the same one after that time
    assert_ne!(
        asset_of(keyed(&house, "k2", &presign_body())).await,
        asset_id
    );
    house.clock.advance(Duration::from_secs(86_399));
    assert_ne!(
        asset_of(keyed(&house, "k", &presign_body())).await,
        asset_id
    );
}

#[actix_web::test]
async fn what_was_written_though_its_answer_was_lost_is_found_by_its_key() {
    let house = House::open();
    house.catalog.lose_next_answer();
    let lost = keyed(&house, "k", &presign_body()).send().await;
    let unavailable = (503, "catalog-unavailable".to_owned(), vec![]);
    assert_eq!(lost.problem(), unavailable);
    let asset_id = asset_of(keyed(&house, "k", &presign_body())).await;
    house.catalog.lose_next_answer();
    let lost = keyed(&house, "k", &presign_body()).send().await;
    assert_eq!(lost.problem(), unavailable);
    assert_eq!(
        asset_of(keyed(&house, "k", &presign_body())).await,
        asset_id
    );
    let events = house.catalog.events_in(&sample::scope("t_demo", "dev"));
    let assets: Vec<_> = events
        .iter()
        .map(|event| event.body.asset_id.to_string())
        .collect();
    assert_eq!(assets, vec![asset_id; 4]);
}

#[actix_web::test]
async fn a_refused_request_takes_no_key() {
    let house = House::open();
    let mut faulty = presign_body();
    faulty["size_bytes"] = json!(-1);
    let good = keyed(&house, "k", &presign_body());
    for (refused, status) in [
        (keyed(&house, "k", &faulty), 422),
        (good.clone().body("{"), 400),
        (good.clone().with("content-type", "text/plain"), 415),
        (good.clone().with("authorization", "Bearer viewer"), 403),
    ] {
        assert_eq!(refused.send().await.status, status);
    }
    house.store.set_credentials_end(sample::seconds_after(59));
    let unsigned = good.clone().send().await;
    let unavailable = (503, "storage-unavailable".to_owned(), vec![]);
    assert_eq!(unsigned.problem(), unavailable);
    house.store.set_credentials_end(sample::seconds_after(3600));
    assert_eq!(house.events(), 0);
    let mut other = presign_body();
    other["filename"] = json!("other.jpg");
    asset_of(keyed(&house, "k", &other)).await;
    assert_eq!(good.send().await.status, 422);
    assert_eq!(house.events(), 1);
}

#[actix_web::test]
async fn a_key_is_any_visible_ascii_and_every_byte_of_it_counts() {
    let house = House::open();
    let longest = "k".repeat(255);
    let almost = format!("{}j", "k".repeat(254));
    let mut assets = Vec::new();
    for key in [
        "k",
        "'",
        "';DROP/**/TABLE/**/idempotency;--",
        "%",
        "_",
        "k,k",
        "\"k\"",
        "{\"a\":[1]}",
        "../../etc/passwd",
        "%00%0d%0aX-Env:prod",
        &almost,
        &longest,
    ] {
        let asset_id = asset_of(keyed(&house, key, &presign_body())).await;
        let spaced = format!(" \t{key}  ");
        let again = asset_of(keyed(&house, &spaced, &presign_body())).await;
        assert_eq!(again, asset_id, "{key}");
        assets.push(asset_id);
    }
    let count = assets.len();
    assets.sort_unstable();
    assets.dedup();
    assert_eq!((assets.len(), house.events()), (count, 2 * count));
}

#[actix_web::test]
async fn a_key_of_a_bucket_that_is_not_served_any_more_is_kept_and_gives_no_url() {
    let house = House::open();
    let scope = sample::scope("t_demo", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let elsewhere = UploadIntent {
        address: ObjectAddress {
            bucket: BucketName::parse("the-bucket-before").unwrap(),
            ..intent.address.clone()
        },
        ..intent
    };
    let new = sample::keyed(&sample::key(&scope, "k"), &elsewhere);
    let outcome = house.catalog.record_keyed_intent(new).await;
    assert_eq!(outcome.unwrap(), KeyedOutcome::Recorded);
    for _ in 0..2 {
        let answer = keyed(&house, "k", &presign_body()).send().await;
        assert_eq!(
            answer.whole(),
            (
                503,
                json!({
                    "type": "urn:nexus-raw:problem:storage-unavailable",
                    "title": "Storage unavailable",
                    "status": 503,
                    "detail": "the object store gives no answer; try again later",
                    "instance": PATH,
                    "code": "storage-unavailable",
                    "trace_id": TRACE_ID,
                })
            )
        );
        assert_eq!(answer.header("retry-after"), Some("2"));
    }
    assert_eq!(house.events(), 1);
    // another key, and this one after the end, are as good as ever
    asset_of(keyed(&house, "k2", &presign_body())).await;
    house.clock.advance(DAY);
    asset_of(keyed(&house, "k", &presign_body())).await;
    assert_eq!(house.events(), 3);
}

#[actix_web::test]
async fn without_a_catalogue_a_key_is_not_looked_past() {
    let house = House::open();
    house.catalog.set_available(false);
    let answer = keyed(&house, "k", &presign_body()).send().await;
    let unavailable = (503, "catalog-unavailable".to_owned(), vec![]);
    assert_eq!(answer.problem(), unavailable);
    assert_eq!(house.store.calls(), StoreCalls::default());
}

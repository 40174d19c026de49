//! Batches: each item as the route for one answers, and the bounds of the whole.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    support::{House, Parts, presign_body, uploaded},
    trouble::Lines,
};
use crate::api::support::Answer;

const UPLOADS: &str = "/nexus/raw/presign-upload/batch";
const REGISTRATIONS: &str = "/nexus/raw/register/batch";
const DOWNLOADS: &str = "/nexus/raw/presign-download/batch";

async fn send(house: &House, path: &str, items: Value) -> Answer {
    house.post(path, &json!({"items": items})).send().await
}

async fn send_text(house: &House, text: String) -> Answer {
    let request = house
        .request("POST", UPLOADS)
        .header("content-type", "application/json")
        .header("content-length", &text.len().to_string());
    request.raw_body(text.into_bytes()).send().await
}

fn results(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    body["results"].as_array().unwrap().clone()
}

fn statuses(results: &[Value]) -> Vec<u64> {
    results
        .iter()
        .map(|result| result["status"].as_u64().unwrap())
        .collect()
}

#[actix_web::test]
async fn each_item_is_answered_in_order_and_no_fault_touches_another() {
    let house = House::open();
    let mut faulty = presign_body();
    faulty["filename"] = json!("a/b");
    faulty["more"] = json!(1);
    let items = json!([presign_body(), faulty, "text", presign_body()]);
    let answer = send(&house, UPLOADS, items).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let results = results(&answer);
    assert_eq!(statuses(&results), [200, 422, 422, 200]);
    for result in &results {
        assert_eq!(result.get("headers"), None, "{result}");
    }
    let problem = &results[1]["body"];
    assert_eq!(problem["instance"], UPLOADS);
    assert_eq!(problem["code"], "validation-failed");
    let pointers = problem["errors"].as_array().unwrap().iter();
    let pointers: Vec<_> = pointers.map(|it| it["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/filename", "/more"]);
    assert_eq!(results[2]["body"]["errors"][0]["pointer"], "");
    let ids: BTreeSet<_> = [0, 3]
        .map(|at| results[at]["body"]["asset_id"].to_string())
        .into();
    assert_eq!(ids.len(), 2);
    assert_eq!(house.events(), 2);
}

#[actix_web::test]
async fn what_is_no_batch_is_refused_as_a_whole() {
    let house = House::open();
    let many = |count: usize| Value::Array(vec![presign_body(); count]);
    let most = house
        .post(UPLOADS, &json!({"items": many(1000)}))
        .send()
        .await;
    assert_eq!(results(&most).len(), 1000);
    let events = house.events();
    for (body, pointer) in [
        (json!({"items": many(0)}), "/items"),
        (json!({"items": many(1001)}), "/items"),
        (json!({"items": {}}), "/items"),
        (json!({"items": null}), "/items"),
        (json!({}), "/items"),
        (json!({"items": many(1), "more": 1}), "/more"),
        (json!([]), ""),
    ] {
        let answer = house.post(UPLOADS, &body).send().await;
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
    }
    let long = "x".repeat(2 * 1024 * 1024);
    for (padding, status) in [(long.len() - 12, 422), (long.len() - 11, 413)] {
        let text = format!("{{\"items\":\"{}\"}}", &long[..padding]);
        let answer = send_text(&house, text).await;
        assert_eq!(answer.status, status, "{padding} {answer:?}");
    }
    let twice = r#"{"items":[{"a":1,"a":2}]}"#.to_owned();
    let answer = send_text(&house, twice).await;
    assert_eq!(
        answer.json()["detail"],
        "the body repeats a key in an object"
    );
    assert_eq!(house.events(), events);
}

#[actix_web::test]
async fn registrations_are_answered_as_each_alone_would_be() {
    let house = House::open();
    let first = house.presigned_and_uploaded().await;
    let pending = house.presigned().await;
    let absent = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";
    let items = json!([
        {"asset_id": first},
        {"asset_id": pending},
        {"asset_id": absent},
        {"asset_id": first.to_uppercase()},
        {"asset_id": first, "filename": "other.jpg"},
    ]);
    let all = results(&send(&house, REGISTRATIONS, items).await);
    assert_eq!(statuses(&all), [201, 409, 404, 422, 409]);
    let location = format!("/nexus/raw/{first}");
    assert_eq!(all[0]["headers"], json!({"location": location}));
    let alone = house.get(&location).send().await;
    assert_eq!(all[0]["body"], alone.json());
    assert_eq!(all[1]["body"]["code"], "object-not-uploaded");
    assert_eq!(all[2]["body"]["code"], "asset-not-found");
    assert_eq!(all[3]["body"]["errors"][0]["pointer"], "/asset_id");
    let again = json!([{"asset_id": first}, {"asset_id": first, "train_ok": true}]);
    let again = results(&send(&house, REGISTRATIONS, again).await);
    assert_eq!(statuses(&again), [200, 409]);
    assert_eq!(again[1]["headers"], json!({"location": location}));
}

/// In either order, and although the single route would accept it next.
#[actix_web::test]
async fn a_parent_that_is_registered_in_the_same_batch_is_none_yet() {
    let house = House::open();
    let before = house.presigned_and_uploaded().await;
    let registered = house.register(&json!({"asset_id": before})).send().await;
    assert_eq!(registered.status, 201);
    let [parent, child, other] = [
        house.presigned_and_uploaded().await,
        house.presigned_and_uploaded().await,
        house.presigned_and_uploaded().await,
    ];
    let of = |parents: &[&str]| json!({"derived_from": parents});
    let items = json!([
        {"asset_id": parent},
        {"asset_id": child, "lineage": of(&[&before, &parent])},
        {"asset_id": other, "lineage": of(&[&before])},
    ]);
    let all = results(&send(&house, REGISTRATIONS, items.clone()).await);
    assert_eq!(statuses(&all), [201, 422, 201]);
    let errors = &all[1]["body"]["errors"];
    assert_eq!(errors.as_array().unwrap().len(), 1);
    assert_eq!(errors[0]["pointer"], "/lineage/derived_from/1");
    let again = results(&send(&house, REGISTRATIONS, items).await);
    assert_eq!(statuses(&again), [200, 201, 200]);
}

#[actix_web::test]
async fn downloads_are_answered_as_each_alone_would_be() {
    let house = House::open();
    let (asset_id, _) = house.registered().await;
    let events = house.events();
    let items = json!([
        {"asset_id": asset_id},
        {"asset_id": asset_id.to_uppercase()},
        {"asset_id": 1, "ttl_seconds": 0},
        {"ttl_seconds": 1},
        {"asset_id": asset_id, "ttl_seconds": 60},
    ]);
    let all = results(&send(&house, DOWNLOADS, items).await);
    assert_eq!(statuses(&all), [200, 404, 422, 422, 200]);
    assert_eq!(all[2]["body"]["errors"].as_array().unwrap().len(), 2);
    assert_eq!(all[3]["body"]["errors"][0]["pointer"], "/asset_id");
    let alone = house
        .post(
            &format!("/nexus/raw/{asset_id}/presign-download"),
            &json!({}),
        )
        .send()
        .await;
    assert_eq!(alone.status, 200);
    let strip = |mut body: Value| {
        body["url"].take();
        body["expires_at"].take();
        body
    };
    assert_eq!(strip(all[0]["body"].clone()), strip(alone.json()));
    // within one batch, too, a repeat writes nothing
    assert_eq!(house.events(), events + 1);
}

#[actix_web::test]
async fn a_key_is_bound_to_the_whole_batch_and_each_item_is_a_repeat() {
    let house = House::open();
    let mut large = presign_body();
    large["size_bytes"] = json!(-1);
    let items = || json!([presign_body(), large.clone(), presign_body()]);
    let send = async |items: Value, key: &str| {
        let request = house.post(UPLOADS, &json!({"items": items}));
        request.header("idempotency-key", key).send().await
    };
    let first = results(&send(items(), "k").await);
    let again = results(&send(items(), "k").await);
    assert_eq!(statuses(&first), [200, 422, 200]);
    assert_eq!(statuses(&again), [200, 422, 200]);
    let ids = |results: &[Value]| [0, 2].map(|at| results[at]["body"]["asset_id"].clone());
    assert_eq!(ids(&first), ids(&again));
    assert_ne!(ids(&first)[0], ids(&first)[1]);
    assert_eq!(house.events(), 4);
    for other in [
        json!([presign_body()]),
        json!([presign_body(), presign_body(), large]),
    ] {
        let reused = send(other, "k").await;
        assert_eq!(reused.status, 422, "{reused:?}");
        assert_eq!(reused.json()["code"], "idempotency-key-reused");
    }
    assert_eq!(house.events(), 4);
    // neither the key of the route for one nor that of another batch
    let single = house
        .presign(&presign_body())
        .header("idempotency-key", "k");
    assert_eq!(single.send().await.status, 200);
    assert_ne!(ids(&results(&send(items(), "k2").await)), ids(&first));
    // once registered, an item is what the route for one says
    let id = ids(&first)[0].as_str().unwrap().to_owned();
    house.place(&id, uploaded(&id));
    house.register(&json!({"asset_id": id})).send().await;
    let later = results(&send(items(), "k").await);
    assert_eq!(statuses(&later), [409, 422, 200]);
    assert_eq!(
        later[0]["headers"],
        json!({"location": format!("/nexus/raw/{id}")})
    );
}

#[actix_web::test]
async fn what_is_registered_is_returned_in_a_batch_too() {
    let house = House::open();
    let (asset_id, registered) = house.registered().await;
    let mut returning = presign_body();
    returning["if_registered"] = json!("return");
    let mut creating = presign_body();
    creating["if_registered"] = json!("create");
    let mut wrong = presign_body();
    wrong["if_registered"] = json!("skip");
    let items = json!([returning, creating, wrong]);
    let all = results(&send(&house, UPLOADS, items).await);
    assert_eq!(statuses(&all), [200, 200, 422]);
    assert_eq!(all[0]["body"], json!({"registered": registered.json()}));
    assert_ne!(all[1]["body"]["asset_id"], json!(asset_id));
    assert_eq!(all[2]["body"]["errors"][0]["pointer"], "/if_registered");
    let alone = house.presign(&returning).send().await;
    assert_eq!((alone.status, alone.json()), (200, all[0]["body"].clone()));
}

/// The line of the request says 200, so what failed within it has a line of its own for each code.
#[actix_web::test]
async fn what_fails_within_a_batch_is_in_the_log() {
    let lines = Lines::default();
    let house = House::open_with(Parts {
        log: lines.logger(),
        ..Parts::default()
    });
    house.catalog.set_available(false);
    let items = json!([presign_body(), {}, presign_body()]);
    let all = results(&send(&house, UPLOADS, items).await);
    assert_eq!(statuses(&all), [503, 422, 503]);
    assert_eq!(all[0]["headers"], json!({"retry-after": "2"}));
    let text = lines.text();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let failed: Vec<Value> = lines
        .filter(|it: &Value| it["msg"] == "items failed")
        .collect();
    let [failed] = &failed[..] else {
        panic!("{text}");
    };
    assert_eq!(
        (&failed["level"], &failed["items"]),
        (&json!("ERRO"), &json!(2))
    );
    assert_eq!(failed["code"], "catalog-unavailable");
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("taken the catalogue down"), "{error}");
}

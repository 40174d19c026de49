//! Whether models may be trained on an asset by now, in every answer that says so.

use serde_json::{Value, json};

use super::support::House;

/// An asset with training allowed by its own statement.
async fn allowed(house: &House, parents: &[&str]) -> String {
    let lineage = json!({"derived_from": parents});
    let more = json!({"train_ok": true, "lineage": lineage});
    house.registered_with(&more).await
}

async fn state_train_ok(house: &House, id: &str, train_ok: bool) {
    let fact = json!({"kind": "train_ok", "value": train_ok});
    house.stated(id, &fact).await;
}

/// What the list says of an asset.
async fn listed(house: &House, id: &str) -> Value {
    let answer = house.get("/nexus/raw").send().await;
    let mut body = answer.json();
    let mut assets = body["assets"].as_array_mut().unwrap().iter_mut();
    assets.find(|it| it["asset_id"] == id).unwrap()["in_force"].take()
}

/// What the facts say of an asset: effective, and who withholds it.
async fn facts(house: &House, id: &str) -> (Value, Value) {
    let answer = house.get(&format!("/nexus/raw/{id}/facts")).send().await;
    let mut in_force = answer.json()["in_force"].take();
    (
        in_force["train_ok_effective"].take(),
        in_force["withheld_by"].take(),
    )
}

/// Asserts what every answer says of an asset that allows training by its own statement.
async fn assert_effective(house: &House, id: &str, effective: bool, withheld_by: &[&str]) {
    let text = if effective { "true" } else { "false" };
    let path = format!("/nexus/raw/{id}");
    let whole = house.get(&path).send().await;
    let tag = whole.header("etag").unwrap().to_owned();
    let head = house.request("HEAD", &path).send().await;
    let again = house.get(&path).header("if-none-match", &tag).send().await;
    for (answer, status) in [(&whole, 200), (&head, 200), (&again, 304)] {
        assert_eq!(answer.status, status);
        let header = answer.header("nexus-train-ok-effective");
        assert_eq!(header, Some(text), "{status}");
        assert_eq!(answer.header("etag"), Some(&*tag));
    }
    let in_force = json!({"train_ok": true, "train_ok_effective": effective, "pii_flags": []});
    assert_eq!(listed(house, id).await, in_force);
    let download = house.request("POST", &format!("{path}/presign-download"));
    assert_eq!(download.send().await.json()["in_force"], in_force);
    assert_eq!(
        facts(house, id).await,
        (json!(effective), json!(withheld_by))
    );
    let lineage = house.get(&format!("{path}/lineage?limit=1")).send().await;
    let node = &lineage.json()["nodes"][0];
    assert_eq!(
        (&node["train_ok"], &node["train_ok_effective"]),
        (&json!(true), &json!(effective))
    );
}

#[actix_web::test]
async fn a_withdrawn_permission_is_withdrawn_from_every_descendant_and_comes_back() {
    let house = House::open();
    let origin = allowed(&house, &[]).await;
    let copy = allowed(&house, &[&origin]).await;
    let other = allowed(&house, &[]).await;
    let both = allowed(&house, &[&other, &copy]).await;
    let record = house.get(&format!("/nexus/raw/{both}")).send().await;
    for id in [&origin, &copy, &other, &both] {
        assert_effective(&house, id, true, &[]).await;
    }
    state_train_ok(&house, &origin, false).await;
    assert_effective(&house, &copy, false, &[&origin]).await;
    assert_effective(&house, &both, false, &[&origin]).await;
    assert_effective(&house, &other, true, &[]).await;
    // another ancestor that withholds it, too
    state_train_ok(&house, &other, false).await;
    state_train_ok(&house, &origin, true).await;
    assert_effective(&house, &copy, true, &[]).await;
    assert_effective(&house, &both, false, &[&other]).await;
    state_train_ok(&house, &other, true).await;
    assert_effective(&house, &both, true, &[]).await;
    let now = house.get(&format!("/nexus/raw/{both}")).send().await;
    assert_eq!(
        (now.body == record.body, now.header("etag")),
        (true, record.header("etag"))
    );
}

#[actix_web::test]
async fn who_withholds_an_asset_is_listed_nearest_first() {
    let house = House::open();
    let farthest = house.registered_with(&json!({})).await;
    let between = allowed(&house, &[&farthest]).await;
    let parents = [
        allowed(&house, &[]).await,
        allowed(&house, &[&between]).await,
    ];
    let child = allowed(&house, &[&parents[0], &parents[1]]).await;
    for id in [&parents[1], &child, &parents[0]] {
        state_train_ok(&house, id, false).await;
    }
    let withheld_by = json!([child, parents[0], parents[1], farthest]);
    assert_eq!(facts(&house, &child).await, (json!(false), withheld_by));
}

#[actix_web::test]
async fn what_is_derived_from_a_withheld_asset_begins_withheld() {
    let house = House::open();
    let parent = allowed(&house, &[]).await;
    state_train_ok(&house, &parent, false).await;
    let child = allowed(&house, &[&parent]).await;
    assert_effective(&house, &child, false, &[&parent]).await;
    // and by what was registered, too
    let withheld = house.registered_with(&json!({})).await;
    let child = allowed(&house, &[&withheld]).await;
    assert_effective(&house, &child, false, &[&withheld]).await;
    state_train_ok(&house, &withheld, true).await;
    assert_effective(&house, &child, true, &[]).await;
}

/// The events of an asset after its registration.
async fn events(house: &House, id: &str) -> Vec<Value> {
    let answer = house.get(&format!("/nexus/raw/{id}/events")).send().await;
    let mut body = answer.json();
    let mut events = body["events"].take();
    events.as_array_mut().unwrap().split_off(2)
}

#[actix_web::test]
async fn events_have_the_fact_and_what_was_in_force_after_it() {
    let house = House::open();
    let id = allowed(&house, &[]).await;
    let evidence = "d".repeat(64);
    let withdrawn = json!({
        "kind": "train_ok",
        "value": false,
        "reason": "asked for",
        "evidence_sha256": evidence,
    });
    house.stated(&id, &withdrawn).await;
    let flags = json!({"kind": "pii_flags", "value": ["face"]});
    house.stated(&id, &flags).await;
    let license = json!({"kind": "license", "value": null});
    house.stated(&id, &license).await;
    house
        .request("POST", &format!("/nexus/raw/{id}/presign-download"))
        .send()
        .await;
    let events = events(&house, &id).await;
    let stated: Vec<_> = events
        .iter()
        .map(|it| {
            json!([
                it["event_type"],
                it["train_ok"],
                it["pii_flags"],
                it.get("fact")
            ])
        })
        .collect();
    let fact = |kind: &str, value: Value| json!({"kind": kind, "value": value, "reason": null, "evidence_sha256": null});
    let name = "raw_asset_fact_stated";
    assert_eq!(
        stated,
        [
            json!([name, false, [], withdrawn]),
            json!([name, false, ["face"], fact("pii_flags", json!(["face"]))]),
            json!([name, false, ["face"], fact("license", json!(null))]),
            json!(["raw_asset_download_presigned", false, ["face"], null]),
        ]
    );
    // to the byte
    let answer = house
        .get(&format!("/nexus/raw/{id}/events?after=2&limit=1"))
        .send()
        .await;
    let event_id = events[0]["event_id"].as_str().unwrap();
    let sha256 = nexus_raw_testkit::sample::facts().sha256;
    let expected = format!(
        "{{\"events\":[{{\"event_id\":\"{event_id}\",\"schema_version\":\"1\",\
         \"event_type\":\"raw_asset_fact_stated\",\"sequence\":3,\"occurred_at\":\"2026-11-24T01:00:00Z\",\
         \"tenant_id\":\"t_demo\",\"env\":\"dev\",\"user_id\":\"u_demo\",\
         \"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"request_id\":\"req-1\",\"asset_id\":\"{id}\",\
         \"uri\":\"s3://nexus-raw-test/tenants/t_demo/dev/raw/{id}/DSCN0010.jpg\",\"sha256\":\"{sha256}\",\
         \"size_bytes\":22,\"content_type\":\"image/jpeg\",\
         \"lineage\":{{\"derived_from\":[],\"source_uri\":null,\"activity\":null}},\"pii_flags\":[],\
         \"train_ok\":false,\"fact\":{{\"kind\":\"train_ok\",\"value\":false,\"reason\":\"asked for\",\
         \"evidence_sha256\":\"{evidence}\"}}}}]}}"
    );
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
}

#[actix_web::test]
async fn the_feed_selects_facts_by_their_type() {
    let house = House::open();
    let id = allowed(&house, &[]).await;
    state_train_ok(&house, &id, false).await;
    house.presigned().await;
    state_train_ok(&house, &id, true).await;
    let sequences = async |query: &str| {
        let answer = house
            .get(&format!("/nexus/raw/events?{query}"))
            .send()
            .await;
        let body = answer.json();
        let events = body["events"].as_array().unwrap().iter();
        events
            .map(|it| it["sequence"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    let facts = "event_type=raw_asset_fact_stated";
    assert_eq!(sequences(facts).await, [3, 5]);
    assert_eq!(sequences(&format!("{facts}&after=3")).await, [5]);
    let both = format!("{facts}&event_type=raw_asset_registered");
    assert_eq!(sequences(&both).await, [2, 3, 5]);
}

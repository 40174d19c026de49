//! Facts: what is stated, what is listed, and what is in force.

use serde_json::{Value, json};

use super::support::{House, Request, TRACE_ID};

fn path(asset_id: &str) -> String {
    format!("/nexus/raw/{asset_id}/facts")
}

/// A request of a viewer.
fn list(house: &House, asset_id: &str, query: &str) -> Request {
    house
        .get(&format!("{}{query}", path(asset_id)))
        .with("authorization", "Bearer viewer")
}

/// A fact as it is answered.
fn fact(sequence: u64, kind: &str, value: &Value) -> Value {
    json!({
        "sequence": sequence,
        "stated_at": "2026-11-24T01:00:00Z",
        "stated_by": "u_demo",
        "kind": kind,
        "value": value,
        "reason": null,
        "evidence_sha256": null,
    })
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

fn not_found(asset_id: &str) -> (u16, Value) {
    let text = "there is no such asset in this tenant and environment";
    problem(asset_id, (404, "asset-not-found", "Asset not found", text))
}

/// What is in force of an asset of which nothing was stated.
fn as_registered(asset_id: &str) -> Value {
    json!({
        "train_ok": false,
        "train_ok_effective": false,
        "withheld_by": [asset_id],
        "pii_flags": [],
        "labels": {},
        "license": null,
        "rights_holder": null,
        "scan": null,
        "c2pa": null,
    })
}

#[actix_web::test]
async fn a_fact_of_each_kind_is_stated_and_in_force_as_it_is_answered() {
    let house = House::open();
    let id = house.registered_with(&json!({})).await;
    let mut in_force = as_registered(&id);
    let scan = json!({
        "scanner": "clamav 1.4 / main",
        "verdict": "clean",
        "scanned_at": "2026-11-24T02:05:00.5+01:00",
    });
    let scan_in_utc = json!({
        "scanner": "clamav 1.4 / main",
        "verdict": "clean",
        "scanned_at": "2026-11-24T01:05:00.500000Z",
    });
    house.clock.set(nexus_raw_testkit::sample::seconds_after(1));
    for (sequence, (kind, value, stated)) in (3..).zip([
        ("train_ok", json!(true), None),
        ("pii_flags", json!(["location", "face"]), None),
        ("labels", json!({"camera": "x", "a.b": ""}), None),
        (
            "license",
            json!("MIT OR (LicenseRef-acme AND CC0-1.0)"),
            None,
        ),
        ("rights_holder", json!("Jos\u{e9} / Ana \\ Co"), None),
        ("scan", scan, Some(scan_in_utc)),
        ("c2pa", json!({"state": "valid"}), None),
    ]) {
        let answer = house
            .state(&id, &json!({"kind": kind, "value": value}))
            .send()
            .await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("location"), None);
        let stated = stated.unwrap_or(value);
        let mut expected = fact(sequence, kind, &stated);
        expected["stated_at"] = json!("2026-11-24T01:00:01Z");
        assert_eq!(answer.whole(), (201, expected.clone()));
        in_force[kind] = stated;
        if kind == "train_ok" {
            in_force["train_ok_effective"] = json!(true);
            in_force["withheld_by"] = json!([]);
        }
        let last = list(&house, &id, &format!("?after={}", sequence - 1));
        let expected = json!({"facts": [expected], "in_force": in_force});
        assert_eq!(last.send().await.whole(), (200, expected), "{kind}");
    }
}

/// To the byte, since a map would hide the order of members.
#[actix_web::test]
async fn members_come_in_the_order_of_the_contract() {
    let house = House::open();
    let id = house
        .registered_with(&json!({"labels": {"b": "1", "a": "2"}}))
        .await;
    let evidence = "a".repeat(64);
    let scan = r#"{"scanner":"x","verdict":"infected","scanned_at":"2026-11-24T01:00:00Z"}"#;
    let body = format!(
        r#"{{"evidence_sha256":"{evidence}","reason":"quarantined","value":{scan},"kind":"scan"}}"#
    );
    let answer = house.state(&id, &json!({})).body(body).send().await;
    let stated = format!(
        r#"{{"sequence":3,"stated_at":"2026-11-24T01:00:00Z","stated_by":"u_demo","kind":"scan","value":{scan},"reason":"quarantined","evidence_sha256":"{evidence}"}}"#
    );
    assert_eq!(String::from_utf8(answer.body).unwrap(), stated);
    let in_force = format!(
        r#"{{"train_ok":false,"train_ok_effective":false,"withheld_by":["{id}"],"pii_flags":[],"labels":{{"a":"2","b":"1"}},"license":null,"rights_holder":null,"scan":{scan},"c2pa":null}}"#
    );
    let answer = list(&house, &id, "").send().await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let expected = format!(r#"{{"facts":[{stated}],"in_force":{in_force}}}"#);
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
}

#[actix_web::test]
async fn null_withdraws_and_the_record_stays_as_it_was_registered() {
    let house = House::open();
    let (id, registered) = house.registered().await;
    let scan = json!({"scanner": "x", "verdict": "unknown", "scanned_at": "1970-01-01T00:00:00Z"});
    let mut facts = Vec::new();
    for (kind, value) in [
        ("license", json!("MIT")),
        ("rights_holder", json!("A")),
        ("scan", scan),
        ("c2pa", json!({"state": "absent"})),
    ] {
        for value in [value, Value::Null] {
            let stated = house
                .stated(&id, &json!({"kind": kind, "value": value}))
                .await;
            assert_eq!(stated["value"], value);
            facts.push(stated);
        }
    }
    let expected = json!({"facts": facts, "in_force": as_registered(&id)});
    assert_eq!(list(&house, &id, "").send().await.whole(), (200, expected));
    let record = house.get(&format!("/nexus/raw/{id}")).send().await;
    assert_eq!(record.body, registered.body);
}

#[actix_web::test]
async fn a_fact_that_is_the_latest_of_its_kind_is_answered_again_and_not_written() {
    let house = House::open();
    let id = house.registered_with(&json!({})).await;
    let body = json!({
        "kind": "pii_flags",
        "value": ["face", "name"],
        "reason": "seen by a person",
        "evidence_sha256": "b".repeat(64),
    });
    let first = house.stated(&id, &body).await;
    let mut other = body.clone();
    other["kind"] = json!("license");
    other["value"] = json!(null);
    // nothing was stated of the license: its withdrawal is a fact all the same
    house.stated(&id, &other).await;
    let events = house.events();
    house.clock.set(nexus_raw_testkit::sample::seconds_after(9));
    // flags have no order, and it does not matter who says it
    let mut again = body.clone();
    again["value"] = json!(["name", "face"]);
    for again in [&body, &again] {
        let request = house
            .state(&id, again)
            .with("authorization", "Bearer admin");
        assert_eq!(request.send().await.whole(), (200, first.clone()));
    }
    assert_eq!(house.events(), events);
    for (member, value) in [
        ("value", json!(["name"])),
        ("reason", json!(null)),
        ("evidence_sha256", json!("c".repeat(64))),
    ] {
        let mut other = body.clone();
        other[member] = value;
        house.stated(&id, &other).await;
        // and what stood before is new again
        house.stated(&id, &body).await;
    }
    assert_eq!(house.events(), events + 6);
}

#[actix_web::test]
async fn facts_come_in_pages_with_all_that_is_in_force() {
    let house = House::open();
    let id = house
        .registered_with(&json!({"train_ok": true, "pii_flags": ["face"]}))
        .await;
    let mut facts = Vec::new();
    for n in 0..5 {
        let labels = json!({"n": n.to_string()});
        facts.push(
            house
                .stated(&id, &json!({"kind": "labels", "value": labels}))
                .await,
        );
        // other events of the scope are no facts
        house.presigned().await;
    }
    let mut in_force = as_registered(&id);
    in_force["train_ok"] = json!(true);
    in_force["train_ok_effective"] = json!(true);
    in_force["withheld_by"] = json!([]);
    in_force["pii_flags"] = json!(["face"]);
    in_force["labels"] = json!({"n": "4"});
    let sequence = |at: usize| facts[at]["sequence"].as_u64().unwrap();
    for (query, page) in [
        (String::new(), &facts[..]),
        ("?limit=2".to_owned(), &facts[..2]),
        (format!("?limit=2&after={}", sequence(1)), &facts[2..4]),
        (format!("?limit=1000&after={}", sequence(3)), &facts[4..]),
        (format!("?after={}", sequence(4)), &[]),
        ("?after=9223372036854775807".to_owned(), &[]),
    ] {
        let answer = list(&house, &id, &query).send().await;
        let expected = json!({"facts": page, "in_force": in_force});
        assert_eq!(answer.whole(), (200, expected), "{query}");
    }
    let answer = list(&house, &id, "?limit=1001&after=-1&after=&kind=scan")
        .send()
        .await;
    let text = "the query breaks the rules named in errors";
    let facts = (422, "validation-failed", "Validation failed", text);
    let (status, mut expected) = problem(&id, facts);
    expected["errors"] = json!([
        {"pointer": "/after", "detail": "must be there once"},
        {"pointer": "/limit", "detail": "must be an integer from 1 to 1000"},
        {"pointer": "/kind", "detail": "is not a known parameter"},
    ]);
    assert_eq!(answer.whole(), (status, expected));
}

#[actix_web::test]
async fn a_page_has_a_hundred_facts_unless_asked_otherwise() {
    let house = House::open();
    let id = house.registered_with(&json!({})).await;
    for n in 0..101 {
        house
            .stated(&id, &json!({"kind": "train_ok", "value": n % 2 == 0}))
            .await;
    }
    let count = async |query: &str| {
        let answer = list(&house, &id, query).send().await;
        answer.json()["facts"].as_array().unwrap().len()
    };
    assert_eq!((count("").await, count("?limit=1000").await), (100, 101));
}

#[actix_web::test]
async fn what_is_not_registered_in_the_scope_has_no_facts_and_gets_none() {
    let house = House::open();
    let id = house.registered_with(&json!({})).await;
    let pending = house.presigned_and_uploaded().await;
    let absent = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";
    let upper = id.to_uppercase();
    let events = house.events();
    let mut names = None;
    for (asset_id, tenant, env) in [
        (absent, "t_demo", "dev"),
        (&*pending, "t_demo", "dev"),
        (&*upper, "t_demo", "dev"),
        ("x", "t_demo", "dev"),
        (&*id, "t_demo", "prod"),
        (&*id, "t_other", "dev"),
    ] {
        let fact = json!({"kind": "train_ok", "value": true});
        for request in [house.state(asset_id, &fact), house.get(&path(asset_id))] {
            let request = request
                .with("authorization", "Bearer both")
                .with("x-tenant-id", tenant)
                .with("x-env", env);
            let answer = request.send().await;
            assert_eq!(answer.whole(), not_found(asset_id));
            let these = answer.header_names().join(" ");
            assert_eq!(*names.get_or_insert(these.clone()), these, "{asset_id}");
        }
    }
    // a fault of the body comes first
    let faulty = house
        .state(absent, &json!({"kind": "train_ok"}))
        .send()
        .await;
    let pointers = vec!["/value".to_owned()];
    assert_eq!(
        faulty.problem(),
        (422, "validation-failed".to_owned(), pointers)
    );
    assert_eq!(house.events(), events);
}

#[actix_web::test]
async fn owners_and_admins_state_facts_and_every_member_reads_them() {
    let house = House::open();
    let id = house.registered_with(&json!({})).await;
    let as_role =
        |request: Request, role: &str| request.with("authorization", &format!("Bearer {role}"));
    let fact = json!({"kind": "train_ok", "value": true});
    let text = "the caller has no right to do this in this tenant";
    let forbidden = problem(&id, (403, "forbidden", "Forbidden", text));
    for lesser in ["member", "viewer", "roleless", "stranger"] {
        let answer = as_role(house.state(&id, &fact), lesser).send().await;
        assert_eq!(answer.whole(), forbidden, "{lesser}");
    }
    assert_eq!(house.events(), 2);
    for reader in ["owner", "admin", "member", "viewer", "roleless"] {
        let answer = as_role(house.get(&path(&id)), reader).send().await;
        let expected = json!({"facts": [], "in_force": as_registered(&id)});
        assert_eq!(answer.whole(), (200, expected), "{reader}");
    }
    let stranger = as_role(house.get(&path(&id)), "stranger").send().await;
    assert_eq!(stranger.whole(), forbidden);
    let admin = as_role(house.state(&id, &fact), "admin").send().await;
    assert_eq!(
        admin.whole(),
        (201, self::fact(3, "train_ok", &json!(true)))
    );
}

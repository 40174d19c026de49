//! The list of registered assets: its pages, its cursors, and every fault of its query.

use serde_json::{Value, json};

use super::support::{Answer, House, Request, TRACE_ID};

const LIST: &str = "/nexus/raw";

fn reader(house: &House, target: &str) -> Request {
    house.get(target).with("authorization", "Bearer viewer")
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    let assets = body["assets"].as_array().unwrap().iter();
    assets
        .map(|it| it["asset_id"].as_str().unwrap().to_owned())
        .collect()
}

/// The pointers and details of a refused query.
fn faults(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 422, "{answer:?}");
    let mut body = answer.json();
    let errors = body["errors"].take();
    let problem = json!({
        "type": "urn:nexus-raw:problem:validation-failed",
        "title": "Validation failed",
        "status": 422,
        "detail": "the query breaks the rules named in errors",
        "instance": LIST,
        "code": "validation-failed",
        "trace_id": TRACE_ID,
        "errors": null,
    });
    assert_eq!(body, problem);
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    errors
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(&it["pointer"]), text(&it["detail"])))
        .collect()
}

/// Registers so many assets, each with a label `n`.
async fn registered(house: &House, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let id = house.presigned_and_uploaded().await;
        let body = json!({"asset_id": id, "labels": {"n": n.to_string()}, "train_ok": n % 2 == 0});
        assert_eq!(house.register(&body).send().await.status, 201);
        ids.push(id);
    }
    ids
}

#[actix_web::test]
async fn an_item_is_the_record_and_what_is_in_force() {
    let house = House::open();
    let [id] = registered(&house, 1).await.try_into().unwrap();
    let record = reader(&house, &format!("{LIST}/{id}")).send().await;
    let record = String::from_utf8(record.body).unwrap();
    let item = format!(
        "{},\"in_force\":{{\"train_ok\":true,\"train_ok_effective\":true,\"pii_flags\":[]}}}}",
        record.strip_suffix('}').unwrap()
    );
    let answer = reader(&house, LIST).send().await;
    let body = format!("{{\"assets\":[{item}],\"next_cursor\":null}}");
    assert_eq!(String::from_utf8_lossy(&answer.body), body);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let none = reader(&house, &format!("{LIST}?label.n=1")).send().await;
    assert_eq!(none.body, b"{\"assets\":[],\"next_cursor\":null}");
}

#[actix_web::test]
async fn pages_join_newest_first_also_when_the_limit_changes() {
    let house = House::open();
    let mut newest_first = registered(&house, 7).await;
    newest_first.reverse();
    let mut came = Vec::new();
    let mut target = format!("{LIST}?limit=1");
    for limit in 2.. {
        let answer = reader(&house, &target).send().await;
        came.extend(ids(&answer));
        let Some(cursor) = answer.json()["next_cursor"].as_str().map(str::to_owned) else {
            break;
        };
        target = format!("{LIST}?cursor={cursor}&limit={limit}");
    }
    assert_eq!(came, newest_first);
}

#[actix_web::test]
async fn filters_are_form_decoded_and_all_hold() {
    let house = House::open();
    let all = registered(&house, 3).await;
    for (query, expected) in [
        ("label.n=1", vec![1]),
        ("label%2en=%31", vec![1]),
        ("label.n=1&label.m=", vec![]),
        ("content_type=image%2Fjpeg&limit=2", vec![2, 1]),
        ("content_type=image/*", vec![2, 1, 0]),
        ("filename=DSCN0010.jpg&filename_prefix=DSC", vec![2, 1, 0]),
        ("filename_prefix=DSCN+0010", vec![]),
        ("registered_by=u_demo", vec![2, 1, 0]),
        (
            "imported_from=2026-11-24T02%3A00%3A00%2B01:00",
            vec![2, 1, 0],
        ),
        ("imported_to=2026-11-24T01:00:00Z", vec![]),
        ("size_bytes=22", vec![2, 1, 0]),
        ("captured_from=2000-01-01T00:00:00Z", vec![]),
    ] {
        let answer = reader(&house, &format!("{LIST}?{query}")).send().await;
        let expected: Vec<_> = expected
            .into_iter()
            .map(|at: usize| all[at].clone())
            .collect();
        assert_eq!(ids(&answer), expected, "{query}");
    }
}

#[actix_web::test]
async fn filters_by_facts_select_what_is_in_force() {
    let house = House::open();
    let parent = house
        .registered_with(&json!({"train_ok": true, "pii_flags": ["face"], "labels": {"n": "0"}}))
        .await;
    let child = json!({"train_ok": true, "lineage": {"derived_from": [parent]}});
    let child = house.registered_with(&child).await;
    let all = [parent, child];
    let selected = async |query: &str| {
        let answer = reader(&house, &format!("{LIST}?{query}")).send().await;
        let ids = ids(&answer);
        let place = |id: &String| all.iter().position(|it| it == id).unwrap();
        ids.iter().map(place).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("pii_flag=face", vec![0]),
        ("pii_flag=location", vec![]),
        ("train_ok=true", vec![1, 0]),
        ("train_ok=false", vec![]),
        ("train_ok_effective=true&label.n=0", vec![0]),
        ("train_ok_effective=false", vec![]),
    ] {
        assert_eq!(selected(query).await, expected, "{query}");
    }
    for (kind, value) in [
        ("pii_flags", json!(["location"])),
        ("train_ok", json!(false)),
        ("labels", json!({"n": "1"})),
    ] {
        house
            .stated(&all[0], &json!({"kind": kind, "value": value}))
            .await;
    }
    for (query, expected) in [
        ("pii_flag=face", vec![]),
        ("pii_flag=location", vec![0]),
        ("train_ok=true", vec![1]),
        ("train_ok=false", vec![0]),
        ("train_ok_effective=true", vec![]),
        ("train_ok_effective=false", vec![1, 0]),
        ("train_ok_effective=false&train_ok=true", vec![1]),
        ("label.n=0", vec![]),
        ("label.n=1&pii_flag=location", vec![0]),
    ] {
        assert_eq!(selected(query).await, expected, "{query}");
    }
    // a cursor belongs to these filters, too
    let first = format!("{LIST}?train_ok_effective=false&limit=1");
    let first = reader(&house, &first).send().await;
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let rest = format!("train_ok_effective=false&cursor={cursor}");
    assert_eq!(selected(&rest).await, [0]);
    let other = format!("{LIST}?train_ok=false&cursor={cursor}");
    let answer = reader(&house, &other).send().await;
    assert_eq!(faults(&answer)[0].0, "/cursor");
}

#[actix_web::test]
async fn every_fault_of_a_query_is_named_at_once() {
    let house = House::open();
    let query = "sha256=00&size_bytes=01&content_type=image&filename=a/b&filename_prefix=\
                 &registered_by=%00&label.A=x&label.a=1&label.a=2&captured_from=yesterday\
                 &captured_to=2026-01-01&imported_from=1&imported_to=&derived_from=x&pii_flag=Face\
                 &train_ok=1&train_ok_effective=TRUE&limit=1001&cursor=&page=2&sha256x=%f";
    let answer = reader(&house, &format!("{LIST}?{query}")).send().await;
    let faults = faults(&answer);
    let boolean = faults.iter().find(|it| it.0 == "/train_ok").unwrap();
    assert_eq!(boolean.1, "must be true or false");
    let pointers: Vec<_> = faults.into_iter().map(|it| it.0).collect();
    assert_eq!(
        pointers,
        [
            "/sha256x",
            "/sha256",
            "/size_bytes",
            "/content_type",
            "/filename",
            "/filename_prefix",
            "/registered_by",
            "/label.A",
            "/label.a",
            "/captured_from",
            "/captured_to",
            "/imported_from",
            "/imported_to",
            "/derived_from",
            "/pii_flag",
            "/train_ok",
            "/train_ok_effective",
            "/limit",
            "/cursor",
            "/page",
        ]
    );
}

/// Of other filters, of another scope, cut short, changed, and of nobody: one answer to all.
#[actix_web::test]
async fn a_cursor_of_anything_else_reveals_nothing() {
    let house = House::open();
    registered(&house, 3).await;
    let first = reader(&house, &format!("{LIST}?limit=1")).send().await;
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let expected = [(
        "/cursor".to_owned(),
        "must be the `next_cursor` of a page of this list".to_owned(),
    )];
    let last = if cursor.ends_with('A') { "B" } else { "A" };
    let changed = format!("{}{last}", &cursor[..cursor.len() - 1]);
    let long = "A".repeat(300);
    for bad in [
        format!("cursor={cursor}&filename=a"),
        format!("cursor={}", &cursor[..cursor.len() - 4]),
        format!("cursor={changed}"),
        format!("cursor={cursor}AAAA"),
        format!("cursor={cursor}="),
        "cursor=AAAA".to_owned(),
        format!("cursor={long}"),
    ] {
        let answer = reader(&house, &format!("{LIST}?{bad}")).send().await;
        assert_eq!(faults(&answer), expected, "{bad}");
    }
    let elsewhere = reader(&house, &format!("{LIST}?cursor={cursor}")).with("x-env", "prod");
    assert_eq!(faults(&elsewhere.send().await), expected);
    let again = reader(&house, &format!("{LIST}?cursor={cursor}"))
        .send()
        .await;
    assert_eq!(ids(&again).len(), 2);
}

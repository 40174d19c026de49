//! The body of a fact: what is refused, with every fault at once.

use serde_json::{Value, json};

use super::support::{Answer, House, TRACE_ID};

/// Refuses a body for exactly these faults.
async fn assert_faulty(house: &House, id: &str, body: &Value, faults: &[(&str, &str)]) {
    let answer = house.state(id, body).send().await;
    let errors = faults
        .iter()
        .map(|(pointer, detail)| json!({"pointer": pointer, "detail": detail}));
    let expected = json!({
        "type": "urn:nexus-raw:problem:validation-failed",
        "title": "Validation failed",
        "status": 422,
        "detail": "the body breaks the rules named in errors",
        "instance": format!("/nexus/raw/{id}/facts"),
        "code": "validation-failed",
        "trace_id": TRACE_ID,
        "errors": errors.collect::<Vec<_>>(),
    });
    assert_eq!(answer.whole(), (422, expected), "{body}");
}

const KIND: &str = "must be one of train_ok, pii_flags, labels, license, rights_holder, scan, c2pa";
const VERDICT: &str = "must be `clean`, `infected` or `unknown`";
const STATE: &str = "must be `absent`, `present`, `valid` or `invalid`";
const FLAG: &str =
    "must be one of email, phone, card, postal, name, face, location, health, biometric, other";
const LICENSE: &str = "must be an SPDX license expression of at most 128 bytes, such as `CC-BY-4.0` or `MIT OR Apache-2.0`";
const TIME: &str = "must be an RFC 3339 time such as `2008-10-22T16:28:39.5+02:00`, with a fraction of at most 6 digits and no second 60";
const AHEAD: &str = "must not lie more than 5 minutes ahead of now";
const DIGEST: &str = "must be 64 lower-case hexadecimal digits";
const UNKNOWN: &str = "is not a known field";
const REQUIRED: &str = "is required";

fn text(most: usize) -> String {
    format!(
        "must have 1 to {most} bytes of UTF-8, and no control, bidirectional-format or zero-width character and no \
         noncharacter"
    )
}

#[actix_web::test]
async fn every_fault_of_a_fact_is_named_at_once() {
    let house = House::open();
    let id = house.registered_with(&json!({})).await;
    let body = json!({
        "kind": "scan",
        "value": {"scanner": "", "verdict": "Clean", "scanned_at": "yesterday", "engine": 1},
        "reason": "a\u{202e}b",
        "evidence_sha256": "AB",
        "stated_by": "u_other",
        "a/b": 1,
    });
    let faults = [
        ("/value/scanner", &*text(128)),
        ("/value/verdict", VERDICT),
        ("/value/scanned_at", TIME),
        ("/value/engine", UNKNOWN),
        ("/reason", &*text(512)),
        ("/evidence_sha256", DIGEST),
        ("/a~1b", UNKNOWN),
        ("/stated_by", UNKNOWN),
    ];
    assert_faulty(&house, &id, &body, &faults).await;
    assert_faulty(
        &house,
        &id,
        &json!({}),
        &[("/kind", REQUIRED), ("/value", REQUIRED)],
    )
    .await;
    // the value of an unknown kind is not judged, and the rest is
    let body = json!({"kind": "licence", "value": {"x": [null]}, "reason": ""});
    let faults = [("/kind", KIND), ("/reason", &*text(512))];
    assert_faulty(&house, &id, &body, &faults).await;
    let body = json!({"kind": null, "reason": 1});
    let faults = [
        ("/kind", "must be a string"),
        ("/value", REQUIRED),
        ("/reason", "must be a string"),
    ];
    assert_faulty(&house, &id, &body, &faults).await;
    assert_eq!(house.events(), 2);
}

#[actix_web::test]
async fn a_value_is_one_of_its_kind() {
    let house = House::open();
    let id = house.registered_with(&json!({})).await;
    let too_many: serde_json::Map<_, _> = (0..33).map(|n| (format!("k{n}"), json!(""))).collect();
    let [holder, scanner] = [256, 128].map(text);
    let boolean = "must be true or false";
    let key = "must have keys of 1 to 63 of `a-z`, `0-9`, `.`, `_` and `-`, starting with a letter or digit";
    let label = "must have at most 256 bytes of UTF-8 and no U+0000";
    let array = "must be an array";
    let object = "must be an object";
    let string = "must be a string";
    for (kind, value, faults) in [
        ("train_ok", json!(null), vec![("/value", boolean)]),
        ("train_ok", json!("true"), vec![("/value", boolean)]),
        ("train_ok", json!(1), vec![("/value", boolean)]),
        ("pii_flags", json!(null), vec![("/value", array)]),
        ("pii_flags", json!("face"), vec![("/value", array)]),
        (
            "pii_flags",
            json!(["face", "Face", "name", "face", 7]),
            vec![
                ("/value/1", FLAG),
                ("/value/3", "repeats an earlier member"),
                ("/value/4", string),
            ],
        ),
        ("labels", json!(null), vec![("/value", object)]),
        ("labels", json!(["a"]), vec![("/value", object)]),
        (
            "labels",
            json!({"A": "", "a": 1, "b": "x".repeat(257), "c/d": "", "e": null}),
            vec![
                ("/value/A", key),
                ("/value/a", string),
                ("/value/b", label),
                ("/value/c~1d", key),
                ("/value/e", string),
            ],
        ),
        (
            "labels",
            json!(too_many),
            vec![("/value", "must have at most 32 members")],
        ),
        ("license", json!("CC BY 4.0"), vec![("/value", LICENSE)]),
        ("license", json!(""), vec![("/value", LICENSE)]),
        ("license", json!(true), vec![("/value", string)]),
        ("rights_holder", json!(""), vec![("/value", &*holder)]),
        (
            "rights_holder",
            json!("x".repeat(257)),
            vec![("/value", &*holder)],
        ),
        ("rights_holder", json!({}), vec![("/value", string)]),
        ("scan", json!([]), vec![("/value", object)]),
        (
            "scan",
            json!({}),
            vec![
                ("/value/scanner", REQUIRED),
                ("/value/verdict", REQUIRED),
                ("/value/scanned_at", REQUIRED),
            ],
        ),
        (
            "scan",
            json!({"scanner": "x\u{200b}", "verdict": null, "scanned_at": "2026-11-24T01:05:00.000001Z"}),
            vec![
                ("/value/scanner", &*scanner),
                ("/value/verdict", string),
                ("/value/scanned_at", AHEAD),
            ],
        ),
        (
            "c2pa",
            json!({"state": "Valid"}),
            vec![("/value/state", STATE)],
        ),
        ("c2pa", json!({}), vec![("/value/state", REQUIRED)]),
        (
            "c2pa",
            json!({"state": null, "manifest": {}}),
            vec![("/value/state", string), ("/value/manifest", UNKNOWN)],
        ),
        ("c2pa", json!("valid"), vec![("/value", object)]),
    ] {
        let body = json!({"kind": kind, "value": value});
        assert_faulty(&house, &id, &body, &faults).await;
    }
    assert_eq!(house.events(), 2);
}

#[actix_web::test]
async fn the_longest_values_are_taken() {
    let house = House::open();
    let id = house.registered_with(&json!({})).await;
    let labels: serde_json::Map<_, _> = (0..32)
        .map(|n| (format!("{n:0>63}"), json!("\u{1}".repeat(256))))
        .collect();
    for (kind, value) in [
        ("license", json!("a".repeat(128))),
        ("rights_holder", json!("\u{20ac}".repeat(85))),
        ("labels", json!(labels)),
        (
            "scan",
            json!({"scanner": "x".repeat(128), "verdict": "clean", "scanned_at": "2026-11-24T01:05:00Z"}),
        ),
    ] {
        let body = json!({"kind": kind, "value": value, "reason": "r".repeat(512)});
        let stated = house.stated(&id, &body).await;
        assert_eq!(
            (&stated["value"], &stated["reason"]),
            (&value, &body["reason"])
        );
    }
}

#[actix_web::test]
async fn a_body_is_one_object_of_json_of_at_most_64_kib() {
    let house = House::open();
    let id = house.registered_with(&json!({})).await;
    let fact = json!({"kind": "train_ok", "value": true});
    let send = async |body: String| house.state(&id, &fact).body(body).send().await;
    let code = |answer: &Answer| {
        let (status, code, pointers) = answer.problem();
        (status, code, pointers.join(" "))
    };
    let malformed = (400, "malformed-request".to_owned(), String::new());
    for body in [
        "",
        "{",
        "{\"kind\":\"train_ok\",\"value\":true,\"value\":true}",
        "{\"kind\":\"labels\",\"value\":{\"a\":\"1\",\"\\u0061\":\"2\"}}",
    ] {
        assert_eq!(code(&send(body.to_owned()).await), malformed, "{body}");
    }
    let nothing = house.request("POST", &format!("/nexus/raw/{id}/facts"));
    let unsupported = (415, "unsupported-media-type".to_owned(), String::new());
    assert_eq!(code(&nothing.send().await), unsupported);
    let whole = (422, "validation-failed".to_owned(), String::new());
    for body in ["null", "[]", "\"train_ok\""] {
        assert_eq!(code(&send(body.to_owned()).await), whole, "{body}");
    }
    let padded = |length: usize| {
        let text = fact.to_string();
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    let long = (413, "payload-too-large".to_owned(), String::new());
    assert_eq!(code(&send(padded(65_537)).await), long);
    assert_eq!(house.events(), 2);
    assert_eq!(send(padded(65_536)).await.status, 201);
}

/// A body of a fact is checked after everything that comes before a body.
#[actix_web::test]
async fn another_method_is_refused_with_those_that_there_are() {
    let house = House::open();
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = house.request(method, "/nexus/raw/x/facts").send().await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("POST, GET, HEAD")),
            "{method}"
        );
    }
    let answer = house.request("POST", "/nexus/raw/x/lineage").send().await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, Some("GET, HEAD"))
    );
}

//! Bodies that are odd to the byte, on both routes that take one.

use serde_json::{Value, json};

use super::support::{House, Request, presign_body};

/// Collects the places of `body` that have a text, and those of its objects, as JSON pointers.
fn places(body: &Value, at: &str, texts: &mut Vec<String>, objects: &mut Vec<String>) {
    match body {
        Value::String(_) => texts.push(at.to_owned()),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), texts, objects);
            }
        }
        Value::Object(members) => {
            objects.push(at.to_owned());
            for (name, value) in members {
                places(value, &format!("{at}/{name}"), texts, objects);
            }
        }
        _ => (),
    }
}

/// A body of each route with every field that it knows.
async fn whole_bodies(house: &House) -> [(Request, Value); 2] {
    let (parent, _) = house.registered().await;
    let asset_id = house.presigned_and_uploaded().await;
    let mut register = presign_body();
    register["asset_id"] = json!(asset_id);
    register["captured_at"] = json!("2008-10-22T16:28:39Z");
    register["capture_location"] = json!({"latitude": 1, "longitude": 2});
    register["lineage"] =
        json!({"derived_from": [parent], "source_uri": "https://a.test/b", "activity": "scan"});
    register["pii_flags"] = json!(["face"]);
    register["train_ok"] = json!(true);
    register["labels"] = json!({"camera": "P6000"});
    let presign = presign_body();
    [
        (house.presign(&presign), presign),
        (house.register(&register), register),
    ]
}

#[actix_web::test]
async fn a_nul_anywhere_in_a_body_is_refused_and_nothing_is_written() {
    let house = House::open();
    let bodies = whole_bodies(&house).await;
    let before = (house.events(), house.store.calls());
    let malformed = (400, "malformed-request".to_owned(), vec![]);
    for (request, body) in &bodies {
        let (mut texts, mut objects) = (Vec::new(), Vec::new());
        places(body, "", &mut texts, &mut objects);
        let mut odd = Vec::new();
        for place in &texts {
            let text = body.pointer(place).unwrap().as_str().unwrap();
            for with in [
                format!("{text}\u{0}"),
                format!("\u{0}{text}"),
                "\u{0}".into(),
            ] {
                let mut body = body.clone();
                *body.pointer_mut(place).unwrap() = json!(with);
                odd.push((place.clone(), body));
            }
        }
        for place in &objects {
            let mut body = body.clone();
            let members = body.pointer_mut(place).unwrap().as_object_mut().unwrap();
            members.insert("a\u{0}b".to_owned(), json!("c"));
            odd.push((format!("{place}/a\u{0}b"), body));
        }
        for (place, body) in odd {
            let escaped = body.to_string();
            let raw = escaped.replace("\\u0000", "\u{0}");
            assert!(escaped != raw);
            let answer = request.clone().body(escaped).send().await.problem();
            let named = (422, "validation-failed".to_owned(), vec![place.clone()]);
            assert_eq!(answer, named, "{place:?}");
            let answer = request.clone().body(raw).send().await.problem();
            assert_eq!(answer, malformed, "{place:?}, raw");
        }
        for around in [format!("\u{0}{body}"), format!("{body}\u{0}")] {
            let answer = request.clone().body(around).send().await.problem();
            assert_eq!(answer, malformed);
        }
    }
    assert_eq!((house.events(), house.store.calls()), before);
    for ((request, _), status) in bodies.into_iter().zip([200, 201]) {
        assert_eq!(request.send().await.status, status);
    }
}

#[actix_web::test]
async fn what_is_no_strict_json_is_refused_on_either_route_and_nothing_is_written() {
    let house = House::open();
    let bodies = whole_bodies(&house).await;
    let before = (house.events(), house.store.calls());
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for (request, body) in &bodies {
        let text = body.to_string();
        let extended = |member: &str| format!("{},{member}}}", &text[..text.len() - 1]);
        let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bad in [
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            utf_16,
            [text.as_bytes(), b"x"].concat(),
            [text.as_bytes(), b"\n{}"].concat(),
            [text.as_bytes(), b"\xc3"].concat(),
            extended(r#""a":"\ud800""#).into(),
            extended(r#""a":"\udc00\ud800""#).into(),
            extended(r#""\udfff":1"#).into(),
            extended(r#""a":NaN"#).into(),
            extended(r#""a":Infinity"#).into(),
            extended(r#""a":-"#).into(),
            extended(r#""a":1."#).into(),
            extended(r#""a":+1"#).into(),
            extended(r#""a":0x1"#).into(),
            extended(r#""sha256":"a""#).into(),
            extended(r#""sh\u0061256":"a""#).into(),
            extended("\"a\":\"\t\"").into(),
            extended(&format!("\"a\":{}", nested(32))).into(),
            extended(&format!("\"a\":{}", "[".repeat(60_000))).into(),
            extended("\"a\":1,").into(),
            extended("/**/\"a\":1").into(),
        ] {
            let shown = String::from_utf8_lossy(&bad[..bad.len().min(800)]).into_owned();
            let answer = request.clone().body(bad).send().await.problem();
            let malformed = (400, "malformed-request".to_owned(), vec![]);
            assert_eq!(answer, malformed, "{shown}");
        }
        // read, with the body's own level, and only then not known
        for unknown in [nested(31), r#""\ud83e\udd80""#.to_owned(), "1e5".to_owned()] {
            let body = extended(&format!("\"a\":{unknown}"));
            let answer = request.clone().body(body).send().await.problem();
            let named = (422, "validation-failed".to_owned(), vec!["/a".to_owned()]);
            assert_eq!(answer, named, "{unknown}");
        }
        for size in [
            "-22",
            "22.0",
            "22.5",
            "2.2e1",
            "22e0",
            "-0",
            "\"22\"",
            "[22]",
            "true",
            "9007199254740993",
            "18446744073709551616",
            "1e999",
        ] {
            let odd = text.replace("\"size_bytes\":22", &format!("\"size_bytes\":{size}"));
            assert!(odd != text);
            let answer = request.clone().body(odd).send().await;
            let (status, code, pointers) = answer.problem();
            assert_eq!(
                (status, &*code, pointers),
                (422, "validation-failed", vec!["/size_bytes".to_owned()]),
                "{size}"
            );
        }
    }
    assert_eq!((house.events(), house.store.calls()), before);
}

use std::collections::BTreeSet;

use nexus_raw::{
    asset::{Disposition, Fact, FactKind, FactValue, StatedFact, Verification},
    event::{DatasetEvent, EventDownload},
};
use nexus_raw_testkit::sample;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::{
    api::{ROUTES, events, fact, openapi_document as document, record, verification},
    respond::ProblemCode,
    route::{Access, Route},
};

#[test]
fn the_document_describes_every_route_of_the_table_and_no_other() {
    let document = serde_json::to_value(document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeSet<_> = paths
        .iter()
        .flat_map(|(path, item)| keys(item).into_iter().map(move |it| (path.as_str(), it)))
        .collect();
    let method = |route: &Route| route.method.as_str().to_lowercase();
    let served = ROUTES.iter().map(|route| (route.pattern, method(route)));
    assert_eq!(described, served.collect());
    for route in ROUTES {
        let operation = &paths[route.pattern][method(route)];
        assert!(operation["operationId"].is_string(), "{}", route.pattern);
        let (security, body) = (&operation["security"], &operation["requestBody"]);
        assert_eq!(security.is_null(), route.access() == Access::Open);
        assert_eq!(body.is_object(), route.body().is_some());
    }
}

#[test]
fn the_document_is_openapi_three_one() {
    let document = serde_json::to_value(document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        document["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
    let codes = document["components"]["schemas"]["ProblemCode"]["enum"].as_array();
    let named = codes.unwrap().iter().map(|code| code.as_str().unwrap());
    assert!(named.eq(ProblemCode::ALL.iter().map(|code| code.as_str())));
    for (name, required) in [
        (
            "PresignSingle",
            ["filename", "size_bytes", "sha256"].as_slice(),
        ),
        ("PresignInParts", &["filename", "size_bytes", "multipart"]),
        (
            "PresignInPartsOfDigest",
            &["filename", "size_bytes", "sha256", "multipart"],
        ),
    ] {
        let request = &document["components"]["schemas"][name];
        assert_eq!(request["additionalProperties"], false, "{name}");
        assert_eq!(request["required"], serde_json::json!(required), "{name}");
    }
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

/// Holds a record of the domain, with all that it can have, against the schema that describes it.
fn assert_described<Described: DeserializeOwned>(name: &str, record: &Value) {
    assert_described_but_for::<Described>(name, record, &[]);
}

/// The same; all members are always there but for these.
fn assert_described_but_for<Described: DeserializeOwned>(
    name: &str,
    record: &Value,
    optional: &[&str],
) {
    let document = serde_json::to_value(document()).unwrap();
    let schema = &document["components"]["schemas"][name];
    assert_eq!(keys(&schema["properties"]), keys(record), "{name}");
    let required = schema["required"].as_array().unwrap().iter();
    let mut members: BTreeSet<_> = required.map(|it| it.as_str().unwrap().to_owned()).collect();
    members.extend(optional.iter().map(|&it| it.to_owned()));
    assert_eq!(members, keys(record), "the members of {name}");
    serde_json::from_value::<Described>(record.clone())
        .map(drop)
        .unwrap();
}

#[test]
fn records_and_events_are_as_they_are_described() {
    let scope = sample::scope("t_demo", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let new = sample::new_asset(&intent, sample::provenance());
    let record = serde_json::to_value(&new.asset).unwrap();
    assert_described::<record::RawAsset>("RawAsset", &record);
    assert_described::<record::Lineage>("Lineage", &record["lineage"]);
    let mut integrity = record["integrity"].clone();
    integrity["parts"] = serde_json::json!(2);
    assert_described_but_for::<record::Integrity>("Integrity", &integrity, &["parts"]);
    let event = serde_json::to_value(DatasetEvent {
        body: new.event,
        ..sample::event(&scope, 1)
    });
    let mut event = event.unwrap();
    let mut integrity = event["integrity"].clone();
    integrity["parts"] = serde_json::json!(2);
    assert_described_but_for::<events::EventIntegrity>("EventIntegrity", &integrity, &["parts"]);
    let download = EventDownload {
        disposition: Disposition::Inline,
        expires_at: sample::now(),
    };
    event["download"] = serde_json::to_value(download).unwrap();
    assert_described::<events::EventDownload>("EventDownload", &event["download"]);
    let fact = Fact::new(FactValue::TrainOk(true));
    event["fact"] = serde_json::to_value(&fact).unwrap();
    assert_described::<fact::EventFact>("EventFact", &event["fact"]);
    let stated = StatedFact::new(3, sample::now(), sample::user(), fact);
    let stated = serde_json::to_value(stated).unwrap();
    assert_described::<fact::StatedFact>("StatedFact", &stated);
    let verification = Verification::of(new.asset.facts(), None, sample::now());
    event["verification"] = serde_json::to_value(verification).unwrap();
    assert_described::<verification::Verification>("Verification", &event["verification"]);
    let optional = ["integrity", "fact", "verification", "download"];
    assert_described_but_for::<events::DatasetEvent>("DatasetEvent", &event, &optional);
}

#[test]
fn a_fact_of_each_kind_is_as_it_is_described() {
    let document = serde_json::to_value(document()).unwrap();
    let schemas = &document["components"]["schemas"];
    let alternatives = schemas["FactStatement"]["oneOf"].as_array().unwrap();
    let described = alternatives.iter().map(|it| {
        let name = it["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let pattern = schemas[name]["properties"]["kind"]["pattern"].as_str();
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
        assert_eq!(
            schemas[name]["required"],
            serde_json::json!(["kind", "value"])
        );
        pattern.unwrap().to_owned()
    });
    let kinds = FactKind::ALL.map(|kind| format!("^{kind}$"));
    assert_eq!(described.collect::<Vec<_>>(), kinds);
    let names = schemas["FactKind"]["enum"].as_array().unwrap().iter();
    let names = names.map(|it| it.as_str().unwrap());
    assert!(names.eq(FactKind::ALL.map(FactKind::as_str)));
}

#[test]
fn a_key_is_described_on_the_routes_that_use_it() {
    let document = serde_json::to_value(document()).unwrap();
    for route in ROUTES {
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = &document["paths"][route.pattern][&method];
        let parameters = operation["parameters"].as_array();
        let mut keys = parameters
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["name"] == "Idempotency-Key");
        let schema = keys.next().map(|key| &key["schema"]["pattern"]);
        let has_problem = |status: &str, code: &str| {
            let problems = &operation["responses"][status]["description"];
            problems.as_str().is_some_and(|it| it.contains(code))
        };
        let reused = has_problem("422", "`idempotency-key-reused`");
        if route.pattern.starts_with("/nexus/raw/presign-upload") {
            assert_eq!(schema.unwrap(), "^[!-~]{1,255}$");
            // that of an item is in the response to the batch
            let is_batch = route.pattern.ends_with("/batch");
            assert!(reused && has_problem("409", "`asset-conflict`") != is_batch);
            assert!(!has_problem("409", "`object-not-uploaded`"));
        } else {
            assert!(schema.is_none() && !reused, "{}", route.pattern);
        }
        assert!(keys.next().is_none(), "{}", route.pattern);
    }
}

#[test]
fn a_wait_is_described_where_a_response_may_have_one() {
    let document = serde_json::to_value(document()).unwrap();
    let mut described = BTreeSet::new();
    for route in ROUTES {
        let method = route.method.as_str().to_ascii_lowercase();
        let responses = &document["paths"][route.pattern][&method]["responses"];
        for (status, response) in responses.as_object().unwrap() {
            let wait = &response["headers"]["Retry-After"];
            let is_passing = matches!(status.as_str(), "429" | "503");
            if wait.is_null() {
                assert!(!is_passing, "{} {status}", route.pattern);
                continue;
            }
            assert_eq!(wait["schema"]["pattern"], "^[1-9][0-9]*$");
            if !is_passing {
                // not every problem of that status has it
                assert_ne!(wait["required"], true);
                described.insert((route.pattern, status.clone()));
            }
        }
    }
    let waits = [
        "/nexus/raw/register",
        "/nexus/raw/{asset_id}/upload",
        "/nexus/raw/{asset_id}/verification",
    ];
    assert_eq!(described, waits.map(|it| (it, "409".to_owned())).into());
}

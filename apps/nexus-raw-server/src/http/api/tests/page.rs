use std::collections::BTreeSet;

use serde_json::Value;

use crate::http::{
    api::{ROUTES, docs_page as render, openapi_document},
    respond::ProblemCode,
};

/// The texts between tags, unescaped, and the values of each attribute.
fn read(html: &str) -> (Vec<String>, Vec<(String, String)>) {
    let (mut texts, mut attributes) = (Vec::new(), Vec::new());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        texts.push(unescape(&rest[..at]));
        let end = at + rest[at..].find('>').unwrap();
        let mut tag = &rest[at + 1..end];
        while let Some((before, after)) = tag.split_once("=\"") {
            let name = before.rsplit(' ').next().unwrap().to_owned();
            let (value, after) = after.split_once('"').unwrap();
            attributes.push((name, unescape(value)));
            tag = after;
        }
        rest = &rest[end + 1..];
    }
    (texts, attributes)
}

fn unescape(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&quot;", "\"").replace("&amp;", "&")
}

fn names(object: &Value) -> Vec<String> {
    let members = object.as_object().into_iter().flatten();
    members.map(|(name, _)| name.clone()).collect()
}

/// Every text that a reader of the document must find on the page, each as one element's whole.
fn expected(document: &Value) -> BTreeSet<String> {
    let mut expected: BTreeSet<String> = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        expected.insert(path.clone());
        for (method, operation) in item.as_object().unwrap() {
            expected.insert(method.to_uppercase());
            expected.extend(names(&operation["responses"]));
            expected.extend(names(&operation["requestBody"]["content"]));
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            expected.extend(parameters.map(|it| it["name"].as_str().unwrap().to_owned()));
            for response in operation["responses"].as_object().unwrap().values() {
                expected.extend(names(&response["headers"]));
                expected.extend(names(&response["content"]));
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        expected.insert(name.clone());
        expected.extend(names(&schema["properties"]));
        let values = schema["enum"].as_array().into_iter().flatten();
        expected.extend(values.map(|it| it.as_str().unwrap().to_owned()));
        for property in schema["properties"].as_object().into_iter().flatten() {
            expected.extend(property.1["pattern"].as_str().map(str::to_owned));
        }
    }
    expected
}

#[test]
fn every_route_method_parameter_response_schema_member_and_problem_is_on_the_page() {
    let document = serde_json::to_value(openapi_document()).unwrap();
    let (texts, _) = read(&render().unwrap());
    let texts: BTreeSet<String> = texts.into_iter().collect();
    let missing: Vec<_> = expected(&document).difference(&texts).cloned().collect();
    assert_eq!(missing, Vec::<String>::new());
    for route in ROUTES {
        assert!(texts.contains(route.pattern), "{}", route.pattern);
    }
    for code in ProblemCode::ALL {
        assert!(texts.contains(code.as_str()), "{}", code.as_str());
    }
}

#[test]
fn every_description_is_on_the_page() {
    fn descriptions(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if name == "description" || name == "summary" => {
                            found.push(text.replace('`', ""));
                        }
                        other => descriptions(other, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|it| descriptions(it, found)),
            _ => {}
        }
    }
    let document = serde_json::to_value(openapi_document()).unwrap();
    let (texts, _) = read(&render().unwrap());
    let text = texts.concat();
    let mut found = Vec::new();
    descriptions(&document, &mut found);
    assert!(found.len() > 50, "{}", found.len());
    for description in found {
        assert!(text.contains(&description), "{description}");
    }
}

#[test]
fn the_page_loads_nothing_runs_nothing_and_every_link_leads_to_somewhere() {
    let html = render().unwrap();
    let (_, attributes) = read(&html);
    let ids: Vec<_> = attributes.iter().filter(|(name, _)| name == "id").collect();
    let distinct: BTreeSet<_> = ids.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(distinct.len(), ids.len(), "an id is there twice");
    for (name, value) in &attributes {
        match name.as_str() {
            "href" if value == "/openapi.json" => {}
            "href" => {
                let target = value.strip_prefix('#');
                assert!(target.is_some_and(|it| distinct.contains(it)), "{value}");
            }
            "lang" | "charset" | "name" | "content" | "id" | "class" => {}
            other => panic!("an unexpected attribute `{other}`"),
        }
    }
    let lower = html.to_lowercase();
    for loads in [
        "<script",
        "<link",
        "<img",
        "<iframe",
        "<object",
        "<base",
        "<form",
        "http-equiv",
        "src=",
        "url(",
        "@import",
        "javascript:",
    ] {
        assert!(!lower.contains(loads), "{loads}");
    }
}

/// The ids of the page, in their order.
fn ids(html: &str) -> Vec<String> {
    let (_, attributes) = read(html);
    let ids = attributes.into_iter().filter(|(name, _)| name == "id");
    ids.map(|(_, id)| id).collect()
}

#[test]
fn the_page_begins_with_the_flow_and_goes_on_in_the_order_of_use() {
    let ids = ids(&render().unwrap());
    let operations = 2..2 + ROUTES.len();
    assert_eq!(ids[..2], ["flow", "routes"]);
    let (first, last) = (&ids[operations.start], &ids[operations.end - 1]);
    assert_eq!((&**first, &**last), ("presignUpload", "getDocs"));
    assert_eq!(
        ids[operations.end..operations.end + 2],
        ["problems", "schemas"]
    );
    let schemas: Vec<_> = ids
        .iter()
        .filter_map(|it| it.strip_prefix("schema-"))
        .collect();
    assert_eq!(schemas[..2], ["PresignUpload", "PresignSingle"]);
    let at = |name| schemas.iter().position(|it| *it == name).unwrap();
    // a presign may return a record
    assert!(at("PresignUpload") < at("RawAsset") && at("RawAsset") < at("Register"));
    assert!(at("Register") < at("Events") && at("Events") < at("DatasetEvent"));
}

//! The OpenAPI document as an HTML page with an inline style sheet. It has no scripts and loads
//! nothing.

mod flow;
mod parts;
mod read;
mod schema;
#[cfg(test)]
mod tests;

use base64::{Engine, prelude::BASE64_STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use nexus_raw::asset::Sha256Digest;
use serde_json::Value;

use self::{
    parts::{problems, route},
    read::{members, prose, text},
};
use super::document;
use crate::http::route::Route;

const STYLE: &str = include_str!("style.css");

/// Returns the page's content security policy, which allows only its style sheet, by digest (CSP
/// level 3, section 8.4).
pub(crate) fn content_security_policy() -> String {
    let digest = BASE64_STANDARD.encode(Sha256Digest::of(STYLE.as_bytes()).as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// Renders the page of these routes, in order.
///
/// # Errors
/// If the document cannot be serialized, which would be a bug.
pub(crate) fn render(routes: &[Route]) -> Result<String, serde_json::Error> {
    let document = serde_json::to_value(document(routes))?;
    let routes: Vec<_> = routes
        .iter()
        .map(|route| (route.pattern, route.method.as_str()))
        .collect();
    Ok(page(&document, &routes, &flow::flow()?).into_string())
}

/// Renders the page of a document, with its operations in the given order.
fn page(document: &Value, routes: &[(&str, &str)], flow: &Markup) -> Markup {
    let info = &document["info"];
    let schemas = &document["components"]["schemas"];
    let paths = &document["paths"];
    let routes: Vec<_> = routes
        .iter()
        .map(|(path, method)| (*path, *method, &paths[path][method.to_lowercase()]))
        .collect();
    let used = in_order_of_use(routes.iter().map(|(_, _, operation)| *operation), schemas);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (text(&info["title"])) " API" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (text(&info["title"])) }
                    p { (prose(&info["description"])) }
                    p.note {
                        "Version " (text(&info["version"])) ", as OpenAPI " (text(&document["openapi"]))
                        " at " a href="/openapi.json" { "/openapi.json" } "."
                    }
                }
                nav {
                    ul {
                        li { a href="#flow" { "How an asset gets in" } }
                        @for (path, method, operation) in &routes {
                            li {
                                a href={ "#" (text(&operation["operationId"])) } {
                                    (method) " " code { (path) }
                                }
                            }
                        }
                        li { a href="#problems" { "Problems" } }
                        li { a href="#schemas" { "Schemas" } }
                    }
                }
                main {
                    section {
                        h2 #flow { "How an asset gets in" }
                        (flow)
                    }
                    section {
                        h2 #routes { "Routes" }
                        @for (path, method, operation) in &routes {
                            (route(path, method, operation))
                        }
                    }
                    section {
                        h2 #problems { "Problems" }
                        (problems())
                    }
                    section {
                        h2 #schemas { "Schemas" }
                        @for (name, it) in used { (schema::article(name, it)) }
                    }
                }
            }
        }
    }
}

/// Returns the schemas in the order of their use by the routes, each followed by its parts; unused
/// ones come last.
fn in_order_of_use<'a>(
    operations: impl Iterator<Item = &'a Value>,
    schemas: &'a Value,
) -> Vec<(&'a String, &'a Value)> {
    let mut met = Vec::new();
    for operation in operations {
        meet(operation, schemas, &mut met);
    }
    for known in members(schemas) {
        if !met.contains(&known) {
            met.push(known);
        }
    }
    met
}

fn meet<'a>(it: &'a Value, schemas: &'a Value, met: &mut Vec<(&'a String, &'a Value)>) {
    match it {
        Value::String(reference) => {
            let name = reference.strip_prefix("#/components/schemas/");
            let known = name.and_then(|name| members(schemas).find(|(known, _)| *known == name));
            if let Some(known) = known.filter(|known| !met.contains(known)) {
                met.push(known);
                meet(known.1, schemas, met);
            }
        }
        Value::Array(items) => items.iter().for_each(|it| meet(it, schemas, met)),
        Value::Object(members) => {
            // the request before the responses
            let body = members.get("requestBody").into_iter();
            body.chain(members.values())
                .for_each(|it| meet(it, schemas, met));
        }
        _ => {}
    }
}

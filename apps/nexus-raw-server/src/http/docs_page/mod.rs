//! The OpenAPI document as a page for people: HTML and one style sheet in it, nothing else. It
//! runs no program and loads nothing from anywhere.

mod parts;
mod schema;
#[cfg(test)]
mod tests;

use base64::{Engine, prelude::BASE64_STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use nexus_raw::asset::Sha256Digest;
use serde_json::Value;

use self::parts::{members, problems, prose, route, text};
use super::openapi;

const STYLE: &str = include_str!("style.css");

/// What the page may do in a browser: be shown, with its own style sheet, which is named by its
/// digest (CSP level 3, section 8.4).
pub(super) fn content_security_policy() -> String {
    let digest = BASE64_STANDARD.encode(Sha256Digest::of(STYLE.as_bytes()).as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// The page of this version of the service.
///
/// # Errors
/// When the document has no JSON form, which would be a defect.
pub fn render() -> Result<String, serde_json::Error> {
    Ok(page(&serde_json::to_value(openapi::document())?).into_string())
}

fn page(document: &Value) -> Markup {
    let info = &document["info"];
    let schemas = &document["components"]["schemas"];
    let routes: Vec<_> = members(&document["paths"])
        .flat_map(|(path, item)| members(item).map(move |(method, it)| (path, method, it)))
        .collect();
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
                        @for (path, method, operation) in &routes {
                            li {
                                a href={ "#" (text(&operation["operationId"])) } {
                                    (method.to_uppercase()) " " code { (path) }
                                }
                            }
                        }
                        li { a href="#problems" { "Problems" } }
                        li { a href="#schemas" { "Schemas" } }
                    }
                }
                main {
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
                        @for (name, it) in members(schemas) { (schema::article(name, it)) }
                    }
                }
            }
        }
    }
}

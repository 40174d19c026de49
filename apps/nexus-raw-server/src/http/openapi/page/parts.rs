use maud::{Markup, html};
use serde_json::Value;

use super::{
    read::{items, members, prose, text},
    schema,
};
use crate::http::respond::ProblemCode;

/// Renders one operation.
pub(super) fn route(path: &str, method: &str, operation: &Value) -> Markup {
    let is_guarded = !operation["security"].is_null();
    let parameters = &operation["parameters"];
    html! {
        article #(text(&operation["operationId"])) {
            h3 { span.method { (method) } " " code { (path) } }
            p { (prose(&operation["summary"])) }
            @if !text(&operation["description"]).is_empty() { p { (prose(&operation["description"])) } }
            p.note {
                @if is_guarded { "Needs a bearer token." } @else { "Needs no token." }
            }
            @if items(parameters).next().is_some() {
                h4 { "Parameters" }
                dl { @for it in items(parameters) { (parameter(it)) } }
            }
            @for (media_type, content) in members(&operation["requestBody"]["content"]) {
                h4 { "Body" }
                p { code { (media_type) } ": " (schema::kind(&content["schema"])) }
            }
            h4 { "Answers" }
            dl { @for (status, it) in members(&operation["responses"]) { (answer(status, it)) } }
        }
    }
}

fn parameter(parameter: &Value) -> Markup {
    let is_required = parameter["required"] == true;
    html! {
        dt {
            code { (text(&parameter["name"])) }
            " in " (text(&parameter["in"])) @if is_required { ", required" }
        }
        dd {
            p { (prose(&parameter["description"])) }
            (schema::rules(&parameter["schema"]))
        }
    }
}

fn answer(status: &str, response: &Value) -> Markup {
    html! {
        dt { code { (status) } }
        dd {
            p { (prose(&response["description"])) }
            @for (media_type, content) in members(&response["content"]) {
                p.rules { code { (media_type) } ": " (schema::kind(&content["schema"])) }
            }
            @for (name, header) in members(&response["headers"]) {
                p.rules { "Header " code { (name) } ": " (prose(&header["description"])) }
            }
        }
    }
}

/// Renders the table of problems.
pub(super) fn problems() -> Markup {
    html! {
        p {
            "Every answer of 400 and above has a body of the kind "
            a href="#schema-Problem" { "Problem" } ". Decide by its " code { "code" } "."
        }
        dl {
            @for code in ProblemCode::ALL {
                dt { code { (code.as_str()) } }
                dd { p { (code.status().as_u16()) ": " (code.title()) } }
            }
        }
    }
}

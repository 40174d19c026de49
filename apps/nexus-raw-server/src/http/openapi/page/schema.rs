use maud::{Markup, html};
use serde_json::Value;

use super::read::{items, members, prose, text};

/// The keywords that are not rendered as rules.
const NO_RULES: [&str; 12] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "description",
    "enum",
    "items",
    "oneOf",
    "properties",
    "propertyNames",
    "required",
    "type",
];

/// Renders one named schema.
pub(super) fn article(name: &str, schema: &Value) -> Markup {
    let required: Vec<_> = items(&schema["required"]).collect();
    html! {
        article #{ "schema-" (name) } {
            h3 { (name) }
            p { (prose(&schema["description"])) }
            @if schema["properties"].is_null() { p { (kind(schema)) } }
            @else if schema["additionalProperties"] == false { p.note { "No other members." } }
            (rules(schema))
            dl {
                @for (member, it) in members(&schema["properties"]) {
                    dt {
                        code { (member) } " " (kind(it))
                        @if required.iter().any(|name| *name == member) { ", required" }
                    }
                    dd {
                        @for said in descriptions(it) { p { (prose(said)) } }
                        (rules(it))
                    }
                }
            }
        }
    }
}

/// Renders the type of a value in one line.
pub(super) fn kind(schema: &Value) -> Markup {
    let alternatives: Vec<_> = alternatives(schema).collect();
    let reference = text(&schema["$ref"]).rsplit('/').next().unwrap_or_default();
    html! {
        @if !reference.is_empty() {
            a href={ "#schema-" (reference) } { (reference) }
        } @else if !alternatives.is_empty() {
            @for (at, it) in alternatives.iter().enumerate() {
                @if at > 0 { " or " }
                (kind(it))
            }
        } @else {
            (types(&schema["type"]))
            @if schema["items"].is_object() { " of " (kind(&schema["items"])) (rules_in_line(&schema["items"])) }
            @if schema["additionalProperties"].is_object() {
                " of " (kind(&schema["additionalProperties"])) (rules_in_line(&schema["additionalProperties"]))
            }
            @for (at, value) in items(&schema["enum"]).enumerate() {
                @if at == 0 { ": " } @else { ", " }
                code { (plain(value)) }
            }
        }
    }
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    let kinds = ["oneOf", "anyOf", "allOf"].iter();
    kinds.flat_map(|name| items(&schema[name]))
}

/// Returns the descriptions of a value and of its alternatives.
fn descriptions(schema: &Value) -> impl Iterator<Item = &Value> {
    let all = std::iter::once(schema).chain(alternatives(schema));
    all.map(|it| &it["description"]).filter(|it| it.is_string())
}

fn types(types: &Value) -> String {
    let names: Vec<_> = match types {
        Value::Array(names) => names.iter().map(text).collect(),
        Value::String(name) => vec![name.as_str()],
        _ => vec!["any value"],
    };
    names.join(" or ")
}

/// Renders the other rules of a value: each keyword of the schema with its value.
pub(super) fn rules(schema: &Value) -> Markup {
    let rules: Vec<_> = keywords(schema).collect();
    html! {
        @if !rules.is_empty() {
            p.rules {
                @for (at, (name, value)) in rules.iter().enumerate() {
                    @if at > 0 { "; " }
                    (name) " " code { (value) }
                }
            }
        }
    }
}

fn rules_in_line(schema: &Value) -> Markup {
    html! {
        @for (name, value) in keywords(schema) { ", " (name) " " code { (value) } }
    }
}

fn keywords(schema: &Value) -> impl Iterator<Item = (String, String)> {
    let own = members(schema)
        .filter(|(name, _)| !NO_RULES.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), plain(value)));
    let of_names = members(&schema["propertyNames"])
        .map(|(name, value)| (format!("{name} of names"), plain(value)));
    own.chain(of_names)
}

/// Formats a value as JSON; a string without quotes, an array without brackets.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

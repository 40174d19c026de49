use maud::{Markup, html};
use serde_json::{Map, Value};

/// Returns the members of an object, or none of another value.
pub(super) fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flat_map(Map::iter)
}

/// Returns the items of an array, or none of another value.
pub(super) fn items(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Renders a description; text between backticks is code.
pub(super) fn prose(description: &Value) -> Markup {
    html! {
        @for (at, part) in text(description).split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

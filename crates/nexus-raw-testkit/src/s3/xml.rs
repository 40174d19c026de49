use serde_json::Value;

/// Returns the XML of a document that command lines of AWS take as JSON: a list has a plural name, and
/// each of its entries is an element of the singular.
#[must_use]
pub fn xml_document(root: &str, document: &Value) -> String {
    let content = content(document);
    format!("<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{content}</{root}>")
}

fn content(value: &Value) -> String {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match value.as_array() {
                Some(entries) => elements(&name[..name.len() - 1], entries),
                None => elements(name, std::slice::from_ref(value)),
            })
            .collect(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn elements(name: &str, values: &[Value]) -> String {
    let element = |value| format!("<{name}>{}</{name}>", content(value));
    values.iter().map(element).collect()
}

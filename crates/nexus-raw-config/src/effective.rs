use figment::Figment;
use figment::value::Value;

use crate::key::Key;
use crate::keys;
use crate::leaves::origin;
use crate::sections::catalog;

/// What holds, as TOML without secrets: each key with where its value came from.
pub(crate) fn effective_toml(figment: &Figment) -> String {
    let mut lines = Vec::new();
    let mut table = "";
    for key in keys::all() {
        let (section, leaf) = key.parts();
        if section != table {
            let gap = if table.is_empty() { "" } else { "\n" };
            lines.push(format!("{gap}[{section}]\n"));
            table = section;
        }
        lines.push(match figment.find_value(key.name) {
            Ok(value) => {
                let origin = origin(figment, key.name);
                let origin = origin.as_deref().unwrap_or("default");
                format!("{leaf} = {} # {origin}\n", shown(key, value))
            }
            Err(_) => format!("# {leaf} is not set\n"),
        });
    }
    lines.concat()
}

fn shown(key: &Key, value: Value) -> toml::Value {
    if key.name == "catalog.url" {
        catalog::shown(value.as_str().unwrap_or_default()).into()
    } else if key.secret {
        "[redacted]".into()
    } else {
        as_toml(value)
    }
}

/// The kinds that keys have; the rest cannot come out of a checked configuration.
fn as_toml(value: Value) -> toml::Value {
    match value {
        Value::Bool(_, flag) => flag.into(),
        Value::Array(_, items) => items.into_iter().map(as_toml).collect::<Vec<_>>().into(),
        Value::Num(_, number) => {
            let whole = number.to_i128().and_then(|whole| i64::try_from(whole).ok());
            whole.unwrap_or_default().into()
        }
        other => other.into_string().unwrap_or_default().into(),
    }
}

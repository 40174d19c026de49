use figment::Figment;
use figment::value::Value;

use crate::key::Key;
use crate::keys;
use crate::leaves::origin;
use crate::sections::catalog;

/// Returns the effective configuration as TOML without secrets, each key with its origin.
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
        // a checked configuration has only values that TOML can express
        toml::Value::try_from(value).unwrap_or_else(|_| "".into())
    }
}

use std::path::Path;

use figment::Provider;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};

use super::layer::{Layer, Origin};
use super::secret_file::{self, Given};
use crate::faults::Faults;
use crate::keys;

/// Stands for the file as a whole where a fault is not of one key.
const WHOLE_FILE: &str = "--config";

/// The leaves of the TOML file.
pub(super) fn layer(path: &Path, faults: &mut Faults) -> Layer {
    let mut layer = Layer::new(Origin::File(path.to_owned()));
    // `file` would take a missing one for an empty one
    let Ok(profiles) = Toml::file_exact(path).data() else {
        faults.add(WHOLE_FILE, why_not_read(path), Some(layer.origin.of("")));
        return layer;
    };
    let mut by_file = Vec::new();
    for (section, value) in profiles.into_values().flatten() {
        match value {
            Value::Dict(_, leaves) if keys::is_section(&section) => {
                take_section(&section, leaves, &mut layer, &mut by_file, faults);
            }
            Value::Dict(_, leaves) => unknown_leaves(&section, &leaves, &layer, faults),
            _ if keys::is_section(&section) => {
                faults.add(&section, "must be a table", Some(layer.origin.of("")));
            }
            _ => faults.add(&section, "is not a known key", Some(layer.origin.of(""))),
        }
    }
    secret_file::read_into(&mut layer, by_file, faults);
    layer
}

fn take_section(
    section: &str,
    leaves: Dict,
    layer: &mut Layer,
    by_file: &mut Vec<Given>,
    faults: &mut Faults,
) {
    for (leaf, value) in leaves {
        let dotted = format!("{section}.{leaf}");
        if let Some(key) = keys::find(&dotted) {
            layer.put(key, value);
        } else if let Some(secret) = keys::find_by_file_form(&dotted) {
            match value.into_string() {
                Some(path) => by_file.push(Given {
                    secret,
                    path: path.into(),
                }),
                None => faults.add(
                    &dotted,
                    "must be a path, as text",
                    Some(layer.origin.of(&dotted)),
                ),
            }
        } else if keys::is_section(&dotted) {
            match value {
                Value::Dict(_, leaves) => take_section(&dotted, leaves, layer, by_file, faults),
                _ => faults.add(&dotted, "must be a table", Some(layer.origin.of(&dotted))),
            }
        } else {
            match value {
                Value::Dict(_, leaves) => unknown_leaves(&dotted, &leaves, layer, faults),
                _ => faults.add(
                    &dotted,
                    keys::unknown(&dotted, str::to_owned),
                    Some(layer.origin.of(&dotted)),
                ),
            }
        }
    }
}

/// Names each leaf of an unknown table, so that each can be mended; an empty table by itself.
fn unknown_leaves(table: &str, leaves: &Dict, layer: &Layer, faults: &mut Faults) {
    if leaves.is_empty() {
        faults.add(table, "is not a known table", Some(layer.origin.of("")));
    }
    for leaf in leaves.keys() {
        let dotted = format!("{table}.{leaf}");
        let reason = keys::unknown(&dotted, str::to_owned);
        faults.add(&dotted, reason, Some(layer.origin.of("")));
    }
}

/// Why the file gave nothing. Of what the reader says only its own words are told, with the place:
/// the rest would quote a line of the file, and with it perhaps a secret.
fn why_not_read(path: &Path) -> String {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return format!("cannot be read: {error}"),
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return "is not UTF-8".to_owned();
    };
    let Err(error) = text.parse::<toml::Table>() else {
        return "is not valid TOML 1.0: it uses syntax of a later version".to_owned();
    };
    let reason = error.message();
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => {
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
            format!("is not valid TOML at line {line}, column {column}: {reason}")
        }
        None => format!("is not valid TOML: {reason}"),
    }
}

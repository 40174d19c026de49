use std::path::Path;

use figment::Provider;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};

use super::layer::{Layer, Origin};
use super::secret_file::{self, SecretPath};
use crate::faults::Faults;
use crate::keys;

/// The key of a fault of the whole file.
const WHOLE_FILE: &str = "--config";

/// Returns the layer of the TOML file.
pub(super) fn layer(path: &Path, faults: &mut Faults) -> Layer {
    let mut tables = Tables {
        layer: Layer::new(Origin::File(path.to_owned())),
        by_file: Vec::new(),
        faults,
    };
    // `file` would read a missing file as an empty one
    match Toml::file_exact(path).data() {
        Ok(profiles) => {
            for (name, value) in profiles.into_values().flatten() {
                match value {
                    Value::Dict(..) => tables.take(&name, value),
                    _ if keys::is_section(&name) => tables.refuse(&name, "must be a table"),
                    _ => tables.refuse(&name, "is not a known key"),
                }
            }
        }
        Err(_) => tables.refuse(WHOLE_FILE, &why_not_read(path)),
    }
    let Tables {
        mut layer,
        by_file,
        faults,
    } = tables;
    secret_file::read_into(&mut layer, by_file, faults);
    layer
}

/// The leaves read so far from the file's tables.
struct Tables<'a> {
    layer: Layer,
    by_file: Vec<SecretPath>,
    faults: &'a mut Faults,
}

impl Tables<'_> {
    fn refuse(&mut self, name: &str, reason: &str) {
        let origin = self.layer.origin.of(name);
        self.faults.add(name, reason, Some(origin));
    }

    fn take(&mut self, name: &str, value: Value) {
        if let Some(key) = keys::find(name) {
            return self.layer.put(key, value);
        }
        if let Some(secret) = keys::find_by_file_form(name) {
            return match value.into_string().map(Into::into) {
                Some(path) => self.by_file.push(SecretPath { secret, path }),
                None => self.refuse(name, "must be a path, as text"),
            };
        }
        match value {
            Value::Dict(_, leaves) if keys::is_section(name) => {
                for (leaf, value) in leaves {
                    self.take(&format!("{name}.{leaf}"), value);
                }
            }
            Value::Dict(_, leaves) => self.unknown_leaves(name, &leaves),
            _ if keys::is_section(name) => self.refuse(name, "must be a table"),
            _ => self.refuse(name, &keys::unknown(name, str::to_owned)),
        }
    }

    /// Adds a fault for each leaf of an unknown table, or one for an empty table.
    fn unknown_leaves(&mut self, table: &str, leaves: &Dict) {
        if leaves.is_empty() {
            self.refuse(table, "is not a known table");
        }
        for leaf in leaves.keys() {
            let dotted = format!("{table}.{leaf}");
            self.refuse(&dotted, &keys::unknown(&dotted, str::to_owned));
        }
    }
}

/// Returns why the file was not read: the reader's message and position, without its quote of a
/// line, which may contain a secret.
fn why_not_read(path: &Path) -> String {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return format!("cannot be read: {error}"),
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return "is not UTF-8".to_owned();
    };
    let Err(error) = text.parse::<toml::Table>() else {
        return "is not valid TOML 1.0: it uses the syntax of a later version".to_owned();
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

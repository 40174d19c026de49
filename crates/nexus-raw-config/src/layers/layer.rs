use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use crate::faults::printable;
use crate::key::{Key, variable};

/// The source of a layer.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Default,
    Embedded,
    File(PathBuf),
    Environment,
}

impl Origin {
    pub(super) fn of(&self, name: &str) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::Embedded => "embedded mode".to_owned(),
            Self::File(path) => printable(&path.to_string_lossy()),
            Self::Environment => variable(name),
        }
    }
}

/// The known leaves of one source.
pub(super) struct Layer {
    pub(super) origin: Origin,
    pub(super) values: BTreeMap<&'static str, Value>,
    /// The keys of `values` that were given by `<name>_file`.
    pub(super) by_file: BTreeSet<&'static str>,
}

impl Layer {
    pub(super) fn new(origin: Origin) -> Self {
        Self {
            origin,
            values: BTreeMap::new(),
            by_file: BTreeSet::new(),
        }
    }

    pub(super) fn put(&mut self, key: &'static Key, value: Value) {
        self.values.insert(key.name, value);
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::as_str)
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let (origin, by_file) = (self.origin.clone(), self.by_file.clone());
        Metadata::named("nexus-raw").interpolater(move |_, path: &[&str]| {
            let name = path.join(".");
            if by_file.contains(name.as_str()) {
                origin.of(&format!("{name}_file"))
            } else {
                origin.of(&name)
            }
        })
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut tree = Dict::new();
        for (name, value) in &self.values {
            insert(&mut tree, name, value);
        }
        Ok(Profile::Default.collect(tree))
    }
}

/// Inserts a value by its dotted name.
fn insert(tree: &mut Dict, name: &str, value: &Value) {
    match name.split_once('.') {
        None => {
            tree.insert(name.to_owned(), value.clone());
        }
        Some((table, rest)) => {
            let table = tree
                .entry(table.to_owned())
                .or_insert_with(|| Dict::new().into());
            // no key is named like a table
            if let Value::Dict(_, inside) = table {
                insert(inside, rest, value);
            }
        }
    }
}

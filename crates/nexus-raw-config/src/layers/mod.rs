//! The sources, each read into a layer of known leaves, and laid on one another by figment.

mod defaults;
mod embedded;
mod environment;
mod file;
mod secret_file;
mod typed;

pub(crate) use environment::is_ours;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use crate::faults::{Faults, printable};
use crate::keys::{self, Key};
use crate::sources::Sources;

/// Reads all sources and merges them; what is wrong with their form goes into `faults`.
pub(crate) fn merged(sources: &Sources, faults: &mut Faults) -> Figment {
    let file = sources
        .config_file
        .as_deref()
        .map(|path| file::layer(path, faults));
    let environment = environment::layer(&sources.environment, faults);
    let mut figment = Figment::from(defaults::layer());
    if let Some(mode) = &sources.embedded {
        let given: Vec<&Layer> = file.iter().chain([&environment]).collect();
        figment = figment.merge(embedded::layer(mode, &given, faults));
    }
    if let Some(file) = file {
        figment = figment.merge(file);
    }
    figment.merge(environment)
}

/// Where the value of a key came from, as a fault and the printed configuration tell it.
pub(crate) fn origin(figment: &Figment, key: &str) -> Option<String> {
    let metadata = figment.find_metadata(key)?;
    let path: Vec<&str> = key.split('.').collect();
    Some(metadata.interpolate(&Profile::Default, &path))
}

/// Why a name that is no key is refused; `spelt` writes a suggestion as the source would.
fn unknown(dotted: &str, spelt: impl Fn(&str) -> String) -> String {
    match keys::nearest(dotted) {
        Some(known) => format!("is not a known key; did you mean {}?", spelt(&known)),
        None => "is not a known key".to_owned(),
    }
}

#[derive(Debug, Clone)]
enum Origin {
    Default,
    Embedded,
    File(PathBuf),
    Environment,
}

impl Origin {
    fn of(&self, name: &str) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::Embedded => "embedded mode".to_owned(),
            Self::File(path) => printable(&path.to_string_lossy()),
            Self::Environment => keys::variable(name),
        }
    }
}

/// The known leaves that one source gives.
struct Layer {
    origin: Origin,
    values: BTreeMap<&'static str, Value>,
    /// Those of `values` that were given by `<name>_file`.
    by_file: BTreeSet<&'static str>,
}

impl Layer {
    fn new(origin: Origin) -> Self {
        Self {
            origin,
            values: BTreeMap::new(),
            by_file: BTreeSet::new(),
        }
    }

    fn put(&mut self, key: &'static Key, value: Value) {
        self.values.insert(key.name, value);
    }

    fn text(&self, name: &str) -> Option<&str> {
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
            plant(&mut tree, name, value);
        }
        Ok(Profile::Default.collect(tree))
    }
}

/// Puts a value at its dotted place.
fn plant(tree: &mut Dict, name: &str, value: &Value) {
    match name.split_once('.') {
        None => {
            tree.insert(name.to_owned(), value.clone());
        }
        Some((table, rest)) => {
            let table = tree
                .entry(table.to_owned())
                .or_insert_with(|| Dict::new().into());
            // no key has the name of a table
            if let Value::Dict(_, inside) = table {
                plant(inside, rest, value);
            }
        }
    }
}

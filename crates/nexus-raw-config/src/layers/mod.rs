//! The sources, each read into a layer of known leaves and merged by figment.

mod embedded;
mod environment;
mod file;
mod layer;
mod secret_file;
mod typed;

use figment::Figment;

use crate::faults::Faults;
use crate::keys;
use crate::sources::Sources;
use layer::{Layer, Origin};

/// Reads and merges all sources, and adds errors of their syntax to `faults`.
pub(crate) fn merged(sources: &Sources, faults: &mut Faults) -> Figment {
    let file = sources
        .config_file
        .as_deref()
        .map(|path| file::layer(path, faults));
    let environment = environment::layer(&sources.environment, faults);
    let mut figment = Figment::from(defaults());
    if let Some(mode) = &sources.embedded {
        let given: Vec<&Layer> = file.iter().chain([&environment]).collect();
        figment = figment.merge(embedded::layer(mode, &given, faults));
    }
    if let Some(file) = file {
        figment = figment.merge(file);
    }
    figment.merge(environment)
}

/// Returns the layer of default values.
fn defaults() -> Layer {
    let mut layer = Layer::new(Origin::Default);
    for key in keys::all() {
        if let Some(default) = key.default {
            layer.put(key, typed::typed(key.kind, default));
        }
    }
    layer
}

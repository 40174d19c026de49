use crate::faults::{ConfigErrors, Faults};
use crate::raw::Raw;
use crate::settings::Settings;
use crate::sources::Sources;
use crate::{layers, rules};

/// Reads, merges and checks a configuration.
///
/// It reads the configuration file and the files that secrets are kept in, and reaches for
/// nothing else.
///
/// # Errors
/// With every fault at once: of form, of each value, and between values. No fault shows a value.
pub fn load(sources: &Sources) -> Result<Settings, ConfigErrors> {
    let mut faults = Faults::default();
    let figment = layers::merged(sources, &mut faults);
    let raw = Raw::read(&figment, &mut faults);
    rules::check(&raw, sources.embedded.is_some(), &figment, &mut faults);
    let settings = Settings::assemble(raw, sources.embedded.as_ref(), &figment, &mut faults);
    match settings {
        Some(settings) if faults.is_empty() => Ok(settings),
        _ => Err(faults.into_errors()),
    }
}

use crate::faults::{ConfigErrors, Faults};
use crate::leaves::Leaves;
use crate::sections::Sections;
use crate::settings::Settings;
use crate::sources::Sources;
use crate::{keys, layers, rules};

/// Reads, merges and checks a configuration.
///
/// It reads only the configuration file and the files of secrets.
///
/// # Errors
/// With all faults at once: of syntax, of each value, and between values. No fault shows a value.
pub fn load(sources: &Sources) -> Result<Settings, ConfigErrors> {
    let mut faults = Faults::default();
    let mode = sources.embedded.as_ref();
    let figment = layers::merged(sources, &mut faults);
    let sections = Sections::read(&mut Leaves::new(&figment, &mut faults));
    rules::check(&sections, mode.is_some(), &figment, &mut faults);
    match Settings::of(sections, mode, &figment, &mut faults) {
        Some(settings) if faults.is_empty() => Ok(settings),
        _ => Err(faults.into_errors(keys::place)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_stand_in_the_order_of_the_keys_one_a_line() {
        let mut faults = Faults::default();
        faults.add("storage.x", "is unknown", Some("a.toml".to_owned()));
        faults.add("identity.issuer", "is required", None);
        faults.add(
            "storage.bucket",
            "must be a name",
            Some("NEXUS_RAW_STORAGE__BUCKET".to_owned()),
        );
        faults.add(
            "storage.bucket",
            "is a later fault of the same value",
            Some("NEXUS_RAW_STORAGE__BUCKET".to_owned()),
        );
        assert_eq!(
            faults.into_errors(keys::place).to_string(),
            "storage.bucket: must be a name (NEXUS_RAW_STORAGE__BUCKET)\n\
             identity.issuer: is required\n\
             storage.x: is unknown (a.toml)"
        );
    }
}

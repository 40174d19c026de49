use std::path::Path;

use nexus_raw_config::{ConfigErrors, EmbeddedMode, Settings, Sources, load};
use tempfile::TempDir;

pub(crate) const SECRET: &str = "canary-4f1d0c7e-of-the-hs256-secret";

/// The least that a server needs, as dotted keys.
const LEAST: [(&str, &str); 6] = [
    ("storage.bucket", "nexus-raw-test"),
    ("storage.region", "eu-central-1"),
    ("catalog.url", "sqlite:catalog.sqlite"),
    ("identity.issuer", "https://login.example.com/"),
    ("identity.audience", "nexus-raw"),
    ("identity.hs256_secret", SECRET),
];

/// Variables for dotted keys.
pub(crate) fn environment(keys: &[(&str, &str)]) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    keys.iter()
        .map(|(key, value)| (variable(key).into(), value.into()))
        .collect()
}

pub(crate) fn variable(key: &str) -> String {
    format!("NEXUS_RAW_{}", key.replace('.', "__").to_uppercase())
}

/// The least configuration without `without`, and with `more`, all as variables.
pub(crate) fn sources(without: &[&str], more: &[(&str, &str)]) -> Sources {
    let least: Vec<_> = LEAST
        .into_iter()
        .filter(|(key, _)| !without.contains(key))
        .collect();
    let mut environment = environment(&least);
    environment.extend(self::environment(more));
    Sources {
        environment,
        ..Sources::default()
    }
}

pub(crate) fn loaded(more: &[(&str, &str)]) -> Settings {
    load(&sources(&[], more)).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The faults of the least configuration with `more`, as reported.
pub(crate) fn errors(more: &[(&str, &str)]) -> String {
    errors_in(&sources(&[], more))
}

pub(crate) fn errors_in(sources: &Sources) -> String {
    refused(sources).to_string()
}

pub(crate) fn refused(sources: &Sources) -> ConfigErrors {
    match load(sources) {
        Ok(settings) => panic!("accepted:\n{}", settings.effective_toml()),
        Err(errors) => errors,
    }
}

/// A fault of a value that came by variable.
pub(crate) fn fault(key: &str, reason: &str) -> String {
    format!("{key}: {reason} ({})", variable(key))
}

pub(crate) fn write(
    directory: &TempDir,
    name: &str,
    content: impl AsRef<[u8]>,
) -> std::path::PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// A configuration file with `toml`, and the least configuration in the environment.
pub(crate) fn with_file(file: &Path) -> Sources {
    Sources {
        config_file: Some(file.to_owned()),
        ..sources(&[], &[])
    }
}

/// Embedded mode in a fresh directory, with `more` as variables.
pub(crate) fn embedded(data_dir: &Path, more: &[(&str, &str)]) -> Sources {
    let prepared = EmbeddedMode::prepare(data_dir).unwrap();
    Sources {
        environment: environment(more),
        embedded: Some(prepared),
        ..Sources::default()
    }
}

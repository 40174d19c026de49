//! No value of a leaf causes a panic or appears in an error.

use std::ffi::OsString;

use nexus_raw_config::{Sources, load};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::{environment, sources};

const CANARY: &str = "c4n4ry";

/// Every documented key, secrets by file too.
fn keys() -> Vec<String> {
    nexus_raw_config::markdown_table()
        .lines()
        .skip(2)
        .flat_map(|line| {
            let key = line.split('`').nth(1).unwrap().to_owned();
            let file = line.contains("(secret)").then(|| format!("{key}_file"));
            [Some(key), file]
        })
        .flatten()
        .collect()
}

/// Text around the canary, of the kinds that readers trip over.
fn value() -> impl Strategy<Value = String> {
    let around = prop_oneof![
        Just(String::new()),
        "[\\[\\]{}\"'=#,.:/@?%\\\\ \n\t0-9-]{0,12}",
        Just("https://".to_owned()),
        Just("http://127.0.0.1/".to_owned()),
        Just("postgres://u:".to_owned()),
        Just("sqlite:".to_owned()),
        Just("[\"".to_owned()),
        Just("\"]".to_owned()),
        "\\PC{0,8}",
    ];
    (around.clone(), around).prop_map(|(before, after)| format!("{before}{CANARY}{after}"))
}

fn runner() -> TestRunner {
    // seeded, so that a failure is there again the next time
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    TestRunner::new_with_rng(
        Config {
            cases: 1000,
            failure_persistence: None,
            ..Config::default()
        },
        rng,
    )
}

#[test]
fn garbage_in_any_variable_is_reported_by_name_and_never_by_value() {
    let leaf = (proptest::sample::select(keys()), value());
    let run = runner().run(&proptest::collection::vec(leaf, 1..6), |leaves| {
        let leaves: Vec<_> = leaves
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        match load(&sources(&[], &leaves)) {
            Ok(settings) => {
                settings.effective_toml().parse::<toml::Table>().unwrap();
            }
            Err(errors) => {
                prop_assert!(!errors.faults().is_empty());
                prop_assert!(
                    !format!("{errors} {errors:?}").contains(CANARY),
                    "{}",
                    errors
                );
            }
        }
        Ok(())
    });
    run.unwrap();
}

#[test]
fn garbage_in_the_file_is_reported_by_name_and_never_by_value() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("nexus.toml");
    let raw = prop_oneof![
        value().prop_map(|text| toml::Value::from(text).to_string()),
        value()
    ];
    let run = runner().run(&(proptest::sample::select(keys()), raw), |(key, value)| {
        let (section, leaf) = key.rsplit_once('.').unwrap();
        std::fs::write(&path, format!("[{section}]\n{leaf} = {value}\n")).unwrap();
        let sources = Sources {
            config_file: Some(path.clone()),
            ..sources(&[&key], &[])
        };
        if let Err(errors) = load(&sources) {
            // a value that ends its line can write keys of its own, and those are named
            let shown = format!("{errors} {errors:?}");
            prop_assert!(!shown.contains(CANARY) || value.contains('\n'), "{}", shown);
        }
        Ok(())
    });
    run.unwrap();
}

#[test]
fn any_name_and_any_bytes_are_survived() {
    use std::os::unix::ffi::OsStringExt;

    let bytes = proptest::collection::vec(any::<u8>(), 0..40);
    let name = prop_oneof![
        "NEXUS_RAW_[A-Z_a-z.0-9]{0,30}".prop_map(OsString::from),
        bytes.clone().prop_map(|bytes| {
            let mut name = b"NEXUS_RAW_A__".to_vec();
            name.extend(bytes);
            OsString::from_vec(name)
        }),
    ];
    let run = runner().run(&(name, bytes), |(name, value)| {
        let mut all = environment(&[]);
        all.push((name, OsString::from_vec(value)));
        let errors = load(&Sources {
            environment: all,
            ..Sources::default()
        })
        .unwrap_err();
        let control = |character: char| character.is_control() && character != '\n';
        prop_assert!(!errors.to_string().contains(control));
        Ok(())
    });
    run.unwrap();
}

#[test]
fn many_faults_are_reported_at_once() {
    let all: Vec<_> = keys();
    let leaves: Vec<_> = all
        .iter()
        .map(|key| (key.as_str(), "c4n4ry \u{7f}\""))
        .collect();
    let errors = load(&sources(&["storage.bucket"], &leaves)).unwrap_err();
    let shown = errors.to_string();
    for key in &all {
        // any text is a path, and any text of some length a secret: those pass by themselves
        let passes = [
            "identity.jwks_file",
            "identity.hs256_secret",
            "identity.hs256_previous_secret",
        ]
        .contains(&key.as_str());
        let named = shown
            .lines()
            .any(|line| line.starts_with(&format!("{key}:")));
        assert!(named || passes, "{key} is not named in\n{shown}");
    }
    assert!(!shown.contains(CANARY), "{shown}");
}

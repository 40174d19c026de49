//! Public keys in the place of the embedded secret.

use std::{fs, process::Command};

use crate::{caller::Caller, ends::ended, machine::Machine};

/// The public key of RFC 8037, appendix A.2.
const KEYS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "2026-11",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn with_keys<'a>(command: &'a mut Command, machine: &Machine, keys: &str) -> &'a mut Command {
    fs::write(machine.data_dir().with_file_name("jwks.json"), keys).unwrap();
    command
        .env("NEXUS_RAW_IDENTITY__JWKS_FILE", "jwks.json")
        .env("NEXUS_RAW_IDENTITY__ALGORITHM", "EdDSA")
}

#[tokio::test]
async fn where_a_jwks_is_given_the_embedded_secret_signs_nothing() {
    let machine = Machine::new();
    let server = Machine::start_by(with_keys(&mut machine.embedded(), &machine, KEYS));
    let caller = Caller::owner_of("t_demo", &machine, &server);
    let answer = caller.get("/nexus/raw/assets/none").await;
    assert_eq!(answer.status, 401);
}

#[test]
fn a_jwks_without_a_usable_key_ends_the_start_with_78() {
    let machine = Machine::new();
    let keys = r#"{"keys": [{"kty": "oct", "k": "AAAA"}]}"#;
    let (code, told) = ended(with_keys(&mut machine.embedded(), &machine, keys));
    assert_eq!(code, 78, "{told}");
    let reason = "the JWKS has no public key for the configured algorithm";
    assert!(told.contains(reason), "{told}");
    assert!(told.contains("identity.jwks_file: "), "{told}");
}

#[test]
fn a_missing_jwks_file_ends_the_start_with_78_and_names_its_key() {
    let machine = Machine::new();
    let mut command = machine.embedded();
    command
        .env("NEXUS_RAW_IDENTITY__JWKS_FILE", "missing.json")
        .env("NEXUS_RAW_IDENTITY__ALGORITHM", "EdDSA");
    let (code, told) = ended(&mut command);
    assert_eq!(code, 78, "{told}");
    assert!(told.contains("identity.jwks_file: "), "{told}");
}

//! Secrets from files, and secrets that stay secret.

use nexus_raw_config::{Sources, TokenKeys, load};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::support::{SECRET, fault, loaded, sources, told_of, variable, write};

fn hs256(sources: &Sources) -> String {
    match load(sources).unwrap().identity.keys {
        TokenKeys::Hs256 { secret, .. } => secret.expose_secret().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_secret_in_a_variable_arrives_to_the_byte() {
    for secret in [
        "00000000000000000000000000000123",
        "\"quoted quoted quoted quoted quoted\"",
        "  spaces around, which are part of it  ",
        "[\"looks\", \"like\", \"a\", \"list\", \"of\", \"TOML\"]",
        "{ looks = \"like a table of the TOML kind\" }",
        "line one of this secret\nline two of it\n",
    ] {
        assert_eq!(
            hs256(&sources(
                &["identity.hs256_secret"],
                &[("identity.hs256_secret", secret)]
            )),
            secret
        );
    }
}

#[test]
fn a_secret_can_come_from_a_file_by_variable_or_by_toml() {
    let directory = TempDir::new().unwrap();
    for (content, expected) in [
        (format!("{SECRET}\n"), SECRET.to_owned()),
        (format!("{SECRET}\r\n"), SECRET.to_owned()),
        (SECRET.to_owned(), SECRET.to_owned()),
        (format!(" {SECRET}\n\n"), format!(" {SECRET}\n")),
    ] {
        let secret_file = write(&directory, "secret", &content);
        let by_variable = sources(
            &["identity.hs256_secret"],
            &[("identity.hs256_secret_file", secret_file.to_str().unwrap())],
        );
        assert_eq!(hs256(&by_variable), expected);

        let toml = format!(
            "[identity]\nhs256_secret_file = {:?}\n",
            secret_file.to_str().unwrap()
        );
        let config_file = Some(write(&directory, "nexus.toml", toml));
        assert_eq!(
            hs256(&Sources {
                config_file,
                ..sources(&["identity.hs256_secret"], &[])
            }),
            expected
        );
    }
}

#[test]
fn every_secret_has_its_file_form() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str, content: &str| {
        write(&directory, name, content)
            .to_str()
            .unwrap()
            .to_owned()
    };
    let settings = load(&sources(
        &["catalog.url", "identity.hs256_secret"],
        &[
            ("storage.access_key_id_file", &file("id", "id\n")),
            ("storage.secret_access_key_file", &file("key", "key\n")),
            ("catalog.url_file", &file("url", "postgres://u:p@h/d\n")),
            ("identity.hs256_secret_file", &file("secret", SECRET)),
            (
                "identity.hs256_previous_secret_file",
                &file("previous", &SECRET.to_uppercase()),
            ),
        ],
    ))
    .unwrap();
    let pair = settings.storage.credentials.unwrap();
    assert_eq!(
        (
            pair.access_key_id.expose_secret(),
            pair.secret_access_key.expose_secret()
        ),
        ("id", "key")
    );
    assert!(matches!(
        settings.identity.keys,
        TokenKeys::Hs256 {
            previous: Some(_),
            ..
        }
    ));
}

#[test]
fn a_secret_file_of_a_later_source_wins() {
    let directory = TempDir::new().unwrap();
    let config_file = Some(write(
        &directory,
        "nexus.toml",
        "[identity]\nhs256_secret = \"the-secret-in-the-toml-file-of-32-bytes\"\n",
    ));
    let secret_file = write(&directory, "secret", SECRET);
    let more = [("identity.hs256_secret_file", secret_file.to_str().unwrap())];
    assert_eq!(
        hs256(&Sources {
            config_file,
            ..sources(&["identity.hs256_secret"], &more)
        }),
        SECRET
    );
}

#[test]
fn a_secret_file_that_gives_none_is_a_fault_of_its_own_key() {
    let directory = TempDir::new().unwrap();
    let key = "identity.hs256_secret_file";
    let big = "s".repeat(65 * 1024);
    let absent = directory.path().join("absent");
    for (path, reason) in [
        (absent, "names a file that cannot be read: entity not found"),
        (
            directory.path().to_owned(),
            "names something that is not a file",
        ),
        ("/dev/null".into(), "names something that is not a file"),
        (write(&directory, "empty", ""), "names an empty file"),
        (write(&directory, "line", "\n"), "names an empty file"),
        (
            write(&directory, "binary", [0xff; 40]),
            "names a file that is not UTF-8",
        ),
        (
            write(&directory, "big", big),
            "names a file of more than 64 KiB",
        ),
    ] {
        let told = told_of(&sources(
            &["identity.hs256_secret"],
            &[(key, path.to_str().unwrap())],
        ));
        assert_eq!(told, fault(key, reason));
    }
}

#[test]
fn what_a_secret_file_holds_is_checked_and_told_by_the_variable_that_named_it() {
    let directory = TempDir::new().unwrap();
    let short = write(&directory, "short", "canary\n");
    let told = told_of(&sources(
        &["identity.hs256_secret"],
        &[("identity.hs256_secret_file", short.to_str().unwrap())],
    ));
    assert_eq!(
        told,
        format!(
            "identity.hs256_secret: must be text of 32 to 4096 bytes ({})",
            variable("identity.hs256_secret_file")
        )
    );
}

#[test]
fn a_secret_given_twice_in_one_source_is_refused() {
    let directory = TempDir::new().unwrap();
    let secret_file = write(&directory, "secret", SECRET);
    let path = secret_file.to_str().unwrap();
    let reason = "must not stand beside identity.hs256_secret: give the secret once";
    assert_eq!(
        told_of(&sources(&[], &[("identity.hs256_secret_file", path)])),
        fault("identity.hs256_secret_file", reason)
    );
    let toml = format!("[identity]\nhs256_secret = {SECRET:?}\nhs256_secret_file = {path:?}\n");
    let config_file = write(&directory, "nexus.toml", toml);
    let told = told_of(&Sources {
        config_file: Some(config_file.clone()),
        ..sources(&["identity.hs256_secret"], &[])
    });
    assert_eq!(
        told,
        format!(
            "identity.hs256_secret_file: {reason} ({})",
            config_file.display()
        )
    );
}

#[test]
fn a_secret_mistaken_for_a_path_is_not_told() {
    let told = told_of(&sources(
        &["identity.hs256_secret"],
        &[("identity.hs256_secret_file", SECRET)],
    ));
    assert_eq!(
        told,
        fault(
            "identity.hs256_secret_file",
            "names a file that cannot be read: entity not found"
        )
    );
}

#[test]
fn a_file_form_is_for_secrets_only() {
    let told = told_of(&sources(&[], &[("identity.issuer_file", "x")]));
    assert_eq!(
        told,
        "identity.issuer_file: is not a known key; did you mean NEXUS_RAW_IDENTITY__ISSUER? (NEXUS_RAW_IDENTITY__ISSUER_FILE)"
    );
}

#[test]
fn no_secret_shows_in_debug_or_in_the_printed_configuration() {
    let secrets = [
        ("storage.access_key_id", "canary-of-the-key-id"),
        ("storage.secret_access_key", "canary-of-the-secret-key"),
        (
            "identity.hs256_previous_secret",
            "canary-of-the-previous-secret-of-32-bytes",
        ),
        (
            "catalog.url",
            "postgres://app:canary-of-the-database@db/nexus?password=canary-of-the-query",
        ),
    ];
    let sources = sources(&["catalog.url"], &secrets);
    let settings = load(&sources).unwrap();
    for shown in [
        settings.effective_toml(),
        format!("{settings:?}"),
        format!("{settings:#?}"),
        format!("{sources:?}"),
    ] {
        assert!(!shown.contains("canary"), "{shown}");
    }
    assert!(!format!("{:?}", loaded(&[])).contains("canary"));
}

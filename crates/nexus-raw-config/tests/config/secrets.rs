//! Secrets from files, and secrets that stay secret.

use nexus_raw_config::{CatalogLocation, EventSink, Sources, TokenKeys, load, secret_keys};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::support::{SECRET, errors_in, fault, loaded, sources, variable, write};

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
        // what comes before it is part of it, as in a variable
        (format!(" {SECRET}\n"), format!(" {SECRET}")),
        (format!("{SECRET}\u{2028}x"), format!("{SECRET}\u{2028}x")),
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

/// A value with a secret in it for each key that holds one.
const CANARIES: [(&str, &str); 8] = [
    ("storage.access_key_id", "canary-of-the-key-id"),
    ("storage.secret_access_key", "canary-of-the-secret-key"),
    (
        "catalog.url",
        "postgres://app:canary-of-the-database@db/nexus?password=canary-of-the-query",
    ),
    (
        "identity.hs256_secret",
        "canary-of-the-secret-of-32-bytes-of-now",
    ),
    (
        "identity.hs256_previous_secret",
        "canary-of-the-previous-secret-of-32-bytes",
    ),
    ("events.nats.url", "nats://canary-of-nats@127.0.0.1:4222"),
    (
        "events.http.url",
        "https://hooks.example.com/canary-of-the-path?key=canary",
    ),
    (
        "events.http.hmac_secret",
        "canary-of-the-secret-of-signatures-of-32-bytes",
    ),
];

/// All of them, each by its own key or by its file.
fn with_canaries(as_given: impl Fn(&'static str, &'static str) -> (String, String)) -> Sources {
    let known: Vec<&str> = CANARIES.iter().map(|(key, _)| *key).collect();
    assert_eq!(secret_keys().collect::<Vec<_>>(), known);
    let mut more = vec![(
        "events.sinks".to_owned(),
        r#"["log", "nats", "http"]"#.to_owned(),
    )];
    more.extend(CANARIES.map(|(key, value)| as_given(key, value)));
    let more: Vec<(&str, &str)> = more.iter().map(|(key, value)| (&**key, &**value)).collect();
    sources(&known, &more)
}

#[test]
fn every_secret_has_its_file_form() {
    let directory = TempDir::new().unwrap();
    let settings = load(&with_canaries(|key, value| {
        let file = write(&directory, key, format!("{value}\n"));
        (format!("{key}_file"), file.to_str().unwrap().to_owned())
    }));
    let settings = settings.unwrap();
    let pair = settings.storage.credentials.unwrap();
    let CatalogLocation::Postgres(catalog) = settings.catalog.location else {
        panic!("no server");
    };
    let TokenKeys::Hs256 { secret, previous } = settings.identity.keys else {
        panic!("no secret");
    };
    let [EventSink::Log, EventSink::Nats(nats), EventSink::Http(http)] = &*settings.events.sinks
    else {
        panic!("{:?}", settings.events.sinks);
    };
    let arrived = [
        pair.access_key_id.expose_secret(),
        pair.secret_access_key.expose_secret(),
        catalog.expose_secret(),
        secret.expose_secret(),
        previous.as_ref().unwrap().expose_secret(),
        nats.url.as_url().as_str(),
        http.url.as_url().as_str(),
        http.hmac_secret.as_ref().unwrap().expose_secret(),
    ];
    assert_eq!(arrived, CANARIES.map(|(_, value)| value));
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
        (
            absent,
            "names a file that cannot be read: No such file or directory (os error 2)",
        ),
        (
            directory.path().to_owned(),
            "names a path that is not a regular file",
        ),
        (
            "/dev/null".into(),
            "names a path that is not a regular file",
        ),
        (write(&directory, "empty", ""), "names an empty file"),
        (write(&directory, "line", "\n"), "names an empty file"),
        // each would be part of the secret, and nobody would see it
        (
            write(&directory, "mark", format!("\u{feff}{SECRET}\n")),
            "names a file that begins with a byte order mark, which is not part of a secret",
        ),
        (
            write(&directory, "space", format!("{SECRET} \n")),
            "names a file that ends with white space, which is not part of a secret",
        ),
        (
            write(&directory, "tab", format!("{SECRET}\t")),
            "names a file that ends with white space, which is not part of a secret",
        ),
        (
            write(&directory, "lines", format!("{SECRET}\n\n")),
            "names a file that ends with more than one line end, which is not part of a secret",
        ),
        (
            write(&directory, "dos", format!("{SECRET}\r\n\r\n")),
            "names a file that ends with more than one line end, which is not part of a secret",
        ),
        (
            write(&directory, "binary", [0xff; 40]),
            "names a file that is not UTF-8",
        ),
        (
            write(&directory, "big", big),
            "names a file of more than 64 KiB",
        ),
    ] {
        let shown = errors_in(&sources(
            &["identity.hs256_secret"],
            &[(key, path.to_str().unwrap())],
        ));
        assert_eq!(shown, fault(key, reason));
    }
}

#[test]
fn a_secret_files_content_is_checked_and_reported_by_the_variable_that_named_it() {
    let directory = TempDir::new().unwrap();
    let short = write(&directory, "short", "canary\n");
    let shown = errors_in(&sources(
        &["identity.hs256_secret"],
        &[("identity.hs256_secret_file", short.to_str().unwrap())],
    ));
    assert_eq!(
        shown,
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
    let reason = "must not be set together with identity.hs256_secret";
    assert_eq!(
        errors_in(&sources(&[], &[("identity.hs256_secret_file", path)])),
        fault("identity.hs256_secret_file", reason)
    );
    let toml = format!("[identity]\nhs256_secret = {SECRET:?}\nhs256_secret_file = {path:?}\n");
    let config_file = write(&directory, "nexus.toml", toml);
    let shown = errors_in(&Sources {
        config_file: Some(config_file.clone()),
        ..sources(&["identity.hs256_secret"], &[])
    });
    assert_eq!(
        shown,
        format!(
            "identity.hs256_secret_file: {reason} ({})",
            config_file.display()
        )
    );
}

#[test]
fn a_secret_mistaken_for_a_path_is_not_shown() {
    let shown = errors_in(&sources(
        &["identity.hs256_secret"],
        &[("identity.hs256_secret_file", SECRET)],
    ));
    assert_eq!(
        shown,
        fault(
            "identity.hs256_secret_file",
            "names a file that cannot be read: No such file or directory (os error 2)"
        )
    );
}

#[test]
fn a_file_form_is_for_secrets_only() {
    let shown = errors_in(&sources(&[], &[("identity.issuer_file", "x")]));
    assert_eq!(
        shown,
        "identity.issuer_file: is not a known key; did you mean NEXUS_RAW_IDENTITY__ISSUER? (NEXUS_RAW_IDENTITY__ISSUER_FILE)"
    );
}

#[test]
fn no_secret_shows_in_debug_or_in_the_printed_configuration() {
    let sources = with_canaries(|key, value| (key.to_owned(), value.to_owned()));
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

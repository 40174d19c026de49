//! Where values come from, and which wins.

use nexus_raw_config::{Sources, load};
use tempfile::TempDir;

use crate::support::{environment, errors_in, fault, sources, with_file, write};

const FILE: &str = r#"
[http]
bind = "127.0.0.1:8081"
cors_origins = ["https://app.example.com"]

[storage]
bucket = "bucket-of-the-file"
region = "eu-west-1"
presign_ttl_seconds = 600
force_path_style = true

[catalog]
url = "sqlite:file.sqlite"

[identity]
issuer = "https://file.example.com/"
audience = "file"
hs256_secret = "the-secret-of-the-file-of-32-bytes-or-more"
"#;

#[test]
fn a_file_is_enough() {
    let directory = TempDir::new().unwrap();
    let config_file = Some(write(&directory, "nexus.toml", FILE));
    let settings = load(&Sources {
        config_file,
        ..Sources::default()
    })
    .unwrap();
    assert_eq!(settings.http.bind.to_string(), "127.0.0.1:8081");
    assert_eq!(settings.http.cors_origins, ["https://app.example.com"]);
    assert_eq!(settings.storage.bucket.as_str(), "bucket-of-the-file");
    assert_eq!(settings.storage.presign_ttl.as_secs(), 600);
    assert!(settings.storage.force_path_style);
    assert_eq!(settings.storage.intent_ttl.as_secs(), 86_400);
}

#[test]
fn a_variable_wins_over_the_file_and_the_file_over_a_default() {
    let directory = TempDir::new().unwrap();
    let config_file = Some(write(&directory, "nexus.toml", FILE));
    let variables = [
        ("storage.bucket", "bucket-of-the-variable"),
        ("http.cors_origins", "[]"),
        ("storage.force_path_style", "false"),
    ];
    let settings = load(&Sources {
        config_file,
        environment: environment(&variables),
        embedded: None,
    })
    .unwrap();
    assert_eq!(settings.storage.bucket.as_str(), "bucket-of-the-variable");
    assert_eq!(settings.storage.region, "eu-west-1");
    assert!(settings.http.cors_origins.is_empty());
    assert!(!settings.storage.force_path_style);
}

#[test]
fn a_missing_file_is_a_fault_beside_all_others() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("absent.toml");
    let shown = errors_in(&Sources {
        config_file: Some(path.clone()),
        ..sources(&[], &[("log.level", "loud")])
    });
    assert_eq!(
        shown,
        format!(
            "--config: cannot be read: No such file or directory (os error 2) ({})\n{}",
            path.display(),
            fault("log.level", "must be error, warn, info, debug or trace")
        )
    );
}

#[test]
fn a_file_that_is_no_toml_is_reported_by_its_place_and_never_quoted() {
    let directory = TempDir::new().unwrap();
    for (content, reason) in [
        (
            "[identity]\nhs256_secret = canary\n",
            "is not valid TOML at line 2, column 16: string values must be quoted, expected literal string",
        ),
        (
            "a = 1\na = 'canary'\n",
            "is not valid TOML at line 2, column 1: duplicate key",
        ),
        (
            "[identity]\nhs256_secret = \"canary\n",
            "is not valid TOML at line 2, column 23: invalid basic string, expected `\"`",
        ),
        // TOML 1.1, where this is allowed, is not what is read
        (
            "a = { b = 'canary',\n}\n",
            "is not valid TOML 1.0: it uses the syntax of a later version",
        ),
    ] {
        let path = write(&directory, "bad.toml", content);
        assert_eq!(
            errors_in(&with_file(&path)),
            format!("--config: {reason} ({})", path.display())
        );
    }
    let path = write(&directory, "bad.toml", b"# \xff canary\n");
    assert_eq!(
        errors_in(&with_file(&path)),
        format!("--config: is not UTF-8 ({})", path.display())
    );
    assert_eq!(
        errors_in(&with_file(directory.path())),
        format!(
            "--config: cannot be read: Is a directory (os error 21) ({})",
            directory.path().display()
        )
    );
}

#[test]
fn an_unknown_key_is_refused_in_the_file_and_in_the_environment() {
    let directory = TempDir::new().unwrap();
    let content = "top = 1\n[storage]\nbuket = \"x\"\n[strange]\na = 1\nb = 2\n[storage.deep]\nc = 3\n[empty]\n";
    let path = write(&directory, "nexus.toml", content);
    let mut sources = with_file(&path);
    for name in [
        "NEXUS_RAW_HTTP__PORT",
        "NEXUS_RAW_STORAGE__REGOIN",
        "NEXUS_RAW__STORAGE__BUCKET",
        "NEXUS_RAW_STORAGE__BUCKET__X",
    ] {
        sources.environment.push((name.into(), "canary".into()));
    }
    sources
        .environment
        .push(("NEXUS_RAW_Storage__Bucket".into(), "canary".into()));
    let file = path.display();
    let mut lines: Vec<_> = errors_in(&sources).lines().map(ToOwned::to_owned).collect();
    lines.sort();
    let mut expected = [
        format!("empty: is not a known table ({file})"),
        format!("storage.buket: is not a known key; did you mean storage.bucket? ({file})"),
        format!("storage.deep.c: is not a known key ({file})"),
        format!("strange.a: is not a known key ({file})"),
        format!("strange.b: is not a known key ({file})"),
        format!("top: is not a known key ({file})"),
        "http.port: is not a known key (NEXUS_RAW_HTTP__PORT)".to_owned(),
        "storage.regoin: is not a known key; did you mean NEXUS_RAW_STORAGE__REGION? (NEXUS_RAW_STORAGE__REGOIN)".to_owned(),
        "_storage.bucket: is not a known key; did you mean NEXUS_RAW_STORAGE__BUCKET? (NEXUS_RAW__STORAGE__BUCKET)".to_owned(),
        "storage.bucket.x: is not a known key; did you mean NEXUS_RAW_STORAGE__BUCKET? (NEXUS_RAW_STORAGE__BUCKET__X)".to_owned(),
        "storage.bucket: is not a known key; did you mean NEXUS_RAW_STORAGE__BUCKET? (NEXUS_RAW_Storage__Bucket)".to_owned(),
    ];
    expected.sort();
    assert_eq!(lines, expected);
}

#[test]
fn a_name_without_two_underscores_belongs_to_others() {
    let mut sources = sources(&[], &[]);
    for name in [
        "NEXUS_RAW_SERVER",
        "NEXUS_RAW_TOKEN",
        "NEXUS_RAW_ENV",
        "NEXUS_RAW_PORT_8080_TCP_ADDR",
        "NEXUS_RAW",
        "NEXUS_RAW_",
        "OTHER__KEY",
    ] {
        sources.environment.push((name.into(), "x".into()));
    }
    load(&sources).unwrap();
}

#[test]
fn the_environment_of_the_process_is_read_as_it_is() {
    let read = Sources::from_process(Some("nexus.toml".into()), None);
    let directory = (
        "CARGO_MANIFEST_DIR".into(),
        env!("CARGO_MANIFEST_DIR").into(),
    );
    assert!(read.environment.contains(&directory));
    assert_eq!(read.config_file, Some("nexus.toml".into()));
    assert!(read.embedded.is_none());
}

#[test]
fn a_value_of_another_type_is_reported_for_each_leaf() {
    let directory = TempDir::new().unwrap();
    let content = "limits = 5\n[http]\nbind = 8080\nrequest_timeout_seconds = \"10\"\ncors_origins = \"https://a\"\n\
                   [storage]\nforce_path_style = \"true\"\nendpoint = { host = \"x\" }\npresign_ttl_seconds = 1.5\n\
                   [log]\nlevel = 1979-05-27\n[identity]\nhs256_previous_secret = 42\nhs256_secret_file = 1\n";
    let path = write(&directory, "nexus.toml", content);
    let mut sources = sources(&["identity.hs256_secret"], &[]);
    sources.config_file = Some(path.clone());
    let shown = errors_in(&sources);
    let keys: Vec<_> = shown
        .lines()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "http.bind",
            "http.cors_origins",
            "http.request_timeout_seconds",
            "storage.endpoint",
            "storage.force_path_style",
            "storage.presign_ttl_seconds",
            "identity.hs256_secret_file",
            "identity.hs256_previous_secret",
            "log.level",
            "limits",
        ]
    );
    assert!(
        shown
            .lines()
            .all(|line| line.ends_with(&format!("({})", path.display()))),
        "{shown}"
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStringExt;

    let mut sources = sources(&["storage.bucket"], &[]);
    sources.environment.push((
        "NEXUS_RAW_STORAGE__BUCKET".into(),
        std::ffi::OsString::from_vec(b"a\xffb".to_vec()),
    ));
    assert_eq!(errors_in(&sources), fault("storage.bucket", "is not UTF-8"));
}

#[test]
fn a_table_in_the_place_of_a_section_cannot_hide_behind_a_variable() {
    let directory = TempDir::new().unwrap();
    let path = write(&directory, "nexus.toml", "storage = \"canary\"\n");
    assert_eq!(
        errors_in(&with_file(&path)),
        format!("storage: must be a table ({})", path.display())
    );
}

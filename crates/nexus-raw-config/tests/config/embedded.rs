//! Embedded mode: what it brings along, what yields, what it refuses.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use nexus_raw_config::{
    CatalogLocation, EMBEDDED_AUDIENCE, EMBEDDED_BUCKET, EMBEDDED_ISSUER, EMBEDDED_REGION,
    EmbeddedError, EmbeddedMode, Sources, TokenKeys, load,
};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::support::{SECRET, embedded, errors_in, fault, sources, write};

const SECRETS: [&str; 3] = ["hs256-secret", "s3-access-key-id", "s3-secret-access-key"];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn exposed(mode: &EmbeddedMode) -> [String; 3] {
    let secrets = mode.secrets();
    [
        &secrets.hs256_secret,
        &secrets.s3_access_key_id,
        &secrets.s3_secret_access_key,
    ]
    .map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn embedded_mode_needs_nothing_else() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path().join("data");
    let sources = embedded(&data_dir, &[]);
    let [hs256, id, key] = exposed(sources.embedded.as_ref().unwrap());
    let settings = load(&sources).unwrap();
    assert_eq!(settings.storage.bucket.as_str(), EMBEDDED_BUCKET);
    assert_eq!(settings.storage.region, EMBEDDED_REGION);
    assert_eq!(
        settings.storage.endpoint.unwrap().as_url().as_str(),
        "http://127.0.0.1:9000/"
    );
    assert!(settings.storage.force_path_style);
    let pair = settings.storage.credentials.unwrap();
    assert_eq!(
        (
            pair.access_key_id.expose_secret(),
            pair.secret_access_key.expose_secret()
        ),
        (&*id, &*key)
    );
    assert!(
        matches!(settings.catalog.location, CatalogLocation::Sqlite(path) if path == data_dir.join("catalog.sqlite"))
    );
    assert_eq!(
        (&*settings.identity.issuer, &*settings.identity.audience),
        (EMBEDDED_ISSUER, EMBEDDED_AUDIENCE)
    );
    assert!(
        matches!(settings.identity.keys, TokenKeys::Hs256 { secret, previous: None } if secret.expose_secret() == hs256)
    );
    let embedded = settings.embedded.unwrap();
    assert_eq!(embedded.data_dir, data_dir);
    assert_eq!(embedded.s3_bind.to_string(), "127.0.0.1:9000");
}

#[test]
fn the_endpoint_is_where_the_embedded_server_listens() {
    let directory = TempDir::new().unwrap();
    for (bind, endpoint) in [
        ("127.0.0.1:9123", "http://127.0.0.1:9123/"),
        ("[::1]:9123", "http://[::1]:9123/"),
        ("127.0.0.1:0", "http://127.0.0.1:0/"),
    ] {
        let settings = load(&embedded(directory.path(), &[("embedded.s3_bind", bind)])).unwrap();
        assert_eq!(
            settings.storage.endpoint.unwrap().as_url().as_str(),
            endpoint
        );
        assert_eq!(settings.embedded.unwrap().s3_bind.to_string(), bind);
    }
}

#[test]
fn a_key_given_by_file_or_variable_wins() {
    let directory = TempDir::new().unwrap();
    let config_file = Some(write(
        &directory,
        "nexus.toml",
        "[identity]\nissuer = \"https://file.example.com/\"\n",
    ));
    let more = [
        ("storage.bucket", "another"),
        ("catalog.url", "sqlite:another.sqlite"),
        ("identity.hs256_secret", SECRET),
        ("storage.access_key_id", "id"),
        ("storage.secret_access_key", "key"),
    ];
    let settings = load(&Sources {
        config_file,
        ..embedded(directory.path(), &more)
    })
    .unwrap();
    assert_eq!(settings.storage.bucket.as_str(), "another");
    assert_eq!(settings.identity.issuer, "https://file.example.com/");
    assert!(
        matches!(settings.identity.keys, TokenKeys::Hs256 { secret, .. } if secret.expose_secret() == SECRET)
    );
    assert_eq!(
        settings
            .storage
            .credentials
            .unwrap()
            .secret_access_key
            .expose_secret(),
        "key"
    );
}

#[test]
fn a_given_jwks_takes_the_place_of_the_embedded_secret() {
    let directory = TempDir::new().unwrap();
    let more = [
        ("identity.jwks_file", "keys.json"),
        ("identity.algorithm", "RS256"),
    ];
    let settings = load(&embedded(directory.path(), &more)).unwrap();
    assert!(matches!(settings.identity.keys, TokenKeys::JwksFile(_)));
}

#[test]
fn half_a_given_pair_is_not_filled_up_with_embedded_credentials() {
    let directory = TempDir::new().unwrap();
    assert_eq!(
        errors_in(&embedded(
            directory.path(),
            &[("storage.access_key_id", "id")]
        )),
        "storage.secret_access_key: is required with storage.access_key_id"
    );
}

#[test]
fn embedded_mode_listens_on_loopback_only() {
    let directory = TempDir::new().unwrap();
    let reason = "must be a loopback address in embedded mode";
    for address in ["0.0.0.0:9000", "10.0.0.7:9000", "[::]:9000"] {
        let more = [("http.bind", address), ("metrics.bind", address)];
        assert_eq!(
            errors_in(&embedded(directory.path(), &more)),
            [fault("http.bind", reason), fault("metrics.bind", reason)].join("\n")
        );
        let shown = errors_in(&embedded(
            directory.path(),
            &[("embedded.s3_bind", address)],
        ));
        assert!(
            shown.contains(&fault("embedded.s3_bind", reason)),
            "{shown}"
        );
    }
}

#[test]
fn an_endpoint_beside_embedded_mode_is_refused() {
    let directory = TempDir::new().unwrap();
    let reason = "must not be set in embedded mode, which uses its own";
    let endpoint = "http://127.0.0.1:8333";
    assert_eq!(
        errors_in(&embedded(
            directory.path(),
            &[("storage.endpoint", endpoint)]
        )),
        fault("storage.endpoint", reason)
    );
    let path = write(
        &directory,
        "nexus.toml",
        format!("[storage]\nendpoint = {endpoint:?}\n"),
    );
    assert_eq!(
        errors_in(&Sources {
            config_file: Some(path.clone()),
            ..embedded(directory.path(), &[])
        }),
        format!("storage.endpoint: {reason} ({})", path.display())
    );
}

#[test]
fn embedded_keys_are_refused_without_embedded_mode() {
    assert_eq!(
        errors_in(&sources(&[], &[("embedded.s3_bind", "127.0.0.1:9000")])),
        fault("embedded.s3_bind", "is allowed only in embedded mode")
    );
}

#[test]
fn the_first_start_makes_private_secrets_and_the_next_one_keeps_them() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path().join("a/b");
    let first = exposed(&EmbeddedMode::prepare(&data_dir).unwrap());
    assert_eq!(first.clone().map(|secret| secret.len()), [96, 20, 64]);
    assert_eq!(mode(&data_dir), 0o700);
    let mut names: Vec<_> = fs::read_dir(&data_dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, SECRETS, "nothing else is left behind");
    for name in SECRETS {
        assert_eq!(mode(&data_dir.join(name)), 0o600);
    }
    assert_eq!(exposed(&EmbeddedMode::prepare(&data_dir).unwrap()), first);
    assert_eq!(
        exposed(&EmbeddedMode::open_existing(&data_dir).unwrap()),
        first
    );
    assert_eq!(exposed(&EmbeddedMode::dry_run(&data_dir).unwrap()), first);

    let other = exposed(&EmbeddedMode::prepare(&directory.path().join("other")).unwrap());
    assert!(
        first
            .iter()
            .zip(&other)
            .all(|(one, another)| one != another)
    );
}

#[test]
fn starters_at_the_same_moment_end_up_with_the_same_secrets() {
    let directory = TempDir::new().unwrap();
    let start = std::sync::Barrier::new(8);
    let all: Vec<_> = std::thread::scope(|scope| {
        let prepare = || {
            start.wait();
            exposed(&EmbeddedMode::prepare(directory.path()).unwrap())
        };
        let starters: Vec<_> = (0..8).map(|_| scope.spawn(prepare)).collect();
        starters
            .into_iter()
            .map(|starter| starter.join().unwrap())
            .collect()
    });
    assert!(all.iter().all(|secrets| secrets == &all[0]));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
}

#[test]
fn opening_and_a_dry_run_change_nothing() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path().join("data");
    assert!(
        matches!(EmbeddedMode::open_existing(&data_dir), Err(EmbeddedError::NotPrepared { data_dir: shown }) if shown == data_dir)
    );
    let dry_run = EmbeddedMode::dry_run(&data_dir).unwrap();
    assert!(!data_dir.exists());
    load(&Sources {
        embedded: Some(dry_run),
        ..Sources::default()
    })
    .unwrap();
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    let directory = TempDir::new().unwrap();
    EmbeddedMode::prepare(directory.path()).unwrap();
    for name in SECRETS {
        let path = directory.path().join(name);
        for open in [0o640, 0o604, 0o660, 0o601] {
            chmod(&path, open);
            for opened in [
                EmbeddedMode::prepare(directory.path()),
                EmbeddedMode::open_existing(directory.path()),
                EmbeddedMode::dry_run(directory.path()),
            ] {
                assert!(
                    matches!(opened, Err(EmbeddedError::Open { path: shown }) if shown == path)
                );
            }
        }
        chmod(&path, 0o400);
        EmbeddedMode::open_existing(directory.path()).unwrap();
    }
}

#[test]
fn a_directory_that_anyone_may_write_to_is_refused() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir).unwrap();
    chmod(&data_dir, 0o777);
    assert!(
        matches!(EmbeddedMode::prepare(&data_dir), Err(EmbeddedError::Open { path }) if path == data_dir)
    );
    assert_eq!(fs::read_dir(&data_dir).unwrap().count(), 0);
}

#[test]
fn a_damaged_secret_is_refused_and_not_replaced() {
    let directory = TempDir::new().unwrap();
    EmbeddedMode::prepare(directory.path()).unwrap();
    let path = directory.path().join("hs256-secret");
    let good = fs::read(&path).unwrap();
    for damaged in [
        &b""[..],
        b"canary\n",
        &good[..95],
        &good[..96],
        &[&good[..], b"x"].concat(),
        &[0xff; 97],
    ] {
        fs::write(&path, damaged).unwrap();
        let Err(error) = EmbeddedMode::prepare(directory.path()) else {
            panic!()
        };
        assert!(matches!(&error, EmbeddedError::Damaged { path: shown } if *shown == path));
        assert!(!error.to_string().contains("canary"));
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
    fs::remove_file(&path).unwrap();
    let elsewhere = directory.path().join("elsewhere");
    fs::write(&elsewhere, &good).unwrap();
    chmod(&elsewhere, 0o600);
    symlink(&elsewhere, &path).unwrap();
    assert!(matches!(
        EmbeddedMode::prepare(directory.path()),
        Err(EmbeddedError::Damaged { .. })
    ));
}

#[test]
fn a_data_directory_has_a_name_that_a_url_can_hold() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    for bad in [
        OsStr::new(""),
        OsStr::new("a?b"),
        OsStr::new("a\nb"),
        OsStr::from_bytes(b"a\xff"),
    ] {
        assert!(matches!(
            EmbeddedMode::prepare(Path::new(bad)),
            Err(EmbeddedError::Name { .. })
        ));
    }
}

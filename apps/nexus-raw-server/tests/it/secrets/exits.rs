//! What the program says when it does not start.

use std::{
    fs,
    process::{Command, Output},
    thread,
};

use super::{
    echoing_store::{EchoingStore, Fault, Kind},
    evidence::Evidence,
    machine::Machine,
    running::{KEY_ID, PREVIOUS, SECRET, SECRET_KEY},
};

pub(crate) const DATABASE: &str = "kD-canary-of-the-database-password";

fn evidence() -> Evidence {
    let mut evidence = Evidence::default();
    for (name, secret) in [
        ("key id", KEY_ID),
        ("secret key", SECRET_KEY),
        ("secret", SECRET),
        ("previous secret", PREVIOUS),
        ("database", DATABASE),
    ] {
        evidence.canaries.add(name, secret);
    }
    evidence
}

/// A configuration without fault, with every secret in a variable.
pub(crate) fn complete(machine: &Machine, endpoint: &str) -> Command {
    let mut command = machine.program();
    command.envs([
        ("NEXUS_RAW_STORAGE__BUCKET", "nexus-raw"),
        ("NEXUS_RAW_STORAGE__REGION", "eu-central-1"),
        ("NEXUS_RAW_STORAGE__ENDPOINT", endpoint),
        ("NEXUS_RAW_STORAGE__FORCE_PATH_STYLE", "true"),
        ("NEXUS_RAW_STORAGE__ACCESS_KEY_ID", KEY_ID),
        ("NEXUS_RAW_STORAGE__SECRET_ACCESS_KEY", SECRET_KEY),
        ("NEXUS_RAW_STORAGE__STARTUP_TIMEOUT_SECONDS", "1"),
        ("NEXUS_RAW_CATALOG__URL", "sqlite:catalog.sqlite"),
        ("NEXUS_RAW_IDENTITY__ISSUER", "https://issuer.example"),
        ("NEXUS_RAW_IDENTITY__AUDIENCE", "nexus-raw"),
        ("NEXUS_RAW_IDENTITY__HS256_SECRET", SECRET),
        ("NEXUS_RAW_IDENTITY__HS256_PREVIOUS_SECRET", PREVIOUS),
        ("NEXUS_RAW_LOG__LEVEL", "trace"),
        ("RUST_BACKTRACE", "full"),
    ]);
    command
}

/// Runs it to its end, which must be with one of `codes`.
fn take_end(evidence: &mut Evidence, name: &str, command: &mut Command, codes: &[i32]) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let stderr_text = String::from_utf8_lossy(&stderr).into_owned();
    let code = status.code().unwrap();
    assert!(codes.contains(&code), "{name}: {code}: {stderr_text}");
    assert!(!stderr_text.is_empty(), "{name} says nothing");
    evidence.take(name, [stdout, stderr].concat());
}

#[test]
fn no_failure_of_the_store_at_the_start_shows_a_secret() {
    let faults = [
        Fault::Status(301),
        Fault::Status(400),
        Fault::Status(403),
        Fault::Status(500),
        Fault::Malformed,
        Fault::Cut,
    ];
    thread::scope(|scope| {
        for kind in [Kind::Bucket, Kind::Put, Kind::Head] {
            scope.spawn(move || {
                for fault in faults {
                    let machine = Machine::new();
                    let store = EchoingStore::start();
                    store.fail(kind, fault);
                    let mut evidence = evidence();
                    let name = format!("{kind:?} {fault:?}");
                    let mut command = complete(&machine, &store.endpoint);
                    take_end(&mut evidence, &name, &mut command, &[69, 78]);
                    store.know_signatures(&mut evidence);
                    let catalog = machine.data_dir().with_file_name("");
                    evidence.take_files(&catalog, &[]);
                    evidence.assert_shows_no_secret();
                }
            });
        }
    });
}

/// A variable with a secret in it, and the keys it is given to by mistake.
#[test]
fn no_fault_of_the_configuration_shows_a_secret() {
    let machine = Machine::new();
    let mut evidence = evidence();
    let url = format!("://nexus:{DATABASE}@127.0.0.1:99999/nexus?password={DATABASE}");
    let with_user = format!("https://user:{DATABASE}@issuer.example/keys");
    for (name, key, value) in [
        ("short", "IDENTITY__HS256_SECRET", &DATABASE[..20]),
        (
            "broken",
            "STORAGE__SECRET_ACCESS_KEY",
            "kD-canary-of-the-database-password\n",
        ),
        (
            "no key id",
            "STORAGE__ACCESS_KEY_ID",
            "kD-canary-of-the-database/password",
        ),
        ("no path", "IDENTITY__HS256_SECRET_FILE", SECRET),
        ("no port", "CATALOG__URL", &format!("postgres{url}")),
        ("no catalogue", "CATALOG__URL", &format!("mysql{url}")),
        (
            "SQLite",
            "CATALOG__URL",
            &format!("sqlite:x?key={DATABASE}"),
        ),
        ("endpoint", "STORAGE__ENDPOINT", &with_user),
        ("issuer", "IDENTITY__JWKS_URL", &with_user),
        ("another key", "IDENTITY__HS256_SECERT", DATABASE),
        ("another section", "IDENTTIY__HS256_SECRET", DATABASE),
        ("another type", "STORAGE__PRESIGN_TTL_SECONDS", DATABASE),
        (
            "a list",
            "EVENTS__SINKS",
            "[\"kD-canary-of-the-database-password\"]",
        ),
        ("an address", "HTTP__BIND", DATABASE),
        ("a level", "LOG__LEVEL", DATABASE),
    ] {
        for subcommand in ["serve", "check-config"] {
            let mut command = complete(&machine, "http://127.0.0.1:1");
            command
                .arg(subcommand)
                .env(format!("NEXUS_RAW_{key}"), value);
            take_end(&mut evidence, name, &mut command, &[78]);
        }
    }
    let config = machine.data_dir().with_file_name("nexus.toml");
    for (name, text) in [
        ("cut", format!("[identity]\nhs256_secret = \"{DATABASE}")),
        (
            "no text",
            format!("[identity]\nhs256_secret = {DATABASE}\n"),
        ),
        (
            "twice",
            format!("[identity]\nhs256_secret = \"{DATABASE}\"\nhs256_secret = \"{DATABASE}\"\n"),
        ),
        (
            "a list",
            format!("[identity]\nhs256_secret = [\"{DATABASE}\"]\n"),
        ),
        (
            "a table",
            format!("[identity.hs256_secret]\nx = \"{DATABASE}\"\n"),
        ),
        ("no section", format!("identity = \"{DATABASE}\"\n")),
        ("no TOML", DATABASE.to_owned()),
    ] {
        fs::write(&config, text).unwrap();
        let mut command = complete(&machine, "http://127.0.0.1:1");
        command.env_remove("NEXUS_RAW_IDENTITY__HS256_SECRET");
        command.arg("--config").arg(&config);
        take_end(&mut evidence, name, &mut command, &[78]);
    }
    evidence.assert_shows_no_secret();
}

#[test]
fn no_fault_of_the_catalogue_or_of_the_data_directory_shows_a_secret() {
    let machine = Machine::new();
    let mut evidence = evidence();
    let store = EchoingStore::start();
    let file = machine.data_dir().with_file_name("catalog.sqlite");
    fs::write(
        &file,
        format!("{DATABASE}, which is no database at all").repeat(99),
    )
    .unwrap();
    take_end(
        &mut evidence,
        "no database",
        &mut complete(&machine, &store.endpoint),
        &[78],
    );
    fs::create_dir(machine.data_dir()).unwrap();
    for name in super::running::SECRET_FILES {
        let file = machine.data_dir().join(name);
        fs::write(&file, format!("{DATABASE}\n")).unwrap();
        let open = fs::metadata(&file).unwrap();
        assert!(open.is_file());
        take_end(&mut evidence, name, &mut machine.embedded(), &[78]);
        fs::remove_file(file).unwrap();
    }
    evidence.assert_shows_no_secret();
}

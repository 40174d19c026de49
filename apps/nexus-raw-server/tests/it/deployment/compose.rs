use std::{collections::BTreeSet, fs, process::Command};

use nexus_raw_config::EmbeddedMode;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{
    path,
    program::{Effective, SECRET, Variables, assert_takes},
    text, texts, yaml,
};

fn services() -> Value {
    yaml("compose/compose.yaml")["services"].take()
}

/// The variables that compose takes from `.env`, as `${NAME:?…}`.
fn taken(text: &str) -> BTreeSet<&str> {
    let names = text.split("${").skip(1);
    names.map(|it| it.split_once(":?").unwrap().0).collect()
}

/// A value with every secret in its place.
fn filled(value: &str) -> String {
    let mut parts = value.split("${");
    let mut filled = parts.next().unwrap().to_owned();
    for part in parts {
        filled += SECRET;
        filled += part.split_once('}').unwrap().1;
    }
    filled
}

fn configuration(service: &Value) -> Variables {
    let variables = service["environment"].as_object().unwrap().iter();
    variables
        .map(|(name, value)| (name.clone(), filled(value.as_str().unwrap())))
        .collect()
}

#[test]
fn the_server_and_the_migration_have_one_configuration_that_the_program_accepts() {
    let services = services();
    let (server, migrate) = (&services["server"], &services["migrate"]);
    let mut variables = configuration(server);
    assert_eq!(variables, configuration(migrate));
    assert_takes(&texts(&migrate["command"]));
    assert_eq!(server["command"], Value::Null, "that of the image");
    // as in the image
    variables.push(("NEXUS_RAW_HTTP__BIND".into(), "0.0.0.0:8080".into()));
    variables.push(("NEXUS_RAW_METRICS__BIND".into(), "0.0.0.0:9464".into()));
    let effective = Effective::of(&variables, &[]);

    let grace = server["stop_grace_period"].as_str().unwrap();
    let grace: u64 = grace.strip_suffix('s').unwrap().parse().unwrap();
    assert!(grace >= effective.seconds_to_end(), "{grace}");
    for service in [server, migrate] {
        assert_eq!(service["read_only"], true);
        assert_eq!(texts(&service["cap_drop"]), ["ALL"]);
        assert_eq!(service["network_mode"], "service:net");
    }

    // of the store callers use the address that the service signs
    let published = ["http.bind", "metrics.bind", "storage.endpoint"].map(|key| {
        let port = effective.port(key);
        format!("127.0.0.1:{port}:{port}")
    });
    assert_eq!(texts(&services["net"]["ports"]), published);
}

#[test]
fn the_parts_are_what_the_configuration_names() {
    let services = services();
    let variables = configuration(&services["server"]);
    let effective = Effective::of(&variables, &[]);
    let store = texts(&services["seaweedfs"]["command"]);
    let port = effective.port("storage.endpoint");
    for flag in [
        format!("-bucket={}", effective.get("storage.bucket")),
        format!("-s3.port={port}"),
    ] {
        assert!(store.contains(&&*flag), "{flag} is not in {store:?}");
    }
    let nats = texts(&services["nats"]["command"]);
    // printed without its value, which may have a password
    let mut urls = variables
        .iter()
        .filter(|(name, _)| name.ends_with("NATS__URL"));
    let (_, port) = urls.next().unwrap().1.rsplit_once(':').unwrap();
    assert!(nats.contains(&port) && nats.contains(&"--jetstream"));
    let url = effective.get("catalog.url");
    assert!(url.starts_with("postgres://nexus_raw:") && url.ends_with(":5432/nexus_raw"));
    let made = text("compose/create-catalogue.sh");
    assert!(made.contains("CREATE DATABASE nexus_raw OWNER nexus_raw ENCODING 'UTF8'"));
    let asked = texts(&services["postgres"]["healthcheck"]["test"]);
    assert!(asked.contains(&"--dbname=nexus_raw"), "{asked:?}");
}

#[test]
fn the_secrets_are_made_once_for_compose_and_for_tokens() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("make-secrets");
    fs::copy(path("compose/make-secrets"), &script).unwrap();
    assert!(Command::new(&script).status().unwrap().success());
    let written = fs::read_to_string(directory.path().join(".env")).unwrap();
    let names: BTreeSet<&str> = written
        .lines()
        .map(|it| it.split_once('=').unwrap().0)
        .collect();
    let compose = text("compose/compose.yaml");
    assert_eq!(names, taken(&compose));
    let mode = EmbeddedMode::open_existing(&directory.path().join("secrets")).unwrap();
    let secret = mode.secrets().hs256_secret.expose_secret();
    assert!(written.contains(&format!("HS256_SECRET={secret}\n")));

    let again = Command::new(&script).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    let kept = fs::read_to_string(directory.path().join(".env")).unwrap();
    assert_eq!(kept, written);
}

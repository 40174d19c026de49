//! What is documented is what is there.

use nexus_raw_config::{Sources, load, markdown_table};
use tempfile::TempDir;

use crate::support::write;

const CONFIGURATION: &str = include_str!("../../../../docs/CONFIGURATION.md");

#[test]
fn the_documented_table_is_the_one_of_the_code() {
    let start = CONFIGURATION.find("| key | default |").unwrap();
    let table: String = CONFIGURATION[start..]
        .lines()
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_eq!(
        table,
        markdown_table(),
        "run `cargo run -p nexus-raw-config --example configuration-table` and put its output in docs/CONFIGURATION.md"
    );
}

/// The cells of a row, by the code that the first ones hold: key, default, example.
fn rows() -> Vec<(String, String, String)> {
    let code = |cell: &str| {
        cell.trim()
            .trim_end_matches(" (secret)")
            .trim_matches('`')
            .replace("\\|", "|")
    };
    markdown_table()
        .lines()
        .skip(2)
        .map(|line| {
            let cells: Vec<_> = line.split(" | ").collect();
            (
                code(cells[0].trim_start_matches("| ")),
                code(cells[1]),
                code(cells[2]),
            )
        })
        .collect()
}

#[test]
fn each_documented_example_and_default_is_taken() {
    let least = |key: &str| {
        let mut table = toml::Table::new();
        for (least, value) in [
            ("storage.bucket", "nexus-raw-test"),
            ("storage.region", "eu-central-1"),
            ("catalog.url", "sqlite:catalog.sqlite"),
            ("identity.issuer", "https://login.example.com/"),
            ("identity.audience", "nexus-raw"),
        ] {
            put(&mut table, least, value.into());
        }
        put(&mut table, "tenancy.environments", vec!["dev"].into());
        match key {
            "identity.jwks_file" | "identity.jwks_url" => {
                put(&mut table, "identity.algorithm", "RS256".into());
            }
            "identity.algorithm" => put(&mut table, "identity.jwks_file", "keys.json".into()),
            _ => put(
                &mut table,
                "identity.hs256_secret",
                "a-secret-of-the-test-of-32-bytes".into(),
            ),
        }
        match key {
            "storage.access_key_id" => put(&mut table, "storage.secret_access_key", "key".into()),
            "storage.secret_access_key" => put(&mut table, "storage.access_key_id", "id".into()),
            "storage.sse" => put(&mut table, "storage.sse_kms_key_id", "key".into()),
            "storage.sse_kms_key_id" => put(&mut table, "storage.sse", "kms".into()),
            "events.sinks" | "events.http.hmac_secret" => {
                put(
                    &mut table,
                    "events.http.url",
                    "https://hooks.example.com/".into(),
                );
                put(&mut table, "events.sinks", vec!["http"].into());
            }
            "events.http.url" => put(&mut table, "events.sinks", vec!["http"].into()),
            "events.nats.url" => put(&mut table, "events.sinks", vec!["nats"].into()),
            "limits.burst" => put(&mut table, "limits.requests_per_second", 1.into()),
            _ => {}
        }
        table
    };
    let directory = TempDir::new().unwrap();
    for (key, default, example) in rows() {
        for value in [default, example]
            .into_iter()
            .filter(|value| !value.is_empty())
        {
            let mut table = least(&key);
            put(
                &mut table,
                &key,
                value
                    .parse()
                    .unwrap_or_else(|error| panic!("{key} = {value}: {error}")),
            );
            if key == "storage.sse" && !value.contains("kms") {
                table["storage"]
                    .as_table_mut()
                    .unwrap()
                    .remove("sse_kms_key_id");
            }
            if key == "events.sinks" && !value.contains("http") {
                table["events"].as_table_mut().unwrap().remove("http");
            }
            let config_file = Some(write(&directory, "nexus.toml", table.to_string()));
            let embedded = key
                .starts_with("embedded.")
                .then(|| nexus_raw_config::EmbeddedMode::dry_run(directory.path()).unwrap());
            if let Err(errors) = load(&Sources {
                config_file,
                embedded,
                ..Sources::default()
            }) {
                panic!("{key} = {value}: {errors}");
            }
        }
    }
}

fn put(table: &mut toml::Table, key: &str, value: toml::Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = table
                .entry(section)
                .or_insert_with(|| toml::Table::new().into());
            put(section.as_table_mut().unwrap(), rest, value);
        }
    }
}

use std::fs;

use super::{
    path,
    program::{Effective, SECRET, Variables, assert_takes},
    text,
};

/// The values of a key of the unit, in order.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let prefix = format!("{key}=");
    unit.lines()
        .filter_map(|line| line.strip_prefix(&*prefix))
        .collect()
}

fn value<'a>(unit: &'a str, key: &str) -> &'a str {
    let values = values(unit, key);
    let [value] = values[..] else {
        panic!("not one {key}: {values:?}");
    };
    value
}

#[test]
fn the_unit_starts_the_program_with_a_configuration_that_it_accepts() {
    let unit = text("systemd/nexus-raw.service");
    let start: Vec<&str> = value(&unit, "ExecStart").split(' ').collect();
    assert_eq!(start[0], "/usr/local/bin/nexus-raw-server");
    assert_takes(&start[1..]);
    let ["serve", "--config", "/etc/nexus-raw/nexus.toml"] = start[1..] else {
        panic!("{start:?}");
    };

    let credentials = tempfile::tempdir().unwrap();
    let (name, _) = value(&unit, "LoadCredential").split_once(':').unwrap();
    fs::write(credentials.path().join(name), SECRET).unwrap();
    let directory = credentials.path().display().to_string();
    let variables: Variables = values(&unit, "Environment")
        .into_iter()
        .map(|it| it.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.replace("%d", &directory)))
        .collect();
    let file = path("systemd/nexus.toml");
    let effective = Effective::of(&variables, &["--config", file.to_str().unwrap()]);

    let state = format!("sqlite:/var/lib/{}/", value(&unit, "StateDirectory"));
    assert!(effective.get("catalog.url").starts_with(&state), "{state}");
    let stop: u64 = value(&unit, "TimeoutStopSec").parse().unwrap();
    assert!(stop > effective.seconds_to_end(), "{stop}");
}

#[test]
fn the_unit_restarts_what_a_restart_may_help() {
    let unit = text("systemd/nexus-raw.service");
    assert_eq!(value(&unit, "Restart"), "on-failure");
    let documented = include_str!("../../../../../docs/OPERATIONS.md");
    let codes = value(&unit, "RestartPreventExitStatus");
    let line = format!("`RestartPreventExitStatus={codes}`");
    assert!(documented.contains(&line), "{line}");
    let line = format!("`LimitNOFILE={}`", value(&unit, "LimitNOFILE"));
    assert!(documented.contains(&line), "{line}");
}

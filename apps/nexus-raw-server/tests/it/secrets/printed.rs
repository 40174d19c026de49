//! The printed configuration and the help.

use std::{fs, process::Output};

use super::{
    evidence::Evidence,
    exits::{DATABASE, complete},
    machine::Machine,
    running::{KEY_ID, PREVIOUS, SECRET, SECRET_FILES, SECRET_KEY},
};

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

/// Prints the configuration; a line of it.
fn take_printed(evidence: &mut Evidence, command: &mut std::process::Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.arg("check-config").output().unwrap();
    let printed = String::from_utf8(stdout).unwrap();
    evidence.take("the configuration", printed.clone());
    evidence.take("its diagnostics", stderr.clone());
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    printed
}

#[test]
fn the_printed_configuration_shows_no_secret_of_any_source() {
    let machine = Machine::new();
    let mut evidence = evidence();
    let by_variables = take_printed(&mut evidence, &mut complete(&machine, "http://127.0.0.1:1"));
    assert_eq!(
        by_variables.matches("[redacted]").count(),
        4,
        "{by_variables}"
    );

    let directory = machine.data_dir().with_file_name("");
    let mut lines = vec!["[identity]".to_owned()];
    for (key, secret) in [
        ("hs256_secret", SECRET),
        ("hs256_previous_secret", PREVIOUS),
    ] {
        let file = directory.join(key);
        fs::write(&file, secret).unwrap();
        lines.push(format!("{key}_file = {:?}", file.display().to_string()));
    }
    fs::write(directory.join("nexus.toml"), lines.join("\n")).unwrap();
    let mut command = complete(&machine, "http://127.0.0.1:1");
    command
        .env_remove("NEXUS_RAW_IDENTITY__HS256_SECRET")
        .env_remove("NEXUS_RAW_IDENTITY__HS256_PREVIOUS_SECRET")
        .args(["--config", "nexus.toml"]);
    let by_files = take_printed(&mut evidence, &mut command);
    assert_eq!(by_files.matches("[redacted]").count(), 4, "{by_files}");
    evidence.assert_shows_no_secret();
}

#[test]
fn the_password_of_a_database_is_not_shown() {
    let machine = Machine::new();
    let mut evidence = evidence();
    // a password in its place, and one where none may be
    for parameter in ["sslmode=disable", &format!("sslpassword={DATABASE}")] {
        for subcommand in ["check-config", "migrate", "serve"] {
            let url = format!("postgres://nexus:{DATABASE}@127.0.0.1:1/nexus?{parameter}");
            let mut command = complete(&machine, "http://127.0.0.1:1");
            command.env("NEXUS_RAW_CATALOG__URL", url);
            let Output { stdout, stderr, .. } = command.arg(subcommand).output().unwrap();
            evidence.take(subcommand, [stdout, stderr].concat());
        }
    }
    evidence.assert_shows_no_secret();
}

/// What is printed for a bucket is for others, and a health check's output is kept by what runs it.
#[test]
fn what_is_printed_for_a_bucket_or_of_a_check_shows_no_secret() {
    let machine = Machine::new();
    let mut evidence = evidence();
    for (subcommand, ends) in [
        ("bucket-policy", 0),
        ("cors", 0),
        ("lifecycle", 0),
        ("iam-policy", 0),
        ("healthcheck", 69),
        ("check-catalogue", 78),
    ] {
        let mut command = complete(&machine, "http://127.0.0.1:1");
        command
            .env("NEXUS_RAW_HTTP__BIND", "127.0.0.1:1")
            .env("NEXUS_RAW_HTTP__CORS_ORIGINS", r#"["https://a.example"]"#);
        let Output {
            status,
            stdout,
            stderr,
        } = command.arg(subcommand).output().unwrap();
        assert_eq!(status.code(), Some(ends), "{subcommand}");
        evidence.take(subcommand, [stdout, stderr].concat());
    }
    evidence.assert_shows_no_secret();
}

#[test]
fn the_secrets_of_a_data_directory_are_not_printed() {
    let machine = Machine::new();
    drop(machine.start());
    let mut evidence = Evidence::default();
    for name in SECRET_FILES {
        let secret = fs::read_to_string(machine.data_dir().join(name)).unwrap();
        evidence.canaries.add(name, secret.trim_end());
    }
    let printed = take_printed(&mut evidence, &mut machine.embedded());
    assert_eq!(printed.matches("[redacted]").count(), 3, "{printed}");
    evidence.assert_shows_no_secret();
}

/// Others on the machine see a program's arguments: none may have to be a secret.
#[test]
fn no_argument_is_a_secret() {
    let machine = Machine::new();
    for subcommand in [
        &["--help"][..],
        &["serve", "--help"],
        &["check-config", "--help"],
        &["migrate", "--help"],
        &["backup", "--help"],
        &["check-catalogue", "--help"],
        &["events", "parked", "--help"],
        &["events", "retry", "--help"],
        &["healthcheck", "--help"],
        &["doctor", "--help"],
        &["reconcile", "--help"],
        &["scrub", "--help"],
        &["import", "--help"],
        &["bucket-policy", "--help"],
        &["cors", "--help"],
        &["lifecycle", "--help"],
        &["iam-policy", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
    ] {
        let Output { stdout, .. } = machine.program().args(subcommand).output().unwrap();
        let help = String::from_utf8(stdout).unwrap();
        let options: Vec<&str> = help
            .split_whitespace()
            .filter(|word| word.starts_with("--"))
            .collect();
        assert!(options.len() >= 3, "{help}");
        for option in options {
            let known = [
                "--adopt",
                "--as",
                "--bytes-per-second",
                "--concurrency",
                "--config",
                "--embedded",
                "--data-dir",
                "--help",
                "--doctor",
                "--import",
                "--inventory",
                "--keep-state",
                "--max-seconds",
                "--state",
                "--env",
                "--json",
                "--limit",
                "--live",
                "--manifest",
                "--older-than",
                "--plan",
                "--reconcile",
                "--requests-per-second",
                "--sequence",
                "--sink",
                "--tenant",
                "--version",
            ];
            assert!(known.contains(&option), "{option}: is it a secret?");
        }
    }
}

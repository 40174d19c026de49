//! The profile, and which source of a setting counts.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use crate::{
    run::{Ran, TOKEN, command, run},
    stub::{Answer, Stub},
};

/// A home with this profile and a file with a token beside it.
struct Home {
    directory: TempDir,
    profile: PathBuf,
}

impl Home {
    fn with(profile: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join(".config/nexus-raw");
        fs::create_dir_all(&config).unwrap();
        let path = config.join("config.toml");
        fs::write(&path, profile).unwrap();
        fs::write(config.join("token"), format!("{TOKEN}\n")).unwrap();
        Self {
            directory,
            profile: path,
        }
    }

    /// Runs `ls` in this home, with these variables.
    fn ls(&self, variables: &[(&str, &str)], options: &[&str]) -> Ran {
        let mut command = command();
        command
            .env("HOME", self.directory.path())
            .envs(variables.iter().copied())
            .args(["ls", "--retries", "0"]);
        run(&mut command, options)
    }

    fn refused(&self, faults: &[&str]) -> Ran {
        let lines = faults.iter().map(|it| format!("  {it}\n"));
        let lines = lines.collect::<String>();
        let path = self.profile.to_str().unwrap();
        Ran {
            exit: 2,
            out: String::new(),
            err: format!("error: settings are missing or wrong\n{lines}").replace("FILE", path),
        }
    }
}

fn empty_list() -> Stub {
    Stub::start(|_, _| Answer::json(200, r#"{"assets":[],"next_cursor":null}"#))
}

/// The tenant, environment and token of the last request.
fn caller(stub: &Stub) -> [String; 3] {
    let requests = stub.requests();
    let request = requests.last().unwrap();
    ["x-tenant-id", "x-env", "authorization"].map(|it| request.header(it).unwrap().to_owned())
}

#[test]
fn a_profile_alone_is_enough() {
    let stub = empty_list();
    let home = Home::with(&format!(
        "# of the demo\nserver = \"{}\"\ntenant = \"t_a\"\nenv = \"dev\"\ntoken_file = \"token\"\n",
        stub.url
    ));
    let ran = home.ls(&[], &[]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert_eq!(caller(&stub), ["t_a", "dev", &format!("Bearer {TOKEN}")]);
}

#[test]
fn an_option_counts_before_a_variable_and_a_variable_before_the_profile() {
    let stub = empty_list();
    let home = Home::with(
        "server = \"http://127.0.0.1:1\"\ntenant = \"t_profile\"\nenv = \"profile\"\ntoken_file = \"none\"",
    );
    let variables = [
        ("NEXUS_RAW_SERVER", stub.url.as_str()),
        ("NEXUS_RAW_TENANT", "t_variable"),
        ("NEXUS_RAW_ENV", "variable"),
        ("NEXUS_RAW_TOKEN", "variable"),
    ];
    assert_eq!(home.ls(&variables, &[]).exit, 0);
    assert_eq!(caller(&stub), ["t_variable", "variable", "Bearer variable"]);
    let options = [
        "--tenant", "t_option", "--env", "option", "--token", "option",
    ];
    assert_eq!(home.ls(&variables, &options).exit, 0);
    assert_eq!(caller(&stub), ["t_option", "option", "Bearer option"]);
    let file = home.profile.with_file_name("token");
    let options = ["--token", "option", "--token-file", file.to_str().unwrap()];
    assert_eq!(home.ls(&variables, &options).exit, 0);
    assert_eq!(caller(&stub)[2], format!("Bearer {TOKEN}"));
}

#[test]
fn the_profile_is_where_xdg_or_the_caller_says() {
    let stub = empty_list();
    let home = Home::with("tenant = \"t_home\"");
    let elsewhere = Home::with("tenant = \"t_elsewhere\"");
    let config = elsewhere.directory.path().join(".config");
    let [config, profile] = [&config, &elsewhere.profile].map(|it| it.to_str().unwrap());
    let caller_of = |variables: &[(&str, &str)], options: &[&str]| {
        let mut all = vec![
            ("NEXUS_RAW_SERVER", stub.url.as_str()),
            ("NEXUS_RAW_ENV", "dev"),
            ("NEXUS_RAW_TOKEN", TOKEN),
        ];
        all.extend(variables);
        let ran = home.ls(&all, options);
        assert_eq!(
            (ran.exit, ran.err.as_str()),
            (0, ""),
            "{variables:?} {options:?}"
        );
        caller(&stub)[0].clone()
    };
    assert_eq!(caller_of(&[], &[]), "t_home");
    assert_eq!(
        caller_of(&[("XDG_CONFIG_HOME", config)], &[]),
        "t_elsewhere"
    );
    for ignored in ["", "relative/path"] {
        assert_eq!(caller_of(&[("XDG_CONFIG_HOME", ignored)], &[]), "t_home");
    }
    assert_eq!(
        caller_of(&[("NEXUS_RAW_CONFIG", profile)], &[]),
        "t_elsewhere"
    );
    assert_eq!(caller_of(&[], &["--config", profile]), "t_elsewhere");
}

#[test]
fn all_that_is_missing_is_named_at_once_with_each_way_to_set_it() {
    let home = Home::with("");
    let expected = home.refused(&[
        "--tenant: is required; or set NEXUS_RAW_TENANT, or tenant in FILE",
        "--env: is required; or set NEXUS_RAW_ENV, or env in FILE",
        "--token-file: is required; or set NEXUS_RAW_TOKEN, or token_file in FILE; for a server in \
         embedded mode on this machine nexus-raw token prints one",
    ]);
    assert_eq!(home.ls(&[], &[]), expected);
    fs::remove_file(&home.profile).unwrap();
    assert_eq!(home.ls(&[], &[]), expected);
    let without_home = run(&mut command(), ["ls"]);
    let known = "tenant in ~/.config/nexus-raw/config.toml\n";
    assert!(without_home.err.contains(known), "{}", without_home.err);
}

#[test]
fn wrong_values_are_named_with_their_source() {
    let home = Home::with("env = \"dev\"");
    let tenant = "must be `t_` and then 1 to 61 of `a-z`, `0-9`, `_` and `-`";
    let scheme = "must start with https:// or http://, such as";
    let expected = home.refused(&[
        &format!("NEXUS_RAW_SERVER: {scheme} http://localhost:8080"),
        &format!("--tenant: {tenant}"),
        "--token-file: cannot read /no/such/file: No such file or directory (os error 2)",
    ]);
    let options = ["--tenant", "Demo", "--token-file", "/no/such/file"];
    let ran = home.ls(&[("NEXUS_RAW_SERVER", "localhost:8080")], &options);
    assert_eq!(ran, expected);
    for (address, corrected) in [
        ("example.org", "https://example.org"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
    ] {
        let ran = home.ls(&[], &["--server", address]);
        let fault = format!("  --server: {scheme} {corrected}\n");
        assert!(ran.exit == 2 && ran.err.contains(&fault), "{}", ran.err);
    }
}

/// Even if options override all of it, since it would be wrong for the next command.
#[test]
fn a_wrong_profile_is_refused_with_file_and_line() {
    let overriding = [
        "--server",
        "http://127.0.0.1:1",
        "--tenant",
        "t_a",
        "--env",
        "dev",
        "--token",
        "a.b.c",
    ];
    let unknown = "is not a key of a profile; these are server, tenant, env and token_file";
    let secret = "a profile has no secret, since such files are shared and backed up; write the \
                  token into a file of its own, readable only by you, and set token_file to it";
    for (profile, faults) in [
        (
            "\ntenat = \"t_a\"\n",
            &[format!("FILE, line 2, tenat: {unknown}")][..],
        ),
        (
            "env = 7\ntoken = \"se.cr.et\"",
            &[
                "FILE, line 1, env: must be a text in quotes".to_owned(),
                format!("FILE, line 2, token: {secret}"),
            ],
        ),
    ] {
        let home = Home::with(profile);
        let faults: Vec<_> = faults.iter().map(String::as_str).collect();
        assert_eq!(
            home.ls(&[], &overriding),
            home.refused(&faults),
            "{profile}"
        );
    }
    for (profile, start) in [
        (
            "tenant = \"a\ntoken = \"se.cr.et\"",
            "FILE, line 1: is not valid TOML: ",
        ),
        (
            "tenant = \"t_a\"\ntenant = \"t_b\"",
            "FILE, line 2: is not valid TOML: ",
        ),
        (
            &format!("# {}", "x".repeat(64 * 1024)),
            "FILE: cannot be read: it is longer than 65536 bytes\n",
        ),
    ] {
        let home = Home::with(profile);
        let ran = home.ls(&[], &overriding);
        let start = start.replace("FILE", home.profile.to_str().unwrap());
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(ran.err.contains(&format!("\n  {start}")), "{}", ran.err);
        assert!(!ran.err.contains("se.cr"), "{}", ran.err);
    }
}

#[test]
fn a_profile_that_is_named_must_be_there() {
    let home = Home::with("");
    for (path, cause) in [
        ("/no/such/file", "No such file or directory (os error 2)"),
        ("/dev/null", "it is not a regular file"),
    ] {
        let fault = format!("{path}: cannot be read: {cause}");
        assert_eq!(home.ls(&[], &["--config", path]), home.refused(&[&fault]));
        let variable = [("NEXUS_RAW_CONFIG", path)];
        assert_eq!(home.ls(&variable, &[]), home.refused(&[&fault]));
    }
}

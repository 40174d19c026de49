use std::{process::Command, time::Duration};

use crate::run::{ID, Ran, TOKEN, command, command_for, run};

#[test]
fn what_is_required_must_be_there() {
    for missing in ["NEXUS_RAW_TENANT", "NEXUS_RAW_ENV", "NEXUS_RAW_TOKEN"] {
        let ran = run(
            command_for("http://127.0.0.1:1").env_remove(missing),
            ["show", ID],
        );
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{missing}");
        assert!(ran.err.contains("required"), "{}", ran.err);
    }
    for args in [
        &[][..],
        &["put"],
        &["show"],
        &["events"],
        &["lineage"],
        &["fact"],
        &["fact", "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11"],
        &["facts"],
        &["verify"],
        &["token"],
        &["token", "--tenant", "t_a"],
        &["token", "--role", "owner"],
        &["no-such-command"],
    ] {
        assert_eq!(
            run(&mut command_for("http://127.0.0.1:1"), args).exit,
            2,
            "{args:?}"
        );
    }
}

#[test]
fn arguments_that_no_service_accepts_are_reported_before_any_request() {
    for args in [
        &["show", "no-id"][..],
        &[
            "show",
            "s3://bucket/elsewhere/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11",
        ],
        &["show", "s3://bucket/tenants/t_demo/dev/raw/no-id/a.jpg"],
        &["get"],
        &["get", "no-id"],
        &["get", ID, "--concurrency", "0"],
        &["get", ID, "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e00", "-o", "-"],
        &["ls", "--sha256", "00"],
        &["ls", "--limit", "0"],
        &["ls", "--imported-from", "yesterday"],
        &["ls", "--train-ok", "yes"],
        &["ls", "--train-ok-effective"],
        &["ls", "--pii-flag", "shoe-size"],
        &["lineage", "no-id"],
        &["lineage", ID, "--direction", "up"],
        &["lineage", ID, "--depth", "0"],
        &["lineage", ID, "--depth", "51"],
        &["lineage", ID, "--limit", "0"],
        &["lineage", ID, "--limit", "1001"],
        &["lineage", ID, "--mermaid", "--dot"],
        &["lineage", ID, "--json", "--dot"],
        &["facts", "no-id"],
        &["verify", "no-id"],
        &["verify", ID, "--wait-seconds", "-1"],
        &["events", "../../healthz"],
        &["events", ID, "--follow"],
        &["events", ID, "--after", "1"],
        &["events", "--json"],
        &["events", "--after", "-1"],
        &["events", "--after", "9223372036854775808"],
        &["show", ID, "--tenant", "T_Demo"],
        &["show", ID, "--env", "Dev"],
        &["show", ID, "--server", "not a url"],
        &["show", ID, "--server", "http://raw.example.test"],
        &["show", ID, "--token", "a b\nc"],
        &["put", "f", "--captured-at", "yesterday"],
        &["put", "f", "--latitude", "1"],
        &["put", "f", "--latitude", "90.1", "--longitude", "0"],
        &["put", "f", "--latitude", "0", "--longitude", "-181"],
        &["put", "f", "--latitude", "north", "--longitude", "0"],
        &["put", "f", "--altitude-m", "1"],
        &[
            "put",
            "f",
            "--latitude",
            "0",
            "--longitude",
            "0",
            "--accuracy-m",
            "-1",
        ],
        &["put", "f", "--source-uri", "no uri"],
        &[
            "put",
            "f",
            "--source-uri",
            "https://user:secret@example.test/",
        ],
        &["put", "f", "--derived-from", "no-id"],
        &["put", "f", "--pii-flag", "shoe-size"],
        &["put", "f", "--label", "no-value"],
        &["put", "f", "--label", "a=1", "--label", "a=2"],
        &["put", "f", "--label", "Upper=1"],
        &["put", "f", "--pii-flag", "face", "--pii-flag", "face"],
        &["put", "f", "--derived-from", ID, "--derived-from", ID],
        &["put", "/"],
        &["put", "/dev/null"],
        &["token", "--tenant", "t_a", "--role", "root"],
    ] {
        let ran = run(&mut command_for("http://127.0.0.1:1"), args);
        assert_eq!(
            (ran.exit, ran.out.as_str()),
            (2, ""),
            "{args:?}: {}",
            ran.err
        );
    }
}

/// Nothing writes into it, so that whoever opened it would wait for ever.
#[test]
fn a_pipe_is_refused_without_opening_it() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for args in [
        &["put"][..],
        &["fact", ID, "--no-scan", "--evidence"],
        &["verify", ID, "--file"],
    ] {
        let mut command = command_for("http://127.0.0.1:1");
        // only a command that waits is ended by it
        command.args(args).timeout(Duration::from_mins(1));
        let expected = Ran {
            exit: 2,
            out: String::new(),
            err: format!("error: {} is not a regular file\n", pipe.display()),
        };
        assert_eq!(run(&mut command, [&pipe]), expected, "{args:?}");
    }
}

#[test]
fn an_empty_token_is_reported_before_any_request() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, "\n").unwrap();
    let by_file = ["--token-file".as_ref(), file.as_os_str()];
    for (token, args) in [("", &[][..]), (" ", &[]), (TOKEN, &by_file)] {
        let mut command = command_for("http://127.0.0.1:1");
        command.env("NEXUS_RAW_TOKEN", token).args(["show", ID]);
        let ran = run(&mut command, args);
        let origin = args.first().map_or("NEXUS_RAW_TOKEN", |_| "--token-file");
        let reason = format!(
            "error: settings are missing or wrong\n  {origin}: is empty; use a file or a variable \
             with a token, such as nexus-raw token prints in embedded mode\n"
        );
        let expected = Ran {
            exit: 2,
            out: String::new(),
            err: reason,
        };
        assert_eq!(ran, expected, "{token:?} {args:?}");
    }
}

#[test]
fn the_token_is_not_shown_by_help_or_by_faults() {
    for args in [
        &["show", "--help"][..],
        &["show", "no-id"],
        &["put", "--help"],
    ] {
        let ran = run(&mut command_for("http://127.0.0.1:1"), args);
        assert!(
            !ran.out.contains(TOKEN) && !ran.err.contains(TOKEN),
            "{args:?}"
        );
    }
}

#[test]
fn help_lists_the_exit_codes() {
    let ran = run(&mut command(), ["--help"]);
    assert_eq!(ran.exit, 0);
    assert!(
        ran.out
            .contains("  3  no such asset in this tenant and environment\n")
    );
}

#[test]
fn completions_are_printed_for_a_shell() {
    let ran = run(&mut command(), ["completions", "bash"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("_nexus__raw() {\n"));
    for word in ["verify", "--file", "--wait-seconds"] {
        assert!(ran.out.contains(word), "{word}");
    }
}

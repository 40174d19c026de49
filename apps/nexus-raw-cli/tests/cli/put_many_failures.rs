//! What `put` of several files reports, with the real server.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use serde_json::{Value, json};

use crate::{
    footage::{Footage, lines},
    run::Ran,
    server::Server,
};

#[test]
fn what_is_no_regular_file_is_reported_and_the_others_are_stored() {
    let footage = Footage::with(&[("a.txt", b"one"), (".hidden/x", b"x"), (".DS_Store", b"x")]);
    let fifo = footage.path("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    symlink(&fifo, footage.path("link to fifo")).unwrap();
    symlink(footage.path("a.txt"), footage.path("link")).unwrap();
    symlink(footage.path("."), footage.path("loop")).unwrap();
    symlink("/no/such/file", footage.path("nowhere")).unwrap();
    let deep = format!("{}/{}", "d".repeat(128), "e".repeat(128));
    footage.write(&deep, b"deep");
    let ran = footage.put(&["--json"]);
    assert_eq!(ran.exit, 2);
    let items: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let fault = |path: &str, title: &str| {
        json!({
            "path": format!("footage/{path}"),
            "exit": 2,
            "problem": {"title": title, "hint": null},
        })
    };
    let long = "has a path of 257 bytes in its directory, more than the 256 of a label";
    let missing = "cannot be read: No such file or directory (os error 2)";
    let expected = [
        fault(&deep, long),
        fault("fifo", "is not a regular file"),
        fault("link to fifo", "is not a regular file"),
        fault("nowhere", missing),
    ];
    assert_eq!(items[..4], expected);
    assert_eq!(
        lines(&ran.err),
        [
            "footage/loop is a link to a directory, and is not followed".to_owned(),
            "2 hidden left out; --hidden stores them".to_owned(),
            "2 files, 6 B".to_owned(),
            format!("error: footage/{deep}: {long}"),
            "error: footage/fifo: is not a regular file".to_owned(),
            "error: footage/link to fifo: is not a regular file".to_owned(),
            format!("error: footage/nowhere: {missing}"),
            "stored 2 files (6 B), 4 failed".to_owned(),
        ]
    );
    let names: Vec<_> = footage.assets().into_iter().map(|it| it.0).collect();
    assert_eq!(names, ["a.txt", "link"]);
}

#[test]
fn all_faults_of_the_paths_given_are_reported_before_anything_is_sent() {
    let footage = Footage::with(&[("a.txt", b"one")]);
    let made = Command::new("mkfifo").arg(footage.path("fifo")).status();
    assert!(made.unwrap().success());
    let ran = footage.run(&["put", "footage/a.txt", "footage/fifo", "gone", "footage/."]);
    assert_eq!(
        ran,
        Ran {
            exit: 2,
            out: String::new(),
            err: "error: the command line is wrong\n  \
                  footage/fifo: is not a regular file\n  \
                  gone: cannot be read: No such file or directory (os error 2)\n"
                .to_owned(),
        }
    );
    for (args, reason) in [
        (&["-"][..], "- needs --filename"),
        (
            &["footage", "--filename", "x"],
            "--filename is for one file",
        ),
        (
            &["footage", "--label", "path=x"],
            "--label path is set to the path of each file in its directory",
        ),
        (&["footage", "--include", "a{"], "the command line is wrong"),
        (
            &["-", "--files-from", "-", "--filename", "x"],
            "standard input is either a file or a list of paths",
        ),
    ] {
        let ran = footage.run(&[&["put"], args].concat());
        assert_eq!(ran.exit, 2, "{args:?}");
        assert!(ran.err.starts_with(&format!("error: {reason}")), "{ran:?}");
    }
    assert_eq!(footage.assets(), []);
}

#[test]
fn what_the_service_refuses_is_reported_before_a_file_is_hashed() {
    let footage = Footage::with(&[("a.bin", &vec![1; 2_000_000])]);
    let gone = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e00";
    let ran = footage.run(&["put", "footage/a.bin", "--derived-from", gone]);
    assert_eq!(ran.exit, 3, "{ran:?}");
    let ran = footage.run(&["put", "footage/a.bin", "--type", "no type"]);
    assert_eq!(ran.exit, 4, "{ran:?}");
    assert!(ran.err.starts_with("error: /content_type: "), "{ran:?}");
    assert_eq!(footage.assets(), []);
    assert!(!Path::new("state").exists());
}

#[test]
fn an_output_that_is_full_ends_the_run_and_the_error_names_what_is_registered() {
    let footage = Footage::with(&[("a.txt", b"one"), ("b.txt", b"two")]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let mut command = footage.server.command_into(full.unwrap());
    command.current_dir(footage.directory.path());
    let output = command.args(["put", "footage", "--quiet"]).output();
    let output = output.unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    let listed = footage.run(&["ls", "--json"]);
    let ids = listed.out.lines().map(|line| {
        let asset: Value = serde_json::from_str(line).unwrap();
        asset["asset_id"].as_str().unwrap().to_owned()
    });
    let ids: Vec<_> = ids.collect();
    assert_eq!(ids.len(), 2);
    assert!(err.starts_with("error: registered "), "{err}");
    assert!(ids.iter().all(|id| err.contains(id)), "{err}");
}

#[test]
fn a_file_that_the_service_refuses_is_left_and_the_others_are_stored() {
    let big = vec![1; 2_000_000];
    let footage = Footage::before(
        Server::start_with(&[("NEXUS_RAW_STORAGE__MAX_OBJECT_BYTES", "1500000")]),
        &[("a.txt", b"one"), ("b.bin", &big), ("c.txt", b"two")],
    );
    let ran = footage.put(&["--json"]);
    assert_eq!(ran.exit, 4, "{ran:?}");
    let first: Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["path"], &first["exit"], &first["problem"]["code"]),
        (
            &json!("footage/b.bin"),
            &json!(4),
            &json!("validation-failed")
        )
    );
    assert!(
        ran.err.contains("error: footage/b.bin: /size_bytes: "),
        "{ran:?}"
    );
    assert_eq!(footage.assets().len(), 2);
}

#[test]
fn a_service_that_is_away_is_reported_once_and_in_json_for_each_file() {
    let footage = Footage::with(&[("a.txt", b"one"), ("b.txt", b"two")]);
    let nobody = ["--server", "http://127.0.0.1:1", "--retries", "0"];
    let parent = ["--derived-from", "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e00"];
    for more in [&[][..], &parent] {
        let ran = footage.put(&[&nobody[..], more, &["--json"]].concat());
        assert_eq!((ran.exit, ran.out.lines().count()), (5, 2), "{ran:?}");
        assert_eq!(ran.err.matches("error: ").count(), 2, "{ran:?}");
        assert!(
            ran.err.contains("\nerror: no answer from the service"),
            "{ran:?}"
        );
    }
}

//! An output that ends early, and one that fails.

use std::{fs::OpenOptions, io::pipe, process::Output};

use crate::{run::run, server::Server, service::file};

/// The commands that print something, of an asset that is registered, and what each has done before
/// it prints.
fn commands<'a>(id: &'a str, data: &'a str) -> Vec<(Vec<&'a str>, Option<&'static str>)> {
    let on_nothing = |args: &[&'a str]| (args.to_vec(), None);
    vec![
        on_nothing(&["--help"]),
        on_nothing(&["--version"]),
        on_nothing(&["help"]),
        on_nothing(&["help", "help"]),
        on_nothing(&["help", "put"]),
        on_nothing(&["ls"]),
        on_nothing(&["ls", "--help"]),
        on_nothing(&["ls", "--json"]),
        on_nothing(&["show", id]),
        on_nothing(&["show", id, "--json"]),
        on_nothing(&["events", id]),
        on_nothing(&["events", id, "--json"]),
        on_nothing(&["events", "--after", "0"]),
        on_nothing(&["events", "--after", "0", "--follow"]),
        on_nothing(&["facts", id]),
        on_nothing(&["facts", id, "--json"]),
        on_nothing(&["lineage", id]),
        on_nothing(&["lineage", id, "--dot"]),
        on_nothing(&["verify", id]),
        on_nothing(&["whoami"]),
        on_nothing(&["whoami", "--json"]),
        on_nothing(&[
            "token",
            "--tenant",
            "t_demo",
            "--role",
            "owner",
            "--data-dir",
            data,
        ]),
        on_nothing(&["get", id, "-o", "-"]),
        on_nothing(&["completions", "bash"]),
        on_nothing(&["completions", "fish"]),
        on_nothing(&["man"]),
        on_nothing(&["man", "put"]),
        (vec!["register", id], Some("asset ID is registered")),
        (
            vec!["fact", id, "--train-ok", "true"],
            Some("the fact of asset ID is stated"),
        ),
    ]
}

fn put(server: &Server, name: &str) -> String {
    let (_directory, path) = file(name);
    let ran = run(
        &mut server.command(),
        ["put".as_ref(), path.as_os_str(), "--json".as_ref()],
    );
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let record: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    record["asset_id"].as_str().unwrap().to_owned()
}

fn ended(output: &Output) -> (Option<i32>, String) {
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), err)
}

#[test]
fn every_command_ends_quietly_if_its_reader_has_closed_the_pipe() {
    let server = Server::start();
    let id = put(&server, "a.txt");
    for (args, _) in commands(&id, server.data_dir()) {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = server.command_into(writer).args(&args).output().unwrap();
        assert_eq!(ended(&output), (Some(0), String::new()), "{args:?}");
    }
}

#[test]
fn every_command_reports_an_output_that_cannot_be_written() {
    let server = Server::start();
    let id = put(&server, "a.txt");
    for (args, done) in commands(&id, server.data_dir()) {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = server.command_into(full).args(&args).output().unwrap();
        let cause = "No space left on device (os error 28)";
        let expected = match done {
            None => format!("error: cannot write the output: {cause}\n"),
            Some(done) => {
                let done = done.replace("ID", &id);
                format!("error: {done}, but the output cannot be written: {cause}\n")
            }
        };
        assert_eq!(ended(&output), (Some(1), expected), "{args:?}");
    }
}

/// The files are stored although nobody reads of it, and with a full disk the error names them.
#[test]
fn a_put_is_not_lost_with_its_output() {
    let server = Server::start();
    let (_directory, path) = file("a.txt");
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut command = server.command_into(writer);
    let output = command
        .args(["put", "--quiet"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(ended(&output), (Some(0), String::new()));
    let ran = run(&mut server.command(), ["ls", "--json"]);
    let record: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let id = record["asset_id"].as_str().unwrap();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = server.command_into(full);
    let output = command
        .args(["put", "--quiet"])
        .arg(&path)
        .output()
        .unwrap();
    let (exit, err) = ended(&output);
    assert_eq!(exit, Some(1), "{err}");
    assert!(err.contains(id), "{err}");
}

/// Who reads the names of the files may stop before the last one is there.
#[test]
fn downloads_are_finished_although_nobody_reads_their_names() {
    let server = Server::start();
    let names = ["a.txt", "b.txt", "c.txt"];
    let ids = names.map(|name| put(&server, name));
    let directory = tempfile::tempdir().unwrap();
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut command = server.command_into(writer);
    command
        .arg("get")
        .args(&ids)
        .args(["--concurrency", "1", "-o"]);
    let output = command.arg(directory.path()).output().unwrap();
    assert_eq!(ended(&output), (Some(0), String::new()));
    for name in names {
        assert_eq!(
            std::fs::read(directory.path().join(name)).unwrap(),
            b"hello\n"
        );
    }
}

#[test]
fn a_closed_pipe_does_not_turn_a_failure_into_success() {
    let server = Server::start();
    let nobody = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4eff";
    for (args, exit) in [
        (&["show", nobody][..], 3),
        (&["whoami", "--tenant", "t_other"], 6),
        (&["ls", "--server", "localhost"], 2),
    ] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = server.command_into(writer).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{args:?}");
    }
}

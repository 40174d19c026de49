//! The curl lines of `docs/API.md` are run as they stand there.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use nexus_raw::tenancy::Role;

use crate::machine::Machine;

#[test]
fn the_curl_lines_of_the_document_do_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/API.md")).unwrap();
    let machine = Machine::new();
    let server = machine.start();

    // a `nexus-raw` that prints a token: the command is another package, which may not be built
    let command = machine.data_dir().join("nexus-raw");
    let token = machine.token("t_demo", Role::Owner);
    fs::write(&command, format!("#!/bin/sh\necho {token}\n")).unwrap();
    fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).unwrap();

    let script = shell_blocks(&document)
        .replace(
            "http://127.0.0.1:8080",
            &format!("http://{}", server.address),
        )
        .replace(
            "target/debug/nexus-raw ",
            &format!("{} ", command.display()),
        );
    let work = machine.data_dir().join("work");
    fs::create_dir(&work).unwrap();
    let photos = root.join("apps/nexus-raw-server/tests/fixtures/photos");
    let script = script.replace(
        "apps/nexus-raw-server/tests/fixtures/photos",
        &photos.display().to_string(),
    );
    let run = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(&work)
        .output()
        .unwrap();
    let (output, errors) = (
        String::from_utf8(run.stdout).unwrap(),
        String::from_utf8(run.stderr).unwrap(),
    );
    assert!(run.status.success(), "{script}\n{output}\n{errors}");
    for expected in expected_lines(&document) {
        assert!(output.contains(expected), "no `{expected}` in\n{output}");
    }
}

/// Returns the content of the blocks marked as shell, one after the other.
fn shell_blocks(document: &str) -> String {
    blocks(document, "sh")
}

/// The lines of the blocks marked as output.
fn expected_lines(document: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    document.lines().filter(move |line| {
        let was_inside = inside;
        if line.starts_with("```") {
            inside = !inside && *line == "```output";
            return false;
        }
        was_inside
    })
}

fn blocks(document: &str, language: &str) -> String {
    let opening = format!("```{language}");
    let (mut inside, mut text) = (false, String::new());
    for line in document.lines() {
        if line.starts_with("```") {
            inside = !inside && line == opening;
        } else if inside {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

//! The examples of docs/CLI.md, run in their order as a newcomer would.

use std::process::{Command, Stdio};

use crate::server::{Server, programs};

const GUIDE: &str = include_str!("../../../../docs/CLI.md");

/// An example, and the parts of lines that its output has in this order.
struct Example {
    commands: String,
    output: Vec<String>,
}

fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for block in GUIDE.split("\n```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        match language {
            "sh" => examples.push(Example {
                commands: text.to_owned(),
                output: vec![],
            }),
            "output" => {
                let lines = text.lines().map(str::to_owned);
                examples.last_mut().unwrap().output.extend(lines);
            }
            other => assert!(
                ["console", "text", "toml"].contains(&other),
                "{other}: {text}"
            ),
        }
    }
    examples
}

#[test]
fn the_examples_of_the_guide_work_in_their_order() {
    let server = Server::start();
    let home = tempfile::tempdir().unwrap();
    let mut examples = examples();
    // a server of the test's own
    assert_eq!(
        examples[0].commands,
        "SERVER=http://127.0.0.1:8080\nDATA_DIR=.nexus-raw"
    );
    examples[0].commands = format!("SERVER={}\nDATA_DIR={}", server.url(), server.data_dir());
    let separator = "== the next example";
    // as in a terminal, notes are between the results
    let script: Vec<_> = examples.iter().map(|it| it.commands.as_str()).collect();
    let script = script.join(&format!("\necho '{separator}'\n"));
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs().display());
    let ran = Command::new("bash")
        .args(["-euc", &format!("exec 2>&1\n{script}")])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{out}");
    let outputs: Vec<_> = out.split(&format!("{separator}\n")).collect();
    assert_eq!(outputs.len(), examples.len());
    for (example, output) in examples.iter().zip(outputs) {
        let mut rest = output;
        for part in &example.output {
            let found = rest.split_once(part.as_str());
            assert!(
                found.is_some(),
                "{}: no {part} in {output}",
                example.commands
            );
            rest = found.unwrap().1;
        }
    }
}

/// The list of the page itself, which a reader follows.
#[test]
fn every_command_of_the_table_has_a_section() {
    let rows = GUIDE.lines().filter_map(|it| it.strip_prefix("| [`"));
    let mut count = 0;
    for row in rows {
        let (_, target) = row.split_once("](#").unwrap();
        let (anchor, _) = target.split_once(')').unwrap();
        let heading = format!("\n## {}\n", anchor.replace('-', " "));
        assert!(GUIDE.contains(&heading), "no section {anchor}");
        count += 1;
    }
    assert_eq!(count, 15);
}

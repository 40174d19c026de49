//! The first hour: the commands of README for a newcomer, run in a fresh clone.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, fs::symlink, process::CommandExt as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::server::{Log, PORTS, programs};

const README: &str = include_str!("../../../../README.md");

/// A replacement for cargo, which would build for minutes what this test's own run has built: it
/// puts the programs of the requested packages where cargo puts them, and no others.
const CARGO: &str = r#"#!/bin/sh
set -eu
command=$1
shift
mkdir -p target/debug
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  case "$1" in
    -p)
      shift
      case "$1" in
        nexus-raw-cli) program=nexus-raw ;;
        *) program=$1 ;;
      esac
      ln -sf "$PROGRAMS/$program" "target/debug/$program"
      ;;
  esac
  shift
done
[ "$command" != run ] || { shift; exec "target/debug/$program" "$@"; }
"#;

/// The commands of the code blocks of a section of README, block by block.
fn blocks(section: &str) -> Vec<String> {
    let (_, text) = README.split_once(&format!("\n## {section}\n")).unwrap();
    let text = text.split("\n## ").next().unwrap();
    let blocks = text.split("\n```sh\n").skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap().to_owned())
        .collect()
}

/// What git would check out, nothing built and nothing kept.
fn clone() -> TempDir {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let clone = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(root.canonicalize().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let is_made = ["target", ".git", ".tools", ".nexus-raw"].map(|it| name == it);
        if !is_made.contains(&true) {
            symlink(entry.path(), clone.path().join(&name)).unwrap();
        }
    }
    clone
}

/// A shell in the clone, as a newcomer has it, but with a cargo that is quick, and with these
/// variables.
fn shell(clone: &Path, variables: &str, commands: &str) -> Command {
    let begin = "unset ${!NEXUS_RAW_@} CARGO_TARGET_DIR; export PATH=\"$PWD/bin:$PATH\" XDG_CONFIG_HOME=\"$PWD\"";
    let mut command = Command::new("bash");
    command
        .args(["-ec", &format!("{begin} {variables}\n{commands}")])
        .current_dir(clone)
        .env("PROGRAMS", programs())
        .stdin(Stdio::null());
    command
}

/// All that a line has started, ended with it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        drop(Command::new("kill").args(["-TERM", "--", &group]).status());
        drop(self.0.wait());
    }
}

/// On ports of the test's own, which the configuration and the command take from the environment.
#[test]
fn the_commands_of_the_readme_work_in_their_order_in_a_fresh_clone() {
    let [serve, use_it] = blocks("Use it").try_into().unwrap();
    let clone = clone();
    let bin = clone.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("cargo"), CARGO).unwrap();
    fs::set_permissions(bin.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();

    let ports = PORTS.map(|(name, value)| format!("{name}={value}"));
    let child = shell(clone.path(), &ports.join(" "), &serve)
        .process_group(0)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut running = Running(child.unwrap());
    let log = Log::until_ready(running.0.stderr.take().unwrap());

    let address = format!("NEXUS_RAW_SERVER={}", log.url);
    let Output {
        status,
        stdout,
        stderr,
    } = shell(clone.path(), &address, &use_it).output().unwrap();
    let [out, err] = [stdout, stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    assert!(status.success(), "{use_it}\n{out}{err}{:#?}", log.seen);
    let expected = ["DSCN0010.jpg", "t_demo, dev", "161,713 bytes"];
    for part in expected {
        assert!(out.contains(part), "no {part} in {out}");
    }
    for part in [
        "intact: sha256 ",
        "; copy.jpg is what the record says",
        "train_ok: allowed",
        "  status        new",
        "ancestors: none",
    ] {
        assert!(out.contains(part), "no {part} in {out}");
    }
    for event in ["raw_asset_presigned", "raw_asset_registered"] {
        assert_eq!(out.matches(event).count(), 1, "{event} in {out}");
    }
    assert!(clone.path().join(".nexus-raw/catalog.sqlite").exists());
    drop(running);
}

//! The commands that read the catalogue beside a running server: `backup`, `check-catalogue` and
//! `migrate --plan`.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};

use super::ends::complete;
use crate::{caller::Caller, machine::Machine};

/// Runs a command to its end; the exit code, and what it wrote on both outputs.
fn run(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// Checks a catalogue that no server has; the exit code and the totals.
fn check(machine: &Machine, file: &Path) -> (i32, Value) {
    let url = format!("sqlite:{}", file.display());
    let mut command = complete(machine);
    command.env("NEXUS_RAW_CATALOG__URL", url);
    let (code, stdout, stderr) = run(command.args(["check-catalogue", "--json"]));
    let last = stdout.lines().last().unwrap_or_else(|| panic!("{stderr}"));
    (code, serde_json::from_str(last).unwrap())
}

/// Writes a photograph, whether models may be trained on it, its labels and a verification.
async fn write(owner: &Caller, number: u32) {
    let content = format!("not quite a photograph {number}");
    let record = owner.put("one.jpg", content.as_bytes()).await.json();
    let id = record["asset_id"].as_str().unwrap();
    for fact in [
        json!({"kind": "train_ok", "value": true}),
        json!({"kind": "labels", "value": {"number": number.to_string()}, "reason": "counted"}),
    ] {
        let target = format!("/nexus/raw/{id}/facts");
        assert_eq!(owner.post(&target, &fact).await.status, 201);
    }
    let target = format!("/nexus/raw/{id}/verification");
    assert_eq!(owner.post(&target, &json!({})).await.status, 200);
    let target = format!("/nexus/raw/{id}/presign-download");
    assert_eq!(owner.post(&target, &json!({})).await.status, 200);
    owner.presign("two.jpg", b"never uploaded").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_while_the_server_writes_agrees_with_its_events_and_is_served_once_restored() {
    let machine = Machine::new();
    let server = machine.start();
    let owner = Caller::owner_of("t_demo", &machine, &server);
    let first = owner.put("zero.jpg", b"the first one").await;
    let id = first.json()["asset_id"].as_str().unwrap().to_owned();
    let is_enough = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (owner, is_enough) = (
            Caller::owner_of("t_demo", &machine, &server),
            Arc::clone(&is_enough),
        );
        async move {
            let mut number = 0;
            while !is_enough.load(Ordering::SeqCst) {
                number += 1;
                write(&owner, number).await;
            }
            number
        }
    });
    let files = [1, 2, 3].map(|n| machine.data_dir().join(format!("backup-{n}.sqlite")));
    for file in &files {
        let mut command = machine.embedded();
        command.arg("backup").arg(file);
        let (code, stdout, stderr) = tokio::task::block_in_place(|| run(&mut command));
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.starts_with(&file.display().to_string()), "{stdout}");
        let mut beside = machine.embedded();
        let beside = beside.arg("check-catalogue");
        let (code, stdout, stderr) = tokio::task::block_in_place(|| run(beside));
        assert_eq!(code, 0, "{stdout}{stderr}");
    }
    is_enough.store(true, Ordering::SeqCst);
    let written = writing.await.unwrap();
    let mut before = 0;
    for file in &files {
        let (code, totals) = check(&machine, file);
        assert_eq!((code, &totals["differences"]), (0, &json!(0)), "{totals}");
        let records = totals["records"].as_u64().unwrap();
        assert!((before.max(1)..=u64::from(written) + 1).contains(&records));
        before = records;
    }

    let (code, _, stderr) = run(machine.embedded().arg("backup").arg(&files[0]));
    assert_eq!(code, 74);
    assert!(stderr.ends_with("a backup replaces nothing\n"), "{stderr}");
    let (code, stdout, _) = run(machine.embedded().args(["migrate", "--plan"]));
    let up_to_date = "the catalogue's schema is up to date: nothing to do\n";
    assert_eq!((code, &*stdout), (0, up_to_date));

    server.stop();
    let catalogue = machine.data_dir().join("catalog.sqlite");
    fs::remove_file(&catalogue).unwrap();
    fs::rename(&files[0], &catalogue).unwrap();
    let server = machine.start();
    let owner = owner.at(&server);
    let again = owner.get(&format!("/nexus/raw/{id}")).await;
    assert_eq!(again.whole(), (200, first.json()));
    write(&owner, 0).await;
    server.stop();
    assert_eq!(check(&machine, &catalogue).0, 0);
}

#[tokio::test]
async fn a_change_of_the_file_is_found_with_its_place_and_ends_with_1() {
    let machine = Machine::new();
    let server = machine.start();
    let owner = Caller::owner_of("t_demo", &machine, &server);
    let record = owner.put("marked-name.jpg", b"a photograph").await.json();
    server.stop();
    let catalogue = machine.data_dir().join("catalog.sqlite");
    let mut bytes = fs::read(&catalogue).unwrap();
    let (name, other) = (b"marked-name.jpg", b"marked-mane.jpg");
    let places = bytes.windows(name.len()).enumerate();
    let places: Vec<usize> = places
        .filter(|(_, it)| it == name)
        .map(|(at, _)| at)
        .collect();
    for at in places {
        bytes[at..at + name.len()].copy_from_slice(other);
    }
    fs::write(&catalogue, bytes).unwrap();
    let (code, stdout, stderr) = run(machine.embedded().args(["check-catalogue", "--json"]));
    assert_eq!((code, &*stderr), (1, ""));
    let lines: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let difference = |sequence: u64| {
        json!({
            "tenant_id": "t_demo",
            "env": "dev",
            "asset_id": record["asset_id"],
            "sequence": sequence,
            "place": "event.personal_digest",
            "difference": "invalid",
        })
    };
    assert_eq!(lines[..2], [difference(1), difference(2)]);
    assert_eq!(lines[2]["differences"], 2);

    let (code, stdout, _) = run(machine.embedded().arg("check-catalogue"));
    assert_eq!(code, 1);
    let id = record["asset_id"].as_str().unwrap();
    let expected = format!(
        "t_demo/dev asset {id} event 1: event.personal_digest holds a value that the service cannot \
         have written\n"
    );
    assert!(stdout.starts_with(&expected), "{stdout}");
    let last = "checked 1 scopes, 1 intents, 1 records, 0 events: 2 differences\n";
    assert!(stdout.ends_with(last), "{stdout}");
}

/// None of them creates a catalogue, or anything else where there is none.
#[test]
fn where_no_catalogue_is_each_command_ends_with_78_and_creates_nothing() {
    let machine = Machine::new();
    for arguments in [&["backup", "backup.sqlite"][..], &["check-catalogue"]] {
        let (code, _, stderr) = run(complete(&machine).args(arguments));
        let expected = "nexus-raw-server: the catalogue cannot be used: there is no catalogue at \
                        catalog.sqlite\n";
        assert_eq!((code, &*stderr), (78, expected));
    }
    let (code, stdout, _) = run(complete(&machine).args(["migrate", "--plan"]));
    let expected = "would apply migration 1: catalogue\nnothing was changed\n";
    assert_eq!((code, &*stdout), (0, expected));
    let parent = machine.data_dir().parent().unwrap().to_owned();
    assert_eq!(fs::read_dir(parent).unwrap().count(), 0);
}

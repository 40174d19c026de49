//! Small files that went up in parts.

use std::fs;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    footage::{Footage, last},
    run::{command_for, run},
    service::{file, service},
    stub::Answer,
};

const IN_PARTS: [&str; 4] = ["--part-threshold", "1KiB", "--json", "--quiet"];

/// What a run did, by its summary.
fn done(footage: &Footage, args: &[&str]) -> String {
    let ran = footage.put(args);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let summary = last(&ran.err).rsplit_once(", in ");
    summary.unwrap().0.to_owned()
}

#[test]
fn a_small_file_that_its_user_put_in_parts_is_recognised_unless_a_verification_denies_it() {
    let (a, b) = (vec![1; 5000], vec![2; 5000]);
    let footage = Footage::with(&[("a.bin", &a), ("b.bin", &b), ("c.bin", &[3; 5001])]);
    let first = footage.put(&IN_PARTS);
    assert_eq!(first.exit, 0, "{first:?}");
    let records: Vec<Value> = first
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        records
            .iter()
            .all(|it| it["integrity"]["level"] == "s3_composite_sha256"),
        "{records:?}"
    );
    let all_skipped = "stored 0 files (0 B), 3 registered already";
    assert_eq!(done(&footage, &[]), all_skipped);
    // alone, too
    let alone = ["put", "footage/a.bin", "--label", "path=a.bin", "--quiet"];
    assert_eq!(footage.run(&alone).exit, 0);
    assert_eq!(footage.assets().len(), 3);

    // not one of another name, nor of another user
    fs::rename(footage.path("c.bin"), footage.path("d.bin")).unwrap();
    assert_eq!(
        done(&footage, &[]),
        "stored 1 file (4.9 KiB), 2 registered already"
    );
    let token = footage.run(&[
        "token",
        "--data-dir",
        footage.server.data_dir(),
        "--tenant",
        "t_demo",
        "--role",
        "owner",
        "--user",
        "u_other",
    ]);
    let other = ["--token", token.out.trim()];
    assert_eq!(
        done(&footage, &other),
        "stored 2 files (9.8 KiB), 1 registered already"
    );

    // which are proved, and stand for all
    assert_eq!(done(&footage, &[]), all_skipped);
    let denied = Footage::with(&[("a.bin", &a)]);
    let first = denied.put(&IN_PARTS);
    let record: Value = serde_json::from_str(&first.out).unwrap();
    let object = denied.server.object(record["uri"].as_str().unwrap());
    let mut bytes = fs::read(&object).unwrap();
    bytes[0] ^= 1;
    fs::write(&object, bytes).unwrap();
    let id = record["asset_id"].as_str().unwrap();
    assert_eq!(denied.run(&["verify", id]).exit, 1);
    assert_eq!(done(&denied, &[]), "stored 1 file (4.9 KiB)");
}

/// Requests that list assets are what a run of many files can least afford.
#[test]
fn small_files_are_asked_for_once_a_size_and_one_by_one_only_where_there_are_too_many() {
    let claims = BASE64_URL_SAFE_NO_PAD.encode(json!({"sub": "u_demo"}).to_string());
    let token = format!("aaaa.{claims}.cccc");
    for (next, lists) in [(json!(null), 1), (json!("more"), 2)] {
        let page = json!({"assets": [], "next_cursor": next}).to_string();
        let stub = service(move |request, _| {
            let is_list = request.target.starts_with("/nexus/raw?");
            is_list.then(|| Answer::json(200, page.clone()))
        });
        let (_directory, path) = file("DSCN0010.jpg");
        let ran = run(
            &mut command_for(&stub.url),
            ["put", path.to_str().unwrap(), "--token", &token],
        );
        assert_eq!(ran.exit, 0, "{ran:?}");
        let lines = stub.lines();
        let listed: Vec<_> = lines
            .iter()
            .filter(|it| it.starts_with("GET /nexus/raw?"))
            .collect();
        assert_eq!(listed.len(), lists, "{lines:?}");
        assert_eq!(
            listed[0],
            "GET /nexus/raw?size_bytes=6&registered_by=u_demo&limit=1000"
        );
    }
}

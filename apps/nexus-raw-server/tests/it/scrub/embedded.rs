use std::{fs, path::Path};

use nexus_raw::asset::Sha256Digest;
use serde_json::json;

use super::{command, fill, ids, key, numbers, scrub, verified};
use crate::house::{Embedded, House};

/// Changes a byte of this content in each file below a directory that has it.
fn flip(directory: &Path, content: &[u8]) -> usize {
    let mut flipped = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            flipped += flip(&path, content);
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        let found = bytes.windows(content.len()).position(|it| it == content);
        if let Some(at) = found {
            bytes[at + 3] ^= 1;
            fs::write(&path, bytes).unwrap();
            flipped += 1;
        }
    }
    flipped
}

#[tokio::test]
async fn a_flipped_byte_and_a_deleted_object_are_found_and_are_events() {
    let house = Embedded::open();
    let server = house.start();
    let owner = house.owner_of("t_demo", &server);
    let records = fill(&owner, 4).await;
    let store = house.store(&server);
    let target = format!("/nexus-raw/{}", key(&records[2]));
    assert_eq!(store.signed("DELETE", &target, &[], b"").status, 204);

    // it writes, and a server has the catalogue
    let ran = scrub(&house, &[]);
    let in_use = "nexus-raw-server: the catalogue is in use: stop the server, and start it again";
    assert_eq!((ran.code, &*ran.stdout), (Some(69), ""));
    assert!(ran.stderr.contains(in_use), "{}", ran.stderr);
    server.stop();

    let content = b"not quite a photograph 0001";
    assert_eq!(flip(&house.machine().data_dir().join("s3"), content), 1);
    let ran = scrub(&house, &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(numbers(&ran.summary()), json!([2, 1, 1, 0, "nothing_left"]));
    let mut rotten = content.to_vec();
    rotten[3] ^= 1;
    let lines = ran.lines();
    let found = |number: usize| {
        let (line, record) = (&lines[number - 1], &records[number]);
        assert_eq!(line["key"], key(record));
        assert_eq!(line["expected_sha256"], record["sha256"]);
        assert_eq!(line["tenant_id"], "t_demo");
        assert_eq!(line["env"], "dev");
        assert_eq!(line["asset_id"], record["asset_id"]);
        json!([line["kind"], line["found_sha256"], line["found_size_bytes"]])
    };
    let digest = Sha256Digest::of(&rotten);
    assert_eq!(found(1), json!(["corrupt", digest, rotten.len()]));
    assert_eq!(found(2), json!(["missing", null, null]));
    assert!(ran.stderr.contains("asset is corrupt"), "{}", ran.stderr);
    let missing = "object of an asset is missing";
    assert!(ran.stderr.contains(missing), "{}", ran.stderr);

    // those that were verified are not yet old, and a tenant without assets has nothing
    let mut command = house.program();
    let ran = command.args(["scrub", "--as", "u_operator"]).output();
    let ran = super::Ran::of(ran.unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        "verified: 0 assets, 0 bytes\nnone was due\nnothing older is left\n"
    );
    let ran = scrub(&house, &["--tenant", "t_other"]);
    assert_eq!(numbers(&ran.summary()), json!([0, 0, 0, 0, "nothing_left"]));

    let server = house.start();
    let owner = owner.at(&server);
    let all = ids(&records);
    let corrupt = verified(&owner, "raw_asset_corrupt").await;
    assert_eq!(corrupt, all[1..3]);
    let intact = verified(&owner, "raw_asset_verified").await;
    assert_eq!(intact, [all[0].clone(), all[3].clone()]);
    server.stop();
}

#[test]
fn a_scrub_needs_a_user_and_a_budget_and_a_data_directory() {
    let house = Embedded::open();
    for arguments in [
        &["scrub"][..],
        &["scrub", "--as", ""],
        &["scrub", "--as", "u", "--bytes-per-second", "0"],
        &["scrub", "--as", "u", "--requests-per-second", "0"],
        &["scrub", "--as", "u", "--max-seconds", "0"],
        &["scrub", "--as", "u", "--older-than", "-1"],
    ] {
        let ran = house.program().args(arguments).output().unwrap();
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}");
    }
    // nothing is made where nothing is
    let ran = command(&house, &[]).output().unwrap();
    assert_eq!(ran.status.code(), Some(78));
    assert!(!house.machine().data_dir().exists());
}

//! `docs/embedding`, the crate of an engine team, is built outside the workspace and passes its tests.

use std::{path::Path, process::Command};

#[test]
fn the_crate_of_an_engine_team_is_built_outside_the_workspace_and_passes_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let run = Command::new(root.join("tools/embedding"))
        .arg("test")
        .env("CARGO", env!("CARGO"))
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}\n{errors}\n{said}", run.status);
    // each of its tests ran, and none of what it must pass was left out by mistake
    for suite in [
        "a_batch_is_accepted_whole_and_in_order",
        "a_photograph_is_uploaded_registered_read_and_its_events_are_delivered",
        "the_promised_bytes_are_stored_once",
    ] {
        let passed = format!("test {suite} ... ok");
        assert!(said.contains(&passed), "no {passed}\n{said}");
    }
}

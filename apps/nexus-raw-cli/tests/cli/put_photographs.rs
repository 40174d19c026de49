//! What `put` takes from the Exif of photographs, with the real server.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    run::{Ran, run},
    server::Server,
};

fn photograph(name: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read(
        fixtures
            .join("../nexus-raw-server/tests/fixtures/photos")
            .join(name),
    )
    .unwrap()
}

/// Stores the photograph anew and returns its record.
fn put(server: &Server, path: &Path, args: &[&str]) -> (Value, Ran) {
    let mut command = server.command();
    command.env("XDG_STATE_HOME", path.parent().unwrap().join("state"));
    command.arg("put").arg(path).args(["--json", "--again"]);
    let ran = run(&mut command, args);
    assert_eq!(ran.exit, 0, "{ran:?}");
    (serde_json::from_str(&ran.out).unwrap(), ran)
}

#[test]
fn time_and_place_of_a_photograph_are_stated_unless_the_options_say_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("DSCN0010.jpg");
    fs::write(&path, photograph("DSCN0010.jpg")).unwrap();
    let server = Server::start();
    let (record, ran) = put(&server, &path, &["--exif-zone", "Europe/Rome"]);
    assert_eq!(record["captured_at"], "2008-10-22T14:28:39Z");
    let place = &record["capture_location"];
    assert!((place["latitude"].as_f64().unwrap() - 43.467_448).abs() < 1e-6);
    assert!((place["longitude"].as_f64().unwrap() - 11.885_127).abs() < 1e-6);
    assert_eq!(record["pii_flags"], json!(["location"]));
    assert_eq!(
        ran.err,
        "times of Exif without a UTC offset are taken as of Europe/Rome; --exif-zone sets another\n"
    );
    // in parts, and in a group
    let in_parts = ["--exif-zone", "+02:00", "--part-threshold", "1"];
    let (in_parts, _) = put(&server, &path, &in_parts);
    for member in ["captured_at", "capture_location", "pii_flags"] {
        assert_eq!(in_parts[member], record[member], "{member}");
    }
    assert_eq!(in_parts["integrity"]["parts"], 1);

    let stated = [
        "--captured-at",
        "2008-10-22T16:00:00Z",
        "--latitude",
        "1",
        "--longitude",
        "2",
        "--pii-flag",
        "face",
    ];
    let (record, ran) = put(&server, &path, &stated);
    assert_eq!(record["captured_at"], "2008-10-22T16:00:00Z");
    assert_eq!(record["capture_location"]["latitude"], 1.0);
    assert_eq!(record["pii_flags"], json!(["face"]));
    assert_eq!(ran.err, "");
    let (record, ran) = put(&server, &path, &["--no-exif"]);
    for (member, value) in [
        ("captured_at", Value::Null),
        ("capture_location", Value::Null),
        ("pii_flags", json!([])),
    ] {
        assert_eq!(record[member], value, "{member}");
    }
    assert_eq!(ran.err, "");
}

#[test]
fn a_photograph_whose_exif_is_cut_is_stored_with_a_note() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cut.jpg");
    fs::write(&path, &photograph("DSCN0010.jpg")[..3000]).unwrap();
    let (record, ran) = put(&Server::start(), &path, &["--exif-zone", "UTC"]);
    assert_eq!(record["size_bytes"], 3000);
    assert!(
        ran.err.contains("cut.jpg: its Exif cannot be used whole: "),
        "{ran:?}"
    );
}

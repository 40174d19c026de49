//! What the program prints for a bucket and a role, whole. What the documents do at a store is tested
//! on SeaweedFS.

use std::{fs, path::Path, process::Output};

use super::ends::{complete, ended};
use crate::machine::Machine;

/// All that changes the documents.
const CONFIGURATION: [(&str, &str); 8] = [
    ("NEXUS_RAW_STORAGE__ENDPOINT", "https://127.0.0.1:1"),
    ("NEXUS_RAW_STORAGE__BUCKET", "nexus-raw-prod"),
    ("NEXUS_RAW_STORAGE__REGION", "eu-central-1"),
    (
        "NEXUS_RAW_HTTP__CORS_ORIGINS",
        r#"["https://app.example.com", "capacitor://localhost"]"#,
    ),
    ("NEXUS_RAW_STORAGE__REQUIRE_VERSIONING", "true"),
    ("NEXUS_RAW_STORAGE__INTENT_TTL_SECONDS", "172800"),
    ("NEXUS_RAW_STORAGE__SSE", "kms"),
    (
        "NEXUS_RAW_STORAGE__SSE_KMS_KEY_ID",
        "arn:aws:kms:eu-central-1:111122223333:key/1234abcd",
    ),
];

#[test]
fn each_document_is_printed_whole_for_the_configured_bucket() {
    let tasks = ["--reconcile", "--import", "s3://archive/2024/"];
    for (command, options) in [
        ("bucket-policy", &[][..]),
        ("cors", &[]),
        ("lifecycle", &[]),
        ("iam-policy", &tasks),
    ] {
        let machine = Machine::new();
        let mut program = complete(&machine);
        program.envs(CONFIGURATION).arg(command).args(options);
        let Output {
            status,
            stdout,
            stderr,
        } = program.output().unwrap();
        assert_eq!((status.code(), &*stderr), (Some(0), &b""[..]), "{command}");
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/setup");
        let expected = fs::read_to_string(fixtures.join(command).with_extension("json")).unwrap();
        assert_eq!(String::from_utf8(stdout).unwrap(), expected, "{command}");
    }
}

#[test]
fn without_origins_there_is_no_rule_for_pages() {
    let machine = Machine::new();
    assert_eq!(
        ended(complete(&machine).arg("cors")),
        (
            78,
            "nexus-raw-server: the configuration is invalid\nhttp.cors_origins: is empty, so the \
             bucket needs no CORS rule: delete the one that it may have\n"
                .to_owned()
        )
    );
}

#[test]
fn a_place_to_import_from_is_no_pattern() {
    let machine = Machine::new();
    let mut program = complete(&machine);
    let (code, stderr) = ended(program.args(["iam-policy", "--import", "s3://archive/*"]));
    assert_eq!(code, 2);
    assert!(stderr.contains("must be s3://BUCKET/PREFIX"), "{stderr}");
}

/// As of the other commands, and no data directory is made.
#[test]
fn an_invalid_configuration_prints_nothing() {
    for command in ["bucket-policy", "cors", "lifecycle", "iam-policy"] {
        let machine = Machine::new();
        let mut program = complete(&machine);
        program.env("NEXUS_RAW_STORAGE__REGION", "-").arg(command);
        let Output { status, stdout, .. } = program.output().unwrap();
        assert_eq!((status.code(), &*stdout), (Some(78), &b""[..]), "{command}");
        let (code, _) = ended(machine.embedded().arg("bucket-policy"));
        assert_eq!((code, machine.data_dir().exists()), (0, false));
    }
}

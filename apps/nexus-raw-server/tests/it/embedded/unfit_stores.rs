//! Stores that do not keep what the service promises: no start.

use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, Misbehaviour, Settings};

use super::ends::{complete, ended};
use crate::machine::Machine;

#[test]
fn what_the_embedded_store_does_not_have_ends_the_start_with_78_and_its_key() {
    for (key, value, reason) in [
        (
            "REQUIRE_VERSIONING",
            "true",
            "unset storage.require_versioning",
        ),
        ("SSE", "s3", "storage.sse"),
        (
            "EXPECTED_BUCKET_OWNER",
            "111122223333",
            "unset storage.expected_bucket_owner",
        ),
    ] {
        let machine = Machine::new();
        let mut command = machine.embedded();
        command.env(format!("NEXUS_RAW_STORAGE__{key}"), value);
        let (code, stderr) = ended(&mut command);
        assert_eq!(code, 78, "{key}: {stderr}");
        assert!(stderr.contains(reason), "{key}: {stderr}");
    }
}

#[test]
fn a_store_that_breaks_a_promise_ends_the_start_with_78_and_what_to_change() {
    for (lie, reason) in [
        (Misbehaviour::IgnoreCreateOnce, "overwrites an object"),
        (Misbehaviour::AcceptUnsignedHeaders, "unsigned"),
        (Misbehaviour::ForbidAbsentKeys, "s3:ListBucket"),
    ] {
        let machine = Machine::new();
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "hidden-hidden-hidden".into(),
        };
        let settings = Settings::new(machine.data_dir(), credentials)
            .with_region("eu-central-1")
            .with_bucket("nexus-raw")
            .with_misbehaviour(lie);
        let store = EmbeddedS3::start(&settings).unwrap();
        let mut command = complete(&machine);
        command
            .env("NEXUS_RAW_STORAGE__ENDPOINT", store.endpoint())
            .env("NEXUS_RAW_STORAGE__FORCE_PATH_STYLE", "true")
            .env("NEXUS_RAW_STORAGE__STARTUP_TIMEOUT_SECONDS", "30");
        let (code, stderr) = ended(&mut command);
        store.shutdown().unwrap();
        assert_eq!(code, 78, "{lie:?}: {stderr}");
        assert!(stderr.contains(reason), "{lie:?}: {stderr}");
        assert!(!stderr.contains("hidden"), "{lie:?}: {stderr}");
    }
}

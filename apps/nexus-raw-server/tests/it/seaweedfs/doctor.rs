//! `doctor` on a store of another maker: each fault before what is printed is set, none after it.

use std::process::Command;

use nexus_raw_testkit::s3::xml_document;
use serde_json::Value;

use super::printed_setup::{ORIGIN, printed, set};
use crate::house::{House as _, OnSeaweedFs};

/// What the command says, and its exit code.
fn examined(mut program: Command) -> (Vec<Value>, Option<i32>) {
    let origins = format!("[\"{ORIGIN}\"]");
    program.env("NEXUS_RAW_HTTP__CORS_ORIGINS", origins);
    let done = program.args(["doctor", "--json"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.is_empty(), "{said}");
    let lines = String::from_utf8(done.stdout).unwrap();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), done.status.code())
}

/// The checks after which an operator has to act, each of which says what to do.
fn to_do(all: &[Value]) -> Vec<(&str, &str)> {
    let of = |it: &'_ Value| {
        let acts = it["verdict"] == "fault" || it["verdict"] == "unknown";
        assert_eq!(acts, it["mend"].is_string(), "{it}");
        acts
    };
    let acts = all.iter().filter(|it| of(it));
    acts.map(|it| {
        (
            it["check"].as_str().unwrap(),
            it["verdict"].as_str().unwrap(),
        )
    })
    .collect()
}

/// Makes the catalogue, which a server would.
fn open(house: &OnSeaweedFs) {
    let migrated = house.program().arg("migrate").status().unwrap();
    assert!(migrated.success());
}

#[test]
fn what_the_program_prints_mends_what_it_finds() {
    let house = OnSeaweedFs::open();
    open(&house);
    let (all, code) = examined(house.program());
    assert_eq!(
        to_do(&all),
        [
            ("bucket.lifecycle", "fault"),
            ("bucket.cors", "fault"),
            ("bucket.policy", "fault"),
            ("role.delete", "fault"),
            ("role.write_elsewhere", "fault"),
        ],
        "{all:?}"
    );
    assert_eq!(code, Some(1));
    let lifecycle = xml_document("LifecycleConfiguration", &printed(&house, "lifecycle"));
    set(&house, "lifecycle", &lifecycle);
    let cors = xml_document("CORSConfiguration", &printed(&house, "cors"));
    set(&house, "cors", &cors);
    let policy = printed(&house, "bucket-policy").to_string();
    set(&house, "policy", &policy);
    let (all, code) = examined(house.program());
    assert_eq!((to_do(&all), code), (vec![], Some(0)), "{all:?}");
}

#[test]
fn each_fault_of_a_configuration_is_said_beside_the_others() {
    let house = OnSeaweedFs::open();
    // no catalogue yet, a bucket that is not there, an issuer and a NATS server that do not answer
    let mut program = house.program();
    program
        .env_remove("NEXUS_RAW_IDENTITY__HS256_SECRET")
        .envs([
            ("NEXUS_RAW_STORAGE__BUCKET", "nexus-raw-absent"),
            ("NEXUS_RAW_IDENTITY__ALGORITHM", "ES256"),
            (
                "NEXUS_RAW_IDENTITY__JWKS_URL",
                "http://127.0.0.1:1/jwks.json",
            ),
            ("NEXUS_RAW_EVENTS__SINKS", "[\"nats\"]"),
            ("NEXUS_RAW_EVENTS__NATS__URL", "nats://127.0.0.1:1"),
        ]);
    let (all, code) = examined(program);
    assert_eq!(code, Some(1), "{all:?}");
    let found = to_do(&all);
    for expected in [
        ("catalog", "fault"),
        ("bucket.probe", "fault"),
        ("issuer.keys", "unknown"),
        ("nats.server", "unknown"),
    ] {
        assert!(found.contains(&expected), "{expected:?}: {found:?}");
    }
    let mut forger = house.program();
    forger.env("NEXUS_RAW_STORAGE__SECRET_ACCESS_KEY", "not-the-secret");
    let (all, _) = examined(forger);
    assert!(to_do(&all).contains(&("bucket.probe", "fault")), "{all:?}");
    let said = serde_json::to_string(&all).unwrap();
    assert!(!said.contains("not-the-secret"), "{said}");
}

//! The OpenAPI document held against the running server, by a tool that makes requests from it:
//! schemathesis sends what the document allows, and what it does not, and checks each answer
//! against it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use nexus_raw::tenancy::Role;
use nexus_raw_server::http::{ROUTES, openapi_document};
use serde_json::json;

use crate::{caller::Caller, machine::Machine};

/// Of its random choices; the output of a failed run has it.
const SEED: &str = "20261127";
/// Random requests for each route, beside those that follow from each rule of the document.
const EXAMPLES: &str = "25";

#[tokio::test]
async fn the_server_answers_any_request_as_its_openapi_document_says() {
    let machine = Machine::new();
    // the longest lives and the largest assets, as the document has them
    let server = Machine::start_by(
        machine
            .embedded()
            .env("NEXUS_RAW_STORAGE__INTENT_TTL_SECONDS", "604800")
            .env("NEXUS_RAW_STORAGE__MAX_OBJECT_BYTES", "5497558138880")
            .env("NEXUS_RAW_STORAGE__PRESIGN_TTL_SECONDS", "604800"),
    );
    let owner = Caller::owner_of("t_demo", &machine, &server);
    let record = owner.put("DSCN0010.jpg", b"not quite a photograph").await;
    let record = record.json();
    let mut uploads = Vec::new();
    for _ in 0..2 {
        // as many parts as there may be
        let body = json!({"filename": "a", "size_bytes": 83_886_080_000_u64, "multipart": true});
        let presigned = owner.post("/nexus/raw/presign-upload", &body).await;
        uploads.push(presigned.json()["asset_id"].as_str().unwrap().to_owned());
    }
    let document = owner.get("/openapi.json").await;
    let work = machine.data_dir().join("schemathesis");
    fs::create_dir(&work).unwrap();
    fs::write(work.join("openapi.json"), &document.body).unwrap();

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let hooks = root.join("tests/it/embedded/schemathesis");
    let token = machine.token("t_demo", Role::Owner);
    let run = Command::new(tool("schemathesis"))
        .current_dir(&work)
        .env("PYTHONPATH", &hooks)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("NEXUS_RAW_UPLOADS", uploads.join(" "))
        .env("NEXUS_RAW_REGISTERED", record["asset_id"].as_str().unwrap())
        .arg("--config-file")
        .arg(hooks.join("schemathesis.toml"))
        .args(["run", "openapi.json", "--no-color"])
        .args(["--url", &format!("http://{}", server.address)])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", "all"])
        .args(["--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--seed", SEED, "--max-examples", EXAMPLES])
        .args(["--generation-database", "none"])
        .args(["--request-timeout", "30"])
        .output()
        .unwrap();
    let (output, errors) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    assert!(run.status.success(), "{output}\n{errors}");
    // a run that leaves a route out proves nothing of it
    let all = ROUTES.len();
    let all = format!("{all} selected / {all} total");
    assert!(output.contains(&all), "not `{all}`:\n{output}");
    for phase in ["Examples", "Coverage", "Fuzzing", "Stateful"] {
        assert!(
            output.contains(&format!("✅  {phase}")),
            "{phase}:\n{output}"
        );
    }
}

#[test]
fn the_document_is_one_by_the_openapi_standard() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("openapi.json");
    let document = serde_json::to_vec(&openapi_document()).unwrap();
    fs::write(&path, document).unwrap();
    let validator = || Command::new(tool("openapi-spec-validator"));
    let run = validator().arg(&path).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    // and the validator refuses what is none
    let mut document = serde_json::to_value(openapi_document()).unwrap();
    document["info"].as_object_mut().unwrap().remove("version");
    fs::write(&path, document.to_string()).unwrap();
    let run = validator().arg(&path).output().unwrap();
    assert!(!run.status.success(), "{run:?}");
}

/// A program that `tools/setup engines` has put there.
pub(crate) fn tool(name: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin");
    let program = tools.join(name);
    assert!(program.exists(), "run `tools/setup engines` first");
    program
}

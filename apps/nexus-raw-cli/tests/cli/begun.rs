//! `register` and `abort` against the real service.

use nexus_raw::asset::Sha256Digest;
use serde_json::{Value, json};

use crate::{
    run::{Ran, run},
    server::Server,
    service::file,
};

/// Begins an upload, as another program would, and returns its id.
fn begin(server: &Server, body: &Value) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let url = format!("{}/nexus/raw/presign-upload", server.url());
    let request = reqwest::Client::builder().tls_certs_only([]).build();
    let request = request
        .unwrap()
        .post(url)
        .bearer_auth(server.token(3600))
        .header("x-tenant-id", "t_demo")
        .header("x-env", "dev")
        .json(body);
    let answer = runtime.block_on(async { request.send().await.unwrap().text().await.unwrap() });
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer["asset_id"].as_str().unwrap().to_owned()
}

fn ran(server: &Server, args: &[&str]) -> Ran {
    run(&mut server.command(), args)
}

#[test]
fn an_upload_in_parts_is_aborted_once_and_for_all() {
    let server = Server::start();
    let body = json!({"filename": "a.bin", "size_bytes": 6, "multipart": true});
    let id = begin(&server, &body);
    let digest = Sha256Digest::of(b"hello\n").to_string();
    let missing = ran(&server, &["register", &id, "--sha256", &digest]);
    assert_eq!((missing.exit, missing.out.as_str()), (5, ""));
    assert!(missing.err.contains("\n  /parts/1: "), "{}", missing.err);
    let unstated = ran(&server, &["register", &id]);
    assert_eq!(unstated.exit, 4);
    assert!(
        unstated.err.starts_with("error: /sha256: "),
        "{}",
        unstated.err
    );

    for _ in 0..2 {
        let aborted = ran(&server, &["abort", &id]);
        assert_eq!((aborted.exit, aborted.err.as_str()), (0, ""));
    }
    let ended = ran(&server, &["register", &id, "--sha256", &digest]);
    assert_eq!((ended.exit, ended.out.as_str()), (4, ""));
    let start = format!("error: asset {id} can no longer be registered: ");
    assert!(ended.err.starts_with(&start), "{}", ended.err);
}

#[test]
fn a_single_upload_and_a_registered_asset_are_not_aborted() {
    let server = Server::start();
    let digest = Sha256Digest::of(b"hello\n").to_string();
    let single = json!({"filename": "a.bin", "size_bytes": 6, "sha256": digest});
    let single = begin(&server, &single);
    let (_directory, path) = file("a.txt");
    let path = path.to_str().unwrap();
    let put = ran(&server, &["put", path, "--json"]);
    let record: Value = serde_json::from_str(&put.out).unwrap();
    let registered = record["asset_id"].as_str().unwrap();
    for id in [&single, registered] {
        let refused = ran(&server, &["abort", id]);
        assert_eq!(
            (refused.exit, refused.out.as_str()),
            (4, ""),
            "{}",
            refused.err
        );
        let start = format!("error: the upload of asset {id} cannot be aborted: ");
        assert!(refused.err.starts_with(&start), "{}", refused.err);
    }
    let again = ran(&server, &["register", registered, "--file", path, "--json"]);
    assert_eq!((again.exit, &again.out), (0, &put.out), "{}", again.err);
    let other = ran(&server, &["register", registered, "--train-ok"]);
    assert_eq!((other.exit, other.out.as_str()), (4, ""), "{}", other.err);
    let not_uploaded = ran(&server, &["register", &single]);
    assert_eq!(not_uploaded.exit, 5, "{}", not_uploaded.err);
    let nobody = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4eff";
    for command in ["register", "abort"] {
        assert_eq!(ran(&server, &[command, nobody]).exit, 3, "{command}");
    }
}

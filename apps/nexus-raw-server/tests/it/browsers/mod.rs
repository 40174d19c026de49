//! Chromium and Firefox do the whole job from a page of another origin. The page runs by itself and
//! reports to the site that it came from; no driver has a hand in it. The cases are one list; a
//! browser is started once for all of them.

mod document;
mod site;

use std::{
    io::{self, Write as _},
    time::Duration,
};

use nexus_raw::{asset::Sha256Digest, tenancy::Role};
use nexus_raw_testkit::Browser;
use serde_json::{Value, json};

use self::site::Site;
use crate::{
    caller::Caller,
    house::House,
    machine::{Server, photograph},
};

/// Until the page reports the next case; for the first one its browser starts, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// Has a browser try every case on a house.
pub(crate) async fn every_case_in<H: House>(browser: Browser) {
    if let Some(reason) = browser.is_missing() {
        return say_that_it_did_not_run(browser, &reason);
    }
    let house = H::open();
    let mut site = Site::open();
    house.let_pages_upload(&site.origin());
    let origins = format!("[\"{}\"]", site.origin());
    let server = house.start_with(&[("HTTP__CORS_ORIGINS", &origins)]);
    let cases = cases();
    let setting = json!({
        "service": format!("http://{}", server.address),
        "token": house.machine().token("t_demo", Role::Owner),
        "cases": cases.iter().enumerate().map(|(at, case)| case.json(at, &site)).collect::<Vec<_>>(),
    });
    site.serve(&setting, contents(&cases), server.address);

    let page = browser.open(&format!("{}/cases.html", site.origin()));
    let caller = house.owner_of("t_demo", &server);
    for (number, case) in cases.iter().enumerate() {
        let reported = site.next_report(PATIENCE).await;
        assert_eq!(reported["number"], number, "{browser:?}: {reported}");
        case.check(&reported, &house, &caller).await;
    }
    a_stored_object_shows_what_the_browser_added(&house, &server, &caller).await;
    drop(page);
    site.close().await;
}

/// Past the capture of the test's output: that a test did not run must not go unseen.
fn say_that_it_did_not_run(browser: Browser, reason: &str) {
    let line = format!("NOT RUN: the pages in {browser:?}: {reason}\n");
    let _ = io::stderr().write_all(line.as_bytes());
}

/// A file that the page is given, and uploads under this name and type.
struct File {
    name: &'static str,
    /// What the service is to know it by.
    stored_name: &'static str,
    content_type: &'static str,
    content: Vec<u8>,
}

/// One thing that the page tries.
struct Case {
    name: &'static str,
    how: How,
    files: Vec<File>,
}

enum How {
    /// `fetch` in a cache mode.
    Fetch(&'static str),
    /// `XMLHttpRequest`, of a `File`.
    RequestOfFile,
    /// `XMLHttpRequest`, of a `Uint8Array`.
    RequestOfBytes,
    /// A page of `docs/BROWSERS.md`.
    Page(&'static str),
    /// The page of `docs/BROWSERS.md` that downloads.
    Download,
    /// A page whose origin nobody lets in.
    Stranger,
}

/// Every character of a file name that a URL or a browser could misinterpret.
const ODD_NAME: &str = "it's [1] (2) {3} 100% a+b&c=d;e#f?g ~é ñ \u{1f680}.jpg";

fn cases() -> Vec<Case> {
    let photo = || File {
        name: "DSCN0010.jpg",
        stored_name: "DSCN0010.jpg",
        content_type: "image/jpeg",
        content: photograph("DSCN0010.jpg"),
    };
    let odd = || File {
        name: ODD_NAME,
        stored_name: ODD_NAME,
        ..photo()
    };
    // decomposed, as macOS hands names out
    let decomposed = || File {
        name: "e\u{301}te\u{301}.jpg",
        stored_name: "\u{e9}t\u{e9}.jpg",
        content: photograph("DSCN0021.jpg"),
        ..photo()
    };
    // of several pieces, the last one short
    let large = || File {
        name: "large.bin",
        stored_name: "large.bin",
        content_type: "application/octet-stream",
        content: (0..9_000_001)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect(),
    };
    let text = || File {
        name: "a.txt",
        stored_name: "a.txt",
        content_type: "text/plain;charset=iso-8859-1",
        content: b"caf\xe9".to_vec(),
    };
    let empty = || File {
        name: "empty.txt",
        stored_name: "empty.txt",
        content_type: "text/plain",
        content: Vec::new(),
    };
    let guessed = || File {
        name: "a.pdf",
        stored_name: "a.pdf",
        ..large()
    };
    let case = |name, how, files| Case { name, how, files };
    vec![
        case("fetch, default", How::Fetch("default"), vec![photo()]),
        case("fetch, no-store", How::Fetch("no-store"), vec![photo()]),
        case("fetch, reload", How::Fetch("reload"), vec![photo()]),
        case("fetch, no-cache", How::Fetch("no-cache"), vec![photo()]),
        case("fetch, force-cache", How::Fetch("force-cache"), vec![odd()]),
        case("File", How::RequestOfFile, vec![photo()]),
        case("File, odd name", How::RequestOfFile, vec![odd()]),
        case("File, charset", How::RequestOfFile, vec![text()]),
        case("fetch, empty", How::Fetch("default"), vec![empty()]),
        case("File, empty", How::RequestOfFile, vec![empty()]),
        case("bytes, empty", How::RequestOfBytes, vec![empty()]),
        case("bytes", How::RequestOfBytes, vec![photo()]),
        case("bytes, no type", How::RequestOfBytes, vec![guessed()]),
        case("download", How::Download, vec![odd()]),
        case("stranger", How::Stranger, vec![photo()]),
        case(
            "a page of one's own",
            How::Page("upload.html"),
            vec![large(), decomposed(), empty()],
        ),
        case(
            "Uppy",
            How::Page("uppy.html"),
            vec![large(), decomposed(), photo(), empty()],
        ),
    ]
}

/// Where the site has the content of a file of a case.
fn place(number: usize, at: usize) -> String {
    format!("contents/{number}-{at}")
}

fn contents(cases: &[Case]) -> Vec<(String, Vec<u8>)> {
    let mut contents = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        for (at, file) in case.files.iter().enumerate() {
            contents.push((place(number, at), file.content.clone()));
        }
    }
    contents
}

impl Case {
    /// Returns the case as the page reads it.
    fn json(&self, number: usize, site: &Site) -> Value {
        let files: Vec<Value> = self
            .files
            .iter()
            .enumerate()
            .map(|(at, file)| {
                json!({
                    "name": file.name,
                    "type": file.content_type,
                    "size": file.content.len(),
                    "sha256": Sha256Digest::of(&file.content),
                    "content": place(number, at),
                })
            })
            .collect();
        let mut case = match self.how {
            How::Fetch(cache) => json!({"kind": "upload", "by": "fetch", "cache": cache}),
            How::RequestOfFile => json!({"kind": "upload", "by": "request"}),
            How::RequestOfBytes => json!({"kind": "upload", "by": "request", "bytes": true}),
            How::Page(page) => json!({"kind": "page", "page": page}),
            How::Download => json!({"kind": "download", "page": "download.html"}),
            How::Stranger => json!({"kind": "stranger", "origin": site.other_origin()}),
        };
        case["files"] = files.into();
        case
    }

    async fn check(&self, reported: &Value, house: &impl House, caller: &Caller) {
        let name = self.name;
        match self.how {
            How::Fetch(_) | How::RequestOfFile | How::RequestOfBytes => {
                assert_eq!(
                    reported["statuses"],
                    json!([200, 200, 201]),
                    "{name}: {reported}"
                );
            }
            // it also waits until each bar of progress is full
            How::Page(_) => assert_eq!(reported["failed"], json!([]), "{name}: {reported}"),
            How::Download => {
                let expected = json!([[200, 200, 201], self.files[0].stored_name, true]);
                let came = json!([reported["statuses"], reported["saved"], reported["isSame"]]);
                assert_eq!(came, expected, "{name}: {reported}");
            }
            How::Stranger => {
                let refused = json!(["TypeError", "TypeError", "TypeError", "TypeError"]);
                assert_eq!(reported["tried"], refused, "{name}: {reported}");
                let nothing = (json!([409]), json!("object-not-uploaded"));
                let came = (reported["statuses"].clone(), reported["code"].clone());
                return assert_eq!(came, nothing, "{name}: {reported}");
            }
        }
        let uris = reported["uris"].as_array().unwrap();
        assert_eq!(uris.len(), self.files.len(), "{name}: {reported}");
        for (file, uri) in self.files.iter().zip(uris) {
            file.check_record(uri.as_str().unwrap(), house, caller)
                .await;
        }
    }
}

impl File {
    /// The whole record, as the service has it, of the asset at `uri`.
    async fn check_record(&self, uri: &str, house: &impl House, caller: &Caller) {
        let start = format!("s3://{}/tenants/t_demo/dev/raw/", house.bucket());
        let rest = uri.strip_prefix(&start).unwrap_or_else(|| panic!("{uri}"));
        let (asset_id, _) = rest.split_once('/').unwrap();
        let (status, mut record) = caller.get(&format!("/nexus/raw/{asset_id}")).await.whole();
        assert!(record["imported_at"].take().is_string(), "{record}");
        assert!(record["integrity"]["etag"].take().is_string(), "{record}");
        let expected = json!({
            "asset_id": asset_id,
            "tenant_id": "t_demo",
            "env": "dev",
            "uri": format!("{start}{asset_id}/{}", self.stored_name),
            "filename": self.stored_name,
            "sha256": Sha256Digest::of(&self.content),
            "size_bytes": self.content.len(),
            "content_type": self.content_type,
            "captured_at": null,
            "imported_at": null,
            "capture_location": null,
            "lineage": {"derived_from": [], "source_uri": null, "activity": null},
            "pii_flags": [],
            "train_ok": false,
            "labels": {},
            "registered_by": "u_demo",
            "integrity": {"level": "s3_sha256", "version_id": null, "etag": null},
        });
        assert_eq!((status, record), (200, expected));
    }
}

/// That the cases tried what they are for: the browser adds `Cache-Control`, and the store keeps it.
async fn a_stored_object_shows_what_the_browser_added(
    house: &impl House,
    server: &Server,
    caller: &Caller,
) {
    let page = caller.get("/nexus/raw/events").await;
    let first = &page.json()["events"][0];
    let path = first["uri"].as_str().unwrap().replacen("s3:/", "", 1);
    let head = house.store(server).signed("HEAD", &path, &[], b"");
    let added = head.header("cache-control");
    // Firefox says the one, Chromium the other
    let is_known = matches!(added, Some("no-cache" | "max-age=0"));
    assert!(head.status == 200 && is_known, "{path}: {head:?}");
}

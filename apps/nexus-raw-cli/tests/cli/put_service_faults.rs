//! Faults of the service while a file is uploaded, and a token that ends meanwhile.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Command,
    sync::{Arc, RwLock},
};

use nexus_raw_testkit::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::{
    run::Ran,
    site::{self, Site, of_output, ran, shared},
};

const MIB: u64 = 1024 * 1024;

/// A single upload, and one in three parts of 8 MiB.
const UPLOADS: [(&str, u64); 2] = [("single", MIB), ("parts", 17 * MIB)];

fn put(site: &Site, file: &Path, args: &[&str]) -> Command {
    site.put(file, &[&["--part-threshold", "8MiB"], args].concat())
}

fn unauthenticated() -> Fault {
    let problem = json!({
        "type": "urn:nexus-raw:problem:unauthenticated",
        "title": "Unauthenticated",
        "status": 401,
        "detail": "a valid token is required",
        "code": "unauthenticated",
    });
    let headers = "content-type: application/problem+json\r\n\
                   www-authenticate: Bearer error=\"invalid_token\"\r\n";
    Fault::answer(401, headers, &problem.to_string())
}

fn unavailable() -> Fault {
    let problem = json!({
        "type": "urn:nexus-raw:problem:catalog-unavailable",
        "title": "Catalog unavailable",
        "status": 503,
        "detail": "the catalogue does not answer",
        "code": "catalog-unavailable",
    });
    let headers = "content-type: application/problem+json\r\nretry-after: 1\r\n";
    Fault::answer(503, headers, &problem.to_string())
}

/// The service accepts a token until a PUT arrives at the store.
fn refuse_after_a_put(site: &Site, token: &str, at_put: impl Fn() + Send + Sync + 'static) {
    let service = Arc::clone(&site.service);
    let refused = format!("Bearer {token}");
    let refuse = move |_| {
        at_put();
        let rule = FaultRule::every().containing(refused.clone());
        service.follow([rule.fault(unauthenticated())]);
    };
    site.store
        .follow([FaultRule::on("PUT").only(..=1).calling(refuse)]);
}

#[test]
fn a_token_file_that_is_renewed_during_the_upload_is_read_again() {
    let site = Site::start();
    for (name, size) in UPLOADS {
        let file = site.file(name, size);
        let path = site.path("token");
        fs::write(&path, &site.token).unwrap();
        let (renewed, token) = (path.clone(), site.other_token());
        refuse_after_a_put(&site, &site.token, move || {
            fs::write(&renewed, &token).unwrap();
        });
        let ran = ran(put(&site, &file, &["--token-file", path.to_str().unwrap()]));
        assert_eq!(ran.exit, 0, "{name}: {}", ran.err);
        site.store.mend();
        site.service.mend();
        site.assert_stored(name, &ran.out, &file);
    }
}

#[test]
fn a_token_that_ends_during_the_upload_ends_it_and_with_another_token_it_goes_on() {
    let site = Site::start();
    for (name, size) in UPLOADS {
        let file = site.file(name, size);
        let before = site.store.body_bytes("PUT");
        refuse_after_a_put(&site, &site.token, || {});
        let failed = ran(put(&site, &file, &[]));
        assert_eq!(failed.exit, 6, "{name}: {}", failed.err);
        site.store.mend();
        let mut again = put(&site, &file, &[]);
        again.env("NEXUS_RAW_TOKEN", site.other_token());
        let ran = ran(again);
        assert_eq!(ran.exit, 0, "{name}: {}", ran.err);
        site.service.mend();
        let sent = site.store.body_bytes("PUT") - before;
        // parts that are under way at the refusal go up
        let at_most = if size > MIB { size } else { 2 * size };
        assert!(sent <= at_most, "{name}: {sent} bytes");
        site.assert_stored(name, &ran.out, &file);
    }
}

#[test]
fn a_service_that_refuses_connections_at_the_registration_is_asked_again_until_it_is_back() {
    let site = Site::start();
    for (name, size) in UPLOADS {
        let file = site.file(name, size);
        let service = Arc::clone(&site.service);
        let close = move |_| service.break_all(Fault::Refuse);
        // the last request to the store, in parts and in one
        let last = if size > MIB { 3 } else { 1 };
        site.store
            .follow([FaultRule::on("PUT").only(last..=last).calling(close)]);
        let ran = retried(&site, put(&site, &file, &[]));
        assert_eq!(ran.exit, 0, "{name}: {}", ran.err);
        site.store.mend();
        site.assert_stored(name, &ran.out, &file);
    }
}

/// Runs the command, and mends the service when it says that it retries.
fn retried(site: &Site, mut command: Command) -> Ran {
    let mut child = command.spawn().unwrap();
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
    let is_retry = |line: &std::io::Result<String>| line.as_ref().unwrap().contains("retrying in");
    let has_retried = notes.find(is_retry).is_some();
    site.service.mend();
    let rest: Vec<_> = notes.map_while(Result::ok).collect();
    let mut ran = of_output(child.wait_with_output().unwrap());
    ran.err = rest.join("\n");
    assert!(has_retried, "it did not retry: {ran:?}");
    ran
}

#[test]
fn each_call_of_the_service_whose_response_is_lost_or_bad_is_repeated() {
    let faults = [
        ("lost", Fault::Lose),
        ("half", Fault::Half),
        ("503", unavailable()),
        ("502", Fault::answer(502, "", "")),
        ("cut", Fault::CutRequest(0)),
    ];
    let cases = UPLOADS
        .into_iter()
        .flat_map(|upload| faults.clone().map(|fault| (upload, fault)));
    shared(
        cases.collect(),
        |site, ((kind, size), (fault_name, fault))| {
            for number in 1.. {
                let name = format!("{kind}, {fault_name}, request {number}");
                let file = site.file(&name, size);
                let before = (site.service.requests(), site.store.body_bytes("PUT"));
                let rule = FaultRule::every().only(number..=number);
                site.service.follow([rule.fault(fault.clone())]);
                let ran = ran(put(site, &file, &[]));
                assert_eq!(ran.exit, 0, "{name}: {}", ran.err);
                site.service.follow([]);
                let sent = site.store.body_bytes("PUT") - before.1;
                assert_eq!(sent, size, "{name}");
                let requests = site.service.requests() - before.0;
                site.assert_stored(&name, &ran.out, &file);
                if requests < number {
                    assert!(number > 2, "{name}");
                    break;
                }
            }
        },
    );
}

/// The files are under way together when one of them finds that the service is away.
#[test]
fn uploads_under_way_end_when_the_run_is_given_up_and_no_other_is_begun() {
    const FILES: usize = 6;
    const AT_ONCE: usize = 4;
    let site = Site::start();
    let files: Vec<_> = (0..FILES)
        .map(|number| site.file(&format!("{number}"), 17 * MIB))
        .collect();
    let paths: Vec<_> = files.iter().map(|it| it.to_str().unwrap()).collect();
    let put = |retries| {
        let args = ["put", "--json", "--part-threshold", "8MiB"];
        let options = ["--concurrency", "1", "--retries", retries];
        let args = args.into_iter().chain(options);
        site.command(args.chain(paths.iter().copied()))
    };
    let before = site.store.body_bytes("PUT");
    let rule = FaultRule::on("POST").containing("/presign-upload");
    site.service.follow([rule.only(2..=2).fault(unavailable())]);
    // the store takes nothing before that is reported
    let gate = Arc::new(RwLock::new(()));
    let closed = gate.write().unwrap();
    let opened = Arc::clone(&gate);
    let wait = move |_| drop(opened.read().unwrap());
    site.store.follow([FaultRule::on("PUT").calling(wait)]);
    let mut child = put("0").spawn().unwrap();
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
    let reported = notes.find(|line| line.as_ref().unwrap().starts_with("error: "));
    drop(closed);
    let rest: Vec<_> = notes.map_while(Result::ok).collect();
    let ran = of_output(child.wait_with_output().unwrap());
    assert!(reported.is_some() && ran.exit == 5, "{ran:?} {rest:?}");
    let summary = format!(
        "stored {} files (51.0 MiB), 1 failed, {} not begun",
        AT_ONCE - 1,
        FILES - AT_ONCE
    );
    assert!(rest.last().unwrap().starts_with(&summary), "{rest:?}");
    let lines = ran.out.lines();
    let lines: Vec<Value> = lines.map(|it| serde_json::from_str(it).unwrap()).collect();
    let failed = lines.iter().filter(|it| it["exit"] == 5);
    assert_eq!((lines.len(), failed.count()), (AT_ONCE, 1), "{}", ran.out);

    // the next run sends the others alone
    let again = site::ran(put("4"));
    assert_eq!(again.exit, 0, "{}", again.err);
    let sent = site.store.body_bytes("PUT") - before;
    assert_eq!(sent, FILES as u64 * 17 * MIB);
    for file in &files {
        site.assert_one_of("given up", &again.out, file);
    }
}

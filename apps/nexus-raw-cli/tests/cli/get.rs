use std::{fs, path::Path};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    run::{ID, Ran, command_for, record, run},
    service::SIGNATURE,
    stub::{Answer, Received, Stub},
};

const OTHER: &str = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e22";
const HELLO: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

/// A record of the six bytes of `hello` and a line end.
fn record_of(id: &str, name: &str) -> String {
    let old = "3d4f2bf07dc1be38b20cd6e46949a1071f9d0e3d07a9d9a2b9f3b6a1f3a5c0de";
    record()
        .replace(ID, id)
        .replace(old, HELLO)
        .replace("161713", "6")
        .replace("DSCN0010.jpg", name)
}

/// A service whose store answers by `store`, which is given the number of downloads before it.
fn service(
    name: fn(&str) -> String,
    store: impl Fn(usize) -> Answer + Send + Sync + 'static,
) -> Stub {
    let downloads = std::sync::atomic::AtomicUsize::new(0);
    Stub::start(move |request: &Received, _| {
        if request.target.starts_with("/bucket/") {
            return store(downloads.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        }
        let id = request.target.split('/').nth(3).unwrap();
        if request.method == "GET" {
            return Answer::json(200, record_of(id, &name(id)));
        }
        assert!(request.target.ends_with("/presign-download"));
        assert_eq!(request.json(), json!({}));
        let url = format!(
            "http://{}/bucket/{id}?{SIGNATURE}",
            request.header("host").unwrap()
        );
        let body = json!({
            "method": "GET", "url": url, "headers": {}, "expires_at": "2026-11-24T01:15:00Z",
            "in_force": {"train_ok": true, "train_ok_effective": true, "pii_flags": []},
        });
        Answer::json(200, body.to_string())
    })
}

fn hello() -> Answer {
    Answer::empty(200).body("hello\n")
}

fn one_name(_: &str) -> String {
    "a name.jpg".to_owned()
}

/// Runs `get` in a directory. No signature is printed.
fn get(stub: &Stub, directory: &Path, args: &[&str]) -> Ran {
    let mut command = command_for(&stub.url);
    command.current_dir(directory).env("NEXUS_RAW_RETRIES", "2");
    let ran = run(command.arg("get"), args);
    assert!(!ran.out.contains("Signature") && !ran.err.contains("Signature"));
    ran
}

/// The files of a directory, temporary ones too, with their contents.
fn files(directory: &TempDir) -> Vec<(String, String)> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let mut files: Vec<_> = entries
        .map(|it| it.unwrap())
        .map(|it| {
            let name = it.file_name().into_string().unwrap();
            (name, fs::read_to_string(it.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn file(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

fn done(out: &str) -> Ran {
    Ran {
        exit: 0,
        out: out.to_owned(),
        err: String::new(),
    }
}

#[test]
fn an_asset_is_downloaded_under_its_name_or_another() {
    let stub = service(one_name, |_| hello());
    let directory = tempfile::tempdir().unwrap();
    let uri = format!("s3://bucket/tenants/t_demo/dev/raw/{ID}/a name.jpg");
    assert_eq!(get(&stub, directory.path(), &[&uri]), done("a name.jpg\n"));
    assert_eq!(get(&stub, directory.path(), &[ID, "-o", "b"]), done("b\n"));
    assert_eq!(
        get(&stub, directory.path(), &[ID, "-o", "-"]),
        done("hello\n")
    );
    let expected = [file("a name.jpg", "hello\n"), file("b", "hello\n")];
    assert_eq!(files(&directory), expected);
    let requests = stub.requests();
    let [record, presign, download] = &requests[..3] else {
        panic!("{requests:?}");
    };
    assert_eq!(record.line(), format!("GET /nexus/raw/{ID}"));
    assert_eq!(
        presign.line(),
        format!("POST /nexus/raw/{ID}/presign-download")
    );
    assert_eq!(download.line(), format!("GET /bucket/{ID}?{SIGNATURE}"));
    assert_eq!(download.header("authorization"), None);
}

#[test]
fn an_existing_file_is_replaced_only_with_force() {
    let stub = service(one_name, |_| hello());
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a name.jpg"), "mine").unwrap();
    let ran = get(&stub, directory.path(), &[ID]);
    assert_eq!((ran.exit, ran.out.as_str()), (1, ""));
    assert!(
        ran.err.starts_with("error: a name.jpg exists\n"),
        "{}",
        ran.err
    );
    assert_eq!(stub.lines(), [format!("GET /nexus/raw/{ID}")]);
    assert_eq!(files(&directory), [file("a name.jpg", "mine")]);
    assert_eq!(get(&stub, directory.path(), &[ID, "--force"]).exit, 0);
    assert_eq!(files(&directory), [file("a name.jpg", "hello\n")]);
}

/// One that comes while the download runs.
#[test]
fn a_file_that_appears_meanwhile_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a name.jpg");
    let stub = service(one_name, move |_| {
        fs::write(&path, "mine").unwrap();
        hello()
    });
    let ran = get(&stub, directory.path(), &[ID]);
    assert_eq!(ran.exit, 1, "{}", ran.err);
    assert_eq!(files(&directory), [file("a name.jpg", "mine")]);
}

#[test]
fn content_that_the_record_does_not_describe_is_no_file() {
    for body in ["HELLO\n", "hell", "hello\nand more", ""] {
        let stub = service(one_name, move |_| Answer::empty(200).body(body));
        let directory = tempfile::tempdir().unwrap();
        for args in [&[ID][..], &[ID, "-o", "-"]] {
            let ran = get(&stub, directory.path(), args);
            assert_eq!(ran.exit, 1, "{body:?} {args:?}");
            let message = format!("error: the content of asset {ID} is not what its record says\n");
            assert!(ran.err.starts_with(&message), "{}", ran.err);
        }
        assert_eq!(files(&directory), []);
        assert_eq!(stub.lines().len(), 6, "it is not tried again");
    }
}

/// Each byte is printed once, also those before the cut.
#[test]
fn a_connection_that_is_cut_is_tried_again_a_few_times() {
    let cut = || hello().body("hel").with("content-length", "6").cut();
    for args in [&[ID][..], &[ID, "-o", "-"]] {
        let stub = service(
            one_name,
            move |before| if before < 2 { cut() } else { hello() },
        );
        let directory = tempfile::tempdir().unwrap();
        let ran = get(&stub, directory.path(), args);
        assert_eq!(ran.exit, 0, "{}", ran.err);
        assert_eq!(ran.err.matches("; retrying in ").count(), 2, "{}", ran.err);
        if args.len() > 1 {
            assert_eq!(ran.out, "hello\n");
        } else {
            assert_eq!(files(&directory), [file("a name.jpg", "hello\n")]);
        }
    }
    let stub = service(one_name, move |_| cut());
    let directory = tempfile::tempdir().unwrap();
    let ran = get(&stub, directory.path(), &[ID]);
    assert_eq!((ran.exit, stub.lines().len()), (5, 2 + 3), "{}", ran.err);
    assert_eq!(files(&directory), []);
}

#[test]
fn a_url_that_has_ended_is_replaced_once() {
    for status in [403, 404] {
        let directory = tempfile::tempdir().unwrap();
        let ended = move || Answer::empty(status).body("<Error><Code>AccessDenied</Code></Error>");
        let stub = service(
            one_name,
            move |before| if before == 0 { ended() } else { hello() },
        );
        assert_eq!(get(&stub, directory.path(), &[ID]).exit, 0);
        assert_eq!(stub.lines().len(), 1 + 2 + 2);
        let stub = service(one_name, move |_| ended());
        let ran = get(&stub, directory.path(), &[ID, "--force"]);
        assert_eq!(
            (ran.exit, stub.lines().len()),
            (4, 1 + 2 + 2),
            "{}",
            ran.err
        );
    }
}

#[test]
fn several_go_into_a_directory_and_one_that_fails_does_not_stop_the_others() {
    let stub = service(str::to_owned, |before| match before {
        0 => Answer::empty(200).body("wrong!"),
        _ => hello(),
    });
    let directory = tempfile::tempdir().unwrap();
    let args = [ID, OTHER, ID, "-o", ".", "--concurrency", "1"];
    let ran = get(&stub, directory.path(), &args);
    assert_eq!((ran.exit, ran.out.as_str()), (1, &*format!("./{OTHER}\n")));
    assert_eq!(files(&directory), [file(OTHER, "hello\n")]);
}

#[test]
fn two_assets_of_one_name_are_refused_before_anything_is_downloaded() {
    let stub = service(one_name, |_| hello());
    let directory = tempfile::tempdir().unwrap();
    let ran = get(&stub, directory.path(), &[ID, OTHER]);
    let message = format!(
        "error: assets {ID} and {OTHER} have the same file name; get them one by one with -o\n"
    );
    assert_eq!((ran.exit, ran.err), (2, message));
    assert_eq!((files(&directory), stub.lines().len()), (vec![], 2));
}

#[test]
fn a_name_that_would_leave_the_directory_is_refused() {
    for name in ["../x", "/tmp/x", ".."] {
        let evil = name.to_owned();
        let stub = Stub::start(move |_, _| Answer::json(200, record_of(ID, &evil)));
        let directory = tempfile::tempdir().unwrap();
        let ran = get(&stub, directory.path(), &[ID]);
        assert_eq!((ran.exit, stub.lines().len()), (1, 1), "{}", ran.err);
        assert_eq!(files(&directory), []);
    }
}

use std::{fmt::Write as _, fs};

use nexus_raw::asset::BucketName;
use nexus_raw_testkit::{
    Fault, FaultRule, FaultyProxy,
    planted::ServerBucket,
    s3::{MultipartClient, encode_path},
};
use serde_json::json;

use crate::{
    archive::{Archive, PREFIX, Ran},
    house::{Embedded, House, OnPostgres, OnSeaweedFs},
};

fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}

fn imported(name: &str) -> (String, String) {
    ("imported".to_owned(), key(name))
}

/// On PostgreSQL beside a server; on SQLite it says that the server has to be stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_beside_a_server_where_the_catalogue_is_shared() {
    let archive: Archive<Embedded> = Archive::open();
    archive.fill([(&*key("a.jpg"), &b"a"[..])]);
    let server = archive.house.start();
    let ran = archive.run(&[]);
    let in_use = "nexus-raw-server: the catalogue is in use: stop the server, and start it again";
    assert_eq!((ran.code, &*ran.stdout), (Some(69), ""));
    assert!(ran.stderr.contains(in_use), "{}", ran.stderr);
    server.stop();

    let archive: Archive<OnPostgres> = Archive::open();
    archive.fill([(&*key("a.jpg"), &b"a"[..])]);
    let server = archive.house.start();
    let owner = archive.house.owner_of("t_demo", &server);
    let ran = archive.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let id = ran.lines()[0]["asset_id"].as_str().unwrap().to_owned();
    let record = owner.get(&format!("/nexus/raw/{id}")).await.json();
    assert_eq!(record["filename"], "a.jpg");
    assert_eq!(record["content_type"], "image/jpeg");
    assert_eq!(record["registered_by"], "u_operator");
    assert_eq!(record["integrity"]["level"], "stream_sha256");
    let log = ran.stderr.lines().find(|it| it.contains("import begun"));
    let log: serde_json::Value = serde_json::from_str(log.unwrap()).unwrap();
    let events = owner.get(&format!("/nexus/raw/{id}/events")).await.json();
    let event = &events["events"][0];
    assert_eq!(event["trace_id"], log["trace_id"]);
    assert_eq!(event["request_id"], log["request_id"]);
    assert_eq!(events["events"].as_array().unwrap().len(), 1);
    server.stop();
}

/// The latest version of each; deleted objects are none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_archive_with_versions_the_latest_are_imported() {
    let archive: Archive<OnSeaweedFs> = Archive::open();
    let mut bucket = ServerBucket {
        endpoint: archive.house.store_alone().0,
        name: BucketName::parse(&archive.bucket).unwrap(),
        is_versioned: false,
    };
    bucket.enable_versions();
    let [a, b, c] = ["a", "b", "c"].map(key);
    archive.fill([
        (&*a, &b"old"[..]),
        (&*a, b"new"),
        (&*b, b"b"),
        (&*c, b"deleted"),
    ]);
    let target = format!("/{}/{}", archive.bucket, encode_path(&c));
    let deleted = bucket.endpoint.signed("DELETE", &target, &[], b"");
    assert_eq!(deleted.status, 204);
    let ran = archive.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.kinds(), [imported("a"), imported("b")]);
    assert!(ran.lines()[0]["version_id"].is_string(), "{}", ran.stdout);
    assert_eq!(ran.summary()["bytes"], 4);
    archive.assert_sound();
}

/// Large objects in parts of another size than ours, which `SeaweedFS` lists with a tag of its own pieces,
/// markers of folders, and decomposed names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_as_rclone_and_boto3_write_them_are_imported() {
    let archive: Archive<OnSeaweedFs> = Archive::open();
    let (endpoint, _running) = archive.house.store_alone();
    let large = key("large.mov");
    let path = format!("/{}/{large}", archive.bucket);
    let parts = [vec![1; 5 << 20], vec![2; 5 << 20], vec![3; 17]];
    let begun = endpoint.signed("POST", &format!("{path}?uploads"), &[], b"");
    let upload = MultipartClient {
        endpoint: endpoint.clone(),
        path,
        upload_id: begun.texts("UploadId").concat(),
    };
    let mut named = String::new();
    for (part, number) in parts.iter().zip(1..) {
        let written = endpoint.signed("PUT", &upload.part_target(number), &[], part);
        let etag = written.header("etag").unwrap();
        write!(
            named,
            "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        )
        .unwrap();
    }
    let named = format!("<CompleteMultipartUpload>{named}</CompleteMultipartUpload>");
    let completed = endpoint.signed("POST", &upload.target(), &[], named.as_bytes());
    assert_eq!(completed.error(), (200, String::new()));
    let decomposed = key("Cafe\u{301}/re\u{301}sume\u{301}.pdf");
    archive.fill([
        (&*key("Cafe\u{301}/"), &b""[..]),
        (&*decomposed, b"%PDF-1.4"),
    ]);
    let ran = archive.run(&[]);
    assert_eq!(ran.code, Some(0), "{} {}", ran.stdout, ran.stderr);
    let expected = [
        ("folder".to_owned(), key("Cafe\u{301}/")),
        ("imported".to_owned(), decomposed),
        ("imported".to_owned(), large),
    ];
    assert_eq!(ran.kinds(), expected);
    archive.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_imported_is_reported_with_the_reason() {
    let archive: Archive<OnSeaweedFs> = Archive::open();
    let large = vec![0; 3000];
    archive.fill([
        (&*key("a.jpg"), &b"a"[..]),
        (&*key("b.jpg"), b"a"),
        (&*key("c.jpg"), &large),
        (&*key("d&X-Amz-Signature=0123.jpg"), b"d"),
        (&*key("e.jpg"), b"e"),
    ]);
    let proxy = FaultyProxy::before(&archive.house.seaweedfs().unwrap().endpoint());
    let run = |arguments: &[&str]| {
        let mut command = archive.command(arguments);
        command
            .env("NEXUS_RAW_STORAGE__ENDPOINT", proxy.endpoint())
            .env("NEXUS_RAW_STORAGE__MAX_OBJECT_BYTES", "2000");
        Ran::of(command.output().unwrap())
    };
    let denied = FaultRule::on("GET").containing("e.jpg");
    proxy.follow([denied.fault(Fault::s3_error(403, "AccessDenied"))]);
    let ran = run(&["--concurrency", "1"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let kinds = ran.kinds();
    let kinds: Vec<&str> = kinds.iter().map(|(kind, _)| &**kind).collect();
    assert_eq!(
        kinds,
        ["imported", "same_content", "refused", "refused", "failed"]
    );
    let reasons: Vec<_> = ran.lines()[2..5]
        .iter()
        .map(|it| it["reason"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(reasons[0], "it is larger than 2000 bytes");
    assert!(reasons[1].starts_with("source_uri: "), "{reasons:?}");
    assert!(reasons[2].contains("allow s3:GetObject"), "{reasons:?}");

    for (fault, code, reason) in [
        (
            Fault::s3_error(403, "AccessDenied"),
            78,
            "the object store refuses: allow s3:ListBucketVersions",
        ),
        (Fault::s3_error(404, "NoSuchBucket"), 78, "NoSuchBucket"),
        (
            Fault::answer(
                200,
                "content-type: application/xml\r\n",
                "<ListVersionsResult><IsTruncated>true</IsTruncated>\
                 <NextKeyMarker>archive/a</NextKeyMarker></ListVersionsResult>",
            ),
            69,
            "the list of the source does not end",
        ),
    ] {
        proxy.follow([FaultRule::on("GET").containing("?versions").fault(fault)]);
        let ran = run(&[]);
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    }
    proxy.follow([]);
    let ran = run(&[]);
    let expected = json!({
        "ended": "nothing_left", "imported": 1, "bytes": 1, "known": 1, "same_content": 1,
        "folders": 0, "refused": 2, "changed": 0, "failed": 0, "without_row": 0, "without_object": 0,
    });
    assert_eq!(ran.summary(), expected);
    archive.assert_sound();
}

#[test]
fn what_cannot_be_imported_is_said_before_anything_is_done() {
    let archive: Archive<Embedded> = Archive::open();
    archive.fill([(&*key("a.jpg"), &b"a"[..])]);
    for arguments in [
        &["--concurrency", "0"][..],
        &["--max-seconds", "0"],
        &["--manifest", "rows.txt"],
    ] {
        assert_eq!(archive.run(arguments).code, Some(2), "{arguments:?}");
    }
    for source in ["archive/2024", "s3://A/", "s3://nexus-raw/a*"] {
        let ran = archive.command_on(source, &[]).output().unwrap();
        assert_eq!(ran.status.code(), Some(2), "{source}");
    }
    for source in ["s3://nexus-raw/tenants/t_demo/", "s3://nexus-raw/"] {
        let ran = Ran::of(archive.command_on(source, &[]).output().unwrap());
        assert_eq!(ran.code, Some(78), "{source}");
        let reason = "the service's own keys cannot be imported";
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    }
    let ran = Ran::of(
        archive
            .house
            .program()
            .args(["import", &archive.source(), "--tenant", "t_demo"])
            .args(["--env", "qa", "--as", "u_operator"])
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, Some(78), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("tenancy.environments: has no qa"),
        "{}",
        ran.stderr
    );

    let manifest = archive.house.machine().data_dir().join("rows.csv");
    let file = manifest.to_str().unwrap();
    let absent = archive.run(&["--manifest", file]);
    assert_eq!(absent.code, Some(74), "{}", absent.stderr);
    fs::write(
        &manifest,
        format!("key,train_ok\n{},yes\nb,true\n", key("a.jpg")),
    )
    .unwrap();
    let ran = archive.run(&["--manifest", file]);
    assert_eq!((ran.code, &*ran.stdout), (Some(78), ""), "{}", ran.stderr);
    for fault in [
        "line 2: train_ok: must be true or false",
        "line 3: key: does not begin with the prefix of the source",
    ] {
        assert!(ran.stderr.contains(fault), "{}", ran.stderr);
    }
    fs::write(
        &manifest,
        format!(
            "key,label.camera\n{},COOLPIX\n{},\n",
            key("a.jpg"),
            key("b.jpg")
        ),
    )
    .unwrap();
    let ran = archive.run(&["--manifest", file]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(
        ran.kinds(),
        [
            imported("a.jpg"),
            ("without_object".to_owned(), key("b.jpg"))
        ]
    );
}

/// As after a mistake in its address: on an empty one all would be well.
#[test]
fn no_command_creates_a_missing_catalogue() {
    let house = OnSeaweedFs::open();
    let of_import = ["--tenant", "t_demo", "--env", "dev"];
    let commands: [&[&str]; 3] = [
        &[
            "import",
            "s3://archive/",
            of_import[0],
            of_import[1],
            of_import[2],
            of_import[3],
        ],
        &["reconcile", "--adopt"],
        &["scrub"],
    ];
    let directory = house.machine().data_dir();
    let files = || fs::read_dir(&directory).unwrap().count();
    let before = files();
    for command in commands {
        let mut program = house.program();
        let ran = program.args(command).args(["--as", "u_operator"]).output();
        let ran = Ran::of(ran.unwrap());
        assert_eq!((ran.code, &*ran.stdout), (Some(78), ""), "{}", ran.stderr);
        let reason = "there is no catalogue at";
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
        assert_eq!(files(), before, "{command:?}");
    }
}

/// As an operator reads it.
#[test]
fn the_report_is_lines_and_a_summary() {
    let archive: Archive<Embedded> = Archive::open();
    archive.fill([(&*key("a.jpg"), &b"a"[..])]);
    let run = || {
        let mut command = archive.house.program();
        command
            .args(["import", &archive.source(), "--tenant", "t_demo"])
            .args(["--env", "dev", "--as", "u_operator"]);
        Ran::of(command.output().unwrap())
    };
    let first = run();
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let lines: Vec<&str> = first.stdout.lines().collect();
    let line = lines[0].strip_prefix("imported archive/2024/a.jpg; asset ");
    assert!(line.unwrap().ends_with(", 1 bytes"), "{}", lines[0]);
    assert_eq!(
        lines[1..],
        [
            "imported: 1 objects, 1 bytes",
            "there before: 0 by an import, 0 by their content",
            "nothing is left",
        ]
    );
    let again = run();
    assert!(again.stdout.starts_with("known archive/2024/a.jpg; asset "));
}

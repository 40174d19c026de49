use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::Stdio,
    sync::{Mutex, mpsc::channel},
};

use flate2::{Compression, write::GzEncoder};
use md5::{Digest as _, Md5};
use nexus_raw_testkit::{Fault, FaultRule, FaultyProxy, s3::encode_path};
use serde_json::json;

use crate::{
    garden::{Garden, Ran, run},
    house::{Embedded, House, OnSeaweedFs},
};

/// A report without the time of its beginning.
fn timeless(ran: &Ran) -> String {
    let summary = ran.summary();
    let started_at = summary["started_at"].as_str().unwrap();
    ran.stdout.replace(started_at, "a time")
}

fn path_in(house: &impl House, name: &str) -> PathBuf {
    house.machine().data_dir().join(name)
}

/// Killed at requests of each phase, it goes on, and reports the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_goes_on_to_the_same_report() {
    let garden: Garden<OnSeaweedFs> = Garden::plant(200, true).await;
    let proxy = FaultyProxy::before(&garden.house.seaweedfs().unwrap().endpoint());
    let command = || {
        let mut command = garden.command(&["--json"]);
        command.env("NEXUS_RAW_STORAGE__ENDPOINT", proxy.endpoint());
        command
    };
    let expected = run(&mut command());
    assert_eq!(expected.found(), garden.planted, "{}", expected.stderr);
    let requests = proxy.requests();
    for at in [2, 3, 40, 200, requests - 60, requests - 5] {
        let (sender, arrived) = channel();
        let sender = Mutex::new(sender);
        let hang = FaultRule::every()
            .only(at..)
            .fault(Fault::Hang)
            // nobody listens any more after the first one
            .calling(move |_| {
                let _ = sender.lock().unwrap().send(());
            });
        proxy.follow([hang]);
        let mut running = command().stdout(Stdio::null()).spawn().unwrap();
        arrived.recv().unwrap();
        running.kill().unwrap();
        running.wait().unwrap();
        proxy.follow([]);
        let resumed = run(&mut command());
        assert_eq!(resumed.code, Some(1), "{}", resumed.stderr);
        assert_eq!(timeless(&resumed), timeless(&expected), "killed at {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_beside_a_server_and_agrees_with_what_that_does() {
    let house = Embedded::open();
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    for name in ["one.jpg", "two.jpg"] {
        caller.put(name, b"not quite a photograph").await;
    }
    let reconcile = |arguments: &[&str]| {
        let address = server.s3_endpoint.as_ref().unwrap();
        let mut command = house.program();
        command
            .env(
                "NEXUS_RAW_EMBEDDED__S3_BIND",
                address.trim_start_matches("http://"),
            )
            .arg("reconcile")
            .args(arguments);
        run(&mut command)
    };
    let ran = reconcile(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("bucket nexus-raw, begun at 20"));
    assert_eq!(
        lines[1..],
        [
            "listed: 2 object versions, 0 delete markers, 0 open uploads",
            "compared: 2 records, 0 unregistered intents",
            "no differences",
        ]
    );

    // one that is under way is no difference by itself
    let presigned = caller.presign("three.jpg", b"not quite a photograph").await;
    assert_eq!(presigned.put(b"not quite a photograph").await, 200);
    let ran = reconcile(&["--json", "--tenant", "t_demo"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.found()[0].0, "unregistered");
    assert_eq!(
        ran.summary()["subject"],
        "tenant t_demo in bucket nexus-raw"
    );

    // the port of the store is not known
    let ran = run(house.program().arg("reconcile"));
    assert_eq!(ran.code, Some(78));
    assert!(
        ran.stderr.contains("embedded.s3_bind: is 127.0.0.1:0"),
        "{}",
        ran.stderr
    );
    server.stop();

    // and without a server
    let ran = run(house.program().arg("reconcile"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_work_file_reports_again_and_serves_one_comparison() {
    let garden: Garden<Embedded> = Garden::plant(100, false).await;
    let file = path_in(&garden.house, "kept.work");
    let file = file.to_str().unwrap();
    let kept = ["--json", "--state", file, "--keep-state"];
    let first = garden.run(&kept);
    assert_eq!(first.code, Some(1), "{}", first.stderr);
    assert_eq!(garden.run(&kept), first);

    let other = garden.run(&["--state", file, "--tenant", "t_a"]);
    assert_eq!(other.code, Some(78));
    assert!(
        other.stderr.contains(
            "belongs to an unfinished run of \"bucket nexus-raw\", and this one is of \
             \"tenant t_a in bucket nexus-raw\""
        ),
        "{}",
        other.stderr
    );
    let nowhere = garden.run(&["--state", "/no-such-directory/work"]);
    assert_eq!(nowhere.code, Some(74), "{}", nowhere.stderr);
    let no_time = garden.run(&["--max-seconds", "0"]);
    assert_eq!(no_time.code, Some(2), "{}", no_time.stderr);
}

/// A list that is forbidden, cut or without an end is reported, with what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_trusted_is_reported() {
    let garden: Garden<OnSeaweedFs> = Garden::plant(100, true).await;
    let proxy = FaultyProxy::before(&garden.house.seaweedfs().unwrap().endpoint());
    let list = |inside: &str| {
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
        let body = format!("{head}<ListVersionsResult>{inside}</ListVersionsResult>");
        Fault::answer(200, "content-type: application/xml\r\n", &body)
    };
    let endless = "<IsTruncated>true</IsTruncated><NextKeyMarker>tenants/a</NextKeyMarker>";
    for (fault, code, reason) in [
        (
            Fault::s3_error(403, "AccessDenied"),
            78,
            "the object store refuses: allow s3:ListBucketVersions: ListObjectVersions returned status 403",
        ),
        (
            list(endless),
            69,
            "the list of objects does not end: it goes on where it has been before",
        ),
        (
            list("<IsTruncated>false</IsTruncated>"),
            69,
            "the store's list left out ",
        ),
    ] {
        proxy.follow([FaultRule::on("GET").containing("?versions").fault(fault)]);
        let mut command = garden.command(&["--json"]);
        command.env("NEXUS_RAW_STORAGE__ENDPOINT", proxy.endpoint());
        let ran = run(&mut command);
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    }
}

/// The objects that an inventory names are looked at, and the others are not.
#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_takes_the_place_of_the_list() {
    let garden: Garden<Embedded> = Garden::plant(100, false).await;
    let (endpoint, store) = garden.house.store_alone();
    let listed = endpoint.signed("GET", "/nexus-raw?versions&prefix=tenants/", &[], b"");
    let hidden = "tenants/notes.txt";
    let rows = listed.texts("Key").into_iter().filter(|key| key != hidden);
    let rows: Vec<String> = rows
        .map(|key| {
            let key = encode_path(&key);
            format!("\"nexus-raw\",\"{key}\",\"\",\"true\",\"false\"")
        })
        .collect();
    drop(store);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(rows.join("\n").as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let manifest = json!({
        "sourceBucket": "nexus-raw",
        "creationTimestamp": "1795482000000",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, VersionId, IsLatest, IsDeleteMarker",
        "files": [{
            "key": "reports/nexus-raw/data/1.csv.gz",
            "size": packed.len(),
            "MD5checksum": hex::encode(Md5::digest(&packed)),
        }],
    });
    fs::write(path_in(&garden.house, "1.csv.gz"), &packed).unwrap();
    let path = path_in(&garden.house, "manifest.json");
    fs::write(&path, manifest.to_string()).unwrap();

    let ran = garden.run(&["--json", "--inventory", path.to_str().unwrap()]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let expected = garden.planted.iter().filter(|(_, key)| key != hidden);
    assert_eq!(ran.found(), expected.cloned().collect::<Vec<_>>());
    assert_eq!(
        ran.summary()["subject"],
        "bucket nexus-raw by the inventory of 2026-11-24T01:00:00Z"
    );

    fs::write(
        path_in(&garden.house, "1.csv.gz"),
        &packed[..packed.len() / 2],
    )
    .unwrap();
    let ran = garden.run(&["--inventory", path.to_str().unwrap()]);
    assert_eq!(ran.code, Some(78), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("its length or digest differs"),
        "{}",
        ran.stderr
    );
    let ran = garden.run(&["--inventory", "s3://inventories/manifest.json"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("aws s3 cp --recursive"),
        "{}",
        ran.stderr
    );
}

use std::fs;

use nexus_raw::{
    asset::{BucketName, ObjectAddress, Sha256Digest, UploadIntent},
    ports::Clock as _,
    system::SystemClock,
    time::Timestamp,
};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_testkit::{sample, steps};
use serde_json::{Value, json};

use crate::{
    common::{
        caller::Caller,
        parts::{self, bytes_of, promised, upload},
    },
    garden::{self, Ran, run},
    house::{Embedded, House, OnPostgres},
};

const ADOPT: [&str; 3] = ["--adopt", "--as", "u_operator"];

fn reconcile(house: &impl House, arguments: &[&str]) -> Ran {
    run(house
        .program()
        .args(["reconcile", "--json"])
        .args(arguments))
}

/// The records that a caller lists.
async fn ids_of(caller: &Caller) -> Vec<Value> {
    let listed = caller.get("/nexus/raw").await.json();
    let assets = listed["assets"].as_array().unwrap().iter();
    assets.map(|it| it["asset_id"].clone()).collect()
}

/// One in parts, without the digest of the whole in the store, and two by one request.
async fn fill(caller: &Caller) -> Vec<Value> {
    let mut records = Vec::new();
    for name in ["one.jpg", "two.jpg"] {
        records.push(caller.put(name, name.as_bytes()).await.json());
    }
    let film = parts::content(2);
    let id = promised(caller, &film).await;
    for part in parts::declared(caller, &id, &film).await {
        let put = upload(&part).body(bytes_of(&part, &film)).send().await;
        assert_eq!(put.status, 200, "{part}");
    }
    let statement = json!({"asset_id": id, "sha256": Sha256Digest::of(&film)});
    let registered = parts::registered(caller, &statement).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    records.push(registered.json());
    records
}

/// Registers the adopted assets, and compares them with what they were.
async fn register_again(caller: &Caller, lost: &[Value]) {
    for was in lost {
        let id = &was["asset_id"];
        let again = caller.register(&json!({"asset_id": id})).await;
        assert_eq!(again.status, 201, "{again:?}");
        let again = again.json();
        for member in ["uri", "sha256", "size_bytes", "content_type", "filename"] {
            assert_eq!(again[member], was[member], "{member}");
        }
        let expected = match was["integrity"]["level"].as_str() {
            Some("s3_composite_sha256") => "stream_sha256",
            level => level.unwrap(),
        };
        assert_eq!(again["integrity"]["level"], expected);
        let path = format!("/nexus/raw/{}/events", id.as_str().unwrap());
        let events = caller.get(&path).await.json();
        let presigned = &events["events"][0];
        assert_eq!(presigned["event_type"], "raw_asset_presigned");
        assert_eq!(presigned["user_id"], "u_operator");
    }
}

/// Each asset is there again, under its id, once it is registered again.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_of_an_older_catalogue_objects_are_adopted() {
    let house = Embedded::open();
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    caller.put("kept.jpg", b"in the backup").await;
    let backup = house.machine().data_dir().join("backup.sqlite");
    let made = house.program().arg("backup").arg(&backup).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let lost = fill(&caller).await;
    let promised = caller.presign("never.jpg", b"never sent").await;

    let refused = reconcile(&house, &ADOPT);
    assert_eq!(refused.code, Some(69), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("stop the server"),
        "{}",
        refused.stderr
    );
    server.stop();

    let catalogue = house.machine().data_dir().join("catalog.sqlite");
    for log in ["catalog.sqlite-wal", "catalog.sqlite-shm"] {
        let _ = fs::remove_file(catalogue.with_file_name(log));
    }
    fs::rename(&backup, &catalogue).unwrap();
    let ran = reconcile(&house, &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let foreign = vec![("foreign".to_owned(), String::new()); 3];
    let kinds = |ran: &Ran| {
        let kinds = ran.found().into_iter();
        kinds
            .map(|(kind, _)| (kind, String::new()))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&ran), foreign);

    let ran = reconcile(&house, &ADOPT);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(
        kinds(&ran),
        vec![("unregistered".to_owned(), String::new()); 3]
    );
    assert_eq!(ran.summary()["adopted"], 3);
    let checked = run(house.program().arg("check-catalogue"));
    assert_eq!(
        checked.code,
        Some(0),
        "{}{}",
        checked.stdout,
        checked.stderr
    );

    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    assert_eq!(ids_of(&caller).await.len(), 1);
    let never = caller
        .register(&json!({"asset_id": promised.asset_id}))
        .await;
    assert_eq!(never.status, 404);
    register_again(&caller, &lost).await;
    assert_eq!(ids_of(&caller).await.len(), 4);
    server.stop();
    let ran = reconcile(&house, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert_eq!(ran.summary()["records"], 4);
}

/// Beside a server, which needs no stop.
#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_objects_are_adopted_beside_a_server() {
    let [before, after] = [OnPostgres::open(), OnPostgres::open()];
    let server = before.start();
    let lost = fill(&before.owner_of("t_demo", &server)).await;
    server.stop();

    // another catalogue with the same bucket
    let bucket = ("NEXUS_RAW_STORAGE__BUCKET", before.bucket());
    let server = after.start_with(&[("STORAGE__BUCKET", before.bucket())]);
    let caller = after.owner_of("t_demo", &server);
    let reconcile = |arguments: &[&str]| {
        let mut program = after.program();
        program
            .env(bucket.0, bucket.1)
            .args(["reconcile", "--json"]);
        run(program.args(arguments))
    };
    let ran = reconcile(&ADOPT);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.summary()["adopted"], 3);
    register_again(&caller, &lost).await;
    let ran = reconcile(&ADOPT);
    assert_eq!((ran.code, ran.found()), (Some(0), Vec::new()));
    assert_eq!(ran.summary()["adopted"], 0);
    server.stop();
}

/// Has intents of yesterday that ended in an hour: one of which there is an object, and three of which
/// there is none.
async fn closes_what_came_to_nothing<H: House>() {
    let house = H::open();
    house.start().stop();
    let now = SystemClock.now().as_micros();
    let [began, ended] = [24, 23].map(|hours| now - hours * 3_600_000_000);
    let [began, ended] = [began, ended].map(|it| Timestamp::from_micros(it).unwrap());
    let scope = sample::scope("t_demo", "dev");
    let catalog = SqlAssetCatalog::open(garden::settings(&house))
        .await
        .unwrap();
    let mut intents = Vec::new();
    for number in 1..=4 {
        let intent = sample::intent(&scope, sample::asset_id(number));
        let intent = UploadIntent {
            requested_at: began,
            ends_at: ended,
            address: ObjectAddress {
                bucket: BucketName::parse(house.bucket()).unwrap(),
                ..intent.address
            },
            ..intent
        };
        steps::presign(&catalog, &intent).await;
        intents.push(intent);
    }
    catalog.close().await;
    let (endpoint, store) = house.store_alone();
    let there = &intents[1];
    let digest = Sha256Digest::of(sample::CONTENT).to_base64();
    let metadata = there.object_metadata();
    let metadata = metadata.map(|(name, value)| (format!("x-amz-meta-{name}"), value));
    let mut headers = vec![
        ("x-amz-checksum-sha256", &*digest),
        ("content-type", "image/jpeg"),
    ];
    headers.extend(metadata.iter().map(|(name, value)| (&**name, &**value)));
    let target = format!("/{}/{}", house.bucket(), there.address.key);
    let stored = endpoint.signed("PUT", &target, &headers, sample::CONTENT);
    assert_eq!(stored.error(), (200, String::new()));
    drop(store);

    let numbers = |ran: &Ran| {
        let summary = ran.summary();
        json!([summary["open_intents"], summary["closed"]])
    };
    for (arguments, expected) in [
        (&[][..], json!([4, 0])),
        (&ADOPT, json!([4, 3])),
        (&ADOPT, json!([1, 0])),
    ] {
        let ran = reconcile(&house, arguments);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert_eq!(ran.found().len(), 1);
        assert_eq!(ran.found()[0].0, "uploaded_never_registered");
        assert_eq!(numbers(&ran), expected);
    }
    let checked = run(house.program().arg("check-catalogue"));
    assert_eq!(
        checked.code,
        Some(0),
        "{}{}",
        checked.stdout,
        checked.stderr
    );

    // it arrived in time
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    for (intent, status) in intents.iter().zip([410, 201, 410, 410]) {
        let answer = caller.register(&json!({"asset_id": intent.asset_id})).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn intents_that_came_to_nothing_are_closed_on_sqlite() {
    closes_what_came_to_nothing::<Embedded>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn intents_that_came_to_nothing_are_closed_on_postgres() {
    closes_what_came_to_nothing::<OnPostgres>().await;
}

#[test]
fn who_adopts_is_named() {
    let house = Embedded::open();
    for arguments in [&["--adopt"][..], &["--as", "u_operator"]] {
        let ran = reconcile(&house, arguments);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    }
}

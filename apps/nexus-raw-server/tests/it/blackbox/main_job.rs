use futures_util::future::join_all;
use nexus_raw::asset::Sha256Digest;
use serde_json::{Value, json};

use crate::{house::House, machine::photograph};

pub(crate) async fn a_photograph_goes_in_and_its_events_come_out(house: impl House) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0010.jpg", &photo).await;
    assert_eq!(upload.put(&photo).await, 200);

    let asset_id = &upload.asset_id;
    let statement = json!({
        "asset_id": asset_id,
        "captured_at": "2008-10-22T16:28:39Z",
        "capture_location": {"latitude": 43.467_448, "longitude": 11.885_127},
        "pii_flags": ["location"],
        "labels": {"camera": "nikon-p6000"},
    });
    let registered = caller.register(&statement).await;
    let (status, mut record) = registered.whole();
    assert!(
        record["imported_at"].take().is_string() && record["integrity"]["etag"].take().is_string()
    );
    let uri = format!(
        "s3://{}/tenants/t_demo/dev/raw/{asset_id}/DSCN0010.jpg",
        house.bucket()
    );
    let lineage = json!({"derived_from": [], "source_uri": null, "activity": null});
    let sha256 = Sha256Digest::of(&photo);
    assert_eq!(
        (status, record),
        (
            201,
            json!({
                "asset_id": asset_id,
                "tenant_id": "t_demo",
                "env": "dev",
                "uri": uri,
                "filename": "DSCN0010.jpg",
                "sha256": sha256,
                "size_bytes": 161_713,
                "content_type": "image/jpeg",
                "captured_at": "2008-10-22T16:28:39Z",
                "imported_at": null,
                "capture_location": {
                    "latitude": 43.467_448, "longitude": 11.885_127, "altitude_m": null, "accuracy_m": null,
                },
                "lineage": lineage,
                "pii_flags": ["location"],
                "train_ok": false,
                "labels": {"camera": "nikon-p6000"},
                "registered_by": "u_demo",
                "integrity": {"level": "s3_sha256", "version_id": null, "etag": null},
            })
        )
    );
    let read = caller.get(&format!("/nexus/raw/{asset_id}")).await;
    assert_eq!((read.status, &read.body), (200, &registered.body));

    let page = caller.get(&format!("/nexus/raw/{asset_id}/events")).await;
    let events = page.json()["events"].as_array().unwrap().clone();
    let types: Vec<_> = events
        .iter()
        .map(|it| it["event_type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["raw_asset_presigned", "raw_asset_registered"]);
    assert_eq!(
        (&events[1]["sequence"], &events[1]["uri"]),
        (&json!(2), &json!(uri))
    );
    // the log sink has the same
    assert_eq!(server.events(2), events);
}

pub(crate) async fn of_a_hundred_callers_at_once_one_registers_and_all_get_the_same_bytes(
    house: impl House,
) {
    let photo = photograph("DSCN0021.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0021.jpg", &photo).await;
    assert_eq!(upload.put(&photo).await, 200);

    let statement = json!({"asset_id": upload.asset_id, "train_ok": true});
    let answers = join_all((0..100).map(|_| caller.register(&statement))).await;
    let created = answers.iter().filter(|it| it.status == 201).count();
    let repeated = answers.iter().filter(|it| it.status == 200).count();
    assert_eq!((created, repeated), (1, 99));
    assert!(answers.iter().all(|it| it.body == answers[0].body));
    let page = caller
        .get(&format!("/nexus/raw/{}/events", upload.asset_id))
        .await;
    assert_eq!(page.json()["events"].as_array().unwrap().len(), 2);
}

pub(crate) async fn another_tenant_does_not_learn_that_an_asset_exists(house: impl House) {
    let photo = photograph("DSCN0042.jpg");
    let server = house.start();
    let owner = house.owner_of("t_demo", &server);
    let stranger = house.owner_of("t_demo2", &server);
    let asset_id = owner.put("DSCN0042.jpg", &photo).await.json()["asset_id"].clone();
    let asset_id = asset_id.as_str().unwrap();

    let foreign = stranger.get(&format!("/nexus/raw/{asset_id}")).await;
    let absent = stranger
        .get("/nexus/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11")
        .await;
    let not_found = (404, "asset-not-found".to_owned(), vec![]);
    assert_eq!(
        (foreign.problem(), absent.problem()),
        (not_found.clone(), not_found.clone())
    );
    let same = |body: Value| (body["title"].clone(), body["detail"].clone());
    assert_eq!(same(foreign.json()), same(absent.json()));
    let registered = stranger.register(&json!({"asset_id": asset_id})).await;
    assert_eq!(registered.problem(), not_found);
    // and a scope of its own starts its own sequence
    let own = stranger.put("DSCN0042.jpg", &photo).await.json()["asset_id"].clone();
    let page = stranger
        .get(&format!("/nexus/raw/{}/events", own.as_str().unwrap()))
        .await;
    assert_eq!(page.json()["events"][0]["sequence"], 1);
}

pub(crate) async fn everything_survives_a_restart(house: impl House) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let record = caller.put("DSCN0010.jpg", &photo).await;
    let pending = caller.presign("DSCN0010.jpg", &photo).await;
    assert_eq!(pending.put(&photo).await, 200);
    let (status, _, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log:?}");
    assert!(
        log.last().unwrap().contains("\"msg\":\"shut down\""),
        "{log:?}"
    );

    let server = house.start();
    // the old token is still good: the secret was kept
    let caller = caller.at(&server);
    let asset_id = record.json()["asset_id"].as_str().unwrap().to_owned();
    let read = caller.get(&format!("/nexus/raw/{asset_id}")).await;
    assert_eq!((read.status, &read.body), (200, &record.body));
    let finished = caller
        .register(&json!({"asset_id": pending.asset_id}))
        .await;
    assert_eq!(finished.status, 201);
    let page = caller
        .get(&format!("/nexus/raw/{}/events", pending.asset_id))
        .await;
    let sequences: Vec<_> = page.json()["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["sequence"].clone())
        .collect();
    assert_eq!(sequences, [json!(3), json!(4)]);
}

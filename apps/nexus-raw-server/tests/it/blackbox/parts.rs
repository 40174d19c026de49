//! Uploads in parts, on a store that takes them over HTTP.

use nexus_raw::{asset::Sha256Digest, tenancy::Role};
use serde_json::{Value, json};

use crate::{
    caller::{Caller, at_store},
    common::parts::{self, PART, declared, promised},
    house::House,
    http::Answer,
};

async fn put(part: &Value, bytes: &[u8]) -> u16 {
    parts::upload(part).body(bytes).send().await.status
}

async fn held(caller: &Caller, id: &str) -> Value {
    let answer = caller.get(&format!("/nexus/raw/{id}/parts")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["parts"].take()
}

async fn abort(caller: &Caller, id: &str) -> Answer {
    let path = format!("/nexus/raw/{id}/upload");
    caller.request("DELETE", &path).send().await
}

pub(crate) async fn a_film_is_uploaded_in_parts_across_a_restart_and_registered_once(
    house: impl House,
) {
    let film = parts::content(1);
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let id = promised(&caller, &film).await;
    let parts = declared(&caller, &id, &film).await;
    assert_eq!(put(&parts[1], &film[PART..]).await, 200);
    // other bytes of the same length
    let mut forged = film[..PART].to_vec();
    forged[7] ^= 1;
    assert_eq!(put(&parts[0], &forged).await, 400);
    let (status, ..) = server.stop();
    assert_eq!(status.code(), Some(0));

    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let listed = json!({
        "part_number": 2,
        "size_bytes": 5,
        "sha256": Sha256Digest::of(&film[PART..]),
    });
    assert_eq!(held(&caller, &id).await, json!([listed]));
    let statement = json!({"asset_id": id, "sha256": Sha256Digest::of(&film)});
    let early = caller.register(&statement).await;
    let missing = vec!["/parts/1".to_owned()];
    assert_eq!(
        early.problem(),
        (409, "object-not-uploaded".to_owned(), missing)
    );
    let parts = declared(&caller, &id, &film).await;
    assert_eq!(put(&parts[0], &film[..PART]).await, 200);
    let first = caller.register(&statement).await;
    assert_eq!(first.status, 201, "{first:?}");
    let record = first.json();
    let proof = &record["integrity"];
    assert_eq!(proof["level"], "s3_composite_sha256");
    assert_eq!(proof["parts"], 2);
    assert_eq!(record["size_bytes"], film.len());
    let again = caller.register(&statement).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    // what is registered is neither aborted nor written
    let late = abort(&caller, &id).await;
    assert_eq!(late.problem().1, "asset-conflict");
    assert_ne!(put(&parts[0], &film[..PART]).await, 200);

    let path = format!("/nexus/raw/{id}/presign-download");
    let download = caller.post(&path, &json!({})).await.json();
    let url = download["url"].as_str().unwrap();
    let read = at_store("GET", url).send().await;
    assert_eq!(read.status, 200);
    assert_eq!(Sha256Digest::of(&read.body), Sha256Digest::of(&film));
}

pub(crate) async fn an_aborted_upload_leaves_nothing_and_takes_no_more(house: impl House) {
    let film = parts::content(1);
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let id = promised(&caller, &film).await;
    let parts = declared(&caller, &id, &film).await;
    assert_eq!(put(&parts[1], &film[PART..]).await, 200);
    let viewer = house.caller("t_demo", Role::Viewer, &server);
    assert_eq!(held(&viewer, &id).await.as_array().unwrap().len(), 1);
    assert_eq!(abort(&viewer, &id).await.problem().1, "forbidden");
    for _ in 0..2 {
        let answer = abort(&caller, &id).await;
        assert_eq!((answer.status, &*answer.body), (204, &b""[..]));
    }
    assert_eq!(put(&parts[0], &film[..PART]).await, 404);
    let statement = json!({"asset_id": id, "sha256": Sha256Digest::of(&film)});
    let refused = caller.register(&statement).await;
    assert_eq!(refused.problem().1, "upload-expired");
    let events = caller.get(&format!("/nexus/raw/{id}/events")).await;
    let events = events.json()["events"].take();
    let types = [0, 1].map(|at| events[at]["event_type"].as_str().unwrap().to_owned());
    assert_eq!(types, ["raw_asset_presigned", "raw_asset_upload_aborted"]);
    assert_eq!(events[1].get("sha256"), Some(&Value::Null));
    assert_eq!(events.as_array().unwrap().len(), 2);
}

pub(crate) async fn of_fifty_who_register_an_upload_in_parts_at_once_one_writes(house: impl House) {
    let server = house.start();
    let callers = [(); 3].map(|()| house.owner_of("t_demo", &server));
    parts::registered_by_fifty(&callers).await;
    let open = parts::open_uploads(&house.store(&server), house.bucket());
    assert_eq!(open, [""; 0]);
}

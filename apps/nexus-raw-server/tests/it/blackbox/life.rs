//! One caller's whole life: a session of photographs, from the first presign to the last read.

use nexus_raw::tenancy::Role;
use serde_json::{Value, json};

use crate::{caller::Caller, house::House, machine::photograph};

async fn events_of(caller: &Caller, asset_id: &str) -> Vec<Value> {
    let page = caller.get(&format!("/nexus/raw/{asset_id}/events")).await;
    assert_eq!(page.status, 200);
    page.json()["events"].as_array().unwrap().clone()
}

fn sequences(events: &[Value]) -> Vec<u64> {
    let numbers = events.iter().map(|event| event["sequence"].as_u64());
    numbers.map(Option::unwrap).collect()
}

pub(crate) async fn a_session_of_photographs_is_kept_read_and_delivered_in_order(
    house: impl House,
) {
    let photos = ["DSCN0010.jpg", "DSCN0021.jpg", "DSCN0042.jpg"];
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let mut records: Vec<(String, Vec<u8>)> = Vec::new();
    for name in photos {
        let photo = photograph(name);
        let upload = caller.presign(name, &photo).await;
        // a promise is no asset: it has its event, and nothing to read
        assert_eq!(events_of(&caller, &upload.asset_id).await.len(), 1);
        let unread = caller.get(&format!("/nexus/raw/{}", upload.asset_id)).await;
        assert_eq!(unread.problem().1, "asset-not-found");
        assert_eq!(upload.put(&photo).await, 200);
        // each is derived from those before it
        let parents: Vec<_> = records.iter().map(|(id, _)| id.clone()).collect();
        let statement = json!({
            "asset_id": upload.asset_id,
            "filename": name,
            "size_bytes": photo.len(),
            "lineage": {"derived_from": parents, "activity": "crop"},
            "labels": {"session": "2008-10-22"},
        });
        let answer = caller.register(&statement).await;
        assert_eq!(answer.status, 201);
        let location = format!("/nexus/raw/{}", upload.asset_id);
        assert_eq!(answer.header("location"), Some(&*location));
        assert_eq!(answer.json()["lineage"]["derived_from"], json!(parents));
        records.push((upload.asset_id, answer.body));
    }

    let server = {
        let (status, ..) = server.stop();
        assert_eq!(status.code(), Some(0));
        house.start()
    };
    let reader = house.caller("t_demo", Role::Viewer, &server);
    let mut events = Vec::new();
    for (id, record) in &records {
        let path = format!("/nexus/raw/{id}");
        let read = reader.get(&path).await;
        assert_eq!((read.status, &read.body), (200, record));
        let etag = read.header("etag").unwrap();
        let again = reader.request("GET", &path).header("if-none-match", etag);
        let again = again.send().await;
        assert_eq!((again.status, again.header("etag")), (304, Some(etag)));
        assert_eq!(again.body, b"");
        let head = reader.request("HEAD", &path).send().await;
        assert_eq!((head.status, head.header("etag")), (200, Some(etag)));
        events.extend(events_of(&reader, id).await);
    }
    assert_eq!(sequences(&events), [1, 2, 3, 4, 5, 6]);
    // a reader may not write, and a writer of the other environment starts afresh
    let statement = json!({"asset_id": records[0].0});
    let refused = reader.register(&statement).await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned(), vec![]));
    let owner = house.owner_of("t_demo", &server);
    let elsewhere = owner.posting("/nexus/raw/register").with("x-env", "prod");
    let elsewhere = elsewhere.json(&statement).send().await;
    assert_eq!(elsewhere.problem().1, "asset-not-found");
    // a registration before the restart is repeated to the byte
    let repeat = json!({
        "asset_id": records[0].0,
        "lineage": {"activity": "crop"},
        "labels": {"session": "2008-10-22"},
    });
    let repeat = owner.register(&repeat).await;
    assert_eq!((repeat.status, &repeat.body), (200, &records[0].1));
}

//! Two servers on one catalogue: what one remembers of a record, the other may change.

use serde_json::json;

use crate::{
    caller::Caller,
    house::{House as _, OnPostgres},
};

/// What the header of the record says of consent, in its whole and as a copy that is current.
async fn consent(caller: &Caller, id: &str) -> [String; 2] {
    let target = format!("/nexus/raw/{id}");
    let whole = caller.get(&target).await;
    assert_eq!(whole.status, 200);
    let tag = whole.header("etag").unwrap();
    let current = caller.request("GET", &target).header("if-none-match", tag);
    let current = current.send().await;
    assert_eq!(current.status, 304);
    [whole, current].map(|answer| {
        let header = answer.header("nexus-train-ok-effective").unwrap();
        header.to_owned()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consent_that_is_withdrawn_at_one_server_is_withdrawn_at_the_other_at_once() {
    let house = OnPostgres::open();
    let (here, there) = (house.start(), house.start());
    let reader = house.owner_of("t_demo", &here);
    let writer = house.owner_of("t_demo", &there);
    let registered = async |content: &[u8], parents: &[&str]| {
        let upload = writer.presign("DSCN0010.jpg", content).await;
        assert_eq!(upload.put(content).await, 200);
        let statement = json!({
            "asset_id": upload.asset_id,
            "train_ok": true,
            "lineage": {"derived_from": parents},
        });
        assert_eq!(writer.register(&statement).await.status, 201);
        upload.asset_id
    };
    let origin = registered(b"a photograph", &[]).await;
    let copy = registered(b"a copy of it", &[&origin]).await;
    for caller in [&reader, &writer] {
        assert_eq!(consent(caller, &copy).await, ["true", "true"]);
    }
    let target = format!("/nexus/raw/{origin}/facts");
    for value in [false, true, false, true] {
        let fact = json!({"kind": "train_ok", "value": value});
        assert_eq!(writer.post(&target, &fact).await.status, 201);
        for id in [&origin, &copy] {
            let expected = value.to_string();
            assert_eq!(
                consent(&reader, id).await,
                [&*expected, &*expected],
                "{id} after {value}"
            );
        }
    }
}

//! Facts, from a statement to every answer that depends on it.

use nexus_raw::tenancy::Role;
use serde_json::{Value, json};

use crate::{caller::Caller, house::House, machine::photograph};

/// Registers a file that may be used for training, derived from others.
async fn registered(caller: &Caller, filename: &str, parents: &[&str]) -> String {
    let photo = photograph("DSCN0010.jpg");
    let upload = caller.presign(filename, &photo).await;
    assert_eq!(upload.put(&photo).await, 200);
    let statement = json!({
        "asset_id": upload.asset_id,
        "train_ok": true,
        "lineage": {"derived_from": parents},
    });
    assert_eq!(caller.register(&statement).await.status, 201);
    upload.asset_id
}

/// The ids of the assets with this consent in force, newest first.
async fn listed(caller: &Caller, effective: bool) -> Vec<Value> {
    let target = format!("/nexus/raw?train_ok_effective={effective}");
    let body = caller.get(&target).await.json();
    let assets = body["assets"].as_array().unwrap().iter();
    assets.map(|it| it["asset_id"].clone()).collect()
}

/// What the record's header, its facts and its lineage say of an asset's consent.
async fn consent(caller: &Caller, id: &str) -> (String, Value, Value) {
    let record = caller.get(&format!("/nexus/raw/{id}")).await;
    let header = record.header("nexus-train-ok-effective").unwrap();
    let facts = caller.get(&format!("/nexus/raw/{id}/facts")).await.json();
    let lineage = caller.get(&format!("/nexus/raw/{id}/lineage")).await;
    let lineage = lineage.json()["nodes"][0]["train_ok_effective"].clone();
    (
        header.to_owned(),
        facts["in_force"]["withheld_by"].clone(),
        lineage,
    )
}

pub(crate) async fn a_fact_is_in_force_for_every_descendant_also_after_a_restart(
    house: impl House,
) {
    let server = house.start();
    let owner = house.owner_of("t_demo", &server);
    let reader = house.caller("t_demo", Role::Viewer, &server);
    let origin = registered(&owner, "origin.jpg", &[]).await;
    let copy = registered(&owner, "copy.jpg", &[&origin]).await;
    let print = registered(&owner, "print.jpg", &[&copy]).await;
    let other = registered(&owner, "other.jpg", &[]).await;
    let target = format!("/nexus/raw/{origin}/facts");
    let withdrawn = json!({"kind": "train_ok", "value": false, "reason": "asked for"});
    assert_eq!(reader.post(&target, &withdrawn).await.status, 403);
    let allowed = ("true".to_owned(), json!([]), json!(true));
    assert_eq!(consent(&reader, &print).await, allowed);

    let stated = owner.post(&target, &withdrawn).await;
    assert_eq!(stated.status, 201);
    let again = owner.post(&target, &withdrawn).await;
    assert_eq!((again.status, again.body == stated.body), (200, true));
    let withheld = ("false".to_owned(), json!([origin]), json!(false));
    assert_eq!(consent(&reader, &print).await, withheld);
    assert_eq!(
        listed(&reader, false).await,
        [json!(print), json!(copy), json!(origin)]
    );
    assert_eq!(listed(&reader, true).await, [json!(other)]);
    let facts = reader.get(&target).await;
    server.stop();

    let server = house.start();
    let (owner, reader) = (owner.at(&server), reader.at(&server));
    assert_eq!(reader.get(&target).await.body, facts.body);
    assert_eq!(consent(&reader, &print).await, withheld);
    let late = registered(&owner, "late.jpg", &[&print]).await;
    assert_eq!(consent(&reader, &late).await, withheld);
    let granted = json!({"kind": "train_ok", "value": true});
    assert_eq!(owner.post(&target, &granted).await.status, 201);
    assert_eq!(consent(&reader, &late).await, allowed);
    assert_eq!(listed(&reader, false).await, [Value::Null; 0]);
    let feed = "/nexus/raw/events?event_type=raw_asset_fact_stated";
    let events = reader.get(feed).await.json();
    let facts = events["events"].as_array().unwrap().iter();
    let facts: Vec<_> = facts
        .map(|it| (&it["asset_id"], &it["fact"]["value"]))
        .collect();
    let origin = json!(origin);
    assert_eq!(facts, [(&origin, &json!(false)), (&origin, &json!(true))]);
}

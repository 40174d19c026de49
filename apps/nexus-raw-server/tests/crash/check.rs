//! What must hold after every start.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _};
use nexus_raw_testkit::s3::Endpoint;
use serde_json::Value;

use crate::{
    client::{Client, TENANTS},
    ledger::{Asset, Ledger},
};

/// How many assets or events are looked at at once: one after the other, client and server would wait
/// for each other.
const AT_ONCE: usize = 8;

/// Per tenant, the highest sequence.
pub(crate) type LastSequences = BTreeMap<&'static str, u64>;

pub(crate) async fn events_of(client: &Client, tenant: &str, asset_id: &str) -> Vec<Value> {
    let answer = client
        .get(tenant, &format!("/nexus/raw/{asset_id}/events"))
        .await;
    let (status, mut body) = answer.whole();
    assert_eq!(status, 200, "events of {asset_id}");
    serde_json::from_value(body["events"].take()).unwrap()
}

/// A presign has its event; an upload can be registered, by a repeat of the same call, and one in parts
/// goes on or is aborted for good; a record is read as it was returned.
pub(crate) async fn every_answer_still_holds(client: &Client, ledger: &Ledger, assets: &[Asset]) {
    let each = async |asset: &Asset| {
        let (tenant, asset_id) = (asset.tenant, asset.id.as_str());
        let path = format!("/nexus/raw/{asset_id}");
        let mut record = asset.record.clone();
        let mut expected = vec!["raw_asset_presigned"];
        if asset.aborted {
            client.abort(tenant, asset_id).await.unwrap();
            let late = client.register(tenant, asset_id).await.unwrap();
            assert_eq!(late.problem().1, "upload-expired", "{asset_id}");
            expected.push("raw_asset_upload_aborted");
        } else if record.is_none() && (asset.uploaded || asset.in_parts.is_some()) {
            if let (Some(content), false) = (&asset.in_parts, asset.uploaded) {
                let sent = client.upload_parts(tenant, asset_id, content);
                sent.await.unwrap();
            }
            let answer = client.register(tenant, asset_id).await.unwrap();
            assert!(matches!(answer.status, 200 | 201), "{}", answer.json());
            ledger.registered(asset_id, answer.body.clone());
            record = Some(answer.body);
        }
        let read = client.get(tenant, &path).await;
        let status = read.status;
        if let Some(record) = record {
            assert_eq!((status, read.body), (200, record), "{asset_id}");
        }
        let types: Vec<_> = events_of(client, tenant, asset_id)
            .await
            .iter()
            .map(|event| event["event_type"].as_str().unwrap().to_owned())
            .collect();
        if status == 200 {
            expected.push("raw_asset_registered");
        }
        assert_eq!(
            types, expected,
            "events of {asset_id}, which reads {status}"
        );
    };
    let assets = stream::iter(assets);
    assets.for_each_concurrent(AT_ONCE, each).await;
}

/// The store has what was uploaded in parts.
pub(crate) fn every_object_is_what_was_uploaded(store: &Endpoint, assets: &[Asset]) {
    for asset in assets {
        let (Some(content), Some(record)) = (&asset.in_parts, &asset.record) else {
            continue;
        };
        let record: Value = serde_json::from_slice(record).unwrap();
        let uri = record["uri"].as_str().unwrap();
        let read = store.signed("GET", uri.strip_prefix("s3:/").unwrap(), &[], b"");
        assert_eq!(read.status, 200, "{uri}");
        assert!(read.body == **content, "{uri} has other bytes");
    }
}

/// Returns the last sequence of each tenant, from the event of one more presign.
pub(crate) async fn last_sequences(client: &Client) -> LastSequences {
    let mut last = LastSequences::new();
    for tenant in TENANTS {
        let presigned = client.presign(tenant, b"the last one").await.unwrap();
        let asset_id = presigned["asset_id"].as_str().unwrap();
        let events = events_of(client, tenant, asset_id).await;
        last.insert(tenant, events[0]["sequence"].as_u64().unwrap());
    }
    last
}

/// The state of every event that was ever written can be read.
pub(crate) async fn every_event_has_its_state(client: &Client, events: &[Value]) {
    let each = async |event: &Value| {
        let tenant = event["tenant_id"].as_str().unwrap();
        let asset_id = event["asset_id"].as_str().unwrap();
        if event["event_type"] == "raw_asset_registered" {
            let read = client.get(tenant, &format!("/nexus/raw/{asset_id}")).await;
            assert_eq!(
                read.status, 200,
                "{asset_id} has an event of its registration"
            );
        }
        let listed = events_of(client, tenant, asset_id).await;
        assert!(
            listed.contains(event),
            "{asset_id}: the written event differs from the listed ones: {event}"
        );
    };
    let events = stream::iter(events);
    events.for_each_concurrent(AT_ONCE, each).await;
}

//! What was written under an older rule is read and delivered under the rules of today.

use nexus_raw::{event::DatasetEvent, ports::AssetCatalog, text::is_invisible};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_config::EMBEDDED_REGION;
use nexus_raw_testkit::sample;
use serde_json::{Value, json};

use crate::{caller::Caller, machine::Machine};

#[tokio::test]
async fn values_of_older_rules_are_read_and_delivered_and_refused_in_new_requests() {
    let machine = Machine::new();
    assert_eq!(machine.start().stop().0.code(), Some(0));
    let scope = sample::scope("t_demo", "dev");
    let (intent, new) = sample::of_older_rules(&scope, sample::asset_id(1));
    let (unregistered, _) = sample::of_older_rules(&scope, sample::asset_id(2));
    let file = machine.data_dir().join("catalog.sqlite");
    let catalog = SqlAssetCatalog::open(SqlCatalogSettings {
        url: format!("sqlite:{}", file.display()),
        max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
        object_store: ObjectStoreIdentity {
            endpoint: Some("embedded".to_owned()),
            region: EMBEDDED_REGION.to_owned(),
            bucket: sample::bucket(),
        },
    });
    let catalog = catalog.await.unwrap();
    for intent in [&intent, &unregistered] {
        let presigned = sample::presigned(intent);
        catalog
            .record_intent(intent.clone(), presigned)
            .await
            .unwrap();
    }
    catalog.register(new.clone()).await.unwrap();
    catalog.close().await;

    let server = machine.start();
    let owner = Caller::owner_of("t_demo", &machine, &server);
    let id = intent.asset_id;
    let record = owner.get(&format!("/nexus/raw/{id}")).await;
    assert_eq!(record.whole(), (200, json!(new.asset)));
    let again = owner.register(&json!({"asset_id": id})).await;
    assert_eq!(again.status, 409, "it is kept, with the older provenance");
    let bodies = [
        sample::presigned(&intent),
        sample::presigned(&unregistered),
        new.event,
    ];
    let without_place = |event: &Value| {
        let mut event = event.as_object().unwrap().clone();
        event
            .remove("event_id")
            .and(event.remove("sequence"))
            .unwrap();
        Value::Object(event)
    };
    let bodies = bodies.map(|body| {
        without_place(&json!(DatasetEvent {
            event_id: uuid::Uuid::nil(),
            sequence: 1,
            body,
        }))
    });
    let feed = owner.get("/nexus/raw/events").await.json();
    let feed: Vec<_> = feed["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(without_place)
        .collect();
    assert_eq!(json!(feed), json!(bodies));
    let of_asset = owner.get(&format!("/nexus/raw/{id}/events")).await.json();
    assert_eq!(of_asset["events"].as_array().unwrap().len(), 2);

    // by the relay, and without what hides in it
    for body in &bodies {
        let line = server.line(std::time::Duration::from_secs(30));
        assert!(!line.chars().any(is_invisible), "{line:?}");
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(without_place(&line["event"]), *body);
    }

    // a caller may not say it today, not even again
    let promise = json!({
        "filename": intent.facts.filename,
        "content_type": intent.facts.content_type,
        "size_bytes": 1,
        "sha256": intent.facts.sha256,
    });
    let (status, code, pointers) = owner
        .post("/nexus/raw/presign-upload", &promise)
        .await
        .problem();
    assert_eq!((status, &*code), (422, "validation-failed"));
    assert_eq!(pointers, ["/filename", "/content_type"]);
    let source = json!(new.asset)["lineage"]["source_uri"].clone();
    let statement = json!({"asset_id": unregistered.asset_id, "lineage": {"source_uri": source}});
    let (status, code, pointers) = owner.register(&statement).await.problem();
    assert_eq!((status, &*code), (422, "validation-failed"));
    assert_eq!(pointers, ["/lineage/source_uri"]);
    let (status, _, log) = server.stop();
    assert_eq!(status.code(), Some(0));
    assert!(!log.iter().any(|line| line.contains("ERROR")), "{log:?}");
}

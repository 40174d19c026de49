//! Uploads in parts: a group of them, and lost responses.

use nexus_raw::{
    asset::{Provenance, UploadId, UploadIntent},
    event::{EventBody, EventType},
    ports::{
        AbortedUpload, AssetCatalog, BegunUpload, EventQuery, NewParts, PartsOutcome,
        RegisterOutcome,
    },
};
use nexus_raw_testkit::{sample, steps::presign};
use serde_json::{Value, json};

use crate::{proxy::Proxy, support::Home};

/// What was committed is not written again, and the caller gets the outcome of it.
#[tokio::test]
async fn responses_about_uploads_that_are_lost_after_the_commit_are_looked_up() {
    let home = Home::new().await;
    let proxy = Proxy::before(home.address()).await;
    let catalog = home.open_at(proxy.address()).await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
    presign(&catalog, &intent).await;
    let mut before: Option<UploadId> = None;
    for (lost, id) in (1..).zip(["one", "two"]) {
        proxy.lose_an_answer();
        let id = UploadId::parse(id).unwrap();
        let begun = BegunUpload {
            scope: scope.clone(),
            asset_id: intent.asset_id,
            instead_of: before,
            upload_id: id.clone(),
        };
        let in_force = catalog.record_upload(begun).await.unwrap();
        assert_eq!(in_force, Some(id.clone()));
        assert_eq!(proxy.lost(), lost);
        before = Some(id);
    }

    proxy.lose_an_answer();
    let new = NewParts {
        scope: scope.clone(),
        asset_id: intent.asset_id,
        parts: sample::parts(),
    };
    let outcome = catalog.declare_parts(new).await.unwrap();
    assert_eq!(outcome, PartsOutcome::Declared);
    assert_eq!(proxy.lost(), 3);

    proxy.lose_an_answer();
    let (user, context) = (sample::user(), sample::context());
    let event = EventBody::upload_aborted(&intent, &user, &context, sample::now());
    let outcome = catalog.record_abort(event).await.unwrap();
    assert_eq!(outcome, AbortedUpload::Recorded);
    assert_eq!(proxy.lost(), 4);
    let late = catalog.register(sample::new_asset(&intent, Provenance::default()));
    assert_eq!(late.await.unwrap(), RegisterOutcome::Aborted);

    let events = catalog.events(&scope, &EventQuery::first(10)).await;
    let events = events.unwrap().into_iter();
    assert_eq!(
        events.map(|it| it.body.event_type).collect::<Vec<_>>(),
        [
            EventType::RawAssetPresigned,
            EventType::RawAssetUploadAborted
        ]
    );
}

fn bytes() -> String {
    format!("\\x{}", "01".repeat(32))
}

fn event(intent: &UploadIntent, event_type: &str) -> Value {
    json!({
        "asset_id": intent.asset_id.to_string(), "event_type": event_type, "occurred_at": 1,
        "facts_salt": bytes(), "facts": "{}", "facts_digest": bytes(),
        "personal_salt": bytes(), "personal": "{}", "personal_digest": bytes(),
    })
}

/// Of several aborts one is an event, and what the group registers is not aborted.
#[tokio::test]
async fn of_a_group_registrations_come_before_aborts() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let uploads = [1, 2, 3].map(|n| sample::intent_in_parts(&scope, sample::asset_id(n)));
    for intent in &uploads {
        presign(&catalog, intent).await;
    }
    let [done, gone, _open] = &uploads;
    let asset = json!({
        "asset_id": done.asset_id.to_string(), "filename": done.facts.filename.as_str(),
        "content_type": done.facts.content_type.as_str(),
        "size_bytes": done.facts.size_bytes.get(), "sha256": bytes(), "pii_flags": [],
        "train_ok": true, "registered_by": "u", "imported_at": 1, "provenance_digest": bytes(),
        "integrity_level": "s3_composite_sha256", "integrity_parts": 3, "integrity_etag": "e",
    });
    let abort = |n, of| json!({ "n": n, "event": event(of, "raw_asset_upload_aborted") });
    let group = json!({
        "store": { "endpoint": "", "region": "r", "buckets": [], "key_layout": 1 },
        "scopes": [{
            "tenant_id": "t_a", "env": "dev", "max_presigns": 100, "intents": [], "repeats": [],
            "registrations": [{
                "n": 0, "bucket": done.address.bucket.as_str(), "asset": asset, "labels": {},
                "parents": [], "event": event(done, "raw_asset_registered"),
            }],
            "aborts": [abort(1, done), abort(2, gone), abort(3, gone)],
            "work": [],
        }],
        "leases": [], "progress": [], "retries": [],
    });
    let mut raw = home.raw().await;
    let written: String = sqlx::query_scalar("SELECT write_v1($1::json, false)::text")
        .bind(group.to_string())
        .fetch_one(&mut raw)
        .await
        .unwrap();
    let mut written: Vec<(u64, String)> = serde_json::from_str(&written).unwrap();
    written.sort_unstable();
    let outcomes = written.iter().map(|(_, outcome)| &**outcome);
    assert_eq!(
        outcomes.collect::<Vec<_>>(),
        ["registered", "not_pending", "recorded", "recorded"]
    );
    let scope = "SELECT last_sequence, open_count, open_bytes FROM scope";
    let counts: (i64, i64, i64) = sqlx::query_as(scope)
        .fetch_one(&mut home.admin().await)
        .await
        .unwrap();
    let size = i64::try_from(sample::CONTENT.len()).unwrap();
    assert_eq!(counts, (5, 1, size));
}

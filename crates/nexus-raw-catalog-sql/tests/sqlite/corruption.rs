use std::error::Error;

use nexus_raw::{
    event::StoredEvent,
    ports::{AssetCatalog, CatalogError, EventOutbox, EventQuery},
};
use nexus_raw_testkit::{sample, steps::presign_and_register};

use crate::support::Home;

/// Returns the source of a corruption, which does not contain the value of the column.
fn source_of<T: std::fmt::Debug>(answer: Result<T, CatalogError>) -> String {
    match answer {
        Err(error @ CatalogError::Corrupt(_)) => error.source().unwrap().to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unreadable_record_is_reported_by_its_column() {
    for (sql, column) in [
        (
            "UPDATE asset SET content_type = 'secret'",
            "asset.content_type",
        ),
        ("UPDATE asset SET filename = '../secret'", "asset.filename"),
        ("UPDATE asset SET filename = NULL", "asset.filename"),
        ("UPDATE asset SET size_bytes = -1", "asset.size_bytes"),
        (
            "UPDATE asset SET registered_by = NULL",
            "asset.registered_by",
        ),
        ("UPDATE asset SET longitude = NULL", "asset.longitude"),
        ("UPDATE asset SET sha256 = x'00'", "asset.sha256"),
        ("UPDATE asset SET key_layout = 2", "asset.key_layout"),
        ("UPDATE asset SET latitude = 91.5", "asset.latitude"),
        (
            "UPDATE asset SET captured_at = 999999999999999999",
            "asset.captured_at",
        ),
        (
            "UPDATE asset SET captured_offset_minutes = 99999",
            "asset.captured_offset_minutes",
        ),
        (
            "UPDATE asset SET pii_flags = '[\"secret\"]'",
            "asset.pii_flags",
        ),
        ("UPDATE asset SET train_ok = 2", "asset.train_ok"),
        (
            "UPDATE asset SET integrity_level = 'secret'",
            "asset.integrity_level",
        ),
        (
            "UPDATE asset_label SET label = 'SECRET' WHERE label = 'camera'",
            "asset_label.value",
        ),
        // each is readable but differs from the registered value
        (
            "UPDATE asset_label SET value = 'secret'",
            "asset.provenance_digest",
        ),
        ("DELETE FROM asset_label", "asset.provenance_digest"),
        ("UPDATE asset SET train_ok = 0", "asset.provenance_digest"),
        (
            "UPDATE asset SET activity = 'secret'",
            "asset.provenance_digest",
        ),
    ] {
        let home = Home::new();
        let catalog = home.open().await;
        let scope = sample::scope("t_a", "dev");
        let intent = sample::intent(&scope, sample::asset_id(1));
        let new = presign_and_register(&catalog, &intent, sample::provenance()).await;
        home.tamper(sql).await;
        let expected = format!("column {column} holds an invalid value");
        let found = catalog.find_asset(&scope, intent.asset_id).await;
        assert_eq!(source_of(found), expected, "{sql}");
        let found = catalog.find_intent(&scope, intent.asset_id).await;
        assert_eq!(source_of(found), expected, "{sql}");
        assert_eq!(source_of(catalog.register(new).await), expected, "{sql}");
    }
}

#[tokio::test]
async fn an_unreadable_intent_is_reported_by_its_column() {
    for (sql, column) in [
        (
            "UPDATE upload_intent SET requested_by = 'a' || char(10)",
            "requested_by",
        ),
        (
            "UPDATE upload_intent SET requested_at = 999999999999999999",
            "requested_at",
        ),
        ("UPDATE upload_intent SET state = 'secret'", "state"),
        ("UPDATE upload_intent SET state = 'pending'", "state"),
        ("UPDATE upload_intent SET sha256 = x''", "sha256"),
        ("UPDATE upload_intent SET sha256 = NULL", "sha256"),
        ("UPDATE upload_intent SET state = 'aborted'", "state"),
        ("UPDATE upload_intent SET kind = 'secret'", "kind"),
        (
            "UPDATE upload_intent SET kind = 'multipart'",
            "part_size_bytes",
        ),
        ("UPDATE object_store SET bucket = 'S'", "bucket"),
    ] {
        let home = Home::new();
        let catalog = home.open().await;
        let scope = sample::scope("t_a", "dev");
        let intent = sample::intent(&scope, sample::asset_id(1));
        presign_and_register(&catalog, &intent, sample::provenance()).await;
        home.tamper(sql).await;
        let found = catalog.find_intent(&scope, intent.asset_id).await;
        let expected = format!("column upload_intent.{column} holds an invalid value");
        assert_eq!(source_of(found), expected, "{sql}");
    }
}

#[tokio::test]
async fn a_changed_event_is_reported_by_its_column_to_every_reader() {
    for (sql, column) in [
        (
            "UPDATE event SET personal = replace(personal, 'u_demo', 'u_evil')",
            "personal_digest",
        ),
        (
            "UPDATE event SET facts = replace(facts, 'image', 'audio')",
            "facts_digest",
        ),
        ("UPDATE event SET facts_salt = zeroblob(32)", "facts_digest"),
        (
            "UPDATE event SET facts_digest = zeroblob(32)",
            "facts_digest",
        ),
        (
            "UPDATE event SET personal_salt = facts_salt",
            "personal_digest",
        ),
        ("UPDATE event SET facts_salt = NULL, facts = NULL", "facts"),
        (
            "UPDATE event SET personal_salt = NULL, personal = NULL",
            "personal",
        ),
        // the texts of two events, each of which is valid
        (
            "UPDATE event SET facts = other.facts, facts_salt = other.facts_salt,
                facts_digest = other.facts_digest
             FROM event other WHERE other.sequence = 3 - event.sequence",
            "facts",
        ),
        ("UPDATE event SET event_id = zeroblob(16)", "event_id"),
        (
            "UPDATE event SET sequence = sequence + 5 WHERE sequence = 2",
            "event_id",
        ),
    ] {
        let home = Home::new();
        let catalog = home.open().await;
        let scope = sample::scope("t_a", "dev");
        let intent = sample::intent(&scope, sample::asset_id(1));
        presign_and_register(&catalog, &intent, sample::provenance()).await;
        home.tamper(sql).await;
        let expected = format!("column event.{column} holds an invalid value");
        let of_asset = catalog
            .events(&scope, &EventQuery::first(1000).of_asset(intent.asset_id))
            .await;
        assert_eq!(source_of(of_asset), expected, "{sql}");
        let feed = catalog.events(&scope, &EventQuery::first(10)).await;
        assert_eq!(source_of(feed), expected, "{sql}");
        let relay = catalog.undelivered(&sample::sink_name(), 10, &[]).await;
        assert_eq!(source_of(relay), expected, "{sql}");
    }
}

#[tokio::test]
async fn one_corrupt_record_does_not_stop_the_others() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let [spoilt, sound] = [1, 2].map(|n| sample::intent(&scope, sample::asset_id(n)));
    let spoilt_record = presign_and_register(&catalog, &spoilt, sample::provenance()).await;
    home.tamper("UPDATE asset SET train_ok = 0").await;
    let event = sample::presigned(&sound);
    let (refused, recorded) = tokio::join!(
        catalog.register(spoilt_record),
        catalog.record_intent(sound.clone(), event)
    );
    source_of(refused);
    recorded.unwrap();
    assert_eq!(
        catalog
            .undelivered(&sample::sink_name(), 10, &[])
            .await
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn a_digest_can_be_computed_from_salt_and_text() {
    use sha2::{Digest, Sha256};

    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let new = presign_and_register(&catalog, &intent, sample::provenance()).await;
    let texts = "SELECT facts_salt, facts, facts_digest FROM event
        UNION ALL SELECT personal_salt, personal, personal_digest FROM event";
    let rows: Vec<(Vec<u8>, String, Vec<u8>)> = sqlx::query_as(texts)
        .fetch_all(&mut home.raw().await)
        .await
        .unwrap();
    let [presigned, registered] =
        [sample::presigned(&intent), new.event].map(|event| StoredEvent::of(&event).unwrap());
    let texts = [
        presigned.facts,
        registered.facts,
        presigned.personal,
        registered.personal,
    ];
    assert_eq!(rows.len(), 4);
    for ((salt, text, digest), expected) in rows.iter().zip(texts) {
        assert_eq!(*text, expected);
        let computed = Sha256::digest([salt, text.as_bytes()].concat());
        assert_eq!(digest[..], computed[..]);
    }
    assert_ne!(rows[0].0, rows[1].0);
}

use nexus_raw::{
    asset::Provenance,
    ports::{AssetCatalog, AssetFilter, AssetQuery},
    tenancy::UserId,
};
use nexus_raw_testkit::{sample, steps::presign_and_register};

use crate::support::Home;

/// Adds 20,000 registrations with another name after the existing one, which has sequence 2.
const MANY_ABOVE: &str = "
    PRAGMA foreign_keys = OFF;
    CREATE TEMP TABLE copy AS SELECT * FROM asset;
    WITH RECURSIVE n (sequence) AS (
        SELECT 3 UNION ALL SELECT sequence + 1 FROM n WHERE sequence < 20002
    )
    INSERT INTO asset SELECT tenant_id, env, randomblob(16), n.sequence, object_store_id,
        key_layout, 'hay.jpg', content_type, size_bytes, sha256, captured_at,
        captured_offset_minutes, latitude, longitude, altitude_m, accuracy_m, source_uri, activity,
        pii_flags, train_ok, train_ok_effective, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, registered_by, imported_at, provenance_digest,
        integrity_level, integrity_parts, integrity_version_id, integrity_etag, erased_at
    FROM copy CROSS JOIN n;
    UPDATE scope SET last_sequence = 20002";

/// Even if few of many registrations match, a page reads a bounded number of rows, and the next one
/// continues where it stopped.
#[tokio::test]
async fn a_page_reads_at_most_ten_thousand_registrations() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let needle = sample::intent(&scope, sample::asset_id(1));
    presign_and_register(&catalog, &needle, Provenance::default()).await;
    catalog.close().await;
    let mut raw = home.raw().await;
    sqlx::raw_sql(MANY_ABOVE).execute(&mut raw).await.unwrap();
    drop(raw);
    let catalog = home.open().await;

    let mut by_order = AssetFilter::default();
    by_order.filename_prefix = Some("DSCN".to_owned());
    let mut by_user = by_order.clone();
    by_user.registered_by = UserId::parse(needle.requested_by.as_str()).ok();
    for filter in [by_order, by_user] {
        let mut pages = Vec::new();
        let mut before = None;
        loop {
            let query = AssetQuery::newest(filter.clone(), 100).before(before);
            let page = catalog.assets(&scope, &query).await.unwrap();
            pages.push((page.assets.len(), page.next));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(pages, [(0, Some(10_003)), (0, Some(3)), (1, None)]);
    }
    // with an index the match is found directly
    let mut by_name = AssetFilter::default();
    by_name.filename = Some(needle.facts.filename.to_string());
    let query = AssetQuery::newest(by_name, 100);
    let page = catalog.assets(&scope, &query).await.unwrap();
    assert_eq!((page.assets.len(), page.next), (1, None));
}

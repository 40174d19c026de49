use std::fs;

use nexus_raw::ports::{AssetCatalog, CatalogError, IntentState, KeyedOutcome, RepeatOutcome};
use nexus_raw_testkit::{
    sample,
    steps::{outlive_a_key_and_a_digest, presign, register_a_family},
};

use crate::support::Home;

/// Callers may put secrets into keys, so the files must not contain them.
#[tokio::test]
async fn no_file_of_the_catalogue_contains_a_key() {
    const NAME: &str = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let key = sample::key(&scope, NAME);
    let intent = sample::intent(&scope, sample::asset_id(1));
    let new = sample::keyed(&key, &intent);
    let outcome = catalog.record_keyed_intent(new).await.unwrap();
    assert_eq!(outcome, KeyedOutcome::Recorded);
    let mut looked_at = 0;
    for entry in fs::read_dir(home.file().parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let has = |text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
        assert!(!has(NAME), "{}", path.display());
        looked_at += usize::from(has(&key.key.digest().to_string()));
    }
    assert!(
        looked_at > 0,
        "the digest is in no file, so none was looked at"
    );
}

/// A repeat opens no intent, and quotas count intents.
#[tokio::test]
async fn a_scope_counts_a_repeatedly_presigned_intent_once() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let key = sample::key(&scope, "k");
    let intent = sample::intent(&scope, sample::asset_id(1));
    for number in 1..=3 {
        let late = sample::intent(&scope, sample::asset_id(number));
        let new = sample::keyed(&key, &late);
        catalog.record_keyed_intent(new).await.unwrap();
        let again = sample::presigned(&intent);
        let outcome = catalog.record_repeated_presign(again).await.unwrap();
        assert_eq!(outcome, RepeatOutcome::Recorded);
    }
    let counts: (i64, i64, i64) =
        sqlx::query_as("SELECT last_sequence, open_count, open_bytes FROM scope")
            .fetch_one(&mut home.raw().await)
            .await
            .unwrap();
    let size = i64::try_from(sample::CONTENT.len()).unwrap();
    assert_eq!(counts, (4, 1, size));
}

#[tokio::test]
async fn training_is_allowed_if_a_record_and_all_its_ancestors_allow_it() {
    let home = Home::new();
    let catalog = home.open().await;
    let expected = register_a_family(&catalog, &sample::scope("t_a", "dev")).await;
    let effective = "SELECT train_ok_effective FROM asset ORDER BY registered_sequence";
    let effective: Vec<bool> = sqlx::query_scalar(effective)
        .fetch_all(&mut home.raw().await)
        .await
        .unwrap();
    assert_eq!(effective, expected);
}

#[tokio::test]
async fn ended_keys_and_digests_are_removed() {
    let home = Home::new();
    let catalog = home.open().await;
    outlive_a_key_and_a_digest(&catalog, &sample::scope("t_a", "dev")).await;
    let rows = "SELECT (SELECT count(*) FROM idempotency), (SELECT count(*) FROM object_digest)";
    let rows: (i64, i64) = sqlx::query_as(rows)
        .fetch_one(&mut home.raw().await)
        .await
        .unwrap();
    assert_eq!(rows, (1, 0));
}

/// A row that was changed directly is reported as corrupt.
#[tokio::test]
async fn a_key_without_its_intent_is_corrupt_and_affects_no_other_key() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let key = sample::key(&scope, "k");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let new = sample::keyed(&key, &intent);
    catalog.record_keyed_intent(new).await.unwrap();
    home.tamper("UPDATE idempotency SET asset_id = zeroblob(16)")
        .await;
    let found = catalog.find_key(&key, sample::now()).await;
    let Err(CatalogError::Corrupt(column)) = found else {
        panic!("{found:?}");
    };
    assert_eq!(
        column.to_string(),
        "column idempotency.asset_id holds an invalid value"
    );
    home.tamper("UPDATE idempotency SET body_digest = x'00'")
        .await;
    let found = catalog.find_key(&key, sample::now()).await;
    let Err(CatalogError::Corrupt(column)) = found else {
        panic!("{found:?}");
    };
    assert_eq!(
        column.to_string(),
        "column idempotency.body_digest holds an invalid value"
    );
    let next = sample::intent(&scope, sample::asset_id(2));
    presign(&catalog, &next).await;
    assert_eq!(
        catalog.find_intent(&scope, next.asset_id).await.unwrap(),
        Some(IntentState::Pending(next))
    );
}

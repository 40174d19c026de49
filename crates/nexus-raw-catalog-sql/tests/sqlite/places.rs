use nexus_raw::{
    asset::{BucketName, ObjectAddress, Provenance, UploadIntent},
    ports::{AssetCatalog, IntentState},
    tenancy::Scope,
};
use nexus_raw_testkit::{
    sample,
    steps::{presign, presign_and_register},
};

use crate::support::{Home, open};

fn intent_in(bucket: &str, scope: &Scope, number: u64) -> UploadIntent {
    let intent = sample::intent(scope, sample::asset_id(number));
    UploadIntent {
        address: ObjectAddress {
            bucket: BucketName::parse(bucket).unwrap(),
            ..intent.address
        },
        ..intent
    }
}

#[tokio::test]
async fn another_bucket_does_not_move_existing_assets() {
    let home = Home::new();
    let scope = sample::scope("t_a", "dev");
    let [old_record, old_intent] = [1, 2].map(|n| intent_in("old-bucket", &scope, n));
    let new_record = intent_in("new-bucket", &scope, 3);

    let bucket = BucketName::parse("old-bucket").unwrap();
    let catalog = open(&home.file(), bucket).await.unwrap();
    presign_and_register(&catalog, &old_record, Provenance::default()).await;
    presign(&catalog, &old_intent).await;
    catalog.close().await;

    let bucket = BucketName::parse("new-bucket").unwrap();
    let catalog = open(&home.file(), bucket).await.unwrap();
    presign_and_register(&catalog, &new_record, Provenance::default()).await;
    // an intent is registered in the bucket of its presign
    let late = sample::new_asset(&old_intent, Provenance::default());
    catalog.register(late).await.unwrap();

    for intent in [&old_record, &old_intent, &new_record] {
        let found = catalog.find_asset(&scope, intent.asset_id).await.unwrap();
        assert_eq!(*found.unwrap().asset.address(), intent.address);
        let state = catalog.find_intent(&scope, intent.asset_id).await.unwrap();
        let Some(IntentState::Registered { intent: found, .. }) = state else {
            panic!("{state:?}");
        };
        assert_eq!(found, *intent);
    }
    let stores: Vec<(String, String, String)> =
        sqlx::query_as("SELECT endpoint, region, bucket FROM object_store ORDER BY 3")
            .fetch_all(&mut home.raw().await)
            .await
            .unwrap();
    let store = |bucket: &str| (String::new(), "eu-west-1".to_owned(), bucket.to_owned());
    assert_eq!(stores, [store("new-bucket"), store("old-bucket")]);
}

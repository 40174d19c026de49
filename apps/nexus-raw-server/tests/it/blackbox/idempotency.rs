//! `Idempotency-Key` on the program itself.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{caller::Upload, house::House, machine::photograph};

const NAME: &str = "DSCN0010.jpg";

pub(crate) async fn a_key_finds_its_asset_again_after_races_and_restarts(house: impl House) {
    let photo = photograph(NAME);
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let racing = (0..99).map(|_| caller.presign_keyed("holiday-1", NAME, &photo));
    let uploads: Vec<_> = join_all(racing).await.iter().map(Upload::of).collect();
    let asset_id = &uploads[0].asset_id;
    assert!(uploads.iter().all(|it| it.asset_id == *asset_id));
    server.kill();

    let server = house.start();
    let caller = caller.at(&server);
    let again = Upload::of(&caller.presign_keyed("holiday-1", NAME, &photo).await);
    assert_eq!(again.asset_id, *asset_id);
    let reused = caller.presign_keyed("holiday-1", "other.jpg", &photo).await;
    let refusal = (
        422,
        "idempotency-key-reused".to_owned(),
        vec![String::new()],
    );
    assert_eq!(reused.problem(), refusal);
    let stranger = house.owner_of("t_demo2", &server);
    let foreign = Upload::of(
        &stranger
            .presign_keyed("holiday-1", "other.jpg", &photo)
            .await,
    );
    assert_ne!(foreign.asset_id, *asset_id);

    assert_eq!(again.put(&photo).await, 200);
    let statement = json!({"asset_id": asset_id});
    assert_eq!(caller.register(&statement).await.status, 201);
    let late = caller.presign_keyed("holiday-1", NAME, &photo).await;
    assert_eq!(late.problem(), (409, "asset-conflict".to_owned(), vec![]));
    let location = format!("/nexus/raw/{asset_id}");
    assert_eq!(late.header("location"), Some(&*location));

    let events = caller.get(&format!("{location}/events")).await.json();
    let events: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["sequence"].as_u64().unwrap(),
                it["event_type"].as_str().unwrap(),
            )
        })
        .collect();
    let mut expected: Vec<_> = (1..=100).map(|n| (n, "raw_asset_presigned")).collect();
    expected.push((101, "raw_asset_registered"));
    assert_eq!(events, expected);
}

pub(crate) async fn a_key_is_free_when_the_time_to_upload_is_over(house: impl House) {
    let photo = photograph(NAME);
    let server = house.start_with(&[
        ("STORAGE__PRESIGN_TTL_SECONDS", "1"),
        ("STORAGE__INTENT_TTL_SECONDS", "1"),
    ]);
    let caller = house.owner_of("t_demo", &server);
    let first = Upload::of(&caller.presign_keyed("k", NAME, &photo).await);
    let freed = timeout(Duration::from_secs(10), async {
        loop {
            let answer = caller.presign_keyed("k", "other.jpg", &photo).await;
            if answer.status == 200 {
                return Upload::of(&answer);
            }
            assert_eq!(answer.problem().1, "idempotency-key-reused");
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert_ne!(freed.await.unwrap().asset_id, first.asset_id);
}

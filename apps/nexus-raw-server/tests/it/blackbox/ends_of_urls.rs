//! Ends of URLs and of intents. Time itself is the rule here, so it has to pass.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{caller::Upload, house::House, machine::photograph};

const PATIENCE: Duration = Duration::from_secs(30);

/// Gives the end of a URL of one second, and of an intent of two, time to have come: signatures
/// and intents count whole seconds.
async fn let_two_seconds_end() {
    tokio::time::sleep(Duration::from_millis(2_100)).await;
}

pub(crate) async fn after_its_end_a_url_opens_nothing_and_neither_does_its_intent(
    house: impl House,
) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start_with(&[
        ("STORAGE__PRESIGN_TTL_SECONDS", "1"),
        ("STORAGE__INTENT_TTL_SECONDS", "2"),
    ]);
    let caller = house.owner_of("t_demo", &server);
    let late = caller.presign("DSCN0010.jpg", &photo).await;
    let in_time: Upload = {
        let begun = Instant::now();
        loop {
            // a busy machine may let a second go by before the bytes are there
            let upload = caller.presign("DSCN0010.jpg", &photo).await;
            if upload.put(&photo).await == 200 {
                break upload;
            }
            assert!(begun.elapsed() < PATIENCE);
        }
    };
    let_two_seconds_end().await;
    assert_eq!(late.put(&photo).await, 403);
    let ended = caller.register(&json!({"asset_id": late.asset_id})).await;
    assert_eq!(ended.problem(), (410, "upload-expired".to_owned(), vec![]));
    // what arrived in time is registered even late
    let answer = caller
        .register(&json!({"asset_id": in_time.asset_id}))
        .await;
    assert_eq!(answer.status, 201);
}

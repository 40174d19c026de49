use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::{caller::Caller, house::House, machine::photograph};

/// Pulls from one place on, page after page, and waits for what is not there yet.
async fn follow(caller: &Caller, until: impl Fn(u64) -> bool) -> Vec<Value> {
    let mut followed: Vec<Value> = Vec::new();
    let mut last = 0;
    while !until(last) {
        let target = format!("/nexus/raw/events?after={last}&limit=7&wait_seconds=5");
        let answer = caller.get(&target).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        for event in answer.json()["events"].as_array().unwrap() {
            last += 1;
            assert_eq!(event["sequence"], last);
            followed.push(event.clone());
        }
    }
    followed
}

pub(crate) async fn who_pulls_hears_of_everything_once_in_order_and_of_nothing_else(
    house: impl House,
) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let stranger = house.owner_of("t_demo2", &server);
    let work = join_all((0..8).map(|_| async {
        stranger.put("DSCN0010.jpg", &photo).await;
        caller.put("DSCN0010.jpg", &photo).await
    }));
    let (followed, records) = join(follow(&caller, |last| last == 16), work).await;
    // the log sink has the same
    let mut logged = server.events(32);
    logged.retain(|event| event["tenant_id"] == "t_demo");
    assert_eq!(followed, logged);
    let registered = followed
        .iter()
        .filter(|it| it["event_type"] == "raw_asset_registered");
    let mut registered: Vec<_> = registered.map(|it| it["asset_id"].clone()).collect();
    let mut written: Vec<_> = records
        .iter()
        .map(|it| it.json()["asset_id"].clone())
        .collect();
    registered.sort_by_key(Value::to_string);
    written.sort_by_key(Value::to_string);
    assert_eq!(registered, written);
    // each its own, though as many happened
    assert_eq!(follow(&stranger, |last| last == 16).await.len(), 16);
    let rest = caller.get("/nexus/raw/events?after=16").await;
    assert_eq!(rest.whole(), (200, json!({"events": []})));
}

pub(crate) async fn a_place_outlives_a_restart(house: impl House) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    caller.put("DSCN0010.jpg", &photo).await;
    let before = follow(&caller, |last| last == 2).await;
    server.stop();

    let server = house.start();
    let caller = caller.at(&server);
    let began = Instant::now();
    let pull = caller.get("/nexus/raw/events?after=2&wait_seconds=20");
    let (pulled, _) = join(pull, caller.put("DSCN0010.jpg", &photo)).await;
    // long before the end of the wait, which is after 9 s
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(pulled.json()["events"][0]["sequence"], 3);
    let all = follow(&caller, |last| last == 4).await;
    assert_eq!(all[..2], before);
}

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use nexus_raw::asset::Sha256Digest;
use serde_json::json;

use crate::{caller::Caller, machine::Machine, wire::Wire};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_end_under_load_the_server_gives_whole_answers_or_none_and_keeps_each() {
    let machine = Machine::new();
    let server = machine.start();
    let caller = Caller::owner_of("t_demo", &machine, &server);
    let body = json!({"filename": "a", "size_bytes": 1, "sha256": Sha256Digest::of(b"x")});
    let stopping = AtomicBool::new(false);
    let load = (0..16).map(async |_| {
        let mut promised = Vec::new();
        loop {
            let request = caller.posting("/nexus/raw/presign-upload").json(&body);
            let Some(answer) = request.send_to_the_end().await else {
                // before the end, nobody is turned away
                assert!(stopping.load(Ordering::SeqCst));
                return promised;
            };
            assert!(answer.status == 200 && answer.is_whole(), "{answer:?}");
            promised.push(answer.json()["asset_id"].as_str().unwrap().to_owned());
        }
    });
    // neither of these holds up the end
    let mut half = Wire::open(server.address).await;
    half.say("GET /hea").await;
    let end = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        stopping.store(true, Ordering::SeqCst);
        let began = Instant::now();
        let ended = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
        (ended, began.elapsed())
    };
    let (promised, ((status, _, log), took)) =
        futures_util::future::join(join_all(load), end).await;
    assert_eq!(status.code(), Some(0), "{log:?}");
    assert!(took < Duration::from_secs(15), "{took:?}");
    let heard = half.listen(Duration::from_secs(1)).await;
    assert_eq!((heard.statuses, heard.closed), (vec![], true));

    let server = machine.start();
    let caller = caller.at(&server);
    let promised: Vec<_> = promised.into_iter().flatten().collect();
    assert!(!promised.is_empty());
    for asset_id in promised.iter().rev().take(50) {
        let told = caller.get(&format!("/nexus/raw/{asset_id}/events")).await;
        assert_eq!(told.json()["events"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_events_is_answered_at_once_when_the_server_ends() {
    let machine = Machine::new();
    let server = machine.start();
    let caller = Caller::owner_of("t_demo", &machine, &server);
    let pulls = join_all((0..8).map(|_| caller.get("/nexus/raw/events?wait_seconds=20")));
    let end = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let began = Instant::now();
        let ended = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
        (ended, began.elapsed())
    };
    let (pulled, ((status, _, log), took)) = futures_util::future::join(pulls, end).await;
    assert_eq!(status.code(), Some(0), "{log:?}");
    // long before their time, which is 9 s
    assert!(took < Duration::from_secs(5), "{took:?}");
    for answer in pulled {
        assert_eq!(answer.whole(), (200, json!({"events": []})));
    }
}
